/**
 * The kinds that compute something else while a network is trained, and how. All others compute what `forward` does, and `backward` gives
 * their gradients.
 */
import type { Tensor } from '../tensor.js';
import type { BatchNormAttributes, BatchNormWeights } from './batchNorm.js';
import * as batchNorm from './batchNormTraining.js';
import type { DropoutAttributes } from './dropout.js';
import * as dropout from './dropoutTraining.js';
import type { Gradients } from './layer.js';

/** What one layer gives in one step of training. */
export interface TrainingPass {
  readonly y: Tensor;
  readonly backward: (dy: Tensor) => Gradients;
  /** What the moving statistics gather, by weight name. */
  readonly statistics?: Readonly<Record<string, Tensor>>;
}

/** `seed` is for a kind that draws random numbers. */
export type Training<Attributes, Weights> = (
  inputs: readonly Tensor[],
  weights: Weights,
  attributes: Attributes,
  seed: number,
) => TrainingPass;

const batchNormPass: Training<BatchNormAttributes, BatchNormWeights> = (inputs, weights, attributes) => {
  const { y, mean, variance } = batchNorm.forwardTraining(inputs, weights, attributes);
  const m = y.data.length / mean.data.length;
  const unbiased = { shape: variance.shape, data: variance.data.map((value) => (value * m) / Math.max(m - 1, 1)) };
  return {
    y,
    backward: (dy) => batchNorm.backwardTraining(dy, inputs, weights, attributes),
    statistics: { movingMean: mean, movingVariance: unbiased },
  };
};

const dropoutPass: Training<DropoutAttributes, object> = (inputs, _, attributes, seed) => {
  const mask = dropout.maskOf(inputs[0].shape, attributes, seed);
  return {
    y: dropout.forwardTraining(inputs, mask),
    backward: (dy) => dropout.backwardTraining(dy, inputs, mask),
  };
};

export const training = { batchNorm: batchNormPass, dropout: dropoutPass };
