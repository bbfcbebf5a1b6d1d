import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ShapeError } from '../../src/errors.js';
import { conv2d, cost, type KernelWeights, pointwiseConv2d } from '../../src/layers/index.js';
import { toFloat64 } from '../../src/tensor.js';
import { countReads } from './counting.js';
import { convolve } from './direct.js';
import { batchSlice, expectClose, grid, numbersOf, onceRounded, randomTensor } from './support.js';

test('every position by itself: rows of the kernel are input channels, columns output channels', () => {
  const x = grid([1, 1, 2, 2], [1, 2, 3, 4]);
  // biome-ignore format: drawn as it lies in memory
  const kernel = grid([2, 3], [
    1, 10, 100,
    2, 20, 200,
  ]);
  const bias = grid([3], [0, 0.5, -1]);
  const y = pointwiseConv2d.forward([x], { kernel, bias }, { filters: 3, bias: true });
  expectClose(y, grid([1, 1, 2, 3], [5, 50.5, 499, 11, 110.5, 1099]));
});

const anyProblem = fc
  .record({
    shape: fc.tuple(...[3, 5, 5, 6].map((max) => fc.integer({ min: 1, max }))),
    filters: fc.integer({ min: 1, max: 6 }),
    bias: fc.boolean(),
    seed: fc.nat(),
  })
  .map(({ shape, filters, bias, seed }) => {
    const x = randomTensor(shape, seed);
    const kernel = randomTensor([shape[3], filters], seed + 1);
    const weights = bias ? { kernel, bias: randomTensor([filters], seed + 2) } : { kernel };
    return { x, weights, attributes: { filters, bias } };
  });

describe('any pointwise convolution', () => {
  test('equals a direct solution, rounded once, in both number types', () => {
    fc.assert(
      fc.property(anyProblem, ({ x, weights, attributes }) => {
        const one = { kernelSize: [1, 1], strides: [1, 1], dilation: [1, 1], padding: 'valid' } as const;
        const { data: k, shape } = weights.kernel;
        const direct = convolve(
          x,
          { shape: x.shape, ...one },
          attributes.filters,
          (_i, _j, c, o) => k[c * shape[1] + o],
          (o) => weights.bias?.data[o] ?? 0,
        );
        const { terms, magnitude, data } = direct;
        const y = pointwiseConv2d.forward([x], weights, attributes);
        expectClose(y, direct, (i) => onceRounded(data[i], terms, magnitude[i]));
        const exact = pointwiseConv2d.forward([toFloat64(x)], weights, attributes);
        expectClose(exact, direct, (i) => terms * 2 ** -52 * magnitude[i]);
      }),
    );
  });

  test('is bit for bit a convolution with a 1×1 kernel', () => {
    fc.assert(
      fc.property(anyProblem, ({ x, weights: { kernel, bias }, attributes }) => {
        const same = { ...attributes, kernelSize: [1, 1], strides: [1, 1], dilation: [1, 1], padding: 'same' } as const;
        const asConv = { shape: [1, 1, ...kernel.shape], data: kernel.data };
        const weights = bias ? { kernel: asConv, bias } : { kernel: asConv };
        expectClose(
          pointwiseConv2d.forward([x], bias ? { kernel, bias } : { kernel }, attributes),
          conv2d.forward([x], weights, same),
        );
        expect(cost(pointwiseConv2d, [x.shape], attributes)).toEqual(cost(conv2d, [x.shape], same));
      }),
    );
  });

  test('treats pictures and positions alone: a batch of N is one picture of N rows', () => {
    fc.assert(
      fc.property(anyProblem, ({ x, weights, attributes }) => {
        const [N, H, W, C] = x.shape;
        const y = pointwiseConv2d.forward([x], weights, attributes);
        const rows = pointwiseConv2d.forward([{ shape: [1, N * H, W, C], data: x.data }], weights, attributes);
        expect(numbersOf(rows)).toEqual(numbersOf(y));
        expectClose(batchSlice(y, N - 1), pointwiseConv2d.forward([batchSlice(x, N - 1)], weights, attributes));
      }),
    );
  });

  test('executes exactly the products of the formula', () => {
    fc.assert(
      fc.property(anyProblem, ({ x, weights, attributes }) => {
        const { counted, reads } = countReads(x);
        pointwiseConv2d.forward([counted], weights, attributes);
        expect(reads()).toBe(cost(pointwiseConv2d, [x.shape], attributes).multiplyAdds);
      }),
    );
  });
});

test('NaN and infinity stay at their position', () => {
  const y = pointwiseConv2d.forward(
    [grid([1, 1, 3, 2], [NaN, 1, Infinity, -Infinity, 1, 2])],
    { kernel: grid([2, 1], [1, 1]) },
    { filters: 1, bias: false },
  );
  expect(numbersOf(y)).toEqual([NaN, NaN, 3]);
});

test('conv_pw_13 of MobileNet V1 @224: 51,380,224 multiply-adds and 1,048,576 weights', () => {
  expect(cost(pointwiseConv2d, [[1, 7, 7, 1024]], { filters: 1024, bias: false })).toEqual({
    multiplyAdds: 51_380_224,
    trainable: 1_048_576,
    stored: 1_048_576,
  });
  expect(cost(pointwiseConv2d, [[1, 7, 7, 1024]], { filters: 1024, bias: true })).toEqual({
    multiplyAdds: 51_380_224,
    trainable: 1_049_600,
    stored: 1_049_600,
  });
});

describe('errors', () => {
  const x = randomTensor([1, 1, 1, 2], 1);
  const kernel = randomTensor([2, 3], 1);

  test.each([
    [{}, {}, "pointwiseConv2d: weight 'kernel' of shape [2,3] is missing"],
    [{ kernel: x }, {}, "pointwiseConv2d: weight 'kernel' must have shape [2,3], found [1,1,1,2]"],
    [{ kernel, bias: x }, {}, "pointwiseConv2d: surplus weight 'bias' of shape [1,1,1,2]; wanted only kernel"],
    [{ kernel }, { bias: true }, "pointwiseConv2d: weight 'bias' of shape [3] is missing"],
    [{ kernel }, { filters: -1 }, 'pointwiseConv2d.filters: wanted a whole number from 1 to 2147483647, found -1'],
  ])('$2', (weights, changed, message) => {
    const forward = () =>
      pointwiseConv2d.forward([x], weights as KernelWeights, {
        filters: 3,
        bias: false,
        ...changed,
      });
    expect(forward).toThrow(new ShapeError(message));
  });

  test('a picture of another rank, none and two', () => {
    const attributes = { filters: 3, bias: false };
    const wanted = 'pointwiseConv2d: wanted an input of shape [batch, height, width, channels], found [3,2]';
    expect(() => pointwiseConv2d.outputShape([[3, 2]], attributes)).toThrow(wanted);
    expect(() => pointwiseConv2d.weightShapes([[3, 2]], attributes)).toThrow(wanted);
    expect(() => pointwiseConv2d.outputShape([], attributes)).toThrow('pointwiseConv2d: takes one input, found 0');
    expect(() => pointwiseConv2d.weightShapes([], attributes)).toThrow('pointwiseConv2d: takes one input, found 0');
    expect(() => pointwiseConv2d.forward([x, x], { kernel }, attributes)).toThrow(
      'pointwiseConv2d: takes one input, found 2',
    );
  });
});
