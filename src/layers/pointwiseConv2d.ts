/**
 * Pointwise convolution, the 1×1 convolution that mixes channels after a depthwise one (§3.1 of arXiv:1704.04861; the second
 * term of eq. 5 is its cost):
 *
 *   G[n, k, l, o] = bias[o] + Σ_m F[n, k, l, m] · K[m, o]
 *
 * F is [N, H, W, M], K is [M, O], G is [N, H, W, O].
 */
import { type Shape, sizeOf, type Tensor, zerosLike } from '../tensor.js';
import { expectCount, expectImage, expectOne, expectWeights } from './expect.js';
import { type Cost, countParams } from './layer.js';

export interface PointwiseConv2dAttributes {
  readonly filters: number;
  readonly bias: boolean;
}

export interface PointwiseConv2dWeights {
  readonly kernel: Tensor;
  readonly bias?: Tensor;
}

export function weightShapes(inputs: readonly Shape[], { filters, bias }: PointwiseConv2dAttributes) {
  const [, , , M] = expectImage('pointwiseConv2d', expectOne('pointwiseConv2d', inputs));
  const kernel: Shape = [M, filters];
  return bias ? { kernel, bias: [filters] } : { kernel };
}

export function outputShape(inputs: readonly Shape[], { filters }: PointwiseConv2dAttributes): Shape {
  const [N, H, W] = expectImage('pointwiseConv2d', expectOne('pointwiseConv2d', inputs));
  return [N, H, W, expectCount('pointwiseConv2d', 'filters', filters)];
}

/** M · N · D_F · D_F multiply-adds (the second term of eq. 5). */
export function cost(inputs: readonly Shape[], attributes: PointwiseConv2dAttributes): Cost {
  const weights = weightShapes(inputs, attributes);
  const [N, H, W] = outputShape(inputs, attributes);
  const params = countParams(weights);
  return { multiplyAdds: sizeOf(weights.kernel) * N * H * W, trainable: params, stored: params };
}

export function forward(
  inputs: readonly Tensor[],
  weights: PointwiseConv2dWeights,
  attributes: PointwiseConv2dAttributes,
): Tensor {
  const x = expectOne('pointwiseConv2d', inputs);
  const y = zerosLike(x, outputShape([x.shape], attributes));
  const { kernel, bias } = expectWeights('pointwiseConv2d', weights, weightShapes([x.shape], attributes));
  const [N, H, W, M] = x.shape;
  const [, O] = kernel.shape;
  const F = x.data;
  const K = kernel.data;
  const G = y.data;
  const filter = new Float64Array(M);

  for (let o = 0; o < O; o++) {
    for (let m = 0; m < M; m++) filter[m] = K[m * O + o];
    for (let position = 0; position < N * H * W; position++) {
      let sum = bias ? bias.data[o] : 0;
      for (let m = 0; m < M; m++) sum += F[position * M + m] * filter[m];
      G[position * O + o] = sum;
    }
  }
  return y;
}
