/**
 * Training in memory: data sets, augmentation, optimisers, schedules, the loop and its checkpoints, evaluation. Runs in pages and workers, without
 * cross-origin isolation, and gives the bits that it gives in Node. `index.node.ts` adds folders and threads.
 */
export * from './augment.js';
export { type Origin, readCheckpoint, writeCheckpoint } from './checkpoint.js';
export * from './dataset.js';
export { type TeachingOptions, withTeachers } from './distillation.js';
export { drawnDigits } from './drawnDigits.js';
export * from './evaluate.js';
export type { Example } from './examples.js';
export type { FitOptions } from './fit.js';
export * from './gradients.js';
export { limited } from './limit.js';
export * from './losses.js';
export { nearestNeighbours } from './nearestNeighbours.js';
export * from './network.js';
export * from './optimizers.js';
export * from './parameters.js';
export { datasetOf, type LabelledPicture, type PictureDatasetOptions } from './pictureDataset.js';
export * from './programs.js';
export * from './recipe.js';
export { type Report, reportHtml } from './report.js';
export * from './schedules.js';
export {
  averagedNetwork,
  type EpochMetrics,
  initialState,
  type StepReport,
  type Train,
  type Trained,
  type TrainHooks,
  type TrainingState,
  train,
} from './train.js';
export { HEAD_DEFAULTS, trainHead, withHead } from './trainHead.js';
export * from './transfer.js';
export { unfolded } from './unfold.js';
export { widened } from './widen.js';
