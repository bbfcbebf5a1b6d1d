import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ShapeError } from '../../src/errors.js';
import { argMax, cost } from '../../src/layers/index.js';
import { tensor } from '../../src/tensor.js';
import { expectClose, grid } from './support.js';

test('the position along the last axis, row by row', () => {
  const x = grid([1, 1, 3, 3], [1, 5, 2, -3, -1, -2, 9, 0, 0]);
  expectClose(argMax.forward([x]), grid([1, 1, 3, 1], [1, 1, 0]));
});

const indexIn = (...row: number[]) => argMax.forward([grid([row.length], row)]).data[0];

test('the lowest index wins among equals', () => {
  expect(indexIn(1, 7, 7, 7)).toBe(1);
  expect(indexIn(0, -0)).toBe(0);
  expect(indexIn(-Infinity, -Infinity)).toBe(0);
});

test('a NaN counts as the greatest, the first of them wins', () => {
  expect(indexIn(1, NaN, Infinity)).toBe(1);
  expect(indexIn(NaN, 5, NaN)).toBe(0);
  expect(indexIn(5, 6, NaN, NaN, 7)).toBe(2);
});

test('any row agrees with indexOf its maximum', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -3, max: 3 }), { minLength: 1, maxLength: 9 }), (row) => {
      expect(argMax.forward([tensor([row.length], row)]).data[0]).toBe(row.indexOf(Math.max(...row)));
    }),
  );
});

test('errors and cost', () => {
  expect(() => argMax.outputShape([])).toThrow(new ShapeError('argMax: takes one input, found 0'));
  expect(() => argMax.forward([])).toThrow(new ShapeError('argMax: takes one input, found 0'));
  expect(() => argMax.outputShape([[2, 0]])).toThrow(
    new ShapeError('argMax: wanted an input of shape [..., channels], found [2,0]'),
  );
  expect(cost(argMax, [[2, 3]])).toEqual({ multiplyAdds: 0, trainable: 0, stored: 0 });
});
