/**
 * Standard convolution. Eq. 1 of arXiv:1704.04861, with batch n, strides s, dilation d and padding written out:
 *
 *   G[n, k, l, o] = bias[o] + Σ_{i, j, m} F[n, k·s + i·d − top, l·s + j·d − left, m] · K[i, j, m, o]
 *
 * F is [N, H, W, M], K is [KH, KW, M, O] (HWIO), G is [N, outH, outW, O]. Positions outside F count as zero.
 */
import { ShapeError } from '../errors.js';
import { type Padding, type Pair, slideWindows } from '../padding.js';
import { type Shape, sizeOf, type Tensor, zerosLike } from '../tensor.js';
import { expectImage, expectWeights } from './expect.js';
import type { Cost } from './layer.js';

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

export function weightShapes([x]: readonly Shape[], { filters, kernelSize, bias }: Conv2dAttributes) {
  const [, , , M] = expectImage('conv2d', x);
  const kernel: Shape = [...kernelSize, M, filters];
  return bias ? { kernel, bias: [filters] } : { kernel };
}

export function outputShape([x]: readonly Shape[], attributes: Conv2dAttributes): Shape {
  const { filters, kernelSize, strides, dilation, padding } = attributes;
  const [N, H, W] = expectImage('conv2d', x);
  if (!Number.isInteger(filters) || filters < 1) {
    throw new ShapeError(`conv2d: filters must be a whole number of 1 or more, found ${filters}`);
  }
  const { vertical, horizontal } = slideWindows([H, W], kernelSize, strides, dilation, padding);
  return [N, vertical.out, horizontal.out, filters];
}

/** D_K · D_K · M · N · D_F · D_F multiply-adds (eq. 2 of arXiv:1704.04861); D_F is the size of the output. */
export function cost(inputs: readonly Shape[], attributes: Conv2dAttributes): Cost {
  const { kernel, bias } = weightShapes(inputs, attributes);
  const [N, outH, outW] = outputShape(inputs, attributes) as [number, number, number];
  const params = sizeOf(kernel) + (bias ? sizeOf(bias) : 0);
  return { multiplyAdds: N * outH * outW * sizeOf(kernel), trainable: params, stored: params };
}

export function forward([x]: readonly Tensor[], weights: Conv2dWeights, attributes: Conv2dAttributes): Tensor {
  const { kernelSize, strides, dilation, padding } = attributes;
  const [N, H, W, M] = expectImage('conv2d', x?.shape);
  const { kernel, bias } = expectWeights('conv2d', weights, weightShapes([x!.shape], attributes));
  const [KH, KW] = kernelSize;
  const O = attributes.filters;
  const y = zerosLike(x!, outputShape([x!.shape], attributes));
  const { vertical, horizontal } = slideWindows([H, W], kernelSize, strides, dilation, padding);
  const F = x!.data;
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
