/**
 * Average pooling of integers (AVERAGE_POOL_2D): the mean of the window's integers that lie inside the picture, halves away from zero. The
 * result has the input's scale and zero point, so that the mean of the integers stands for the mean of the real numbers.
 *
 *   q_y = Σ q_x / count rounded
 *
 * Padding that counts as samples (`includePadding`) is not known to TensorFlow Lite and is refused.
 */
import { UsageError } from '../../errors.js';
import { slideWindows } from '../../padding.js';
import * as averagePool from '../averagePool.js';
import { roundAway } from './fixed-point.js';
import { sameScaleLayer } from './layer.js';

export const forward = /* @__PURE__ */ sameScaleLayer('averagePool', averagePool, (y, [x], _, attributes) => {
  const { poolSize, strides, padding, includePadding } = attributes;
  if (includePadding) throw new UsageError('averagePool: padding that counts as samples is not computed with integers');
  const [, H, W, C] = x.shape;
  const [N, outH, outW] = y.shape;
  const { vertical, horizontal } = slideWindows('averagePool', [H, W], poolSize, strides, [1, 1], padding);
  const sums = new Int32Array(C);

  for (let n = 0; n < N; n++) {
    for (let k = 0; k < outH; k++) {
      for (let l = 0; l < outW; l++) {
        sums.fill(0);
        let count = 0;
        for (let i = 0; i < poolSize[0]; i++) {
          const row = k * strides[0] + i - vertical.before;
          for (let j = 0; j < poolSize[1]; j++) {
            const column = l * strides[1] + j - horizontal.before;
            if (row < 0 || row >= H || column < 0 || column >= W) continue;
            count++;
            const sample = ((n * H + row) * W + column) * C;
            for (let c = 0; c < C; c++) sums[c] += x.data[sample + c];
          }
        }
        const at = ((n * outH + k) * outW + l) * C;
        for (let c = 0; c < C; c++) y.data[at + c] = roundAway(sums[c] / count);
      }
    }
  }
});
