/**
 * Training in memory: data sets, augmentation, optimisers, schedules, the loop and its checkpoints, evaluation. Runs in pages and workers, without
 * cross-origin isolation, and gives the bits that it gives in Node. `index.node.ts` adds folders and threads.
 */
export type { Augmentation, View } from './data/augment.js';
export type { DataSplits, Dataset, Sizing } from './data/dataset.js';
export { drawnDigits } from './data/drawn-digits.js';
export type { Example } from './data/examples.js';
export { limited } from './data/limit.js';
export { datasetOf, type LabelledPicture, type PictureDatasetOptions } from './data/picture-dataset.js';
export { type Origin, readCheckpoint, writeCheckpoint } from './loop/checkpoint.js';
export { type Counts, type EvaluateOptions, type Evaluation, evaluate } from './loop/evaluate.js';
export type { FitOptions } from './loop/fit.js';
export { createOptimizer, type Optimizer, type OptimizerKind, type OptimizerOptions } from './loop/optimizers.js';
export { type Recipe, type ResolutionPhase, recipeWith } from './loop/recipe.js';
export { type Report, reportHtml } from './loop/report.js';
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
export { profileStep, type TrainingOperationTime } from './profile.js';
export { createProgram, type EngineName } from './programs.js';
export type { ForwardPass, Mode, NetworkGradients } from './step/gradients.js';
export { type CrossEntropy, crossEntropy, withoutSoftmax } from './step/losses.js';
export { type ParameterLayout, packParameters, parameterLayout, type Role, type Slot } from './step/parameters.js';
export { type TeachingOptions, withTeachers } from './transfer/distillation.js';
export { nearestNeighbours } from './transfer/nearest-neighbours.js';
export { type TrainingNetworkOptions, trainingNetwork } from './transfer/network.js';
export { trainHead, withHead } from './transfer/train-head.js';
export { type ClassResult, type TransferOptions, type Transferred, trainClassifier } from './transfer/transfer.js';
export { unfolded } from './transfer/unfold.js';
export { widened } from './transfer/widen.js';
