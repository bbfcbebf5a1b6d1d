/** The value below which the given part of the sample lies, interpolated. */
export function quantile(sample: readonly number[], part: number): number {
  const sorted = [...sample].sort((a, b) => a - b);
  const at = (sorted.length - 1) * part;
  const [low, high] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]];
  return low + (high - low) * (at - Math.floor(at));
}

export const median = (sample: readonly number[]): number => quantile(sample, 0.5);

export const geometricMean = (sample: readonly number[]): number =>
  Math.exp(sample.reduce((sum, value) => sum + Math.log(value), 0) / sample.length);
