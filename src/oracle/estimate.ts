/**
 * What is known of one tensor of another backend: the exact value, and how far the backend's number may be from it.
 *
 *   |theirs − value| ≤ error,   element by element
 */
import type { Tensor } from '../tensor.js';
import { gamma, type Precision, roundoff } from './precision.js';

export interface Estimate {
  /** Computed in float64. */
  readonly value: Tensor;
  /** The bound. Infinite where nothing can be said: sums that may overflow on the way. */
  readonly error: Tensor;
  /** Where the tensor is a sum: what its error is made of, for the layers that backends fuse with it. */
  readonly sum?: Sum;
}

/**
 * A sum before its rounding is settled. With x̂ the inputs that the backend really has, |x̂ − x| ≤ e:
 *
 *   carried     Σ |w|·e, what the inputs' errors become in exact arithmetic
 *   magnitude   Σ |w|·(|x| + e) + |bias|, at least Σ |w||x̂| + |bias|
 *   roundoffs   S: the unit roundoffs of all operations that any one term goes through, in whatever order they are added
 *
 *   |theirs − value| ≤ carried + γ(S) · magnitude      (Higham §3.1; every term keeps its own factor 1 + θ, |θ| ≤ γ(S))
 */
export interface Sum {
  readonly carried: Tensor;
  readonly magnitude: Tensor;
  readonly roundoffs: number;
}

/** The estimate of a sum: the last line of the derivation above. `stored` rounds once more where sums are kept in more bits. */
export function settle(value: Tensor, sum: Sum, { stored, sums }: Precision): Estimate {
  const { carried, magnitude } = sum;
  const factor = gamma(sum.roundoffs + (stored.bits < sums.bits ? roundoff(stored) : 0));
  const error = mapTensor(value, (y, i) => {
    if (!Number.isFinite(y)) return 0; // NaN and infinities come of the inputs and are the same in any order
    const size = magnitude.data[i];
    const bound = carried.data[i] + (size === 0 ? 0 : factor * size);
    const fits = size + bound <= sums.largest && Math.abs(y) + bound <= stored.largest;
    return fits ? bound : Infinity; // also for NaN, which comes of 0 · Infinity
  });
  return { value, error, sum };
}

/** |x| + e: how large the backend's number may be. What is below `least` counts as that, zero apart. */
export const sizes = ({ value, error }: Estimate, least: number): Tensor =>
  mapTensor(value, (x, i) => atLeast(Math.abs(x) + error.data[i], least));

/** |x|, with what is below `least` counted as that, zero apart: a zero weight or input has nothing to round. */
export const absolute = (x: Tensor, least: number): Tensor => mapTensor(x, (value) => atLeast(Math.abs(value), least));

const atLeast = (size: number, least: number): number => (size > 0 && size < least ? least : size);

export const plus = (x: Tensor, amount: number): Tensor => mapTensor(x, (value) => value + amount);

/** A float64 tensor of the same shape. */
export function mapTensor({ shape, data }: Tensor, value: (x: number, index: number) => number): Tensor {
  const mapped = new Float64Array(data.length);
  for (let i = 0; i < mapped.length; i++) mapped[i] = value(data[i], i);
  return { shape, data: mapped };
}
