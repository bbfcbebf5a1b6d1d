import { expect, test } from 'vitest';
import { mobilenetV2 } from '../../src/models/index.js';
import { initialWeights } from '../../src/training/step/initial-weights.js';

const network = mobilenetV2({ alpha: 0.5, smallPictures: true, classes: 10 });

test.each([
  ['expanded_conv_depthwise/kernel', 9],
  ['block_3_expand/kernel', 16],
  ['Conv1/kernel', 27],
  ['predictions/kernel', 1280],
])('%s is uniform in ±1 / √%d', (name, fanIn) => {
  const data = Array.from(initialWeights(network, 3).weights.get(name)!.data);
  const limit = 1 / Math.sqrt(fanIn);
  const largest = Math.max(...data.map(Math.abs));
  expect(largest).toBeLessThanOrEqual(Math.fround(limit));
  expect(largest).toBeGreaterThan(0.9 * limit);
  // Mean and mean square of n uniform numbers, within four of their standard deviations.
  const mean = data.reduce((sum, value) => sum + value, 0) / data.length;
  const square = data.reduce((sum, value) => sum + value * value, 0) / data.length;
  expect(Math.abs(mean)).toBeLessThan((4 * limit) / Math.sqrt(3 * data.length));
  expect(Math.abs(square - limit ** 2 / 3)).toBeLessThan((4 * limit ** 2 * Math.sqrt(4 / 45)) / Math.sqrt(data.length));
});

test('the rest changes nothing at first', () => {
  const { weights } = initialWeights(network, 3);
  const all = (name: string) => new Set(weights.get(name)!.data);
  expect(all('bn_Conv1/gamma')).toEqual(new Set([1]));
  expect(all('bn_Conv1/beta')).toEqual(new Set([0]));
  expect(all('bn_Conv1/movingMean')).toEqual(new Set([0]));
  expect(all('bn_Conv1/movingVariance')).toEqual(new Set([1]));
  expect(all('predictions/bias')).toEqual(new Set([0]));
});

test('the same seed gives the same weights, another one others', () => {
  const kernel = (seed: number) => initialWeights(network, seed).weights.get('Conv1/kernel')!.data;
  expect(kernel(1)).toEqual(kernel(1));
  expect(kernel(1)).not.toEqual(kernel(2));
});
