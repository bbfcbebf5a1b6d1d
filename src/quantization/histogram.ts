/** How often a tensor's numbers fall into each of 4096 bins. The bins grow with the numbers: where one lies outside, neighbours are joined. */
const BINS = 4096;

export class Histogram {
  /** Of [−limit, limit), in equal bins. */
  readonly counts = new Float64Array(BINS);
  #limit = 2 ** -20;

  get limit(): number {
    return this.#limit;
  }

  add(numbers: ArrayLike<number>): void {
    let largest = 0;
    for (let i = 0; i < numbers.length; i++) largest = Math.max(largest, Math.abs(numbers[i]));
    while (this.#limit <= largest) this.#double();
    const perUnit = BINS / 2 / this.#limit;
    for (let i = 0; i < numbers.length; i++) this.counts[BINS / 2 + Math.floor(numbers[i] * perUnit)]++;
  }

  /** The middle of a bin. */
  middle(bin: number): number {
    return ((bin + 0.5) / (BINS / 2) - 1) * this.#limit;
  }

  /** The number below which this share of all numbers lies, to a bin's width. */
  quantile(share: number): number {
    const wanted = share * this.counts.reduce((sum, count) => sum + count, 0);
    let below = 0;
    for (let bin = 0; bin < BINS; bin++) {
      below += this.counts[bin];
      if (below >= wanted) return this.middle(bin);
    }
    return this.#limit;
  }

  #double(): void {
    const half = BINS / 2;
    const joined = new Float64Array(BINS);
    for (let bin = 0; bin < BINS; bin++) joined[half / 2 + (bin >> 1)] += this.counts[bin];
    this.counts.set(joined);
    this.#limit *= 2;
  }
}
