/** averagePool, maxPool and globalAveragePool. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ShapeError } from '../../src/errors.js';
import { averagePool, cost, globalAveragePool, maxPool } from '../../src/layers/index.js';
import type { Padding } from '../../src/padding.js';
import { toFloat64 } from '../../src/tensor.js';
import { attributesOf } from './attributes-of.js';
import { anyGeometry, nested, windowsOf } from './direct.js';
import { batchSlice, expectClose, grid, numbersOf, ROUNDING, randomTensor } from './support.js';

// biome-ignore format: drawn as it lies in memory
const nine = grid([1, 3, 3, 1], [
  1, 2, 3,
  4, 5, 6,
  7, 8, 90,
]);
const none = { top: 0, bottom: 0, left: 0, right: 0 };

describe('examples to check by hand', () => {
  const average = (padding: Padding, includePadding: boolean) =>
    averagePool.forward([nine], {}, { poolSize: [2, 2], strides: [2, 2], padding, includePadding });

  test('average of 2×2, valid', () => {
    expectClose(average('valid', false), grid([1, 1, 1, 1], [3]));
  });

  test('average of 2×2, same: windows at the edge count the samples inside the picture', () => {
    expectClose(average('same', false), grid([1, 2, 2, 1], [3, 4.5, 7.5, 90]));
  });

  test('average of 2×2, same, padding included: every window counts four', () => {
    expectClose(average('same', true), grid([1, 2, 2, 1], [3, 2.25, 3.75, 22.5]));
  });

  test('a window of 2³¹ − 1 samples is looked at where it meets the picture, and no further', () => {
    const poolSize = [2 ** 31 - 1, 1] as const;
    const pool = { poolSize, strides: [1, 1], padding: 'same' } as const;
    // biome-ignore format: drawn as it lies in memory
    const columns = grid([1, 3, 3, 1], [
      7, 8, 90,
      7, 8, 90,
      7, 8, 90,
    ]);
    expectClose(maxPool.forward([nine], {}, pool), columns);
    const means = averagePool.forward([nine], {}, { ...pool, includePadding: false });
    expectClose(means, grid([1, 3, 3, 1], [4, 5, 33, 4, 5, 33, 4, 5, 33]));
  });

  test('explicit padding shifts the windows', () => {
    expectClose(average({ ...none, top: 1, left: 1 }, false), grid([1, 2, 2, 1], [1, 2.5, 5.5, 27.25]));
    expectClose(average({ ...none, bottom: 1 }, false), grid([1, 2, 1, 1], [3, 7.5]));
    expectClose(average({ ...none, right: 1 }, false), grid([1, 1, 2, 1], [3, 4.5]));
  });

  test('height and width have pools and strides of their own', () => {
    const attributes = { poolSize: [1, 2], strides: [2, 1], padding: 'valid' } as const;
    const y = averagePool.forward([nine], {}, { ...attributes, includePadding: true });
    expectClose(y, grid([1, 2, 2, 1], [1.5, 2.5, 7.5, 49]));
    expectClose(maxPool.forward([nine], {}, attributes), grid([1, 2, 2, 1], [2, 3, 8, 90]));
  });

  test('maximum of 2×2, valid and same', () => {
    const attributes = { poolSize: [2, 2], strides: [2, 2] } as const;
    expectClose(maxPool.forward([nine], {}, { ...attributes, padding: 'valid' }), grid([1, 1, 1, 1], [5]));
    expectClose(maxPool.forward([nine], {}, { ...attributes, padding: 'same' }), grid([1, 2, 2, 1], [5, 6, 8, 90]));
  });

  test('padding never wins a maximum', () => {
    const x = grid([1, 1, 1, 1], [-5]);
    const y = maxPool.forward([x], {}, { poolSize: [3, 3], strides: [1, 1], padding: 'same' });
    expect(numbersOf(y)).toEqual([-5]);
  });

  test('global average, with and without the two axes of size 1', () => {
    const x = grid([2, 1, 2, 2], [1, 10, 3, 30, 5, 50, 6, 60]);
    expectClose(globalAveragePool.forward([x], {}, { keepDims: false }), grid([2, 2], [2, 20, 5.5, 55]));
    expectClose(globalAveragePool.forward([x], {}, { keepDims: true }), grid([2, 1, 1, 2], [2, 20, 5.5, 55]));
  });
});

const anyProblem = fc
  .record({ geometry: anyGeometry(1), seed: fc.nat() })
  .map(({ geometry, seed }) => ({ geometry, x: randomTensor(geometry.shape, seed) }))
  .filter(({ geometry }) => windowsOf(geometry).windows.every(({ taps }) => taps.some(({ inside }) => inside)));

/** The samples of every window, [output pixel][channel][sample]. */
function samples({ geometry, x }: { geometry: Parameters<typeof windowsOf>[0]; x: typeof nine }) {
  const picture = nested(x);
  const { outH, outW, windows } = windowsOf(geometry);
  const data = windows.flatMap(({ n, taps }) =>
    Array.from({ length: x.shape[3] }, (_, c) =>
      taps.filter(({ inside }) => inside).map(({ row, column }) => picture[n][row][column][c]),
    ),
  );
  return { shape: [x.shape[0], outH, outW, x.shape[3]], data };
}

describe('any pool', () => {
  test('averages the samples of its windows, rounded once, in both number types', () => {
    fc.assert(
      fc.property(anyProblem, fc.boolean(), ({ geometry, x }, includePadding) => {
        const attributes = attributesOf(averagePool, { ...geometry, poolSize: geometry.kernelSize, includePadding });
        const windows = samples({ geometry, x });
        const whole = geometry.kernelSize[0] * geometry.kernelSize[1];
        const data = windows.data.map(
          (window) => window.reduce((a, b) => a + b) / (includePadding ? whole : window.length),
        );
        const expected = { shape: windows.shape, data };
        const y = averagePool.forward([x], {}, attributes);
        expectClose(y, expected, (i) => ROUNDING * Math.abs(data[i]) + 2 ** -48);
        expectClose(averagePool.forward([toFloat64(x)], {}, attributes), expected, () => 2 ** -48);
        expect(averagePool.outputShape([x.shape], attributes)).toEqual(windows.shape);
      }),
    );
  });

  test('takes the greatest sample of its windows', () => {
    fc.assert(
      fc.property(anyProblem, ({ geometry, x }) => {
        const attributes = attributesOf(maxPool, { ...geometry, poolSize: geometry.kernelSize });
        const windows = samples({ geometry, x });
        const expected = {
          shape: windows.shape,
          data: windows.data.map((window) => window.toSorted((a, b) => b - a)[0]),
        };
        expectClose(maxPool.forward([x], {}, attributes), expected);
        expect(maxPool.outputShape([x.shape], attributes)).toEqual(windows.shape);
      }),
    );
  });

  test('gives each picture of a batch bit for bit what it gets alone', () => {
    fc.assert(
      fc.property(anyProblem, fc.boolean(), ({ geometry, x }, flag) => {
        const known = { ...geometry, poolSize: geometry.kernelSize, includePadding: flag, keepDims: flag };
        for (const layer of [averagePool, maxPool, globalAveragePool]) {
          const attributes = attributesOf(layer as typeof averagePool, known) as never;
          const y = layer.forward([x], {}, attributes);
          for (let n = 0; n < x.shape[0]; n++) {
            expectClose(batchSlice(y, n), layer.forward([batchSlice(x, n)], {}, attributes));
          }
        }
      }),
    );
  });

  test('as large as the picture is the global average', () => {
    fc.assert(
      fc.property(anyProblem, ({ x }) => {
        const [, H, W] = x.shape;
        const attributes = { poolSize: [H, W], strides: [1, 1], padding: 'valid', includePadding: false } as const;
        expectClose(globalAveragePool.forward([x], {}, { keepDims: true }), averagePool.forward([x], {}, attributes));
      }),
    );
  });
});

describe('special values', () => {
  const row = (...numbers: number[]) => grid([1, 1, numbers.length, 1], numbers);
  const attributes = { poolSize: [1, 2], strides: [1, 1], padding: 'valid' } as const;

  test('NaN and infinity reach the windows that hold them', () => {
    const x = row(NaN, 1, Infinity, -Infinity, 2);
    expect(numbersOf(maxPool.forward([x], {}, attributes))).toEqual([NaN, Infinity, Infinity, 2]);
    expect(numbersOf(averagePool.forward([x], {}, attributes))).toEqual([NaN, Infinity, NaN, -Infinity]);
    expect(numbersOf(globalAveragePool.forward([x], {}, { keepDims: false }))).toEqual([NaN]);
  });

  test('a window of −∞ alone has −∞ as its maximum', () => {
    expect(numbersOf(maxPool.forward([row(-Infinity, -Infinity)], {}, attributes))).toEqual([-Infinity]);
  });

  test('averages sum in float64', () => {
    const x = row(2 ** 25, 1, 1, -(2 ** 25));
    expect(numbersOf(globalAveragePool.forward([x], {}, { keepDims: false }))).toEqual([0.5]);
    expect(numbersOf(averagePool.forward([x], {}, { ...attributes, poolSize: [1, 4] }))).toEqual([0.5]);
  });
});

describe('errors', () => {
  const pools = { averagePool, maxPool };

  test.each(Object.entries(pools))('%s', (name, pool) => {
    const shapeOf =
      (changed: object, shapes = [[1, 3, 3, 1]]) =>
      () =>
        pool.outputShape(shapes, {
          poolSize: [2, 2],
          strides: [1, 1],
          padding: 'valid',
          ...changed,
        });
    expect(shapeOf({ poolSize: [2, 4] })).toThrow(
      new ShapeError(
        `${name}, width: a kernel spanning 4 (4 taps, dilation 1) does not fit into 3 samples padded by (0, 0)`,
      ),
    );
    expect(shapeOf({ poolSize: [0, 2] })).toThrow(
      new ShapeError(`${name}.poolSize[0]: wanted a whole number from 1 to 2147483647, found 0`),
    );
    expect(shapeOf({ padding: 'none' })).toThrow(
      new ShapeError(`${name}.padding: wanted one of 'same', 'valid', found 'none'`),
    );
    expect(shapeOf({ padding: { ...none, top: 2 } })).toThrow(
      new ShapeError(`${name}, height: padding (2, 0) puts a window of 2 on padding alone, 3 samples and stride 1`),
    );
    expect(shapeOf({ padding: { ...none, right: 2 } })).toThrow(
      new ShapeError(`${name}, width: padding (0, 2) puts a window of 2 on padding alone, 3 samples and stride 1`),
    );
    expect(shapeOf({ padding: { ...none, bottom: 3 }, strides: [3, 1] })).toThrow(
      new ShapeError(`${name}, height: padding (0, 3) puts a window of 2 on padding alone, 3 samples and stride 3`),
    );
    expect(shapeOf({ padding: { top: 1, bottom: 1, left: 1, right: 1 } })).not.toThrow();
    expect(shapeOf({ padding: { ...none, right: 2 }, strides: [1, 2] })).not.toThrow();
    expect(shapeOf({}, [[3, 3]])).toThrow(
      new ShapeError(`${name}: wanted an input of shape [batch, height, width, channels], found [3,3]`),
    );
    expect(shapeOf({}, [])).toThrow(new ShapeError(`${name}: takes one input, found 0`));
    const attributes = { poolSize: [2, 2], strides: [1, 1], padding: 'valid' } as const;
    expect(() => pool.forward([nine, nine], {}, attributes)).toThrow(
      new ShapeError(`${name}: takes one input, found 2`),
    );
    expect(cost(pool as typeof averagePool, [nine.shape], attributes)).toEqual({
      multiplyAdds: 0,
      trainable: 0,
      stored: 0,
    });
  });

  test('globalAveragePool', () => {
    expect(() => globalAveragePool.outputShape([[2, 3]], { keepDims: false })).toThrow(
      new ShapeError('globalAveragePool: wanted an input of shape [batch, height, width, channels], found [2,3]'),
    );
    expect(() => globalAveragePool.outputShape([], { keepDims: false })).toThrow(
      new ShapeError('globalAveragePool: takes one input, found 0'),
    );
    expect(() => globalAveragePool.forward([], {}, { keepDims: false })).toThrow(
      new ShapeError('globalAveragePool: takes one input, found 0'),
    );
    expect(cost(globalAveragePool, [[1, 2, 3, 4]], { keepDims: false })).toEqual({
      multiplyAdds: 0,
      trainable: 0,
      stored: 0,
    });
  });
});
