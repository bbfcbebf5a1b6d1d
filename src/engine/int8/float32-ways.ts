/**
 * Requantisation in float32 where it provably gives the integers of 64 bits: assembly/int8/requantize.ts says how a result is computed then. For each
 * result above the lowest there is a first sum that gives it; the way is right if it is right for these at most 255 sums and the one before each,
 * since results never fall where sums rise.
 */
import type { Multiplier, Rounding } from '../../layers/int8/fixed-point.js';

/** Of a result, without the zero point. */
export type Bounds = readonly [lo: number, hi: number];

/** A channel's numbers in float32, as assembly/int8/requantize.ts names them. */
export interface Float32Way {
  /** M' */
  readonly factor: number;
  /** b */
  readonly term: number;
  /** x0 and r0 */
  readonly origin: number;
  readonly middle: number;
}

/**
 * Finds the way of sums that are no further from 0 than `limit`, or that there is none. The channels of a layer have one multiplier, or each its
 * own.
 */
export function float32Ways(
  bounds: Bounds,
  rounding: Rounding,
): (scale: Multiplier, limit: number) => Float32Way | undefined {
  let last: Multiplier | undefined;
  let way: Float32Way | undefined;
  return (scale, limit) => {
    if (scale.m !== last?.m || scale.shift !== last.shift) way = float32Way(scale, bounds, rounding);
    last = scale;
    // Further from 0, results would lose their order when 1.5 · 2²³ is added.
    return limit * (scale.m / 2 ** (31 - scale.shift)) < 2 ** 22 - 2 ** 9 ? way : undefined;
  };
}

/** Halves between two results, and the first sums beyond them. */
const halves = new Float64Array(256);
const firsts = new Float64Array(256);

/**
 * For each result above the lowest there is a first sum that gives it. b has to lift that sum's product to the half before
 * the result, and the product of the sum before it no further.
 */
export function float32Way({ m, shift }: Multiplier, [lo, hi]: Bounds, rounding: Rounding): Float32Way | undefined {
  const multiplier = m / 2 ** (31 - shift);
  const e = rounding === 'double' && shift < 0 ? 2 ** (shift - 1) : 0;
  const middle = Math.round((lo + hi) / 2);
  const origin = Math.round(middle / multiplier);
  const count = Math.max(hi - lo, 0);
  for (let i = 0; i < count; i++) {
    const half = lo + i + 0.5;
    halves[i] = half - middle;
    // Exact: a quotient that is no integer is further from one than 1 / m, and all are below 2²¹.
    firsts[i] = Math.ceil((half - (half > 0 ? e : -e)) / multiplier) - origin;
  }
  for (const step of [0, 1, -1]) {
    const factor = Math.fround(multiplier * (1 + step / 2 ** 23));
    const term = termFor(factor, count);
    if (term !== undefined) return { factor, term, origin, middle };
  }
  return undefined;
}

/** Half of a unit in the last place of sums below 256, of b and of b's product. */
const ROUNDING_32 = 2 ** -17 + 2 ** -24;

function termFor(factor: number, count: number): number | undefined {
  let least = -2;
  let most = 2;
  for (let i = 0; i < count; i++) {
    const above = halves[i] - Math.fround(firsts[i] * factor);
    const below = halves[i] - Math.fround((firsts[i] - 1) * factor);
    if (above > least) least = above;
    if (below < most) most = below;
    if (least >= most) return undefined;
  }
  const term = Math.fround((least + most) / 2);
  return most - least > 2 * ROUNDING_32 || separates(factor, term, count) ? term : undefined;
}

/** b is rounded, and so is what it is added to. */
function separates(factor: number, term: number, count: number): boolean {
  for (let i = 0; i < count; i++) {
    if (Math.fround(Math.fround(firsts[i] * factor) + term) <= halves[i]) return false;
    if (Math.fround(Math.fround((firsts[i] - 1) * factor) + term) >= halves[i]) return false;
  }
  return true;
}
