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
  });

  test('the gate’s gradient adds up over the picture', () => {
    const gate = grid([1, 1, 1, 2], [5, 0.5]);
    const ones = grid([1, 2, 2, 2], [1, 1, 1, 1, 1, 1, 1, 1]);
    const { inputs } = backward.multiply(ones, [picture, gate]);
    expectClose(inputs[0], grid([1, 2, 2, 2], [5, 0.5, 5, 0.5, 5, 0.5, 5, 0.5]));
    expectClose(inputs[1], grid([1, 1, 1, 2], [10, 100]));
  });
});

const anyShapes = fc
  .record({ shape: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 }), isGate: fc.boolean() })
  .map(({ shape, isGate }): [Shape, Shape] => {
    const gate = shape.map((size, axis) => (axis === 0 || axis === shape.length - 1 ? size : 1));
    return [shape, isGate ? gate : shape];
  });

test('is the product of the numbers at the same coordinate, of a gate at 0 along all axes between', () => {
  fc.assert(
    fc.property(anyShapes, fc.nat(), (shapes, seed) => {
      const [a, b] = shapes.map((shape, i) => randomTensor(shape, seed + i));
      const y = multiply.forward([a, b]);
      expect(y.shape).toEqual(a.shape);
      for (let i = 0; i < y.data.length; i++) {
        const at = coordinateOf(y.shape, i).map((where, axis) => Math.min(where, b.shape[axis] - 1));
        expect(y.data[i]).toBe(Math.fround(a.data[i] * b.data[indexOf(b.shape, at)]));
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
  const wanted = 'multiply: wanted [N, …, C] and the same or [N, 1, …, 1, C], found';
  expect(shapeOf()).toThrow(new ShapeError(`${wanted} `));
  expect(shapeOf([1, 2])).toThrow(new ShapeError(`${wanted} [1,2]`));
  expect(shapeOf([1, 2], [1, 2], [1, 2])).toThrow(new ShapeError(`${wanted} [1,2], [1,2], [1,2]`));
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
    [
      [1, 1, 1, 2],
      [1, 4, 4, 2],
    ],
  ]) {
    expect(shapeOf(a, b)).toThrow(new ShapeError(`${wanted} [${a}], [${b}]`));
  }
});
