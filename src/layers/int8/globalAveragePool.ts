/**
 * Mean of a whole map of integers (MEAN over height and width). The division by the count goes into the factor:
 *
 *   q_y = z_y + (Σ q_x − count · z_x) · (s_x / (s_y · count)) rounded
 *
 * The quotient of the multiplier and the count is taken with as many bits as the count has, and truncated.
 */
import { globalAveragePool } from '../globalAveragePool.js';
import { type Multiplier, multiplierOf, scalerOf } from './fixed-point.js';
import { clamp, integerLayer, rangeOf } from './layer.js';

export const forward = /* @__PURE__ */ integerLayer(globalAveragePool, (y, [x], _, _attributes, rounding) => {
  const [N, H, W, C] = x.shape;
  const count = H * W;
  const scaled = scalerOf(divided(multiplierOf(x.type.scale / y.type.scale), count), rounding);
  const [least, greatest] = rangeOf(y.type);

  for (let n = 0; n < N; n++) {
    for (let c = 0; c < C; c++) {
      let sum = 0;
      for (let position = 0; position < count; position++) {
        sum += x.data[(n * count + position) * C + c] - x.type.zeroPoint;
      }
      y.data[n * C + c] = clamp(scaled(sum) + y.type.zeroPoint, least, greatest);
    }
  }
});

/** The multiplier of factor / count, as reduce.h makes it. 62 bits are more than a number holds: one division of BigInt. */
export function divided({ m, shift }: Multiplier, count: number): Multiplier {
  const bits = Math.min(Math.floor(Math.log2(count)), 32, 31 + shift);
  return { m: Number((BigInt(m) << BigInt(bits)) / BigInt(count)), shift: shift - bits };
}
