import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ShapeError } from '../../src/errors.js';
import { backward, hardSigmoid } from '../../src/layers/index.js';
import { tensor } from '../../src/tensor.js';
import { expectSlopes } from './differences.js';
import { keepsPromises } from './promises.js';
import { grid, numbersOf } from './support.js';

keepsPromises('hardSigmoid', {}, [[3, 5, 4, 6]]);

const inputs = [-Infinity, -4, -3, -1.5, -0, 0, 1.5, 3, 7, Infinity, NaN];

test('known values: 0 up to −3, 1/2 at 0, 1 from 3 on', () => {
  const y = hardSigmoid.forward([tensor([11], inputs)]);
  expect(numbersOf(y)).toEqual([0, 0, 0, 0.25, 0.5, 0.5, 0.75, 1, 1, 1, NaN]);
});

test('the gradient passes between −3 and 3, divided by 6', () => {
  const found = backward.hardSigmoid(grid([11], Array(11).fill(12)), [tensor([11], inputs)]);
  expect(numbersOf(found.inputs[0])).toEqual([0, 0, 0, 2, 2, 2, 2, 0, 0, 0, 2]);
});

test('is x / 6 + 1/2 between 0 and 1, symmetric about (0, 1/2), and rises', () => {
  fc.assert(
    fc.property(fc.double({ min: -6, max: 6, noNaN: true }), (x) => {
      const [at, opposite, later] = hardSigmoid.forward([tensor([3], Float64Array.of(x, -x, x + 0.1))]).data;
      expect(at).toBeCloseTo(Math.abs(x) < 3 ? x / 6 + 0.5 : x > 0 ? 1 : 0, 14);
      expect(at + opposite).toBeCloseTo(1, 14);
      expect(later).toBeGreaterThanOrEqual(at);
    }),
  );
});

test('backward is the slope of forward, on all three pieces', () => {
  expectSlopes({ forward: (xs) => hardSigmoid.forward(xs), backward: (dy, xs) => backward.hardSigmoid(dy, xs) }, [
    tensor([7], [-5, -3.1, -2.9, 0.3, 2.9, 3.1, 8]),
  ]);
});

test('takes one input', () => {
  expect(() => hardSigmoid.outputShape([])).toThrow(new ShapeError('hardSigmoid: takes one input, found 0'));
});
