/**
 * Depthwise convolution: every channel is filtered by itself. Eq. 3 of arXiv:1704.04861, with M filters a channel (the depth
 * multiplier, 1 in the papers), batch n, strides s, dilation d and padding written out:
 *
 *   G[n, k, l, c·M + m] = bias[c·M + m] + Σ_{i, j} F[n, k·s + i·d − top, l·s + j·d − left, c] · K[i, j, c, m]
 *
 * F is [N, H, W, C], K is [KH, KW, C, M], G is [N, outH, outW, C·M]. Positions outside F count as zero.
 *
 * Backward, with p = k·s + i·d − top, q = l·s + j·d − left:
 *
 *   dF[n, p, q, c]    = Σ_{k, i | p} Σ_{l, j | q} Σ_m dG[n, k, l, c·M + m] · K[i, j, c, m]
 *   dK[i, j, c, m]    = Σ_{n, k, l} F[n, p, q, c] · dG[n, k, l, c·M + m]
 *   dbias[c·M + m]    = Σ_{n, k, l} dG[n, k, l, c·M + m]
 */
import { type Padding, type Pair, slideWindows } from '../padding.js';
import { type Shape, sizeOf, type Tensor, tensorLike, zerosLike } from '../tensor.js';
import { expectCount, expectGradient, expectImage, expectOne, expectWeights } from './expect.js';
import { type Cost, countParams, type Gradients } from './layer.js';

export interface DepthwiseConv2dAttributes {
  readonly kernelSize: Pair;
  readonly strides: Pair;
  readonly dilation: Pair;
  readonly padding: Padding;
  /** Outputs for each input channel; never the width multiplier α. */
  readonly depthMultiplier: number;
  readonly bias: boolean;
}

export interface DepthwiseConv2dWeights {
  readonly kernel: Tensor;
  readonly bias?: Tensor;
}

export function weightShapes(inputs: readonly Shape[], attributes: DepthwiseConv2dAttributes) {
  const { kernelSize, depthMultiplier: M, bias } = attributes;
  const [, , , C] = expectImage('depthwiseConv2d', expectOne('depthwiseConv2d', inputs));
  const kernel: Shape = [...kernelSize, C, M];
  return bias ? { kernel, bias: [C * M] } : { kernel };
}

export function outputShape(inputs: readonly Shape[], attributes: DepthwiseConv2dAttributes): Shape {
  const { kernelSize, strides, dilation, padding } = attributes;
  const [N, H, W, C] = expectImage('depthwiseConv2d', expectOne('depthwiseConv2d', inputs));
  const M = expectCount('depthwiseConv2d', 'depthMultiplier', attributes.depthMultiplier);
  const { vertical, horizontal } = slideWindows('depthwiseConv2d', [H, W], kernelSize, strides, dilation, padding);
  return [N, vertical.out, horizontal.out, C * M];
}

/** D_K · D_K · M · D_F · D_F multiply-adds (eq. 4; its M is the number of output channels here); D_F is the side of the output. */
export function cost(inputs: readonly Shape[], attributes: DepthwiseConv2dAttributes): Cost {
  const weights = weightShapes(inputs, attributes);
  const [N, outH, outW] = outputShape(inputs, attributes);
  const params = countParams(weights);
  return { multiplyAdds: sizeOf(weights.kernel) * N * outH * outW, trainable: params, stored: params };
}

export function forward(
  inputs: readonly Tensor[],
  weights: DepthwiseConv2dWeights,
  attributes: DepthwiseConv2dAttributes,
): Tensor {
  const x = expectOne('depthwiseConv2d', inputs);
  const y = zerosLike(x, outputShape([x.shape], attributes));
  const { kernel, bias } = expectWeights('depthwiseConv2d', weights, weightShapes([x.shape], attributes));
  const { strides, dilation, padding } = attributes;
  const [N, H, W, C] = x.shape;
  const [KH, KW, , M] = kernel.shape;
  const { vertical, horizontal } = slideWindows('depthwiseConv2d', [H, W], [KH, KW], strides, dilation, padding);
  const F = x.data;
  const K = kernel.data;
  const G = y.data;
  const sums = new Float64Array(C * M);

  for (let n = 0; n < N; n++) {
    for (let k = 0; k < vertical.out; k++) {
      for (let l = 0; l < horizontal.out; l++) {
        for (let o = 0; o < C * M; o++) sums[o] = bias ? bias.data[o] : 0;
        for (let i = 0; i < KH; i++) {
          const row = k * strides[0] + i * dilation[0] - vertical.before;
          if (row < 0 || row >= H) continue;
          for (let j = 0; j < KW; j++) {
            const column = l * strides[1] + j * dilation[1] - horizontal.before;
            if (column < 0 || column >= W) continue;
            const sample = ((n * H + row) * W + column) * C;
            const tap = (i * KW + j) * C * M;
            for (let m = 0; m < M; m++) {
              for (let c = 0; c < C; c++) sums[c * M + m] += F[sample + c] * K[tap + c * M + m];
            }
          }
        }
        const at = ((n * vertical.out + k) * horizontal.out + l) * C * M;
        for (let o = 0; o < C * M; o++) G[at + o] = sums[o];
      }
    }
  }
  return y;
}

export function backward(
  outputGradient: Tensor,
  inputs: readonly Tensor[],
  weights: DepthwiseConv2dWeights,
  attributes: DepthwiseConv2dAttributes,
): Gradients {
  const x = expectOne('depthwiseConv2d', inputs);
  const dG = expectGradient('depthwiseConv2d', outputGradient, outputShape([x.shape], attributes)).data;
  const { kernel, bias } = expectWeights('depthwiseConv2d', weights, weightShapes([x.shape], attributes));
  const { strides, dilation, padding } = attributes;
  const [N, H, W, C] = x.shape;
  const [KH, KW, , M] = kernel.shape;
  const { vertical, horizontal } = slideWindows('depthwiseConv2d', [H, W], [KH, KW], strides, dilation, padding);
  const F = x.data;
  const K = kernel.data;
  const dF = new Float64Array(F.length);
  const dK = new Float64Array(K.length);
  const dBias = new Float64Array(C * M);

  for (let n = 0; n < N; n++) {
    for (let k = 0; k < vertical.out; k++) {
      for (let l = 0; l < horizontal.out; l++) {
        const from = ((n * vertical.out + k) * horizontal.out + l) * C * M;
        for (let o = 0; o < C * M; o++) dBias[o] += dG[from + o];
        for (let i = 0; i < KH; i++) {
          const row = k * strides[0] + i * dilation[0] - vertical.before;
          if (row < 0 || row >= H) continue;
          for (let j = 0; j < KW; j++) {
            const column = l * strides[1] + j * dilation[1] - horizontal.before;
            if (column < 0 || column >= W) continue;
            const sample = ((n * H + row) * W + column) * C;
            const tap = (i * KW + j) * C * M;
            for (let c = 0; c < C; c++) {
              for (let o = c * M; o < (c + 1) * M; o++) {
                dF[sample + c] += dG[from + o] * K[tap + o];
                dK[tap + o] += F[sample + c] * dG[from + o];
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
