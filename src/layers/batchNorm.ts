/**
 * Batch normalisation at inference, with the statistics that training gathered. Algorithm 2, line 11 of arXiv:1502.03167:
 *
 *   y = gamma · (x − movingMean) / √(movingVariance + epsilon) + beta,   for each channel (the last axis) by itself
 *
 * Without `scale` there is no gamma and it counts as 1; without `center` there is no beta and it counts as 0. The published
 * weights disagree about epsilon (1e-3 in TensorFlow, 1e-5 in PyTorch), so that every layer states its own.
 *
 * Backward with these frozen statistics, as in fine-tuning, x̂ being the fraction above without its gamma:
 *
 *   dx = dy · gamma / √(movingVariance + epsilon),   dgamma = Σ dy · x̂,   dbeta = Σ dy,   sums over all but the channels
 *
 * Training normalises each channel by the m numbers that the batch has of it (Algorithm 1):
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
 */
import { ShapeError } from '../errors.js';
import { type Shape, type Tensor, tensorLike, zerosLike } from '../tensor.js';
import { expectChannels, expectGradient, expectOne, expectWeights } from './expect.js';
import { type Cost, countParams, type Gradients, type WeightShapes } from './layer.js';

export interface BatchNormAttributes {
  readonly epsilon: number;
  /** Whether there is a gamma. */
  readonly scale: boolean;
  /** Whether there is a beta. */
  readonly center: boolean;
}

export interface BatchNormWeights {
  readonly gamma?: Tensor;
  readonly beta?: Tensor;
  readonly movingMean: Tensor;
  readonly movingVariance: Tensor;
}

function trainableShapes(C: number, { scale, center }: BatchNormAttributes): WeightShapes {
  return { ...(scale && { gamma: [C] }), ...(center && { beta: [C] }) };
}

export function weightShapes(inputs: readonly Shape[], attributes: BatchNormAttributes): WeightShapes {
  const C = expectChannels('batchNorm', expectOne('batchNorm', inputs));
  return { ...trainableShapes(C, attributes), movingMean: [C], movingVariance: [C] };
}

export function outputShape(inputs: readonly Shape[], { epsilon }: BatchNormAttributes): Shape {
  const x = expectOne('batchNorm', inputs);
  expectChannels('batchNorm', x);
  if (!(epsilon >= 0)) throw new ShapeError(`batchNorm: epsilon must be 0 or more, found ${epsilon}`);
  return x;
}

/** No multiply-adds: the papers fold it into the convolution before it. Training changes gamma and beta only. */
export function cost(inputs: readonly Shape[], attributes: BatchNormAttributes): Cost {
  const C = expectChannels('batchNorm', expectOne('batchNorm', inputs));
  return {
    multiplyAdds: 0,
    trainable: countParams(trainableShapes(C, attributes)),
    stored: countParams(weightShapes(inputs, attributes)),
  };
}

export function forward(inputs: readonly Tensor[], weights: BatchNormWeights, attributes: BatchNormAttributes): Tensor {
  const x = expectOne('batchNorm', inputs);
  const y = zerosLike(x, outputShape([x.shape], attributes));
  const wanted = weightShapes([x.shape], attributes);
  const { gamma, beta, movingMean, movingVariance } = expectWeights('batchNorm', weights, wanted);
  const C = movingMean.shape[0];

  for (let c = 0; c < C; c++) {
    const scale = gamma ? gamma.data[c] : 1;
    const shift = beta ? beta.data[c] : 0;
    const mean = movingMean.data[c];
    const deviation = Math.sqrt(movingVariance.data[c] + attributes.epsilon);
    for (let i = c; i < x.data.length; i += C) y.data[i] = (scale * (x.data[i] - mean)) / deviation + shift;
  }
  return y;
}

/** With frozen statistics: gradients of gamma and beta, none of the moving mean and variance. */
export function backward(
  outputGradient: Tensor,
  inputs: readonly Tensor[],
  weights: BatchNormWeights,
  attributes: BatchNormAttributes,
): Gradients {
  const x = expectOne('batchNorm', inputs);
  const dy = expectGradient('batchNorm', outputGradient, outputShape([x.shape], attributes)).data;
  const wanted = weightShapes([x.shape], attributes);
  const { gamma, movingMean, movingVariance } = expectWeights('batchNorm', weights, wanted);
  const C = movingMean.shape[0];
  const dx = new Float64Array(x.data.length);
  const dGamma = new Float64Array(C);
  const dBeta = new Float64Array(C);

  for (let c = 0; c < C; c++) {
    const scale = gamma ? gamma.data[c] : 1;
    const mean = movingMean.data[c];
    const deviation = Math.sqrt(movingVariance.data[c] + attributes.epsilon);
    for (let i = c; i < x.data.length; i += C) {
      dx[i] = (dy[i] * scale) / deviation;
      dGamma[c] += (dy[i] * (x.data[i] - mean)) / deviation;
      dBeta[c] += dy[i];
    }
  }
  return gradientsOf(x, attributes, dx, dGamma, dBeta);
}

export interface BatchNormTraining {
  readonly y: Tensor;
  /** Of the batch, [C]. */
  readonly mean: Tensor;
  /** Of the batch, [C]: divided by m, as y uses it. The moving variance gathers m / (m − 1) times this (Algorithm 2, line 10). */
  readonly variance: Tensor;
}

/** Normalises by the batch's own statistics; `movingMean` and `movingVariance` are neither read nor changed. */
export function forwardTraining(
  inputs: readonly Tensor[],
  weights: BatchNormWeights,
  attributes: BatchNormAttributes,
): BatchNormTraining {
  const x = expectOne('batchNorm', inputs);
  const y = zerosLike(x, outputShape([x.shape], attributes));
  const { gamma, beta } = expectWeights('batchNorm', weights, weightShapes([x.shape], attributes));
  const { C, mean, variance } = batchStatistics(x);

  for (let c = 0; c < C; c++) {
    const scale = gamma ? gamma.data[c] : 1;
    const shift = beta ? beta.data[c] : 0;
    const deviation = Math.sqrt(variance[c] + attributes.epsilon);
    for (let i = c; i < x.data.length; i += C) y.data[i] = (scale * (x.data[i] - mean[c])) / deviation + shift;
  }
  return { y, mean: tensorLike(x, [C], mean), variance: tensorLike(x, [C], variance) };
}

export function backwardTraining(
  outputGradient: Tensor,
  inputs: readonly Tensor[],
  weights: BatchNormWeights,
  attributes: BatchNormAttributes,
): Gradients {
  const x = expectOne('batchNorm', inputs);
  const dy = expectGradient('batchNorm', outputGradient, outputShape([x.shape], attributes)).data;
  const { gamma } = expectWeights('batchNorm', weights, weightShapes([x.shape], attributes));
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
  return gradientsOf(x, attributes, dx, dGamma, dBeta);
}

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

function gradientsOf(
  x: Tensor,
  { scale, center }: BatchNormAttributes,
  dx: Float64Array,
  dGamma: Float64Array,
  dBeta: Float64Array,
): Gradients {
  const C = dGamma.length;
  return {
    inputs: [tensorLike(x, x.shape, dx)],
    weights: {
      ...(scale && { gamma: tensorLike(x, [C], dGamma) }),
      ...(center && { beta: tensorLike(x, [C], dBeta) }),
    },
  };
}
