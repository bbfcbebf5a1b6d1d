/**
 * Average pooling: the mean of every window, channel by channel.
 *
 *   y[n, k, l, c] = (1 / count) · Σ_{i, j} x[n, k·s + i − top, l·s + j − left, c]
 *
 * x is [N, H, W, C], y is [N, outH, outW, C]. `count` is the number of the window's samples that lie inside the picture
 * (TensorFlow), or, with `includePadding`, all of the window's, of which those outside are zero (PyTorch's count_include_pad).
 *
 * Backward, an equal share to every sample of a window, with p = k·s + i − top, q = l·s + j − left:
 *
 *   dx[n, p, q, c] = Σ_{k, i | p} Σ_{l, j | q} dy[n, k, l, c] / count
 */
import { type Padding, type Pair, slideWindows } from '../padding.js';
import { type Shape, type Tensor, tensorLike, zerosLike } from '../tensor.js';
import { expectGradient, expectImage, expectInside, expectOne } from './expect.js';
import { type Cost, FREE, type Gradients } from './layer.js';

export interface AveragePoolAttributes {
  readonly poolSize: Pair;
  readonly strides: Pair;
  readonly padding: Padding;
  readonly includePadding: boolean;
}

function windowsOf(x: Shape, { poolSize, strides, padding }: AveragePoolAttributes) {
  const [, H, W] = expectImage('averagePool', x);
  const windows = slideWindows('averagePool', [H, W], poolSize, strides, [1, 1], padding);
  expectInside('averagePool, height', H, poolSize[0], strides[0], windows.vertical);
  expectInside('averagePool, width', W, poolSize[1], strides[1], windows.horizontal);
  return windows;
}

export function outputShape(inputs: readonly Shape[], attributes: AveragePoolAttributes): Shape {
  const x = expectOne('averagePool', inputs);
  const { vertical, horizontal } = windowsOf(x, attributes);
  return [x[0], vertical.out, horizontal.out, x[3]];
}

/** Sums without products are not multiply-adds. */
export function cost(): Cost {
  return FREE;
}

export function forward(inputs: readonly Tensor[], _weights: object, attributes: AveragePoolAttributes): Tensor {
  const x = expectOne('averagePool', inputs);
  const y = zerosLike(x, outputShape([x.shape], attributes));
  const { poolSize, strides, includePadding } = attributes;
  const { vertical, horizontal } = windowsOf(x.shape, attributes);
  const [N, H, W, C] = x.shape;
  const sums = new Float64Array(C);

  for (let n = 0; n < N; n++) {
    for (let k = 0; k < vertical.out; k++) {
      for (let l = 0; l < horizontal.out; l++) {
        sums.fill(0);
        let count = 0;
        for (let i = 0; i < poolSize[0]; i++) {
          const row = k * strides[0] + i - vertical.before;
          for (let j = 0; j < poolSize[1]; j++) {
            const column = l * strides[1] + j - horizontal.before;
            if (row < 0 || row >= H || column < 0 || column >= W) continue;
            count++;
            const at = ((n * H + row) * W + column) * C;
            for (let c = 0; c < C; c++) sums[c] += x.data[at + c];
          }
        }
        if (includePadding) count = poolSize[0] * poolSize[1];
        const at = ((n * vertical.out + k) * horizontal.out + l) * C;
        for (let c = 0; c < C; c++) y.data[at + c] = sums[c] / count;
      }
    }
  }
  return y;
}

export function backward(
  outputGradient: Tensor,
  inputs: readonly Tensor[],
  _weights: object,
  attributes: AveragePoolAttributes,
): Gradients {
  const x = expectOne('averagePool', inputs);
  const dy = expectGradient('averagePool', outputGradient, outputShape([x.shape], attributes)).data;
  const { poolSize, strides, includePadding } = attributes;
  const { vertical, horizontal } = windowsOf(x.shape, attributes);
  const [N, H, W, C] = x.shape;
  const dx = new Float64Array(x.data.length);

  for (let n = 0; n < N; n++) {
    for (let k = 0; k < vertical.out; k++) {
      for (let l = 0; l < horizontal.out; l++) {
        const samples: number[] = [];
        for (let i = 0; i < poolSize[0]; i++) {
          const row = k * strides[0] + i - vertical.before;
          for (let j = 0; j < poolSize[1]; j++) {
            const column = l * strides[1] + j - horizontal.before;
            if (row < 0 || row >= H || column < 0 || column >= W) continue;
            samples.push(((n * H + row) * W + column) * C);
          }
        }
        const count = includePadding ? poolSize[0] * poolSize[1] : samples.length;
        const from = ((n * vertical.out + k) * horizontal.out + l) * C;
        for (const at of samples) {
          for (let c = 0; c < C; c++) dx[at + c] += dy[from + c] / count;
        }
      }
    }
  }
  return { inputs: [tensorLike(x, x.shape, dx)], weights: {} };
}
