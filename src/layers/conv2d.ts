/**
 * Standard convolution. Eq. 1 of arXiv:1704.04861, with batch n, strides s, dilation d and padding written out:
 *
 *   G[n, k, l, o] = bias[o] + Σ_{i, j, m} F[n, k·s + i·d − top, l·s + j·d − left, m] · K[i, j, m, o]
 *
 * F is [N, H, W, M], K is [KH, KW, M, O] (HWIO), G is [N, outH, outW, O]. Positions outside F count as zero.
 *
 * Backward: every product F · K of that sum passes dG on to both of its factors. With p = k·s + i·d − top, q = l·s + j·d − left:
 *
 *   dF[n, p, q, m]  = Σ_{k, i | p} Σ_{l, j | q} Σ_o dG[n, k, l, o] · K[i, j, m, o]
 *   dK[i, j, m, o]  = Σ_{n, k, l} F[n, p, q, m] · dG[n, k, l, o]
 *   dbias[o]        = Σ_{n, k, l} dG[n, k, l, o]
 */
import { type Padding, type Pair, slideWindows } from '../padding.js';
import { type Shape, sizeOf, type Tensor, tensorLike, zerosLike } from '../tensor.js';
import { expectCount, expectGradient, expectImage, expectOne, expectWeights } from './expect.js';
import { type Cost, countParams, type Gradients } from './layer.js';

export interface Conv2dAttributes {
  readonly filters: number;
  readonly kernelSize: Pair;
  readonly strides: Pair;
  readonly dilation: Pair;
  readonly padding: Padding;
  readonly bias: boolean;
}

export interface Conv2dWeights {
  readonly kernel: Tensor;
  readonly bias?: Tensor;
}

export function weightShapes(inputs: readonly Shape[], { filters, kernelSize, bias }: Conv2dAttributes) {
  const [, , , M] = expectImage('conv2d', expectOne('conv2d', inputs));
  const kernel: Shape = [...kernelSize, M, filters];
  return bias ? { kernel, bias: [filters] } : { kernel };
}

export function outputShape(inputs: readonly Shape[], attributes: Conv2dAttributes): Shape {
  const { kernelSize, strides, dilation, padding } = attributes;
  const [N, H, W] = expectImage('conv2d', expectOne('conv2d', inputs));
  const O = expectCount('conv2d', 'filters', attributes.filters);
  const { vertical, horizontal } = slideWindows('conv2d', [H, W], kernelSize, strides, dilation, padding);
  return [N, vertical.out, horizontal.out, O];
}

/** D_K · D_K · M · N · D_F · D_F multiply-adds (eq. 2); D_F is the side of the output, times the batch. */
export function cost(inputs: readonly Shape[], attributes: Conv2dAttributes): Cost {
  const weights = weightShapes(inputs, attributes);
  const [N, outH, outW] = outputShape(inputs, attributes);
  const params = countParams(weights);
  return { multiplyAdds: sizeOf(weights.kernel) * N * outH * outW, trainable: params, stored: params };
}

export function forward(inputs: readonly Tensor[], weights: Conv2dWeights, attributes: Conv2dAttributes): Tensor {
  const x = expectOne('conv2d', inputs);
  const y = zerosLike(x, outputShape([x.shape], attributes));
  const { kernel, bias } = expectWeights('conv2d', weights, weightShapes([x.shape], attributes));
  const { strides, dilation, padding } = attributes;
  const [N, H, W, M] = x.shape;
  const [KH, KW, , O] = kernel.shape;
  const { vertical, horizontal } = slideWindows('conv2d', [H, W], [KH, KW], strides, dilation, padding);
  const F = x.data;
  const K = kernel.data;
  const G = y.data;
  const sums = new Float64Array(O);

  for (let n = 0; n < N; n++) {
    for (let k = 0; k < vertical.out; k++) {
      for (let l = 0; l < horizontal.out; l++) {
        for (let o = 0; o < O; o++) sums[o] = bias ? bias.data[o] : 0;
        for (let i = 0; i < KH; i++) {
          const row = k * strides[0] + i * dilation[0] - vertical.before;
          if (row < 0 || row >= H) continue;
          for (let j = 0; j < KW; j++) {
            const column = l * strides[1] + j * dilation[1] - horizontal.before;
            if (column < 0 || column >= W) continue;
            for (let m = 0; m < M; m++) {
              const f = F[((n * H + row) * W + column) * M + m];
              const at = ((i * KW + j) * M + m) * O;
              for (let o = 0; o < O; o++) sums[o] += f * K[at + o];
            }
          }
        }
        const at = ((n * vertical.out + k) * horizontal.out + l) * O;
        for (let o = 0; o < O; o++) G[at + o] = sums[o];
      }
    }
  }
  return y;
}

export function backward(
  outputGradient: Tensor,
  inputs: readonly Tensor[],
  weights: Conv2dWeights,
  attributes: Conv2dAttributes,
): Gradients {
  const x = expectOne('conv2d', inputs);
  const dG = expectGradient('conv2d', outputGradient, outputShape([x.shape], attributes)).data;
  const { kernel, bias } = expectWeights('conv2d', weights, weightShapes([x.shape], attributes));
  const { strides, dilation, padding } = attributes;
  const [N, H, W, M] = x.shape;
  const [KH, KW, , O] = kernel.shape;
  const { vertical, horizontal } = slideWindows('conv2d', [H, W], [KH, KW], strides, dilation, padding);
  const F = x.data;
  const K = kernel.data;
  const dF = new Float64Array(F.length);
  const dK = new Float64Array(K.length);
  const dBias = new Float64Array(O);

  for (let n = 0; n < N; n++) {
    for (let k = 0; k < vertical.out; k++) {
      for (let l = 0; l < horizontal.out; l++) {
        const from = ((n * vertical.out + k) * horizontal.out + l) * O;
        for (let o = 0; o < O; o++) dBias[o] += dG[from + o];
        for (let i = 0; i < KH; i++) {
          const row = k * strides[0] + i * dilation[0] - vertical.before;
          if (row < 0 || row >= H) continue;
          for (let j = 0; j < KW; j++) {
            const column = l * strides[1] + j * dilation[1] - horizontal.before;
            if (column < 0 || column >= W) continue;
            for (let m = 0; m < M; m++) {
              const sample = ((n * H + row) * W + column) * M + m;
              const at = ((i * KW + j) * M + m) * O;
              for (let o = 0; o < O; o++) {
                dF[sample] += dG[from + o] * K[at + o];
                dK[at + o] += F[sample] * dG[from + o];
              }
            }
          }
        }
      }
    }
  }
  return {
    inputs: [tensorLike(x, x.shape, dF)],
    weights: { kernel: tensorLike(x, kernel.shape, dK), ...(bias && { bias: tensorLike(x, bias.shape, dBias) }) },
  };
}
