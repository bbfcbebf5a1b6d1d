/**
 * x · relu6(x + 3) / 6 of integers (HARD_SWISH), in numbers of 16 bits as the reference kernel and XNNPACK. With v = 128 · (q_x − z_x) and factors
 * of 15 bits:
 *
 *   share    = (v · (s_x / 128) · (2^15 / 3) rounded, within 16 bits, + 2^15) / 2    relu6(x + 3) / 6 with 15 bits below the point
 *   multiple = v · (s_x / 128 / s_y) rounded, before its shift
 *   q_y      = z_y + share · multiple / 2^15 truncated, then shifted and rounded
 */
import { UsageError } from '../../errors.js';
import { hardSwish } from '../hardSwish.js';
import { type Multiplier, multiplierOf, roundAway } from './fixed-point.js';
import { byTable, clamp, integerLayer, rangeOf } from './layer.js';

export const forward = /* @__PURE__ */ integerLayer(hardSwish, (y, [x]) => {
  const unit = x.type.scale / 128;
  const line = shortMultiplier(Math.fround(unit / (3 / 2 ** 15)));
  const output = shortMultiplier(Math.fround(unit / y.type.scale));
  if (output.shift > 0) {
    throw new UsageError(
      `hardSwish: wanted a result's scale of at least 1/128 of the input's, found ${y.type.scale} and ${x.type.scale}`,
    );
  }
  const [least, greatest] = rangeOf(y.type);
  byTable(y, x, (q) => {
    const v = 128 * (q - x.type.zeroPoint);
    const share = Math.floor((onLine(v, line) + 2 ** 15) / 2);
    const multiple = Math.trunc((share * highProduct(v, output.m)) / 2 ** 15);
    return clamp(roundAway(multiple * 2 ** output.shift) + y.type.zeroPoint, least, greatest);
  });
});

/** With the upper 16 bits of its number, rounded. */
function shortMultiplier(factor: number): Multiplier {
  const { m, shift } = multiplierOf(factor);
  return { m: Math.min(Math.floor((m + 2 ** 15) / 2 ** 16), 2 ** 15 - 1), shift };
}

const short = (x: number): number => clamp(x, -(2 ** 15), 2 ** 15 - 1);

/** ⌊a·b / 2^15 + ½⌋ */
const highProduct = (a: number, b: number): number => Math.floor((a * b + 2 ** 14) / 2 ** 15);

/** v times the multiplier, within 16 bits after each step to the left. */
function onLine(v: number, { m, shift }: Multiplier): number {
  if (shift <= 0) return roundAway(highProduct(v, m) * 2 ** shift);
  return short(2 * highProduct(short(v * 2 ** (shift - 1)), m));
}
