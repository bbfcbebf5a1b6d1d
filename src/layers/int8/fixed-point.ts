/**
 * Real factors in whole numbers, as TensorFlow Lite's kernels apply them (common.h and quantization_util.cc; arXiv:1712.05877, §2.2).
 *
 * A factor d > 0 is kept as m · 2^(shift − 31), with m in [2^30, 2^31). Two roundings of x · d are in use, and both are called TensorFlow Lite's.
 * They differ in a few of a thousand results, by 1:
 *
 *   single   r = ⌊x·m / 2^(31 − shift) + ½⌋
 *            what the optimised kernels give: ruy, and but for one number in a million XNNPACK (LiteRT.js, tfjs-tflite)
 *            (sums of two tensors are rounded as in 'double' by all of them)
 *   double   y = ⌊x·m / 2^31 + ½⌋, r = y / 2^(−shift) rounded to the nearest, halves away from zero
 *            what the reference kernels give, and tflite-micro
 *
 * Where shift ≥ 0 the two are the same, of x · 2^shift.
 */
import { UsageError } from '../../errors.js';

export const roundings = ['single', 'double'] as const;
export type Rounding = (typeof roundings)[number];

/** A factor of m · 2^(shift − 31). m is 0 for the factor 0, or lies in [2^30, 2^31). */
export interface Multiplier {
  readonly m: number;
  readonly shift: number;
}

/** The nearest multiplier of a factor of 0 or more. Factors below 2^−32 become 0: they would shift everything out. */
export function multiplierOf(factor: number): Multiplier {
  if (!(factor >= 0 && factor < Infinity)) {
    throw new UsageError(`fixed point: a factor must be a number of 0 or more, found ${factor}`);
  }
  if (factor === 0) return { m: 0, shift: 0 };
  let shift = Math.floor(Math.log2(factor)) + 1; // log2 is rounded and may miss by 1 beside a power of two
  if (factor >= 2 ** shift) shift += 1;
  if (factor < 2 ** (shift - 1)) shift -= 1;
  let m = roundAway(factor * 2 ** (31 - shift));
  if (m === 2 ** 31) {
    m = 2 ** 30;
    shift += 1;
  }
  return shift < -31 ? { m: 0, shift: 0 } : { m, shift };
}

/** The function that multiplies a whole number by the factor and rounds. x · 2^max(shift, 0) may have 37 bits. */
export function scalerOf({ m, shift }: Multiplier, rounding: Rounding): (x: number) => number {
  const before = 2 ** Math.max(shift, 0);
  const after = 2 ** Math.max(-shift, 0);
  if (rounding === 'single') return (x) => roundedProduct(x * before, m, 2 ** 31 * after);
  return (x) => roundAway(highProduct(x * before, m) / after);
}

/** ⌊a·b / 2^31 + ½⌋: the product of two numbers in Q0.31 (gemmlowp's SaturatingRoundingDoublingHighMul). */
export function highProduct(a: number, b: number): number {
  return roundedProduct(a, b, 2 ** 31);
}

/**
 * ⌊a·b / divisor + ½⌋ exactly, for |a| ≤ 2^37, |b| ≤ 2^31 and a power of two of 2^17 or more. The product itself needs more than the
 * 53 bits of a number; b is taken in two halves, and what the lower half gives below 2^16 cannot change the result.
 */
function roundedProduct(a: number, b: number, divisor: number): number {
  const high = Math.floor(b / 2 ** 16);
  const low = b - high * 2 ** 16;
  const unit = divisor / 2 ** 16;
  return Math.floor((a * high + Math.floor((a * low) / 2 ** 16) + unit / 2) / unit);
}

/** The nearest whole number; halves go away from zero, as C's round does. */
export function roundAway(x: number): number {
  return x < 0 ? -Math.floor(0.5 - x) : Math.floor(x + 0.5);
}
