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
import { padding, pair } from '../checks.js';
import type { Padding, Pair } from '../padding.js';
import { isGreater } from './argMax.js';
import { defineBackward, defineLayer } from './layer.js';
import { poolShape, tapsOf } from './windows.js';

export interface MaxPoolAttributes {
  readonly poolSize: Pair;
  readonly strides: Pair;
  readonly padding: Padding;
}

export const maxPool = /* @__PURE__ */ defineLayer<MaxPoolAttributes>('maxPool', {
  attributes: { poolSize: pair, strides: pair, padding },
  takes: 'image',
  window: 'poolSize',
  pools: true,
  outputShape: ([x], attributes) => poolShape('maxPool', x, attributes),
  compute(y, [x], _, attributes) {
    const [N, outH, outW, C] = y.shape;
    const [, H, W] = x.shape;
    const { rows, columns } = tapsOf(x.shape, attributes.poolSize, attributes);

    y.data.fill(-Infinity);
    for (let n = 0; n < N; n++) {
      for (let k = 0; k < outH; k++) {
        for (let l = 0; l < outW; l++) {
          const to = ((n * outH + k) * outW + l) * C;
          for (const [, p] of rows[k]) {
            for (const [, q] of columns[l]) {
              const sample = ((n * H + p) * W + q) * C;
              for (let c = 0; c < C; c++) y.data[to + c] = Math.max(y.data[to + c], x.data[sample + c]);
            }
          }
        }
      }
    }
  },
});

export const backward = /* @__PURE__ */ defineBackward(maxPool, (dy, [x], _, attributes) => {
  const [N, outH, outW, C] = dy.shape;
  const [, H, W] = x.shape;
  const { rows, columns } = tapsOf(x.shape, attributes.poolSize, attributes);
  const dx = new Float64Array(x.data.length);
  const winners = new Int32Array(C);

  for (let n = 0; n < N; n++) {
    for (let k = 0; k < outH; k++) {
      for (let l = 0; l < outW; l++) {
        winners.fill(-1);
        for (const [, p] of rows[k]) {
          for (const [, q] of columns[l]) {
            const sample = ((n * H + p) * W + q) * C;
            for (let c = 0; c < C; c++) {
              if (winners[c] < 0 || isGreater(x.data[sample + c], x.data[winners[c]])) winners[c] = sample + c;
            }
          }
        }
        const from = ((n * outH + k) * outW + l) * C;
        for (let c = 0; c < C; c++) dx[winners[c]] += dy.data[from + c];
      }
    }
  }
  return [[dx]];
});
