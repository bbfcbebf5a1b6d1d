/**
 * The range of a tensor's numbers that its 256 integers are to cover, by one of four rules:
 *
 *   min-max         the least and the greatest number of all pictures
 *   moving-average  the mean of each picture's least and greatest number
 *   percentile      without the lowest and the highest 0.01 % of the numbers
 *   least-squares   the shrunken range whose rounding and clipping make the least mean squared error
 *
 * Krishnamoorthi, arXiv 1806.08342, section 3; Nagel et al., arXiv 2106.08295, section 3.1 compares them.
 */
import type { FloatArray, QuantizedType } from '../tensor.js';
import { Histogram } from './histogram.js';

export const rangeRules = ['min-max', 'moving-average', 'percentile', 'least-squares'] as const;
export type RangeRule = (typeof rangeRules)[number];

/** Real numbers. */
export interface Range {
  readonly least: number;
  readonly greatest: number;
}

/** Numbers beyond are clipped, at each end. */
const CLIPPED_SHARE = 1e-4;

/** Ranges that least-squares tries: 1, 0.99, …, 0.31 of the whole. */
const SHRINKINGS = Array.from({ length: 70 }, (_, i) => 1 - i / 100);

/** What is kept of a tensor's numbers, picture after picture. */
export class RangeCollector {
  readonly #rule: RangeRule;
  readonly #histogram: Histogram | undefined;
  #pictures = 0;
  #whole: Range = { least: Infinity, greatest: -Infinity };
  #mean: Range = { least: 0, greatest: 0 };

  constructor(rule: RangeRule) {
    this.#rule = rule;
    this.#histogram = rule === 'percentile' || rule === 'least-squares' ? new Histogram() : undefined;
  }

  /** The numbers of one picture. */
  add(numbers: FloatArray): void {
    const { least, greatest } = extremes(numbers);
    this.#pictures++;
    this.#whole = union(this.#whole, { least, greatest });
    this.#mean = {
      least: this.#mean.least + (least - this.#mean.least) / this.#pictures,
      greatest: this.#mean.greatest + (greatest - this.#mean.greatest) / this.#pictures,
    };
    this.#histogram?.add(numbers);
  }

  range(): Range {
    if (this.#rule === 'min-max') return this.#whole;
    if (this.#rule === 'moving-average') return this.#mean;
    const histogram = this.#histogram!;
    return this.#rule === 'percentile' ? clipped(histogram, this.#whole) : leastSquares(histogram, this.#whole);
  }
}

export function extremes(numbers: FloatArray): Range {
  let [least, greatest] = [Infinity, -Infinity];
  for (let i = 0; i < numbers.length; i++) {
    if (numbers[i] < least) least = numbers[i];
    if (numbers[i] > greatest) greatest = numbers[i];
  }
  return { least, greatest };
}

export const union = (a: Range, b: Range): Range => ({
  least: Math.min(a.least, b.least),
  greatest: Math.max(a.greatest, b.greatest),
});

/** Not beyond the whole: a bin's middle may lie there. */
function clipped(histogram: Histogram, whole: Range): Range {
  return {
    least: Math.max(histogram.quantile(CLIPPED_SHARE), whole.least),
    greatest: Math.min(histogram.quantile(1 - CLIPPED_SHARE), whole.greatest),
  };
}

function leastSquares(histogram: Histogram, whole: Range): Range {
  const errors = SHRINKINGS.map((share) => squaredError(histogram, shrunken(whole, share)));
  return shrunken(whole, SHRINKINGS[errors.indexOf(Math.min(...errors))]);
}

const shrunken = ({ least, greatest }: Range, share: number): Range => ({
  least: least * share,
  greatest: greatest * share,
});

/** Rounding to steps of s makes s² / 12 for each number; clipping its distance to the end, squared. */
function squaredError(histogram: Histogram, range: Range): number {
  const { least, greatest } = withZero(range);
  const rounding = ((greatest - least) / 255) ** 2 / 12;
  return histogram.counts.reduce((sum, count, bin) => {
    const x = histogram.middle(bin);
    const beyond = Math.max(x - greatest, least - x, 0);
    return sum + count * (beyond > 0 ? beyond ** 2 : rounding);
  }, 0);
}

/** 0 must be one of the integers: padding and the result of relu are exactly 0. */
const withZero = (range: Range): Range => union(range, { least: 0, greatest: 0 });

/**
 * The int8 type for numbers of this range: scale = (greatest − least) / 255, zero point = −128 − least / scale, rounded. A range of nothing but 0
 * gets the scale 1 / 255.
 */
export function typeOfRange(range: Range): QuantizedType {
  const { least, greatest } = withZero(range);
  const scale = Math.fround((greatest - least || 1) / 255);
  // + 0, since −0.4 rounds to −0.
  const zeroPoint = Math.min(Math.max(Math.round(-128 - least / scale) + 0, -128), 127);
  return { type: 'int8', scale, zeroPoint };
}
