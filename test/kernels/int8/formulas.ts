/** Requantisation in whole numbers of any length, step by step as gemmlowp and TFLite describe it. */
import fc from 'fast-check';
import type { Multiplier, Rounding } from '../../../src/layers/int8/fixed-point.js';

const floorDivide = (a: bigint, b: bigint): bigint => (a - (((a % b) + b) % b)) / b;

/**
 * sum · m · 2^(shift − 31). Single: rounded once, halves up. Double: first without the right shift, halves up; then shifted right, halves
 * away from zero.
 */
export function requantize(sum: number, { m, shift }: Multiplier, rounding: Rounding): number {
  const product = BigInt(sum) * BigInt(m);
  if (rounding === 'single' || shift >= 0) {
    const divisor = 2n ** BigInt(31 - shift);
    return Number(floorDivide(2n * product + divisor, 2n * divisor));
  }
  const high = floorDivide(product + 2n ** 30n, 2n ** 31n);
  const divisor = 2n ** BigInt(-shift);
  const magnitude = high < 0n ? -high : high;
  const rounded = (magnitude + divisor / 2n) / divisor;
  return Number(high < 0n ? -rounded : rounded);
}

export const clamp = (x: number, lo: number, hi: number): number => Math.min(Math.max(x, lo), hi);

export const anyRounding = fc.constantFrom<Rounding>('single', 'double');

/** Bounds without the zero point: whole types with zero points at and between the extremes, ReLU, ReLU6, a single value. */
export const anyBounds = fc.constantFrom<readonly [lo: number, hi: number]>(
  [-128, 127],
  [0, 255],
  [-255, 0],
  [0, 100],
  [-117, 138],
  [7, 7],
);

/**
 * Multipliers that bring sums of about `terms` products into the range of results; now and then ones that saturate everything, ones that leave
 * nothing, powers of two, whose results tie, and 0.
 */
export const anyMultiplier = (terms: number): fc.Arbitrary<Multiplier> => {
  const usual = -Math.ceil(Math.log2(255 * Math.sqrt(terms)));
  return fc.record({
    m: fc.oneof(
      { weight: 8, arbitrary: fc.integer({ min: 2 ** 30, max: 2 ** 31 - 1 }) },
      { weight: 3, arbitrary: fc.constantFrom(2 ** 30, 2 ** 30 + 2 ** 29, 2 ** 31 - 1) },
      { weight: 1, arbitrary: fc.constant(0) },
    ),
    shift: fc.oneof(
      { weight: 8, arbitrary: fc.integer({ min: usual - 3, max: Math.min(usual + 4, 0) }) },
      { weight: 1, arbitrary: fc.integer({ min: -31, max: 3 }) },
    ),
  });
};

/** Whole numbers between −`most` and `most`: any, only extremes, or small ones. */
export const integersOf = (length: number, most: number): fc.Arbitrary<number[]> =>
  fc.oneof(
    { weight: 4, arbitrary: fc.array(fc.integer({ min: -most, max: most }), { minLength: length, maxLength: length }) },
    { weight: 1, arbitrary: fc.array(fc.constantFrom(-most, most), { minLength: length, maxLength: length }) },
    { weight: 1, arbitrary: fc.array(fc.integer({ min: -2, max: 2 }), { minLength: length, maxLength: length }) },
  );
