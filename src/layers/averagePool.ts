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
import { boolean, padding, pair } from '../checks.js';
import type { Padding, Pair } from '../padding.js';
import { defineBackward, defineLayer } from './layer.js';
import { poolShape, tapsOf } from './windows.js';

export interface AveragePoolAttributes {
  readonly poolSize: Pair;
  readonly strides: Pair;
  readonly padding: Padding;
  /** Whether samples of the padding count in the mean. Default false. */
  readonly includePadding?: boolean;
}

export const averagePool = /* @__PURE__ */ defineLayer<AveragePoolAttributes>('averagePool', {
  attributes: { poolSize: pair, strides: pair, padding, includePadding: boolean },
  defaults: { includePadding: false },
  takes: 'image',
  window: 'poolSize',
  pools: true,
  outputShape: ([x], attributes) => poolShape('averagePool', x, attributes),
  compute(y, [x], _, attributes) {
    const [N, outH, outW, C] = y.shape;
    const [, H, W] = x.shape;
    const { poolSize, includePadding } = attributes;
    const { rows, columns } = tapsOf(x.shape, poolSize, attributes);
    const sums = new Float64Array(C);

    for (let n = 0; n < N; n++) {
      for (let k = 0; k < outH; k++) {
        for (let l = 0; l < outW; l++) {
          sums.fill(0);
          for (const [, p] of rows[k]) {
            for (const [, q] of columns[l]) {
              const sample = ((n * H + p) * W + q) * C;
              for (let c = 0; c < C; c++) sums[c] += x.data[sample + c];
            }
          }
          const count = includePadding ? poolSize[0] * poolSize[1] : rows[k].length * columns[l].length;
          const to = ((n * outH + k) * outW + l) * C;
          for (let c = 0; c < C; c++) y.data[to + c] = sums[c] / count;
        }
      }
    }
  },
});

export const backward = /* @__PURE__ */ defineBackward(averagePool, (dy, [x], _, attributes) => {
  const [N, outH, outW, C] = dy.shape;
  const [, H, W] = x.shape;
  const { poolSize, includePadding } = attributes;
  const { rows, columns } = tapsOf(x.shape, poolSize, attributes);
  const dx = new Float64Array(x.data.length);

  for (let n = 0; n < N; n++) {
    for (let k = 0; k < outH; k++) {
      for (let l = 0; l < outW; l++) {
        const count = includePadding ? poolSize[0] * poolSize[1] : rows[k].length * columns[l].length;
        const from = ((n * outH + k) * outW + l) * C;
        for (const [, p] of rows[k]) {
          for (const [, q] of columns[l]) {
            const sample = ((n * H + p) * W + q) * C;
            for (let c = 0; c < C; c++) dx[sample + c] += dy.data[from + c] / count;
          }
        }
      }
    }
  }
  return [[dx]];
});
