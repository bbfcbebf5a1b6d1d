import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ShapeError } from '../../src/errors.js';
import { cost, softmax } from '../../src/layers/index.js';
import { tensor, toFloat64 } from '../../src/tensor.js';
import { grid, numbersOf, randomTensor } from './support.js';

const float64 = (...numbers: number[]) =>
  numbersOf(softmax.forward([tensor([1, numbers.length], Float64Array.from(numbers))]));

test('logarithms of 1, 2 and 5 give eighths', () => {
  const found = float64(Math.log(1), Math.log(2), Math.log(5));
  [1 / 8, 2 / 8, 5 / 8].forEach((wanted, c) => {
    expect(found[c]).toBeCloseTo(wanted, 15);
  });
});

test('each row by itself', () => {
  const y = softmax.forward([grid([1, 1, 2, 2], [0, 0, 100, -100])]);
  expect(y.shape).toEqual([1, 1, 2, 2]);
  expect(numbersOf(y)).toEqual([0.5, 0.5, 1, Math.fround(Math.exp(-200))]);
});

test('logits of 10,000 neither overflow nor vanish', () => {
  expect(float64(1e4, 1e4)).toEqual([0.5, 0.5]);
  expect(float64(-1e4, -1e4, -1e4)).toEqual([1 / 3, 1 / 3, 1 / 3]);
  expect(float64(1e4, -1e4)).toEqual([1, 0]);
  expect(float64(1e4, 1e4 - Math.log(3))[0]).toBeCloseTo(0.75, 10);
});

test('NaN and an infinite maximum have no answer; −∞ beside a number is a probability of 0', () => {
  expect(float64(1, NaN, 2)).toEqual([NaN, NaN, NaN]);
  expect(float64(1, Infinity)).toEqual([NaN, NaN]);
  expect(float64(-Infinity, -Infinity)).toEqual([NaN, NaN]);
  expect(float64(-Infinity, 3)).toEqual([0, 1]);
  expect(float64(-7)).toEqual([1]);
});

describe('any row', () => {
  const logits = fc.array(fc.double({ min: -50, max: 50, noNaN: true }), { minLength: 1, maxLength: 20 });

  test('is positive, sums to 1, and keeps its ratios e^(a − b)', () => {
    fc.assert(
      fc.property(logits, (row) => {
        const y = float64(...row);
        expect(y.reduce((sum, p) => sum + p)).toBeCloseTo(1, 12);
        row.forEach((logit, c) => {
          expect(y[c] / y[0] / Math.exp(logit - row[0])).toBeCloseTo(1, 12);
        });
      }),
    );
  });

  test('does not change when a constant is added', () => {
    fc.assert(
      fc.property(logits, fc.integer({ min: -1000, max: 1000 }), (row, shift) => {
        const shifted = float64(...row.map((logit) => logit + shift));
        float64(...row).forEach((p, c) => {
          expect(shifted[c]).toBeCloseTo(p, 11);
        });
      }),
    );
  });

  test('in float32 is the float64 answer, rounded once', () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 1, max: 9 }), (seed, C) => {
        const x = randomTensor([3, C], seed);
        const exact = softmax.forward([toFloat64(x)]);
        expect(numbersOf(softmax.forward([x]))).toEqual(numbersOf(exact).map(Math.fround));
      }),
    );
  });
});

test('errors and cost', () => {
  expect(() => softmax.outputShape([])).toThrow(new ShapeError('softmax: takes one input, found 0'));
  expect(() => softmax.outputShape([[]])).toThrow(
    new ShapeError('softmax: wanted an input of shape [..., channels], found []'),
  );
  expect(() => softmax.forward([])).toThrow(new ShapeError('softmax: takes one input, found 0'));
  expect(cost(softmax, [[2, 3]])).toEqual({ multiplyAdds: 0, trainable: 0, stored: 0 });
});
