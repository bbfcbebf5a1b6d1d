/** The taps of all output samples along one axis, as `resize.ts` states them, in typed arrays that are kept from call to call. */
import type { ResizeRule } from '../network/conventions.js';
import { tapsOf } from './resize.js';

/**
 * Output sample i is Σ over t < taps of shares[i · taps + t] · sample[begin + first[i] + t]. Shares of 0 fill up where the rule reads
 * fewer. `count` samples from `begin` on are all that is read.
 */
export interface Axis {
  readonly taps: number;
  readonly first: Int32Array;
  /** Whole numbers of 2⁻²² for the antialiased rules. */
  readonly shares: Float64Array;
  readonly begin: number;
  readonly count: number;
}

/** A film has two; a folder of photos may have others for every picture. */
const KEPT = 16;
const kept = new Map<string, Axis>();

/** Output samples from … from + count − 1 of `out`, of an input of `samples`. */
export function axisOf(rule: ResizeRule, samples: number, out: number, from: number, count: number): Axis {
  const key = [rule, samples, out, from, count].join();
  let axis = kept.get(key);
  if (axis === undefined) {
    axis = pack(rule, samples, out, from, count);
    if (kept.size === KEPT) kept.clear();
    kept.set(key, axis);
  }
  return axis;
}

function pack(rule: ResizeRule, samples: number, out: number, from: number, count: number): Axis {
  const tapsAt = tapsOf(rule);
  const all = Array.from({ length: count }, (_, i) => tapsAt(from + i, samples, out));
  const taps = Math.min(Math.max(2, ...all.map(({ shares }) => shares.length)), samples);
  const firsts = all.map(({ first }) => Math.min(first, samples - taps));
  const begin = firsts[0];
  const first = Int32Array.from(firsts, (one) => one - begin);
  const shares = new Float64Array(count * taps);
  all.forEach((one, i) => {
    shares.set(one.shares, i * taps + one.first - firsts[i]);
  });
  return { taps, first, shares, begin, count: first[count - 1] + taps };
}
