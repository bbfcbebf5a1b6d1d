/** flatten and reshape. */
import { describe, expect, test } from 'vitest';
import { ShapeError } from '../../src/errors.js';
import { cost, flatten, reshape } from '../../src/layers/index.js';
import { expectClose, grid, randomTensor } from './support.js';

const x = randomTensor([2, 2, 3, 1], 1);

test('flatten keeps the batch and the order of the numbers', () => {
  expectClose(flatten.forward([x]), { shape: [2, 6], data: x.data });
  expectClose(flatten.forward([grid([2], [1, 2])]), grid([2, 1], [1, 2]));
});

test.each([
  [[6], [2, 6]],
  [
    [3, 2],
    [2, 3, 2],
  ],
  [[-1], [2, 6]],
  [
    [3, -1],
    [2, 3, 2],
  ],
  [
    [1, -1, 1, 6],
    [2, 1, 1, 1, 6],
  ],
])('reshape to %j gives %j', (shape, wanted) => {
  expectClose(reshape.forward([x], {}, { shape }), { shape: wanted, data: x.data });
});

test('reshape to no axes but the batch', () => {
  expectClose(reshape.forward([grid([2, 1], [1, 2])], {}, { shape: [] }), grid([2], [1, 2]));
  expectClose(reshape.forward([grid([2], [1, 2])], {}, { shape: [1] }), grid([2, 1], [1, 2]));
});

test('the numbers are copied, NaN and −0 unchanged', () => {
  const special = grid([1, 3], [NaN, -0, Infinity]);
  for (const y of [flatten.forward([special]), reshape.forward([special], {}, { shape: [3] })]) {
    expect([...y.data]).toEqual([NaN, -0, Infinity]);
    expect(y.data.buffer).not.toBe(special.data.buffer);
  }
});

describe('errors', () => {
  const shapeOf =
    (shape: number[], input = [2, 2, 3, 1]) =>
    () =>
      reshape.outputShape([input], { shape });

  test('reshape', () => {
    expect(shapeOf([-1, -1])).toThrow(new ShapeError('reshape: at most one of the sizes may be -1, found [-1,-1]'));
    expect(shapeOf([0, 6])).toThrow(
      new ShapeError('reshape.shape[0]: wanted a whole number from 1 to 2147483647, found 0'),
    );
    expect(shapeOf([1.5, 4])).toThrow(
      new ShapeError('reshape.shape[0]: wanted a whole number from 1 to 2147483647, found 1.5'),
    );
    expect(shapeOf([5])).toThrow(new ShapeError('reshape: the 6 numbers of [2,3,1] do not fit into [5]'));
    expect(shapeOf([3])).toThrow(new ShapeError('reshape: the 6 numbers of [2,3,1] do not fit into [3]'));
    expect(shapeOf([12])).toThrow(new ShapeError('reshape: the 6 numbers of [2,3,1] do not fit into [12]'));
    expect(shapeOf([4, -1])).toThrow(new ShapeError('reshape: the 6 numbers of [2,3,1] do not fit into [4,-1]'));
    expect(shapeOf([3], [])).toThrow(new ShapeError('reshape: wanted an input of shape [batch, ...], found []'));
    expect(() => reshape.outputShape([], { shape: [1] })).toThrow(new ShapeError('reshape: takes one input, found 0'));
    expect(() => reshape.forward([], {}, { shape: [1] })).toThrow(new ShapeError('reshape: takes one input, found 0'));
  });

  test('flatten', () => {
    expect(() => flatten.outputShape([[]])).toThrow(
      new ShapeError('flatten: wanted an input of shape [batch, ...], found []'),
    );
    expect(() => flatten.outputShape([])).toThrow(new ShapeError('flatten: takes one input, found 0'));
    expect(() => flatten.forward([])).toThrow(new ShapeError('flatten: takes one input, found 0'));
  });
});

test('neither is counted', () => {
  const nothing = { multiplyAdds: 0, trainable: 0, stored: 0 };
  expect(cost(flatten, [[1, 2]])).toEqual(nothing);
  expect(cost(reshape, [[1, 2]], { shape: [2] })).toEqual(nothing);
});
