import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ShapeError } from '../../src/errors.js';
import { cost, resizeBilinear } from '../../src/layers/index.js';
import type { BilinearRule } from '../../src/layers/resizeBilinear.js';
import { toFloat64 } from '../../src/tensor.js';
import { batchSlice, expectClose, grid, numbersOf, randomTensor } from './support.js';

const rules = ['tf1-legacy', 'tf1-align-corners', 'half-pixel'] as const;
const resize = (x: ReturnType<typeof grid>, size: [number, number], rule: BilinearRule) =>
  resizeBilinear.forward([x], {}, { size, rule });

describe('examples to check by hand', () => {
  const ramp = grid([1, 1, 4, 1], [0, 10, 20, 30]);

  test.each([
    ['tf1-legacy', [0, 20]], // positions 0, 2
    ['tf1-align-corners', [0, 30]], // 0, 3
    ['half-pixel', [5, 25]], // 0.5, 2.5
  ] as const)('4 samples to 2, %s', (rule, wanted) => {
    expectClose(resize(ramp, [1, 2], rule), grid([1, 1, 2, 1], wanted));
  });

  test.each([
    ['tf1-legacy', [0, 5, 10, 15, 20, 25, 30, 30]], // 0, 0.5, …, 3, 3.5 → 3
    ['half-pixel', [0, 2.5, 7.5, 12.5, 17.5, 22.5, 27.5, 30]], // −0.25 → 0, 0.25, …, 2.75, 3.25 → 3
  ] as const)('4 samples to 8, %s', (rule, wanted) => {
    expectClose(resize(ramp, [1, 8], rule), grid([1, 1, 8, 1], wanted));
  });

  test('4 samples to 7 with aligned corners lands on halves', () => {
    expectClose(resize(ramp, [1, 7], 'tf1-align-corners'), grid([1, 1, 7, 1], [0, 5, 10, 15, 20, 25, 30]));
  });

  test('one sample of output: the first, except that half-pixel reads the middle', () => {
    expect(numbersOf(resize(ramp, [1, 1], 'tf1-legacy'))).toEqual([0]);
    expect(numbersOf(resize(ramp, [1, 1], 'tf1-align-corners'))).toEqual([0]);
    expect(numbersOf(resize(ramp, [1, 1], 'half-pixel'))).toEqual([15]);
  });

  test('rows and columns are mixed independently', () => {
    // biome-ignore format: drawn as it lies in memory
    const x = grid([1, 2, 2, 1], [
      0, 100,
      10, 110,
    ]);
    // biome-ignore format: drawn as it lies in memory
    expectClose(resize(x, [3, 5], 'tf1-align-corners'), grid([1, 3, 5, 1], [
      0, 25, 50, 75, 100,
      5, 30, 55, 80, 105,
      10, 35, 60, 85, 110,
    ]));
  });

  // Positions 0, 4/3, 8/3 (legacy); 0, 3/2, 3 (align corners); 1/6, 3/2, 17/6 (half-pixel), over rows 0, 40, 80, 120 and columns 0, 1, 2, 3.
  test.each([
    ['tf1-legacy', [0, 4 / 3, 8 / 3]],
    ['tf1-align-corners', [0, 3 / 2, 3]],
    ['half-pixel', [1 / 6, 3 / 2, 17 / 6]],
  ] as const)('4×4 to 3×3, %s', (rule, positions) => {
    const plane = grid(
      [1, 4, 4, 1],
      Array.from({ length: 16 }, (_, i) => 40 * Math.floor(i / 4) + (i % 4)),
    );
    const wanted = positions.flatMap((row) => positions.map((column) => 40 * row + column));
    expectClose(resize(plane, [3, 3], rule), { shape: [1, 3, 3, 1], data: wanted }, () => 1e-5);
  });

  test.each([
    ['tf1-legacy', [0, 5 / 2]],
    ['tf1-align-corners', [0, 4]],
    ['half-pixel', [3 / 4, 13 / 4]],
  ] as const)('5×5 to 2×2, %s', (rule, positions) => {
    const plane = grid(
      [1, 5, 5, 1],
      Array.from({ length: 25 }, (_, i) => 8 * Math.floor(i / 5) + (i % 5)),
    );
    const wanted = positions.flatMap((row) => positions.map((column) => 8 * row + column));
    expectClose(resize(plane, [2, 2], rule), { shape: [1, 2, 2, 1], data: wanted });
  });
});

describe('any resize', () => {
  const size = fc.integer({ min: 1, max: 7 });
  const any = fc.record({
    shape: fc.tuple(fc.integer({ min: 1, max: 2 }), size, size, fc.integer({ min: 1, max: 3 })),
    size: fc.tuple(size, size),
    rule: fc.constantFrom(...rules),
    seed: fc.nat(),
  });

  test('to its own size changes nothing', () => {
    fc.assert(
      fc.property(any, ({ shape, rule, seed }) => {
        const x = randomTensor(shape, seed);
        expectClose(resize(x, [shape[1], shape[2]], rule), x);
      }),
    );
  });

  test('is the resize of the rows after the resize of the columns', () => {
    fc.assert(
      fc.property(any, ({ shape, size: [outH, outW], rule, seed }) => {
        const x = toFloat64(randomTensor(shape, seed));
        const columnsFirst = resize(resize(x, [shape[1], outW], rule), [outH, outW], rule);
        const rowsFirst = resize(resize(x, [outH, shape[2]], rule), [outH, outW], rule);
        expectClose(resize(x, [outH, outW], rule), columnsFirst, () => 1e-14);
        expectClose(rowsFirst, columnsFirst, () => 1e-14);
      }),
    );
  });

  test('of a plane reads the plane at the rule’s positions, held inside the picture', () => {
    fc.assert(
      fc.property(any, ({ shape: [N, H, W, C], size: [outH, outW], rule }) => {
        const value = (n: number, row: number, column: number, c: number) => 1000 * n + 100 * c + 10 * row + column;
        const list = (length: number) => Array.from({ length }, (_, i) => i);
        const fill = (h: readonly number[], w: readonly number[]) =>
          list(N).flatMap((n) =>
            h.flatMap((row) => w.flatMap((column) => list(C).map((c) => value(n, row, column, c)))),
          );
        const positions = (size: number, out: number) =>
          list(out).map((at) => {
            if (rule === 'tf1-legacy') return Math.min(size - 1, at / (out / size));
            if (rule === 'tf1-align-corners') return out === 1 ? 0 : ((size - 1) / (out - 1)) * at;
            return Math.max(0, Math.min(size - 1, (2 * at + 1) / ((2 * out) / size) - 1 / 2));
          });
        const x = { shape: [N, H, W, C], data: Float64Array.from(fill(list(H), list(W))) };
        const wanted = fill(positions(H, outH), positions(W, outW));
        expectClose(resize(x, [outH, outW], rule), { shape: [N, outH, outW, C], data: wanted }, () => 1e-10);
      }),
    );
  });

  test('gives each picture of a batch bit for bit what it gets alone', () => {
    fc.assert(
      fc.property(any, ({ shape, size, rule, seed }) => {
        const x = randomTensor(shape, seed);
        const y = resize(x, size, rule);
        for (let n = 0; n < shape[0]; n++) expectClose(batchSlice(y, n), resize(batchSlice(x, n), size, rule));
      }),
    );
  });
});

test('a NaN reaches the samples that are mixed from it, and no others', () => {
  const x = grid([1, 1, 5, 1], [0, 1, NaN, 3, 4]);
  expect(numbersOf(resize(x, [1, 9], 'tf1-align-corners'))).toEqual([0, 0.5, 1, NaN, NaN, NaN, 3, 3.5, 4]);
});

test('errors and cost', () => {
  const shapeOf =
    (attributes: object, shapes = [[1, 2, 2, 1]]) =>
    () =>
      resizeBilinear.outputShape(shapes, { size: [3, 3], rule: 'half-pixel', ...attributes });
  expect(shapeOf({ rule: 'bicubic' })).toThrow(
    new ShapeError(
      "resizeBilinear.rule: wanted one of 'tf1-legacy', 'tf1-align-corners', 'half-pixel', found 'bicubic'",
    ),
  );
  expect(shapeOf({ rule: 'toString' })).toThrow("found 'toString'");
  expect(shapeOf({ size: [0, 3] })).toThrow(
    new ShapeError('resizeBilinear.size[0]: wanted a whole number from 1 to 2147483647, found 0'),
  );
  expect(shapeOf({ size: [3, 2.5] })).toThrow(
    new ShapeError('resizeBilinear.size[1]: wanted a whole number from 1 to 2147483647, found 2.5'),
  );
  expect(shapeOf({}, [[2, 2]])).toThrow(
    new ShapeError('resizeBilinear: wanted an input of shape [batch, height, width, channels], found [2,2]'),
  );
  expect(shapeOf({}, [])).toThrow(new ShapeError('resizeBilinear: takes one input, found 0'));
  expect(() => resizeBilinear.forward([], {}, { size: [1, 1], rule: 'half-pixel' })).toThrow(
    new ShapeError('resizeBilinear: takes one input, found 0'),
  );
  expect(cost(resizeBilinear, [[1, 2, 2, 1]], { size: [4, 4], rule: 'half-pixel' })).toEqual({
    multiplyAdds: 0,
    trainable: 0,
    stored: 0,
  });
});
