/**
 * Logistic function of integers (LOGISTIC), in float32 for each of the 256 inputs there are:
 *
 *   q_y = z_y + (1 / (1 + e^(−s_x · (q_x − z_x)))) / s_y rounded, halves away from zero
 *
 * tflite-micro computes it in fixed point and gets other bits.
 */
import { sigmoid } from '../sigmoid.js';
import { roundAway } from './fixed-point.js';
import { byTable, clamp, integerLayer, rangeOf } from './layer.js';

export const forward = /* @__PURE__ */ integerLayer(sigmoid, (y, [x]) => {
  const inverse = Math.fround(1 / y.type.scale);
  const [least, greatest] = rangeOf(y.type);
  byTable(y, x, (q) => {
    const real = Math.fround(x.type.scale * (q - x.type.zeroPoint));
    const share = Math.fround(1 / Math.fround(1 + Math.fround(Math.exp(-real))));
    return clamp(roundAway(Math.fround(share * inverse)) + y.type.zeroPoint, least, greatest);
  });
});
