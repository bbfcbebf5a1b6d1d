/** Training: data sets, augmentation, optimisers, schedules, the loop and its checkpoints, evaluation. */
export * from './augment.js';
export { type Origin, readCheckpoint, saveWhole, writeCheckpoint } from './checkpoint.js';
export { readCifar10 } from './cifar10.js';
export * from './dataset.js';
export { readData } from './datasets.js';
export * from './evaluate.js';
export * from './gradients.js';
export * from './losses.js';
export { readMnist } from './mnist.js';
export * from './network.js';
export * from './optimizers.js';
export * from './parameters.js';
export { type PictureFolderOptions, readPictureFolder } from './pictureFolder.js';
export * from './programs.js';
export * from './recipe.js';
export { type Report, reportHtml } from './report.js';
export * from './schedules.js';
export * from './train.js';
