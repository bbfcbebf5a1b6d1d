/** Training in Node: all that runs in a page, data sets in folders, files, and worker threads. */

export { saveWhole } from '../files/saveWhole.js';
export { readCifar10 } from './cifar10.js';
export * from './index.js';
export { readMnist } from './mnist.js';
export { readData } from './namedDatasets.js';
export { type PictureFolderOptions, readPictureFolder } from './pictureFolder.js';
export { train } from './train.node.js';
