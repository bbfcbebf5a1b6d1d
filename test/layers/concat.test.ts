import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ShapeError } from '../../src/errors.js';
import { concat, cost } from '../../src/layers/index.js';
import { coordinateOf, indexOf } from '../../src/tensor.js';
import { expectClose, grid, numbersOf, randomTensor } from './support.js';

test('along the channels and along the height', () => {
  const a = grid([1, 2, 1, 2], [1, 2, 3, 4]);
  const b = grid([1, 2, 1, 1], [50, 60]);
  expectClose(concat.forward([a, b], {}, { axis: -1 }), grid([1, 2, 1, 3], [1, 2, 50, 3, 4, 60]));
  expectClose(concat.forward([b, a], {}, { axis: 3 }), grid([1, 2, 1, 3], [50, 1, 2, 60, 3, 4]));
  expectClose(concat.forward([b, b, b], {}, { axis: 1 }), grid([1, 6, 1, 1], [50, 60, 50, 60, 50, 60]));
  expectClose(concat.forward([b], {}, { axis: 0 }), b);
});

test('any concatenation: every number lies at its own coordinate plus the offset of its tensor', () => {
  const any = fc
    .record({
      shape: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 4 }),
      sizes: fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 3 }),
      at: fc.nat(),
      fromBack: fc.boolean(),
      seed: fc.nat(),
    })
    .map((problem) => ({ ...problem, at: problem.at % problem.shape.length }));
  fc.assert(
    fc.property(any, ({ shape, sizes, at, fromBack, seed }) => {
      const inputs = sizes.map((size, i) => randomTensor(shape.with(at, size), seed + i));
      const y = concat.forward(inputs, {}, { axis: fromBack ? at - shape.length : at });
      const count = sizes.reduce((sum, size) => sum + size);
      expect(y.shape).toEqual(shape.with(at, count));
      const expected = numbersOf(y).map((_, i) => {
        const coordinate = coordinateOf(y.shape, i);
        let part = 0;
        while (coordinate[at] >= sizes[part]) coordinate[at] -= sizes[part++];
        return inputs[part].data[indexOf(inputs[part].shape, coordinate)];
      });
      expect(numbersOf(y)).toEqual(expected);
    }),
  );
});

test('NaN, infinities and −0 pass unchanged', () => {
  const x = grid([4], [NaN, Infinity, -Infinity, -0]);
  expect(numbersOf(concat.forward([x, x], {}, { axis: 0 }))).toEqual([...numbersOf(x), ...numbersOf(x)]);
});

test('errors and cost', () => {
  const shapeOf = (shapes: number[][], axis: number) => () => concat.outputShape(shapes, { axis });
  expect(shapeOf([], 0)).toThrow(new ShapeError('concat: takes one or more inputs, found 0'));
  expect(() => concat.forward([], {}, { axis: 0 })).toThrow(
    new ShapeError('concat: takes one or more inputs, found 0'),
  );
  expect(shapeOf([[1, 2]], 2)).toThrow(new ShapeError('concat: axis must be a whole number from -2 to 1, found 2'));
  expect(shapeOf([[1, 2]], -3)).toThrow(new ShapeError('concat: axis must be a whole number from -2 to 1, found -3'));
  expect(shapeOf([[1, 2]], 0.5)).toThrow(new ShapeError('concat.axis: wanted a whole number from -8 to 7, found 0.5'));
  const differs = 'concat: the inputs may differ along axis 1 only, found';
  expect(
    shapeOf(
      [
        [1, 2],
        [2, 2],
      ],
      -1,
    ),
  ).toThrow(new ShapeError(`${differs} [1,2], [2,2]`));
  expect(
    shapeOf(
      [
        [1, 2],
        [1, 2, 1],
      ],
      -1,
    ),
  ).toThrow(new ShapeError(`${differs} [1,2], [1,2,1]`));
  expect(shapeOf([[1, 2], [1]], 0)).toThrow(
    new ShapeError('concat: the inputs may differ along axis 0 only, found [1,2], [1]'),
  );
  expect(cost(concat, [[1, 2]], { axis: 0 })).toEqual({ multiplyAdds: 0, trainable: 0, stored: 0 });
});
