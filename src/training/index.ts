/**
 * Training in memory: data sets, augmentation, optimisers, schedules, the loop and its checkpoints, evaluation. Runs in pages and workers, without
 * cross-origin isolation, and gives the bits that it gives in Node. `index.node.ts` adds folders and threads.
 */
export * from './data/augment.js';
export * from './data/dataset.js';
export { drawnDigits } from './data/drawn-digits.js';
export type { Example } from './data/examples.js';
export { limited } from './data/limit.js';
export { datasetOf, type LabelledPicture, type PictureDatasetOptions } from './data/picture-dataset.js';
export { type Origin, readCheckpoint, writeCheckpoint } from './loop/checkpoint.js';
export * from './loop/evaluate.js';
export type { FitOptions } from './loop/fit.js';
export * from './loop/optimizers.js';
export * from './loop/recipe.js';
export { type Report, reportHtml } from './loop/report.js';
export * from './loop/schedules.js';
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
} from './loop/train.js';
export * from './programs.js';
export * from './step/gradients.js';
export * from './step/losses.js';
export * from './step/parameters.js';
export { type TeachingOptions, withTeachers } from './transfer/distillation.js';
export { nearestNeighbours } from './transfer/nearest-neighbours.js';
export * from './transfer/network.js';
export { HEAD_DEFAULTS, trainHead, withHead } from './transfer/train-head.js';
export * from './transfer/transfer.js';
export { unfolded } from './transfer/unfold.js';
export { widened } from './transfer/widen.js';
