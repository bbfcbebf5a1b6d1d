/**
 * Product of two integer tensors (MUL), of which the second may have one number for each channel:
 *
 *   q_y = z_y + (q_a − z_a) · (q_b − z_b) · (s_a · s_b / s_y) rounded
 *
 * The factor is computed in float32.
 */
import { indexIn, multiply } from '../multiply.js';
import { type Multiplier, multiplierOf, scalerOf } from './fixed-point.js';
import { clamp, integerLayer, rangeOf } from './layer.js';

export const forward = /* @__PURE__ */ integerLayer(multiply, (y, [a, b], _, _attributes, rounding) => {
  const scaled = scalerOf(productMultiplier(a.type, b.type, y.type), rounding);
  const [least, greatest] = rangeOf(y.type);
  const inB = indexIn(b, y);

  for (let i = 0; i < y.data.length; i++) {
    const product = (a.data[i] - a.type.zeroPoint) * (b.data[inB(i)] - b.type.zeroPoint);
    y.data[i] = clamp(scaled(product) + y.type.zeroPoint, least, greatest);
  }
});

interface Scaled {
  readonly scale: number;
}

export const productMultiplier = (a: Scaled, b: Scaled, y: Scaled): Multiplier =>
  multiplierOf(Math.fround(Math.fround(a.scale * b.scale) / y.scale));
