/**
 * Softmax of integers along the last axis (SOFTMAX), in fixed point as TensorFlow Lite's reference kernel computes it with gemmlowp's
 * functions. With d_c = q_c − max_k q_k:
 *
 *   q_y = least + 256 · e^(s·d_c) / Σ_k e^(s·d_k) rounded
 *
 * The result's scale is 1/256 and its zero point its least integer. Qm.n is a number with m bits above the point and n below, in int32:
 * s·d is Q5.26, e^(s·d) and the reciprocal of the sum are Q0.31, the sum is Q12.19.
 */
import { UsageError } from '../../errors.js';
import { softmax } from '../softmax.js';
import { highProduct, multiplierOf, roundAway } from './fixed-point.js';
import { clamp, integerLayer, rangeOf } from './layer.js';

const MAX = 2 ** 31 - 1;
/** 1 in Q5.26. */
const ONE = 2 ** 26;

export const forward = /* @__PURE__ */ integerLayer(softmax, (y, [x]) => {
  const [least, greatest] = rangeOf(y.type);
  if (y.type.scale !== 1 / 256 || y.type.zeroPoint !== least) {
    throw new UsageError(
      `softmax: a result of ${y.type.type} wants scale 1/256 and zero point ${least}, found ${y.type.scale} and ${y.type.zeroPoint}`,
    );
  }
  const powersBelow = powersOf(x.type.scale);
  const C = x.shape[x.shape.length - 1];

  for (let row = 0; row < x.data.length; row += C) {
    const numbers = x.data.subarray(row, row + C);
    let max = least;
    for (const q of numbers) max = Math.max(max, q);
    const powers = Array.from(numbers, (q) => powersBelow[max - q]);
    const sum = powers.reduce((total, power) => total + roundAway(power / 2 ** 12), 0);
    const share = sharesOf(sum);
    for (let c = 0; c < C; c++) y.data[row + c] = clamp(share(powers[c]) + least, least, greatest);
  }
});

/** e^(−s·d) in Q0.31 for every distance d from the greatest number of a row. */
export function powersOf(scale: number): number[] {
  const { scaled, smallest } = differencesOf(scale);
  return Array.from({ length: 256 }, (_, d) => (-d < smallest ? 0 : expOnNegative(scaled(-d))));
}

/** The function that gives a power's part of the sum, in 256ths. */
export function sharesOf(sum: number): (power: number) => number {
  const { reciprocal, bits } = reciprocalOf(sum);
  return (power) => roundAway(highProduct(reciprocal, power) / 2 ** (bits + 31 - 8));
}

/** The function that brings a difference to Q5.26, and the smallest that it takes. Shares below, e^−15 or less, count as 0. */
export function differencesOf(scale: number): { scaled: (d: number) => number; smallest: number } {
  const { m, shift } = multiplierOf(Math.min(scale * ONE, MAX));
  return {
    scaled: (d) => highProduct(d * 2 ** shift, m),
    smallest: -Math.floor((31 * ONE) / 2 ** shift),
  };
}

/** e^−2^k in Q0.31, for k = −2, −1 … 4. */
const POWERS = [1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242] as const;

/** e^a in Q0.31, for a ≤ 0 in Q5.26: e^(a mod ¼ − ¼) by a polynomial, times e^−2^k for every bit of what is left. */
export function expOnNegative(a: number): number {
  if (a === 0) return MAX;
  const quarter = ONE / 4;
  const rest = (a & (quarter - 1)) - quarter;
  const whole = rest - a;
  let result = expNearZero(rest * 2 ** 5);
  for (const [k, power] of POWERS.entries()) {
    if (whole & (quarter << k)) result = highProduct(result, power);
  }
  return result;
}

/** e^a in Q0.31, for −¼ ≤ a < 0 in Q0.31: the Taylor polynomial of degree 4 about −⅛. */
function expNearZero(a: number): number {
  const atEighth = 1895147668; // e^(−1/8)
  const third = 715827883; // 1/3
  const x = a + 2 ** 28;
  const x2 = highProduct(x, x);
  const x3 = highProduct(x2, x);
  const x4 = highProduct(x2, x2);
  const higher = roundAway((highProduct(roundAway(x4 / 4) + x3, third) + x2) / 2);
  return atEighth + highProduct(atEighth, x + higher);
}

/** 1 / sum of a sum in Q12.19, as a number of Q0.31 and the bits to shift it by: three steps of Newton's iteration from 48/17 − 32/17 · h. */
export function reciprocalOf(sum: number): { reciprocal: number; bits: number } {
  const zeros = Math.clz32(sum);
  const a = sum * 2 ** zeros - 2 ** 31; // between 0 and 1 in Q0.31: the sum, shifted to [1, 2), less 1
  const half = Math.floor((a + MAX + 1) / 2); // (1 + a) / 2
  let x = 1515870810 + highProduct(half, -1010580540);
  for (let step = 0; step < 3; step++) {
    const error = 2 ** 29 - highProduct(half, x);
    x += clamp(highProduct(x, error) * 4, -(2 ** 31), MAX);
  }
  return { reciprocal: Math.min(x * 2, MAX), bits: 12 - zeros };
}
