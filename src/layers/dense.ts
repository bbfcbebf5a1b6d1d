/**
 * Fully connected layer on the last axis, the classifier at the end of both papers' networks:
 *
 *   y[…, u] = bias[u] + Σ_c x[…, c] · K[c, u]
 *
 * x is [N, C] (or has more axes before C), K is [C, U], y is [N, U].
 *
 * Backward:
 *
 *   dx[…, c]  = Σ_u dy[…, u] · K[c, u]
 *   dK[c, u]  = Σ_… x[…, c] · dy[…, u]
 *   dbias[u]  = Σ_… dy[…, u]
 */
import { type Shape, sizeOf, type Tensor, tensorLike, zerosLike } from '../tensor.js';
import { expectChannels, expectCount, expectGradient, expectOne, expectWeights } from './expect.js';
import { type Cost, countParams, type Gradients } from './layer.js';

export interface DenseAttributes {
  readonly units: number;
  readonly bias: boolean;
}

export interface DenseWeights {
  readonly kernel: Tensor;
  readonly bias?: Tensor;
}

export function weightShapes(inputs: readonly Shape[], { units, bias }: DenseAttributes) {
  const kernel: Shape = [expectChannels('dense', expectOne('dense', inputs)), units];
  return bias ? { kernel, bias: [units] } : { kernel };
}

export function outputShape(inputs: readonly Shape[], { units }: DenseAttributes): Shape {
  const x = expectOne('dense', inputs);
  expectChannels('dense', x);
  return [...x.slice(0, -1), expectCount('dense', 'units', units)];
}

/** C · U multiply-adds for each row of C numbers. */
export function cost(inputs: readonly Shape[], attributes: DenseAttributes): Cost {
  const weights = weightShapes(inputs, attributes);
  const rows = sizeOf(outputShape(inputs, attributes).slice(0, -1));
  const params = countParams(weights);
  return { multiplyAdds: sizeOf(weights.kernel) * rows, trainable: params, stored: params };
}

export function forward(inputs: readonly Tensor[], weights: DenseWeights, attributes: DenseAttributes): Tensor {
  const x = expectOne('dense', inputs);
  const y = zerosLike(x, outputShape([x.shape], attributes));
  const { kernel, bias } = expectWeights('dense', weights, weightShapes([x.shape], attributes));
  const [C, U] = kernel.shape;
  const K = kernel.data;
  const sums = new Float64Array(U);

  for (let row = 0; row < x.data.length / C; row++) {
    for (let u = 0; u < U; u++) sums[u] = bias ? bias.data[u] : 0;
    for (let c = 0; c < C; c++) {
      const value = x.data[row * C + c];
      for (let u = 0; u < U; u++) sums[u] += value * K[c * U + u];
    }
    for (let u = 0; u < U; u++) y.data[row * U + u] = sums[u];
  }
  return y;
}

export function backward(
  outputGradient: Tensor,
  inputs: readonly Tensor[],
  weights: DenseWeights,
  attributes: DenseAttributes,
): Gradients {
  const x = expectOne('dense', inputs);
  const dy = expectGradient('dense', outputGradient, outputShape([x.shape], attributes)).data;
  const { kernel, bias } = expectWeights('dense', weights, weightShapes([x.shape], attributes));
  const [C, U] = kernel.shape;
  const K = kernel.data;
  const dx = new Float64Array(x.data.length);
  const dK = new Float64Array(K.length);
  const dBias = new Float64Array(U);

  for (let row = 0; row < x.data.length / C; row++) {
    for (let u = 0; u < U; u++) dBias[u] += dy[row * U + u];
    for (let c = 0; c < C; c++) {
      for (let u = 0; u < U; u++) {
        dx[row * C + c] += dy[row * U + u] * K[c * U + u];
        dK[c * U + u] += x.data[row * C + c] * dy[row * U + u];
      }
    }
  }
  return {
    inputs: [tensorLike(x, x.shape, dx)],
    weights: { kernel: tensorLike(x, kernel.shape, dK), ...(bias && { bias: tensorLike(x, bias.shape, dBias) }) },
  };
}
