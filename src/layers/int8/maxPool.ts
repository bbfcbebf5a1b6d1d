/** Maximum pooling of integers (MAX_POOL_2D): the greatest integer of every window, in the input's scale and zero point. */
import { maxPool } from '../maxPool.js';
import { tapsOf } from '../windows.js';
import { rangeOf, sameScaleLayer } from './layer.js';

export const forward = /* @__PURE__ */ sameScaleLayer(maxPool, (y, [x], _, attributes) => {
  const [, H, W, C] = x.shape;
  const [N, outH, outW] = y.shape;
  const { rows, columns } = tapsOf(x.shape, attributes.poolSize, attributes);

  y.data.fill(rangeOf(y.type)[0]);
  for (let n = 0; n < N; n++) {
    for (let k = 0; k < outH; k++) {
      for (let l = 0; l < outW; l++) {
        const to = ((n * outH + k) * outW + l) * C;
        for (const [, p] of rows[k]) {
          for (const [, q] of columns[l]) {
            const from = ((n * H + p) * W + q) * C;
            for (let c = 0; c < C; c++) y.data[to + c] = Math.max(y.data[to + c], x.data[from + c]);
          }
        }
      }
    }
  }
});
