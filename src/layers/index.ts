/** Every layer, by the name its kind has in a network. */
import * as layers from './kinds.js';

export * as backward from './backward.js';
export { type Cost, cost } from './cost.js';
export * as costs from './costs.js';
export * from './kinds.js';
export type { Backward, Facts, Gradients, KernelWeights, Layer, NoAttributes, WeightShapes } from './layer.js';
export { type Training, type TrainingPass, training } from './training.js';
export { layers };
