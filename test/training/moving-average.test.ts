import { expect, test } from 'vitest';
import { decayAt, updateAverage } from '../../src/training/loop/moving-average.js';

test('young averages forget faster: (1 + updates) / (10 + updates), until the decay is reached', () => {
  expect([0, 1, 8, 89].map((updates) => decayAt(0.9, updates))).toEqual([0.1, 2 / 11, 0.5, 0.9]);
  expect(decayAt(0.999, 890)).toBeCloseTo(0.99, 3);
  expect(decayAt(0, 5)).toBe(0);
});

test('the average of 10 and 20 after the first update', () => {
  const average = Float32Array.of(10, 0);
  updateAverage(average, Float32Array.of(20, 1), 0.9, 0);
  expect([...average]).toEqual([19, Math.fround(0.9)]);
});

test('with decay 0 it is the value itself, to the bit', () => {
  const values = Float32Array.of(0.1, -1e-30, 3e7);
  const average = Float32Array.of(5, 5, 5);
  updateAverage(average, values, 0, 100);
  expect(average).toEqual(values);
});
