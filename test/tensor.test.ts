import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ShapeError } from '../src/errors.js';
import {
  coordinateOf,
  indexOf,
  sameShape,
  sizeOf,
  tensor,
  toFloat32,
  toFloat64,
  zeros,
  zerosLike,
} from '../src/tensor.js';

const anyShape = fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 4 });

describe('tensor', () => {
  test('plain numbers become float32, float arrays are kept', () => {
    expect(tensor([2], [0.1, 1]).data).toEqual(Float32Array.of(0.1, 1));
    const [single, double] = [Float32Array.of(1), Float64Array.of(0.1)];
    expect(tensor([1], single).data).toBe(single);
    expect(tensor([1], double).data).toBe(double);
  });

  test('the shape is copied', () => {
    const shape = [1, 2];
    const x = tensor(shape, [1, 2]);
    shape[0] = 5;
    expect(x.shape).toEqual([1, 2]);
  });

  test('a scalar has no axes and one number; an axis may be empty', () => {
    expect(tensor([], [5])).toEqual({ shape: [], data: Float32Array.of(5) });
    expect(tensor([0, 3], []).data.length).toBe(0);
  });

  test.each([
    [[2, 2], [1, 2, 3], 'tensor: shape [2,2] wants 4 numbers, found 3'],
    [[], [], 'tensor: shape [] wants 1 numbers, found 0'],
    [[-1], [1], 'tensor: sizes must be whole numbers of 0 or more, found [-1]'],
    [[1, 1.5], [1], 'tensor: sizes must be whole numbers of 0 or more, found [1,1.5]'],
    [[NaN], [1], 'tensor: sizes must be whole numbers of 0 or more, found [NaN]'],
  ])('shape %j with %j', (shape, numbers, message) => {
    expect(() => tensor(shape, numbers)).toThrow(new ShapeError(message));
  });
});

test('zeros are float32, zerosLike has the type of its model', () => {
  expect(zeros([2, 1])).toEqual({ shape: [2, 1], data: new Float32Array(2) });
  expect(zerosLike(zeros([1]), [3])).toEqual({ shape: [3], data: new Float32Array(3) });
  expect(zerosLike(toFloat64(zeros([1])), [3])).toEqual({ shape: [3], data: new Float64Array(3) });
});

test('conversion rounds to float32 and copies', () => {
  const x = tensor([2], Float64Array.of(0.1, 3e39));
  expect(toFloat32(x)).toEqual({ shape: [2], data: Float32Array.of(Math.fround(0.1), Infinity) });
  const y = tensor([1], Float32Array.of(0.1));
  expect(toFloat64(y)).toEqual({ shape: [1], data: Float64Array.of(Math.fround(0.1)) });
  expect(toFloat32(y).data).not.toBe(y.data);
});

test('sameShape', () => {
  expect(sameShape([1, 2], [1, 2])).toBe(true);
  expect(sameShape([1, 2], [2, 1])).toBe(false);
  expect(sameShape([1], [1, 1])).toBe(false);
  expect(sameShape([1, 1], [1])).toBe(false);
  expect(sameShape([], [])).toBe(true);
});

describe('coordinates', () => {
  test('the last axis varies fastest', () => {
    expect(indexOf([2, 3, 4], [0, 0, 1])).toBe(1);
    expect(indexOf([2, 3, 4], [1, 2, 3])).toBe(12 + 8 + 3);
    expect(coordinateOf([2, 3, 4], 23)).toEqual([1, 2, 3]);
  });

  test('indexOf and coordinateOf undo each other, and count every element once', () => {
    fc.assert(
      fc.property(anyShape, (shape) => {
        const indices = Array.from({ length: sizeOf(shape) }, (_, i) => indexOf(shape, coordinateOf(shape, i)));
        expect(indices).toEqual(indices.map((_, i) => i));
      }),
    );
  });

  test.each([[[2, 0]], [[0, 3]], [[-1, 0]], [[0]], [[0, 0, 0]], [[NaN, 0]]])('%j lies outside [2,3]', (coordinate) => {
    expect(() => indexOf([2, 3], coordinate)).toThrow(
      new ShapeError(`indexOf: [${coordinate}] lies outside shape [2,3]`),
    );
  });
});
