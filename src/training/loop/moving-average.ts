/**
 * Exponential moving averages, of batch norm's statistics and of the weights themselves:
 *
 *   average ← d · average + (1 − d) · value,   d = min(decay, (1 + updates) / (10 + updates))
 *
 * so that an average is one of few values while it is young: tf.train.ExponentialMovingAverage with `num_updates`. (The published V2
 * checkpoints are averages with decay 0.9999 of the weights.) Batch norm's momentum 0.99 as Keras means it is decay 0.99 here, PyTorch's 0.01.
 */
export const decayAt = (decay: number, updates: number): number => Math.min(decay, (1 + updates) / (10 + updates));

/** Changes `average`. */
export function updateAverage(average: Float32Array, values: Float32Array, decay: number, updates: number): void {
  const d = decayAt(decay, updates);
  for (let i = 0; i < average.length; i++) average[i] = d * average[i] + (1 - d) * values[i];
}

/** Changes `mean`, that of count − 1 arrays, to that of `count`, of which `values` is the last. */
export function addToMean(mean: Float32Array, values: Float32Array, count: number): void {
  for (let i = 0; i < mean.length; i++) mean[i] += (values[i] - mean[i]) / count;
}
