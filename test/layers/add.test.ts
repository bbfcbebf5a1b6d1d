import { expect, test } from 'vitest';
import { ShapeError } from '../../src/errors.js';
import { add, cost } from '../../src/layers/index.js';
import { toFloat64 } from '../../src/tensor.js';
import { expectClose, grid, numbersOf } from './support.js';

test('number by number, of two tensors and of three', () => {
  const a = grid([1, 2, 2, 1], [1, 2, 3, 4]);
  const b = grid([1, 2, 2, 1], [10, 20, 30, 40]);
  expectClose(add.forward([a, b]), grid([1, 2, 2, 1], [11, 22, 33, 44]));
  expectClose(add.forward([a, b, a]), grid([1, 2, 2, 1], [12, 24, 36, 48]));
});

test('three numbers are rounded once: 2²⁴ + 1 + 1 does not lose its ones', () => {
  const [big, one] = [grid([1], [2 ** 24]), grid([1], [1])];
  expect(numbersOf(add.forward([big, one, one]))).toEqual([2 ** 24 + 2]);
  expect(numbersOf(add.forward([toFloat64(big), one]))).toEqual([2 ** 24 + 1]);
});

test('infinities and NaN', () => {
  const a = grid([4], [Infinity, Infinity, NaN, 1]);
  const b = grid([4], [1, -Infinity, 1, -Infinity]);
  expect(numbersOf(add.forward([a, b]))).toEqual([Infinity, NaN, NaN, -Infinity]);
});

test('errors and cost', () => {
  const one = grid([1], [1]);
  expect(() => add.outputShape([[1, 2]])).toThrow(new ShapeError('add: takes two or more inputs, found 1'));
  expect(() => add.forward([])).toThrow(new ShapeError('add: takes two or more inputs, found 0'));
  expect(() => add.forward([one, one, grid([1, 1], [1])])).toThrow(
    new ShapeError('add: the inputs must have the same shape, found [1], [1], [1,1]'),
  );
  expect(
    add.outputShape([
      [1, 2],
      [1, 2],
    ]),
  ).toEqual([1, 2]);
  expect(
    cost(add, [
      [1, 2],
      [1, 2],
    ]),
  ).toEqual({ multiplyAdds: 0, trainable: 0, stored: 0 });
});
