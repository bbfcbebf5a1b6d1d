import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ShapeError } from '../../src/errors.js';
import { backward, multiply } from '../../src/layers/index.js';
import { coordinateOf, indexOf, type Shape } from '../../src/tensor.js';
import { expectSlopes } from './differences.js';
import { keepsPromises } from './promises.js';
import { expectClose, grid, numbersOf, randomTensor } from './support.js';

keepsPromises('multiply', {}, [
  [3, 5, 4, 6],
  [3, 1, 1, 6],
]);

// biome-ignore format: drawn as it lies in memory
const picture = grid([1, 2, 2, 2], [
  1, 10,   2, 20,
  3, 30,   4, 40,
]);

describe('examples to check by hand', () => {
  test('number by number', () => {
    const y = multiply.forward([picture, picture]);
    expectClose(y, grid([1, 2, 2, 2], [1, 100, 4, 400, 9, 900, 16, 1600]));
  });

  test('a gate: one number for each channel', () => {
    const gate = grid([1, 1, 1, 2], [5, 0.5]);
    // biome-ignore format: drawn as it lies in memory
    const expected = grid([1, 2, 2, 2], [
       5,  5,  10, 10,
      15, 15,  20, 20,
    ]);
    expectClose(multiply.forward([picture, gate]), expected);
    expectClose(multiply.forward([gate, picture]), expected);
  });

  test('both are repeated where the other is larger: a column times a row', () => {
    const y = multiply.forward([grid([1, 2, 1], [2, 3]), grid([1, 1, 3], [1, 10, 100])]);
    expectClose(y, grid([1, 2, 3], [2, 20, 200, 3, 30, 300]));
  });

  test('the gate’s gradient adds up over the picture', () => {
    const gate = grid([1, 1, 1, 2], [5, 0.5]);
    const ones = grid([1, 2, 2, 2], [1, 1, 1, 1, 1, 1, 1, 1]);
    const { inputs } = backward.multiply(ones, [picture, gate]);
    expectClose(inputs[0], grid([1, 2, 2, 2], [5, 0.5, 5, 0.5, 5, 0.5, 5, 0.5]));
    expectClose(inputs[1], grid([1, 1, 1, 2], [10, 100]));
  });
});

const anySizes = fc.array(
  fc.record({ size: fc.integer({ min: 1, max: 4 }), one: fc.constantFrom('neither', 'first', 'second') }),
  { minLength: 1, maxLength: 4 },
);
const anyShapes = anySizes.map((sizes): [Shape, Shape] => {
  const shapeOf = (which: string) => sizes.map(({ size, one }, axis) => (axis > 0 && one === which ? 1 : size));
  return [shapeOf('first'), shapeOf('second')];
});

test('is the product of the numbers at the same coordinate, or at 0 along an axis of size 1', () => {
  fc.assert(
    fc.property(anyShapes, fc.nat(), (shapes, seed) => {
      const [a, b] = shapes.map((shape, i) => randomTensor(shape, seed + i));
      const y = multiply.forward([a, b]);
      for (let i = 0; i < y.data.length; i++) {
        const at = coordinateOf(y.shape, i);
        const [left, right] = [a, b].map(
          ({ shape, data }) =>
            data[
              indexOf(
                shape,
                at.map((where, axis) => Math.min(where, shape[axis] - 1)),
              )
            ],
        );
        expect(y.data[i]).toBe(Math.fround(left * right));
      }
    }),
  );
});

test('backward is the slope of forward', () => {
  fc.assert(
    fc.property(anyShapes, fc.nat(), (shapes, seed) => {
      const inputs = shapes.map((shape, i) => randomTensor(shape, seed + i));
      expectSlopes({ forward: (xs) => multiply.forward(xs), backward: (dy, xs) => backward.multiply(dy, xs) }, inputs);
    }),
    { numRuns: 40 },
  );
});

test('0 · ∞ is NaN', () => {
  expect(numbersOf(multiply.forward([grid([3], [0, 1, NaN]), grid([3], [Infinity, Infinity, 0])]))).toEqual([
    NaN,
    Infinity,
    NaN,
  ]);
});

test('errors', () => {
  const shapeOf =
    (...shapes: Shape[]) =>
    () =>
      multiply.outputShape(shapes);
  expect(shapeOf([1, 2])).toThrow(new ShapeError('multiply: takes two inputs, found 1'));
  expect(shapeOf([1, 2], [1, 2], [1, 2])).toThrow(new ShapeError('multiply: takes two inputs, found 3'));
  for (const [a, b] of [
    [
      [1, 2],
      [1, 3],
    ],
    [
      [1, 2, 2],
      [1, 2],
    ],
    [
      [2, 2],
      [1, 2],
    ],
  ]) {
    expect(shapeOf(a, b)).toThrow(
      new ShapeError(`multiply: after the batch, sizes must be equal or 1, found [${a}], [${b}]`),
    );
  }
});
