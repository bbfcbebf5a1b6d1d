/**
 * Max pooling: the greatest sample of every window, channel by channel.
 *
 *   y[n, k, l, c] = max_{i, j} x[n, k·s + i − top, l·s + j − left, c]
 *
 * x is [N, H, W, C], y is [N, outH, outW, C]. Padding never wins: only samples inside the picture count. A NaN wins over everything.
 *
 * Backward, the gradient goes to the sample that won its window, of equal ones to the first (top to bottom, left to right):
 *
 *   dx[n, p, q, c] = Σ dy[n, k, l, c] over the windows k, l that x[n, p, q, c] won
 */
import { type Padding, type Pair, slideWindows } from '../padding.js';
import { type Shape, type Tensor, tensorLike, zerosLike } from '../tensor.js';
import { isGreater } from './argMax.js';
import { expectGradient, expectImage, expectInside, expectOne } from './expect.js';
import { type Cost, FREE, type Gradients } from './layer.js';

export interface MaxPoolAttributes {
  readonly poolSize: Pair;
  readonly strides: Pair;
  readonly padding: Padding;
}

function windowsOf(x: Shape, { poolSize, strides, padding }: MaxPoolAttributes) {
  const [, H, W] = expectImage('maxPool', x);
  const windows = slideWindows('maxPool', [H, W], poolSize, strides, [1, 1], padding);
  expectInside('maxPool, height', H, poolSize[0], strides[0], windows.vertical);
  expectInside('maxPool, width', W, poolSize[1], strides[1], windows.horizontal);
  return windows;
}

export function outputShape(inputs: readonly Shape[], attributes: MaxPoolAttributes): Shape {
  const x = expectOne('maxPool', inputs);
  const { vertical, horizontal } = windowsOf(x, attributes);
  return [x[0], vertical.out, horizontal.out, x[3]];
}

/** Comparisons are not multiply-adds. */
export function cost(): Cost {
  return FREE;
}

export function forward(inputs: readonly Tensor[], _weights: object, attributes: MaxPoolAttributes): Tensor {
  const x = expectOne('maxPool', inputs);
  const y = zerosLike(x, outputShape([x.shape], attributes));
  const { poolSize, strides } = attributes;
  const { vertical, horizontal } = windowsOf(x.shape, attributes);
  const [N, H, W, C] = x.shape;

  y.data.fill(-Infinity);
  for (let n = 0; n < N; n++) {
    for (let k = 0; k < vertical.out; k++) {
      for (let l = 0; l < horizontal.out; l++) {
        const to = ((n * vertical.out + k) * horizontal.out + l) * C;
        for (let i = 0; i < poolSize[0]; i++) {
          const row = k * strides[0] + i - vertical.before;
          for (let j = 0; j < poolSize[1]; j++) {
            const column = l * strides[1] + j - horizontal.before;
            if (row < 0 || row >= H || column < 0 || column >= W) continue;
            const from = ((n * H + row) * W + column) * C;
            for (let c = 0; c < C; c++) y.data[to + c] = Math.max(y.data[to + c], x.data[from + c]);
          }
        }
      }
    }
  }
  return y;
}

export function backward(
  outputGradient: Tensor,
  inputs: readonly Tensor[],
  _weights: object,
  attributes: MaxPoolAttributes,
): Gradients {
  const x = expectOne('maxPool', inputs);
  const dy = expectGradient('maxPool', outputGradient, outputShape([x.shape], attributes)).data;
  const { poolSize, strides } = attributes;
  const { vertical, horizontal } = windowsOf(x.shape, attributes);
  const [N, H, W, C] = x.shape;
  const dx = new Float64Array(x.data.length);
  const winners = new Int32Array(C);

  for (let n = 0; n < N; n++) {
    for (let k = 0; k < vertical.out; k++) {
      for (let l = 0; l < horizontal.out; l++) {
        winners.fill(-1);
        for (let i = 0; i < poolSize[0]; i++) {
          const row = k * strides[0] + i - vertical.before;
          for (let j = 0; j < poolSize[1]; j++) {
            const column = l * strides[1] + j - horizontal.before;
            if (row < 0 || row >= H || column < 0 || column >= W) continue;
            const from = ((n * H + row) * W + column) * C;
            for (let c = 0; c < C; c++) {
              if (winners[c] < 0 || isGreater(x.data[from + c], x.data[winners[c]])) winners[c] = from + c;
            }
          }
        }
        const at = ((n * vertical.out + k) * horizontal.out + l) * C;
        for (let c = 0; c < C; c++) dx[winners[c]] += dy[at + c];
      }
    }
  }
  return { inputs: [tensorLike(x, x.shape, dx)], weights: {} };
}
