/**
 * Sigmoid and softmax. exp is allowed what the WebGPU Shading Language asks of it (§15.7.4.1), 3 + 2|x| units in the last place, of 2u
 * each: δ(x) = (6 + 4|x|)·u. C libraries do far better.
 */
import type { Tensor } from '../tensor.js';
import { mapTensor } from './estimate.js';
import { gamma, type Precision, roundoff } from './precision.js';
import type { Rule } from './rule.js';

/** Roundoffs of e^x, stored in float64 by the reference. */
const exponential = (x: number, u: number): number => (6 + 4 * Math.abs(x)) * u;

/** Roundoff of results: of the sums, and of their storing where that has fewer bits. */
const resultRoundoff = ({ stored, sums }: Precision): number =>
  roundoff(sums) + (stored.bits < sums.bits ? roundoff(stored) : 0);

/**
 *   y = 1 / (1 + e^−x)
 *
 * It rises, so that an input between x − e and x + e gives a y between the ends' y. Own roundings: δ(x) of e^−x changes 1 + e^−x by
 * δ·(1 − y) of itself; the sum and the division by u each. Rational approximations, which end at |x| = 18 or so, are off by an
 * absolute u more; e^−x beyond the largest number gives 0 where y is below the smallest.
 */
export const sigmoid: Rule<object> = ({ inputs: [x], forward, precision }) => {
  const value = forward([x.value]);
  const upper = forward([mapTensor(x.value, (v, i) => v + x.error.data[i])]);
  const lower = forward([mapTensor(x.value, (v, i) => v - x.error.data[i])]);
  const u = roundoff(precision.sums);
  const smallest = Math.max(precision.sums.smallest, precision.stored.smallest);
  const error = mapTensor(value, (y, i) => {
    if (Number.isNaN(y)) return 0;
    const carried = Math.max(upper.data[i] - y, y - lower.data[i]);
    const size = x.value.data[i];
    const power = Number.isFinite(size) ? exponential(size, u) * (1 - y) : 0;
    const own = gamma(power + 2 * resultRoundoff(precision) + u) * (y + carried) + u + smallest;
    return Math.min(carried + own, 1); // also where nothing can be said of x
  });
  return { value, error };
};

/**
 *   y_c = e^(d_c) / Σ_k e^(d_k),   d_k = x_k − max
 *
 * Errors e_k of the inputs: y_c is largest where its own x is largest and all others are smallest, and the other way round,
 *
 *   y_c·e^(e_c) / (y_c·e^(e_c) + Σ_{k≠c} y_k·e^(−e_k))
 *
 * Own roundings: the difference d, off by |d|u, and its power: δ_c = (6 + 5|d_c|)·u. The sum of C positive powers is off by C·u and
 * the mean Σ y_k·δ_k; the division by u. Powers below the smallest number count for nothing: at most C of them.
 */
export const softmax: Rule<object> = ({ inputs: [x], forward, precision }) => {
  const value = forward([x.value]);
  const channels = value.shape[value.shape.length - 1];
  const error = mapTensor(value, () => 0);
  for (let from = 0; from < value.data.length; from += channels) {
    const row = ({ data }: Tensor) => data.subarray(from, from + channels) as Float64Array;
    error.data.set(softmaxErrors(row(x.value), row(x.error), row(value), precision), from);
  }
  return { value, error };
};

function softmaxErrors(x: Float64Array, e: Float64Array, y: Float64Array, precision: Precision): Float64Array {
  if (y.some(Number.isNaN)) return new Float64Array(y.length); // all of the row is NaN
  const u = roundoff(precision.sums);
  const smallest = Math.max(precision.sums.smallest, precision.stored.smallest);
  const max = x.reduce((a, b) => Math.max(a, b));
  const own = x.map((value) => (value === -Infinity ? 0 : exponential(value - max, u) + Math.abs(value - max) * u));
  const ofSum = y.reduce((sum, share, k) => sum + share * own[k], x.length * u);
  const least = y.reduce((sum, share, k) => sum + share * Math.exp(-e[k]), 0);
  const most = y.reduce((sum, share, k) => sum + share * Math.exp(e[k]), 0);
  return y.map((share, c) => {
    const [up, down] = [share * Math.exp(e[c]), share * Math.exp(-e[c])];
    const others = { least: Math.max(least - down, 0), most: Math.max(most - up, 0) };
    const upper = up === Infinity ? 1 : up / (up + others.least);
    const lower = down === 0 ? 0 : down / (down + others.most);
    const carried = share === 0 && e[c] === 0 ? 0 : Math.max(upper - share, share - lower, 0);
    const factor = gamma(own[c] + ofSum + 2 * resultRoundoff(precision));
    const bound = carried + factor * (share + carried) + smallest * (1 + x.length * share);
    return Number.isNaN(bound) ? 1 : Math.min(bound, 1);
  });
}
