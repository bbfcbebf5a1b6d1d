/**
 * Fully connected layer on the last axis, the classifier at the end of both papers' networks:
 *
 *   y[…, u] = bias[u] + Σ_c x[…, c] · K[c, u]
 *
 * x is [N, C] (or has more axes before C), K is [C, U], y is [N, U].
 */
import { type Shape, sizeOf, type Tensor, zerosLike } from '../tensor.js';
import { expectChannels, expectCount, expectOne, expectWeights } from './expect.js';
import { type Cost, countParams } from './layer.js';

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
