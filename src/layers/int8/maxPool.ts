/** Maximum pooling of integers (MAX_POOL_2D): the greatest integer of every window, in the input's scale and zero point. */
import { slideWindows } from '../../padding.js';
import * as maxPool from '../maxPool.js';
import { rangeOf, sameScaleLayer } from './layer.js';

export const forward = /* @__PURE__ */ sameScaleLayer(
  'maxPool',
  maxPool,
  (y, [x], _, { poolSize, strides, padding }) => {
    const [, H, W, C] = x.shape;
    const [N, outH, outW] = y.shape;
    const { vertical, horizontal } = slideWindows('maxPool', [H, W], poolSize, strides, [1, 1], padding);

    y.data.fill(rangeOf(y.type)[0]);
    for (let n = 0; n < N; n++) {
      for (let k = 0; k < outH; k++) {
        for (let l = 0; l < outW; l++) {
          const to = ((n * outH + k) * outW + l) * C;
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
  },
);
