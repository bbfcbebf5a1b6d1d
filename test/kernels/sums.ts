/** Sums in float64, with the bound that any float32 evaluation of them keeps. */

const LARGEST = 2 ** 128 * (1 - 2 ** -20);
const ROUNDING = 2 ** -24;
const SUBNORMAL = 2 ** -149;

/** A number, and how far a kernel may be off. */
export interface Bounded {
  readonly value: number;
  readonly bound: number;
}

/**
 * Σ x·w from a start value. The bound is terms · (2⁻²⁴ · Σ|x||w| + 2⁻¹⁴⁹), terms counting the products, the start and one more for what is
 * second order. NaN and infinities among the numbers decide the result exactly and take no part in the bound.
 */
export class Sum {
  value: number;
  magnitude = 0;
  terms = 2;

  constructor(start = 0) {
    this.value = start;
    this.#count(start);
  }

  add(x: number, w = 1): void {
    const product = x * w;
    this.value += product;
    this.terms += 1;
    this.#count(product);
  }

  get bounded(): Bounded {
    return { value: this.value, bound: boundOf(this.terms, this.magnitude) };
  }

  #count(part: number): void {
    if (Number.isFinite(part)) this.magnitude += Math.abs(part);
  }
}

/** Infinity where a float32 sum may overflow on the way: its result then depends on the order. */
export function boundOf(roundings: number, magnitude: number): number {
  if (magnitude > LARGEST) return Number.POSITIVE_INFINITY;
  return roundings * (ROUNDING * magnitude + SUBNORMAL);
}

/** min(max(x, lo), hi); NaN stays NaN. It never widens a distance. */
export function clamped({ value, bound }: Bounded, lo: number, hi: number): Bounded {
  return { value: Number.isNaN(value) ? value : Math.min(Math.max(value, lo), hi), bound };
}

/** The sum of two numbers that are known to within their bounds, rounded once. */
export function plus(a: Bounded, b: number): Bounded {
  const parts = [a.value, b].filter(Number.isFinite).reduce((sum, part) => sum + Math.abs(part), 0);
  return { value: a.value + b, bound: a.bound + boundOf(2, parts) };
}
