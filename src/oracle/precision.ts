/**
 * Floating-point arithmetic as the bounds see it: by what factor one operation may be off.
 *
 *   fl(a ∘ b) = (a ∘ b)(1 + δ),  |δ| ≤ u      Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., eq. 2.4
 *
 * u, the unit roundoff, is 2⁻ᵖ for a significand of p bits rounded to nearest. A number that goes through several operations, whose
 * roundoffs add up to S, is off by a factor 1 + θ with
 *
 *   |θ| ≤ γ(S) = S / (1 − S),  provided that S < 1      (Lemma 3.1 there, with S = n·u; for unlike u's by ∏ (1 − uᵢ) ≥ 1 − Σ uᵢ)
 *
 * Below the smallest normal number N roundings are absolute: at most u·N. The bounds therefore count what is smaller than N as N.
 */
import { UsageError } from '../errors.js';
import type { Tensor } from '../tensor.js';

/** One number format. */
export interface NumberRange {
  /** Bits of the significand, the hidden one included; u = 2^−bits. */
  readonly bits: number;
  /** The smallest normal number. */
  readonly smallest: number;
  readonly largest: number;
}

/** How a backend computes. */
export interface Precision {
  readonly name: PrecisionName;
  /** What tensors and weights are stored in. */
  readonly stored: NumberRange;
  /** What the two factors of a product are rounded to in convolutions and dense layers. */
  readonly factors: NumberRange;
  /** What products and sums are rounded to. */
  readonly sums: NumberRange;
  /** Whether numbers below the smallest normal one become zero, as on many GPUs: then u·N above is N. */
  readonly flushesToZero: boolean;
}

const FLOAT32: NumberRange = { bits: 24, smallest: 2 ** -126, largest: (2 - 2 ** -23) * 2 ** 127 };
const FLOAT16: NumberRange = { bits: 11, smallest: 2 ** -14, largest: 65504 };
const BFLOAT16: NumberRange = { bits: 8, smallest: 2 ** -126, largest: (2 - 2 ** -7) * 2 ** 127 };
const TF32: NumberRange = { bits: 11, smallest: 2 ** -126, largest: (2 - 2 ** -10) * 2 ** 127 };

const uniform = (range: NumberRange) => ({ stored: range, factors: range, sums: range });

const precisions = {
  /** Everything in float32, as this project's engine computes. */
  float32: uniform(FLOAT32),
  /** Everything in float16, the sums too. */
  float16: uniform(FLOAT16),
  bfloat16: uniform(BFLOAT16),
  /** Tensors in float16, sums in float32: tensor cores and most float16 kernels. */
  'mixed-float16': { stored: FLOAT16, factors: FLOAT16, sums: FLOAT32 },
  'mixed-bfloat16': { stored: BFLOAT16, factors: BFLOAT16, sums: FLOAT32 },
  /** Tensors and sums in float32, factors rounded to nearest in 11 bits. */
  tf32: { stored: FLOAT32, factors: TF32, sums: FLOAT32 },
} as const;

export type PrecisionName = keyof typeof precisions;

export const precisionNames = Object.keys(precisions) as readonly PrecisionName[];

export function precisionOf(name: PrecisionName, { flushesToZero = false } = {}): Precision {
  if (!Object.hasOwn(precisions, name)) {
    throw new UsageError(`precision: there is no '${name}'; wanted one of ${precisionNames.join(', ')}`);
  }
  return { name, ...precisions[name], flushesToZero };
}

/** u, the unit roundoff. */
export const roundoff = ({ bits }: NumberRange): number => 2 ** -bits;

/** γ(S) = S / (1 − S); infinite from S = 1 on, where the analysis says nothing. */
export const gamma = (roundoffs: number): number => (roundoffs < 1 ? roundoffs / (1 - roundoffs) : Infinity);

/** What everything smaller counts as, so that relative roundings cover the absolute ones of underflow: N, or N / u. */
export function smallestCounted({ stored, sums, flushesToZero }: Precision): number {
  const { smallest, bits } = stored.smallest > sums.smallest ? stored : sums;
  return flushesToZero ? smallest * 2 ** bits : smallest;
}

/** Whether a number of this size is stored without rounding. */
export function isRepresentable(value: number, { bits, smallest, largest }: NumberRange): boolean {
  const size = Math.abs(value);
  if (size === 0 || !Number.isFinite(size)) return true;
  if (size > largest) return false;
  const step = 2 ** (Math.floor(Math.log2(Math.max(size, smallest))) + 1 - bits);
  return Number.isInteger(size / step);
}

/** Whether a backend can hold these numbers as they are. Float32 tensors in a float32 backend need no look. */
export function allRepresentable({ data }: Tensor, range: NumberRange): boolean {
  if (data instanceof Float32Array && range.bits >= FLOAT32.bits) return true;
  return data.every((value) => isRepresentable(value, range));
}
