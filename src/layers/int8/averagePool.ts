/**
 * Average pooling of integers (AVERAGE_POOL_2D): the mean of the window's integers that lie inside the picture, halves away from zero. The
 * result has the input's scale and zero point, so that the mean of the integers stands for the mean of the real numbers.
 *
 *   q_y = Σ q_x / count rounded
 *
 * Padding that counts as samples (`includePadding`) is not known to TensorFlow Lite and is refused.
 */
import { UsageError } from '../../errors.js';
import { averagePool } from '../averagePool.js';
import { tapsOf } from '../windows.js';
import { roundAway } from './fixed-point.js';
import { sameScaleLayer } from './layer.js';

export const forward = /* @__PURE__ */ sameScaleLayer(averagePool, (y, [x], _, attributes) => {
  if (attributes.includePadding) {
    throw new UsageError('averagePool: padding that counts as samples is not computed with integers');
  }
  const [, H, W, C] = x.shape;
  const [N, outH, outW] = y.shape;
  const { rows, columns } = tapsOf(x.shape, attributes.poolSize, attributes);
  const sums = new Int32Array(C);

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
        const count = rows[k].length * columns[l].length;
        const to = ((n * outH + k) * outW + l) * C;
        for (let c = 0; c < C; c++) y.data[to + c] = roundAway(sums[c] / count);
      }
    }
  }
});
