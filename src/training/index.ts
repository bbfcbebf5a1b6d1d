/**
 * Training in memory: data sets, augmentation, optimisers, schedules, the loop and its checkpoints, evaluation. Runs in pages and workers, without
 * cross-origin isolation, and gives the bits that it gives in Node. `index.node.ts` adds folders and threads.
 */
export type { Augmentation, View } from './data/augment.js';
export type { DataSplits, Dataset, Sizing } from './data/dataset.js';
export type { Example } from './data/examples.js';
export { datasetOf, type LabelledPicture, type PictureDatasetOptions } from './data/picture-dataset.js';
export { type Origin, readCheckpoint, writeCheckpoint } from './loop/checkpoint.js';
export { type Counts, type EvaluateOptions, type Evaluation, evaluate } from './loop/evaluate.js';
export type { FitOptions } from './loop/fit.js';
export type { OptimizerKind, OptimizerOptions } from './loop/optimizers.js';
export type { Recipe, ResolutionPhase } from './loop/recipe.js';
export type { Restart, Schedule, ScheduleOptions } from './loop/schedules.js';
export {
  type EpochMetrics,
  type StepReport,
  type Train,
  type Trained,
  type TrainHooks,
  type TrainingState,
  train,
} from './loop/train.js';
export type { TrainingTarget } from './programs.js';
export type { TeachingOptions } from './transfer/distillation.js';
export { nearestNeighbours } from './transfer/nearest-neighbours.js';
export { trainHead, withHead } from './transfer/train-head.js';
export { type ClassResult, type TransferOptions, type Transferred, trainClassifier } from './transfer/transfer.js';
