/**
 * Rows and columns of a constant around a picture of integers (PAD, PADV2). The constant is the integer nearest to `value`: for 0 the zero
 * point. The result has the input's scale and zero point.
 */
import { pad } from '../pad.js';
import { clamp, nearestInteger, rangeOf, sameScaleLayer } from './layer.js';

export const forward = /* @__PURE__ */ sameScaleLayer(pad, (y, [x], _, { padding, value }) => {
  const [N, H, W, C] = x.shape;
  const [, outH, outW] = y.shape;

  y.data.fill(clamp(nearestInteger(value, y.type), ...rangeOf(y.type)));
  for (let n = 0; n < N; n++) {
    for (let row = 0; row < H; row++) {
      const from = (n * H + row) * W * C;
      const to = ((n * outH + padding.top + row) * outW + padding.left) * C;
      y.data.set(x.data.subarray(from, from + W * C), to);
    }
  }
});
