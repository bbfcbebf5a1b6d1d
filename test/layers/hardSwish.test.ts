import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ShapeError } from '../../src/errors.js';
import { backward, hardSigmoid, hardSwish } from '../../src/layers/index.js';
import { tensor } from '../../src/tensor.js';
import { expectSlopes } from './differences.js';
import { keepsPromises } from './promises.js';
import { grid, numbersOf } from './support.js';

keepsPromises('hardSwish', {}, [[3, 5, 4, 6]]);

const inputs = [-Infinity, -4, -3, -1.5, -0, 0, 1.5, 3, 6, Infinity, NaN];

test('known values: 0 up to −3, x from 3 on, least at −1.5', () => {
  const y = hardSwish.forward([tensor([11], inputs)]);
  expect(numbersOf(y)).toEqual([NaN, -0, -0, -0.375, -0, 0, 1.125, 3, 6, Infinity, NaN]);
});

test('the gradient by hand: (2x + 3) / 6 in the middle, which is 0 at −1.5', () => {
  const found = backward.hardSwish(grid([11], Array(11).fill(2)), [tensor([11], inputs)]);
  expect(numbersOf(found.inputs[0])).toEqual([0, 0, 0, 0, 1, 1, 2, 2, 2, 2, NaN]);
});

test('is x times the hard sigmoid of x', () => {
  fc.assert(
    fc.property(fc.double({ min: -8, max: 8, noNaN: true }), (x) => {
      const at = tensor([1], Float64Array.of(x));
      expect(hardSwish.forward([at]).data[0]).toBeCloseTo(x * hardSigmoid.forward([at]).data[0], 14);
    }),
  );
});

test('backward is the slope of forward, on all three pieces', () => {
  expectSlopes({ forward: (xs) => hardSwish.forward(xs), backward: (dy, xs) => backward.hardSwish(dy, xs) }, [
    tensor([8], [-5, -3.1, -2.9, -1.5, 0.3, 2.9, 3.1, 8]),
  ]);
});

test('takes one input', () => {
  expect(() => hardSwish.outputShape([])).toThrow(new ShapeError('hardSwish: takes one input, found 0'));
});
