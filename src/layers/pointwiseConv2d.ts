/**
 * Pointwise convolution, the 1×1 convolution that mixes channels after a depthwise one (§3.1 of arXiv:1704.04861; the second
 * term of eq. 5 is its cost):
 *
 *   G[n, k, l, o] = bias[o] + Σ_m F[n, k, l, m] · K[m, o]
 *
 * F is [N, H, W, M], K is [M, O], G is [N, H, W, O].
 *
 * Backward, two matrix products: dF = dG · Kᵀ and dK = Fᵀ · dG over all positions:
 *
 *   dF[n, k, l, m]  = Σ_o dG[n, k, l, o] · K[m, o]
 *   dK[m, o]        = Σ_{n, k, l} F[n, k, l, m] · dG[n, k, l, o]
 *   dbias[o]        = Σ_{n, k, l} dG[n, k, l, o]
 */
import { type Shape, sizeOf, type Tensor, tensorLike, zerosLike } from '../tensor.js';
import { expectCount, expectGradient, expectImage, expectOne, expectWeights } from './expect.js';
import { type Cost, countParams, type Gradients } from './layer.js';

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

export function backward(
  outputGradient: Tensor,
  inputs: readonly Tensor[],
  weights: PointwiseConv2dWeights,
  attributes: PointwiseConv2dAttributes,
): Gradients {
  const x = expectOne('pointwiseConv2d', inputs);
  const dG = expectGradient('pointwiseConv2d', outputGradient, outputShape([x.shape], attributes)).data;
  const { kernel, bias } = expectWeights('pointwiseConv2d', weights, weightShapes([x.shape], attributes));
  const [N, H, W, M] = x.shape;
  const [, O] = kernel.shape;
  const F = x.data;
  const K = kernel.data;
  const dF = new Float64Array(F.length);
  const dK = new Float64Array(K.length);
  const dBias = new Float64Array(O);

  for (let position = 0; position < N * H * W; position++) {
    for (let o = 0; o < O; o++) {
      const d = dG[position * O + o];
      dBias[o] += d;
      for (let m = 0; m < M; m++) {
        dF[position * M + m] += d * K[m * O + o];
        dK[m * O + o] += F[position * M + m] * d;
      }
    }
  }
  return {
    inputs: [tensorLike(x, x.shape, dF)],
    weights: { kernel: tensorLike(x, kernel.shape, dK), ...(bias && { bias: tensorLike(x, bias.shape, dBias) }) },
  };
}
