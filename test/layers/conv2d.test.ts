import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ShapeError } from '../../src/errors.js';
import { conv2d, cost, type KernelWeights } from '../../src/layers/index.js';
import { type Tensor, toFloat64 } from '../../src/tensor.js';
import { attributesOf } from './attributes-of.js';
import { countReads } from './counting.js';
import { anyGeometry, convolve, type Geometry, paddedTaps } from './direct.js';
import {
  batchSlice,
  expectClose,
  grid,
  numbersOf,
  onceRounded,
  randomTensor,
  sumBound,
  wholeTensor,
} from './support.js';

const plain = { strides: [1, 1], dilation: [1, 1], padding: 'valid', bias: false } as const;

// biome-ignore format: drawn as it lies in memory
const nine = grid([1, 3, 3, 1], [
  1, 2, 3,
  4, 5, 6,
  7, 8, 9,
]);

describe('examples to check by hand', () => {
  test('a 2×2 kernel on 3×3, valid', () => {
    // biome-ignore format: drawn as it lies in memory
    const kernel = grid([2, 2, 1, 1], [
      1, 10,
      100, 1000,
    ]);
    const y = conv2d.forward([nine], { kernel }, { ...plain, filters: 1, kernelSize: [2, 2] });
    // biome-ignore format: drawn as it lies in memory
    expectClose(y, grid([1, 2, 2, 1], [
      5421, 6532, // 1 + 20 + 400 + 5000, one step right
      8754, 9865,
    ]));
  });

  test('the kernel is not turned round: an impulse gives the kernel mirrored', () => {
    // biome-ignore format: drawn as it lies in memory
    const impulse = grid([1, 3, 3, 1], [
      0, 0, 0,
      0, 1, 0,
      0, 0, 0,
    ]);
    const kernel = grid([3, 3, 1, 1], numbersOf(nine));
    const y = conv2d.forward([impulse], { kernel }, { ...plain, filters: 1, kernelSize: [3, 3], padding: 'same' });
    expect(numbersOf(y)).toEqual([9, 8, 7, 6, 5, 4, 3, 2, 1]);
  });

  test('every input channel meets every output channel, and the bias is added once', () => {
    const x = grid([1, 1, 1, 2], [3, 5]);
    const kernel = grid([1, 1, 2, 3], [1, 10, 100, 2, 20, 200]); // [input channel][output channel]
    const bias = grid([3], [0.5, 0.25, -1]);
    const y = conv2d.forward([x], { kernel, bias }, { ...plain, filters: 3, kernelSize: [1, 1], bias: true });
    expect(numbersOf(y)).toEqual([13.5, 130.25, 1299]);
  });

  test('dilation leaves gaps between the taps', () => {
    const kernel = grid([2, 2, 1, 1], [1, 10, 100, 1000]);
    const y = conv2d.forward([nine], { kernel }, { ...plain, filters: 1, kernelSize: [2, 2], dilation: [2, 2] });
    expectClose(y, grid([1, 1, 1, 1], [1 + 30 + 700 + 9000]));
  });

  test('height and width have strides of their own', () => {
    const kernel = grid([1, 1, 1, 1], [1]);
    const attributes = { ...plain, filters: 1, kernelSize: [1, 1] } as const;
    expectClose(
      conv2d.forward([nine], { kernel }, { ...attributes, strides: [2, 1] }),
      grid([1, 2, 3, 1], [1, 2, 3, 7, 8, 9]),
    );
    expectClose(
      conv2d.forward([nine], { kernel }, { ...attributes, strides: [1, 2] }),
      grid([1, 3, 2, 1], [1, 3, 4, 6, 7, 9]),
    );
  });
});

const anyProblem = fc
  .record({ geometry: anyGeometry(), filters: fc.integer({ min: 1, max: 4 }), bias: fc.boolean(), seed: fc.nat() })
  .map(({ geometry, filters, bias, seed }) => {
    const C = geometry.shape[3];
    const x = randomTensor(geometry.shape, seed);
    const kernel = randomTensor([...geometry.kernelSize, C, filters], seed + 1);
    const weights = bias ? { kernel, bias: randomTensor([filters], seed + 2) } : { kernel };
    return { geometry, x, weights, attributes: attributesOf(conv2d, { ...geometry, filters, bias }) };
  });

const solve = (x: Tensor, geometry: Geometry, { kernel, bias }: KernelWeights) => {
  const [, KW, C, O] = kernel.shape;
  const weight = (i: number, j: number, c: number, o: number) => kernel.data[i * KW * C * O + j * C * O + c * O + o];
  return convolve(x, geometry, O, weight, (o) => bias?.data[o] ?? 0);
};

describe('any convolution', () => {
  test('equals a direct solution, rounded once', () => {
    fc.assert(
      fc.property(anyProblem, ({ x, geometry, weights, attributes }) => {
        const direct = solve(x, geometry, weights);
        const y = conv2d.forward([x], weights, attributes);
        expectClose(y, direct, (i) => onceRounded(direct.data[i], direct.terms, direct.magnitude[i]));
        expect(conv2d.outputShape([x.shape], attributes)).toEqual(direct.shape);
      }),
    );
  });

  test('in float64 agrees with float32 within the bound of its sum', () => {
    fc.assert(
      fc.property(anyProblem, ({ x, geometry, weights, attributes }) => {
        const { terms, magnitude, data } = solve(x, geometry, weights);
        const exact = conv2d.forward([toFloat64(x)], weights, attributes);
        expectClose(conv2d.forward([x], weights, attributes), exact, (i) => sumBound(terms, magnitude[i]));
        expectClose(exact, { shape: exact.shape, data }, (i) => terms * 2 ** -52 * magnitude[i]);
      }),
    );
  });

  test('gives each picture of a batch bit for bit what it gets alone', () => {
    fc.assert(
      fc.property(anyProblem, ({ x, weights, attributes }) => {
        const y = conv2d.forward([x], weights, attributes);
        for (let n = 0; n < x.shape[0]; n++) {
          expectClose(batchSlice(y, n), conv2d.forward([batchSlice(x, n)], weights, attributes));
        }
      }),
    );
  });

  test('is linear, exactly where the numbers are whole', () => {
    fc.assert(
      fc.property(anyProblem, fc.nat(), ({ x, weights: { kernel }, attributes }, seed) => {
        const [a, b] = [wholeTensor(x.shape, seed), wholeTensor(x.shape, seed + 1)];
        const weights = { kernel: wholeTensor(kernel.shape, seed + 2) };
        const apply = (input: Tensor) => conv2d.forward([input], weights, { ...attributes, bias: false });
        const mixture = { shape: x.shape, data: a.data.map((value, i) => 3 * value - 2 * b.data[i]) };
        const [ya, yb] = [apply(a), apply(b)];
        expectClose(apply(mixture), { shape: ya.shape, data: ya.data.map((value, i) => 3 * value - 2 * yb.data[i]) });
      }),
    );
  });
});

test('a kernel with one tap of 1 copies the picture', () => {
  const x = randomTensor([2, 4, 5, 3], 1);
  const kernel = grid([1, 1, 3, 3], [1, 0, 0, 0, 1, 0, 0, 0, 1]);
  expectClose(conv2d.forward([x], { kernel }, { ...plain, filters: 3, kernelSize: [1, 1] }), x);
});

test('a kernel wider than the picture, same: only the centre tap meets a 1×1 picture', () => {
  const x = grid([1, 1, 1, 1], [2]);
  const kernel = grid([3, 3, 1, 1], [1, 2, 3, 4, 5, 6, 7, 8, 9]);
  const y = conv2d.forward([x], { kernel }, { ...plain, filters: 1, kernelSize: [3, 3], padding: 'same' });
  expect(numbersOf(y)).toEqual([10]);
});

describe('special values', () => {
  const attributes = { ...plain, filters: 1, kernelSize: [1, 3], padding: 'same' } as const;
  const row = (numbers: number[]) => grid([1, 1, numbers.length, 1], numbers);
  const kernel = grid([1, 3, 1, 1], [1, 1, 1]);

  test('NaN and infinity reach the windows that hold them, and no others', () => {
    expect(numbersOf(conv2d.forward([row([1, NaN, 1, 1, 1])], { kernel }, attributes))).toEqual([NaN, NaN, NaN, 3, 2]);
    expect(numbersOf(conv2d.forward([row([Infinity, 1, 1, 1])], { kernel }, attributes))).toEqual([
      Infinity,
      Infinity,
      3,
      2,
    ]);
    expect(numbersOf(conv2d.forward([row([Infinity, 1, -Infinity])], { kernel }, attributes))).toEqual([
      Infinity,
      NaN,
      -Infinity,
    ]);
  });

  test('an infinite weight on padding does nothing', () => {
    const edge = grid([1, 3, 1, 1], [Infinity, 1, 1]);
    expect(numbersOf(conv2d.forward([row([1, 1])], { kernel: edge }, attributes))).toEqual([2, Infinity]);
  });

  test('sums run in float64: 2²⁴ + 1 − 2²⁴ is 1', () => {
    const y = conv2d.forward([row([2 ** 24, 1, -(2 ** 24)])], { kernel }, { ...attributes, padding: 'valid' });
    expect(numbersOf(y)).toEqual([1]);
  });

  test('a float32 overflow is infinite, the float64 mode holds the number', () => {
    const huge = row([3e38, 3e38, 0]);
    expect(conv2d.forward([huge], { kernel }, { ...attributes, padding: 'valid' }).data[0]).toBe(Infinity);
    const exact = conv2d.forward([toFloat64(huge)], { kernel }, { ...attributes, padding: 'valid' });
    expect(exact.data).toBeInstanceOf(Float64Array);
    expect(exact.data[0]).toBe(2 * Math.fround(3e38));
  });
});

describe('cost', () => {
  test('the products that the loops execute are the formula’s, less those on padding', () => {
    fc.assert(
      fc.property(anyProblem, ({ x, geometry, weights, attributes }) => {
        const { counted, reads } = countReads(weights.kernel);
        conv2d.forward([x], { ...weights, kernel: counted }, attributes);
        const onPadding = paddedTaps(geometry) * x.shape[3] * attributes.filters;
        expect(reads()).toBe(cost(conv2d, [x.shape], attributes).multiplyAdds - onPadding);
      }),
    );
  });

  test('conv1 of MobileNet V1 @224: 10,838,016 multiply-adds and 864 weights', () => {
    const attributes = { ...plain, filters: 32, kernelSize: [3, 3], strides: [2, 2], padding: 'same' } as const;
    expect(conv2d.outputShape([[1, 224, 224, 3]], attributes)).toEqual([1, 112, 112, 32]);
    expect(cost(conv2d, [[1, 224, 224, 3]], attributes)).toEqual({
      multiplyAdds: 10_838_016,
      trainable: 864,
      stored: 864,
    });
  });

  test('a batch costs as often, a bias counts among the parameters only', () => {
    const attributes = { ...plain, filters: 5, kernelSize: [3, 2], bias: true } as const;
    const weights = 3 * 2 * 4 * 5;
    expect(conv2d.weightShapes([[7, 9, 8, 4]], attributes)).toEqual({ kernel: [3, 2, 4, 5], bias: [5] });
    expect(cost(conv2d, [[7, 9, 8, 4]], attributes)).toEqual({
      multiplyAdds: 7 * (7 * 7) * weights,
      trainable: weights + 5,
      stored: weights + 5,
    });
  });
});

test('a bias that is given as undefined counts as left out', () => {
  const weights = { kernel: grid([1, 1, 1, 1], [2]), bias: undefined } as unknown as KernelWeights;
  const y = conv2d.forward([nine], weights, { ...plain, filters: 1, kernelSize: [1, 1] });
  expect(numbersOf(y)).toEqual([2, 4, 6, 8, 10, 12, 14, 16, 18]);
});

describe('errors', () => {
  const attributes = { ...plain, filters: 2, kernelSize: [2, 2] } as const;
  const kernel = randomTensor([2, 2, 1, 2], 1);
  const forward = (weights: object, changed: object = {}) =>
    conv2d.forward([nine], weights as KernelWeights, { ...attributes, ...changed });

  test.each([
    [{}, {}, "conv2d: weight 'kernel' of shape [2,2,1,2] is missing"],
    [{ kernel: nine }, {}, "conv2d: weight 'kernel' must have shape [2,2,1,2], found [1,3,3,1]"],
    [{ kernel, bias: nine }, {}, "conv2d: surplus weight 'bias' of shape [1,3,3,1]; wanted only kernel"],
    [{ kernel }, { bias: true }, "conv2d: weight 'bias' of shape [2] is missing"],
    [{ kernel }, { filters: 0 }, 'conv2d.filters: wanted a whole number from 1 to 2147483647, found 0'],
    [{ kernel }, { filters: 1.5 }, 'conv2d.filters: wanted a whole number from 1 to 2147483647, found 1.5'],
    [
      { kernel },
      { kernelSize: [4, 2] },
      'conv2d, height: a kernel spanning 4 (4 taps, dilation 1) does not fit into 3 samples padded by (0, 0)',
    ],
    [{ kernel }, { padding: 'sane' }, "conv2d.padding: wanted one of 'same', 'valid', found 'sane'"],
  ])('$2', (weights, changed, message) => {
    expect(() => forward(weights, changed)).toThrow(new ShapeError(message));
  });

  test('a picture of another rank, an empty one, none and two', () => {
    const shapeOf =
      (...shapes: number[][]) =>
      () =>
        conv2d.outputShape(shapes, attributes);
    const wanted = 'conv2d: wanted an input of shape [batch, height, width, channels], found';
    expect(shapeOf([3, 3, 1])).toThrow(`${wanted} [3,3,1]`);
    expect(shapeOf([1, 3, 3, 0])).toThrow(`${wanted} [1,3,3,0]`);
    expect(shapeOf()).toThrow('conv2d: takes one input, found 0');
    expect(shapeOf([1, 3, 3, 1], [1, 3, 3, 1])).toThrow('conv2d: takes one input, found 2');
    expect(() => conv2d.weightShapes([[3, 3, 1]], attributes)).toThrow(`${wanted} [3,3,1]`);
    expect(() => conv2d.weightShapes([], attributes)).toThrow('conv2d: takes one input, found 0');
    expect(() => conv2d.forward([], { kernel }, attributes)).toThrow('conv2d: takes one input, found 0');
  });
});
