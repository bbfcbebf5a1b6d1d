/**
 * Batch normalisation while a network is trained. It normalises each channel by the m numbers that the batch has of it (Algorithm 1 of
 * arXiv:1502.03167):
 *
 *   μ = (1/m) Σ x_i,   σ² = (1/m) Σ (x_i − μ)²,   x̂_i = (x_i − μ) / √(σ² + epsilon),   y_i = gamma · x̂_i + beta
 *
 * Backward through these statistics, which every x_i moves (§3 of the paper; its ∂L/∂μ has a second term, of Σ (x_i − μ) = 0):
 *
 *   dx̂_i = dy_i · gamma
 *   dσ²  = Σ dx̂_i · (x_i − μ) · (−1/2) · (σ² + epsilon)^(−3/2)
 *   dμ   = Σ dx̂_i · (−1) / √(σ² + epsilon)
 *   dx_i = dx̂_i / √(σ² + epsilon) + dσ² · 2 (x_i − μ) / m + dμ / m
 *   dgamma = Σ dy_i · x̂_i,   dbeta = Σ dy_i
 *
 * `movingMean` and `movingVariance` are neither read nor changed.
 */
import { ShapeError } from '../errors.js';
import { type Tensor, tensorLike, zerosLike } from '../tensor.js';
import { type BatchNormAttributes, type BatchNormWeights, batchNorm } from './batchNorm.js';
import { expectChannels, expectOne, expectWeights } from './expect.js';
import { defineBackward } from './layer.js';

export interface BatchNormTraining {
  readonly y: Tensor;
  /** Of the batch, [C]. */
  readonly mean: Tensor;
  /** Of the batch, [C]: divided by m, as y uses it. The moving variance gathers m / (m − 1) times this (Algorithm 2, line 10). */
  readonly variance: Tensor;
}

export function forwardTraining(
  inputs: readonly Tensor[],
  weights: BatchNormWeights,
  attributes: BatchNormAttributes,
): BatchNormTraining {
  const x = expectOne('batchNorm', inputs);
  const y = zerosLike(x, batchNorm.outputShape([x.shape], attributes));
  const { gamma, beta } = expectWeights('batchNorm', weights, batchNorm.weightShapes([x.shape], attributes));
  const { C, mean, variance } = batchStatistics(x);
  const { epsilon } = { ...batchNorm.defaults, ...attributes };

  for (let c = 0; c < C; c++) {
    const scale = gamma ? gamma.data[c] : 1;
    const shift = beta ? beta.data[c] : 0;
    const deviation = Math.sqrt(variance[c] + epsilon);
    for (let i = c; i < x.data.length; i += C) y.data[i] = (scale * (x.data[i] - mean[c])) / deviation + shift;
  }
  return { y, mean: tensorLike(x, [C], mean), variance: tensorLike(x, [C], variance) };
}

export const backwardTraining = /* @__PURE__ */ defineBackward(batchNorm, (dG, [x], { gamma }, attributes) => {
  const dy = dG.data;
  const { C, m, mean, variance } = batchStatistics(x);
  const dx = new Float64Array(x.data.length);
  const dGamma = new Float64Array(C);
  const dBeta = new Float64Array(C);

  for (let c = 0; c < C; c++) {
    const scale = gamma ? gamma.data[c] : 1;
    const deviation = Math.sqrt(variance[c] + attributes.epsilon);
    let dVariance = 0;
    let dMean = 0;
    for (let i = c; i < x.data.length; i += C) {
      const centred = x.data[i] - mean[c];
      dVariance += (dy[i] * scale * centred * -0.5) / deviation ** 3;
      dMean -= (dy[i] * scale) / deviation;
      dGamma[c] += (dy[i] * centred) / deviation;
      dBeta[c] += dy[i];
    }
    for (let i = c; i < x.data.length; i += C) {
      dx[i] = (dy[i] * scale) / deviation + (dVariance * 2 * (x.data[i] - mean[c])) / m + dMean / m;
    }
  }
  return [[dx], { ...(attributes.scale && { gamma: dGamma }), ...(attributes.center && { beta: dBeta }) }];
});

/** μ and σ² of each channel's m numbers, in float64. */
function batchStatistics(x: Tensor) {
  const C = expectChannels('batchNorm', x.shape);
  const m = x.data.length / C;
  if (m < 2) {
    throw new ShapeError(`batchNorm: training needs two or more numbers a channel, found ${m} in [${x.shape}]`);
  }
  const mean = new Float64Array(C);
  const variance = new Float64Array(C);
  for (let c = 0; c < C; c++) {
    for (let i = c; i < x.data.length; i += C) mean[c] += x.data[i] / m;
    for (let i = c; i < x.data.length; i += C) variance[c] += (x.data[i] - mean[c]) ** 2 / m;
  }
  return { C, m, mean, variance };
}
