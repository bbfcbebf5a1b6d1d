/**
 * Products of two computed numbers, and the activations of MobileNetV3 that are such products.
 *
 *   y = a·b          |â·b̂ − a·b| ≤ |a|·e_b + e_a·(|b| + e_b), and one rounding
 *   hard sigmoid     y = relu6(x + 3) / 6, or min(max(x / 6 + 1/2, 0), 1): its slope is at most 1/6
 *   hard swish       y = x · hard sigmoid: its slope lies between −1/2 and 3/2
 *
 * The two activations are computed in several ways. None takes a number through more than 5 roundings (the constant 1/6, its product, the
 * sum, the product with x, and one for storing it), of numbers of at most (|x| + 3) / 6 and x times that. Below −4 all of them clamp to 0.
 */
import { absolute, mapTensor, plus, settle, sizes } from './estimate.js';
import { gamma, type Precision, roundoff, smallestCounted } from './precision.js';
import type { Rule } from './rule.js';

const FLOAT64 = 2 ** -53;

export const multiply: Rule<object> = ({ inputs: [a, b], forward, precision }) => {
  const least = smallestCounted(precision);
  const value = forward([a.value, b.value]);
  const [first, second] = [forward([absolute(a.value, least), b.error]), forward([a.error, sizes(b, least)])];
  const carried = mapTensor(first, (error, i) => error + second.data[i]);
  const magnitude = plus(forward([sizes(a, least), sizes(b, least)]), least);
  return settle(value, { carried, magnitude, roundoffs: roundoff(precision.sums) + 2 * FLOAT64 }, precision);
};

const ROUNDINGS = 5;

/** The largest |x| at which the middle piece is still computed, with room for its roundings: beyond it a clamp has the last word. */
const CLAMPED = 4;

const hard =
  (slope: number, sizeOf: (x: number, e: number) => number): Rule<object> =>
  ({ inputs: [x], forward, precision }) => {
    const value = forward([x.value]);
    const factor = gamma(ROUNDINGS * worst(precision));
    const least = smallestCounted(precision);
    const error = mapTensor(value, (y, i) => {
      const [at, e] = [x.value.data[i], x.error.data[i]];
      if (Number.isNaN(y) || at + e <= -CLAMPED) return 0;
      if (6 * (Math.abs(at) + e) > precision.sums.largest) return Infinity; // the product may overflow before it is divided
      return slope * e + factor * (sizeOf(at, e) + least);
    });
    return { value, error };
  };

/** (|x| + 3) / 6, where x is not clamped. */
const gate = (x: number, e: number): number => (Math.min(Math.abs(x) + e, CLAMPED) + 3) / 6;

export const hardSigmoid = hard(1 / 6, gate);
export const hardSwish = hard(3 / 2, (x, e) => (Math.abs(x) + e) * gate(x, e));

const worst = ({ stored, sums }: Precision): number => Math.max(roundoff(stored), roundoff(sums));
