/** Two tensors that should be the same, and the bound: how far they are apart, where, and whether rounding can be why. */
import { coordinateOf, type FloatArray, type Tensor } from '../tensor.js';

/**
 * `exact`: every number is the same. `within rounding`: correct arithmetic of the stated precision may give this. `not decided`: the same,
 * but the bound exceeds the numbers themselves, so that a wrong backend would pass too. `beyond`: correct arithmetic cannot give this.
 * `wrong shape`: there was nothing to compare.
 */
export type Verdict = 'exact' | 'within rounding' | 'not decided' | 'beyond' | 'wrong shape';

/** The element that uses most of its bound. */
export interface WorstElement {
  readonly coordinate: readonly number[];
  readonly theirs: number;
  readonly reference: number;
  readonly bound: number;
}

export interface Difference {
  readonly verdict: Exclude<Verdict, 'wrong shape'>;
  /** Largest |theirs − reference|; NaN counts as infinitely far from everything but NaN. */
  readonly maxAbs: number;
  /** Largest |theirs − reference| / bound; above 1 is beyond. For elements whose bound is 0 see `unitsOf`. */
  readonly maxUnits: number;
  readonly worst: WorstElement;
  readonly elements: number;
  readonly nan: number;
  readonly infinite: number;
  /** theirs · reference / (‖theirs‖ ‖reference‖): 1 when they point the same way. NaN where either has no direction. */
  readonly cosine: number;
  /** Elements by their share of the bound: those equal, and those up to each of HISTOGRAM_EDGES. */
  readonly histogram: readonly number[];
  /** True where the bound allows, on average, more than the size of the reference's numbers: agreement then says nothing. */
  readonly loose: boolean;
}

/** Upper edges of the histogram's bins, in units of the bound. */
export const HISTOGRAM_EDGES = [0, 2 ** -10, 2 ** -8, 2 ** -6, 2 ** -4, 2 ** -2, 1, 4, 16, 256, Infinity] as const;

/** Compares two tensors of one shape and at least one element. */
export function difference(theirs: Tensor, reference: Tensor, bound: Tensor): Difference {
  const units = unitsOf(theirs.data, reference.data, bound.data);
  const histogram = new Array<number>(HISTOGRAM_EDGES.length).fill(0);
  let worst = 0;
  let maxAbs = 0;
  let allowed = 0;
  let size = 0;
  for (let i = 0; i < units.length; i++) {
    histogram[HISTOGRAM_EDGES.findIndex((edge) => units[i] <= edge)]++;
    if (units[i] > units[worst]) worst = i;
    maxAbs = Math.max(maxAbs, distance(theirs.data[i], reference.data[i]));
    if (!Number.isFinite(reference.data[i])) continue;
    allowed += bound.data[i];
    size += Math.abs(reference.data[i]);
  }
  const count = (is: (value: number) => boolean): number => Array.from(theirs.data).filter(is).length;
  const loose = allowed > size;
  const agreement = loose ? 'not decided' : 'within rounding';
  return {
    verdict: units[worst] > 1 ? 'beyond' : maxAbs > 0 ? agreement : 'exact',
    maxAbs,
    maxUnits: units[worst],
    worst: {
      coordinate: coordinateOf(theirs.shape, worst),
      theirs: theirs.data[worst],
      reference: reference.data[worst],
      bound: bound.data[worst],
    },
    elements: units.length,
    nan: count(Number.isNaN),
    infinite: count((value) => Math.abs(value) === Infinity),
    cosine: cosine(theirs.data, reference.data),
    histogram,
    loose,
  };
}

/**
 * |theirs − reference| / bound of every element. An infinite bound allows everything, NaN too: a sum may overflow both ways. Where the
 * bound is 0, at a clamped number for example, every difference is beyond it; in units of the tensor's median bound it also has a size:
 * 1 + |theirs − reference| / median.
 */
export function unitsOf(theirs: FloatArray, reference: FloatArray, bound: FloatArray): Float64Array {
  let median: number | undefined;
  return Float64Array.from(theirs, (value, i) => {
    const far = distance(value, reference[i]);
    if (far === 0 || bound[i] === Infinity) return 0;
    if (bound[i] > 0) return far / bound[i];
    median ??= medianBound(reference, bound);
    return 1 + far / median;
  });
}

/** Of those that are neither 0 nor infinite. Without any: the rounding of the largest number in float32, or 1 where all are 0. */
function medianBound(reference: FloatArray, bound: FloatArray): number {
  const sorted = Float64Array.from(bound)
    .filter((e) => e > 0 && e < Infinity)
    .sort();
  if (sorted.length > 0) return sorted[Math.floor(sorted.length / 2)];
  let largest = 0;
  for (const y of reference) if (Number.isFinite(y)) largest = Math.max(largest, Math.abs(y));
  return 2 ** -24 * largest || 1;
}

/** 0 for equal numbers, the two zeros and two NaNs included. */
function distance(a: number, b: number): number {
  if (a === b || (Number.isNaN(a) && Number.isNaN(b))) return 0;
  const far = Math.abs(a - b);
  return Number.isNaN(far) ? Infinity : far;
}

function cosine(a: FloatArray, b: FloatArray): number {
  let [ab, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    ab += a[i] * b[i];
    aa += a[i] * a[i];
    bb += b[i] * b[i];
  }
  return ab / (Math.sqrt(aa) * Math.sqrt(bb));
}
