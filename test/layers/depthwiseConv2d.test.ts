import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ShapeError } from '../../src/errors.js';
import { cost, depthwiseConv2d, type KernelWeights } from '../../src/layers/index.js';
import { toFloat64 } from '../../src/tensor.js';
import { attributesOf } from './attributes-of.js';
import { countReads } from './counting.js';
import { anyGeometry, convolve, paddedTaps } from './direct.js';
import { batchSlice, expectClose, grid, numbersOf, onceRounded, randomTensor, sumBound } from './support.js';

const plain = { strides: [1, 1], dilation: [1, 1], padding: 'valid', depthMultiplier: 1, bias: false } as const;

describe('examples to check by hand', () => {
  // biome-ignore format: drawn as it lies in memory: two channels side by side
  const x = grid([1, 2, 3, 2], [
    1, 10,   2, 20,   3, 30,
    4, 40,   5, 50,   6, 60,
  ]);

  test('each channel has a filter of its own', () => {
    // biome-ignore format: drawn as it lies in memory
    const kernel = grid([2, 2, 2, 1], [
      1, 0,   1, 0,
      1, 0,   1, 1, // channel 0: the sum of four; channel 1: the sample below right
    ]);
    const y = depthwiseConv2d.forward([x], { kernel }, { ...plain, kernelSize: [2, 2] });
    expectClose(y, grid([1, 1, 2, 2], [12, 50, 16, 60]));
  });

  test('depth multiplier 2: output channel c·2 + m is filter m of channel c', () => {
    const kernel = grid([1, 1, 2, 2], [1, 2, 3, 4]);
    const bias = grid([4], [0.5, 0, 0, -1]);
    const y = depthwiseConv2d.forward(
      [grid([1, 1, 1, 2], [1, 10])],
      { kernel, bias },
      { ...plain, kernelSize: [1, 1], depthMultiplier: 2, bias: true },
    );
    expectClose(y, grid([1, 1, 1, 4], [1.5, 2, 30, 39]));
  });

  test('height and width have strides and dilation of their own', () => {
    const numbers = grid([1, 3, 5, 1], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
    const kernel = grid([2, 2, 1, 1], [1, 0, 0, 100]);
    const apply = (strides: [number, number], dilation: [number, number]) =>
      depthwiseConv2d.forward([numbers], { kernel }, { ...plain, kernelSize: [2, 2], strides, dilation });
    expectClose(apply([1, 2], [2, 1]), grid([1, 1, 2, 1], [1201, 1403]));
    expectClose(apply([1, 1], [1, 3]), grid([1, 2, 2, 1], [901, 1002, 1406, 1507]));
    expectClose(apply([2, 1], [1, 4]), grid([1, 1, 1, 1], [1001]));
  });
});

const anyProblem = fc
  .record({ geometry: anyGeometry(), M: fc.integer({ min: 1, max: 3 }), bias: fc.boolean(), seed: fc.nat() })
  .map(({ geometry, M, bias, seed }) => {
    const [, , , C] = geometry.shape;
    const x = randomTensor(geometry.shape, seed);
    const kernel = randomTensor([...geometry.kernelSize, C, M], seed + 1);
    const weights = bias ? { kernel, bias: randomTensor([C * M], seed + 2) } : { kernel };
    // The same as a grouped convolution: output channel o belongs to group ⌊o / M⌋ and sees that input channel only.
    const filter = (i: number, j: number, c: number, o: number) =>
      c === Math.floor(o / M) ? kernel.data[((i * geometry.kernelSize[1] + j) * C + c) * M + (o % M)] : undefined;
    const direct = convolve(x, geometry, C * M, filter, (o) => weights.bias?.data[o] ?? 0);
    const terms = geometry.kernelSize[0] * geometry.kernelSize[1] + 1;
    const attributes = attributesOf(depthwiseConv2d, { ...geometry, depthMultiplier: M, bias });
    return { geometry, x, weights, direct, terms, attributes };
  });

describe('any depthwise convolution', () => {
  test('equals a grouped convolution solved directly, rounded once', () => {
    fc.assert(
      fc.property(anyProblem, ({ x, weights, attributes, direct, terms }) => {
        const y = depthwiseConv2d.forward([x], weights, attributes);
        expectClose(y, direct, (i) => onceRounded(direct.data[i], terms, direct.magnitude[i]));
        expect(depthwiseConv2d.outputShape([x.shape], attributes)).toEqual(direct.shape);
      }),
    );
  });

  test('in float64 agrees with float32 within the bound of its sum', () => {
    fc.assert(
      fc.property(anyProblem, ({ x, weights, attributes, direct, terms }) => {
        const exact = depthwiseConv2d.forward([toFloat64(x)], weights, attributes);
        const y = depthwiseConv2d.forward([x], weights, attributes);
        expectClose(y, exact, (i) => sumBound(terms, direct.magnitude[i]));
        expectClose(exact, direct, (i) => terms * 2 ** -52 * direct.magnitude[i]);
      }),
    );
  });

  test('gives each picture of a batch bit for bit what it gets alone', () => {
    fc.assert(
      fc.property(anyProblem, ({ x, weights, attributes }) => {
        const y = depthwiseConv2d.forward([x], weights, attributes);
        for (let n = 0; n < x.shape[0]; n++) {
          expectClose(batchSlice(y, n), depthwiseConv2d.forward([batchSlice(x, n)], weights, attributes));
        }
      }),
    );
  });

  test('executes the products of the formula, less those on padding', () => {
    fc.assert(
      fc.property(anyProblem, ({ x, geometry, weights, attributes }) => {
        const { counted, reads } = countReads(weights.kernel);
        depthwiseConv2d.forward([x], { ...weights, kernel: counted }, attributes);
        const onPadding = paddedTaps(geometry) * x.shape[3] * (weights.kernel.shape[3] as number);
        expect(reads()).toBe(cost(depthwiseConv2d, [x.shape], attributes).multiplyAdds - onPadding);
      }),
    );
  });
});

test('NaN and infinity stay in their channel', () => {
  const kernel = grid([1, 2, 2, 1], [1, 1, 1, 1]);
  const x = grid([1, 1, 3, 2], [NaN, 1, 2, Infinity, 3, 4]);
  const y = depthwiseConv2d.forward([x], { kernel }, { ...plain, kernelSize: [1, 2] });
  expect(numbersOf(y)).toEqual([NaN, Infinity, 5, Infinity]);
});

describe('cost', () => {
  test('conv_dw_2 of MobileNet V1 @224: 1,806,336 multiply-adds and 576 weights', () => {
    const attributes = { ...plain, kernelSize: [3, 3], strides: [2, 2], padding: 'same' } as const;
    expect(cost(depthwiseConv2d, [[1, 112, 112, 64]], attributes)).toEqual({
      multiplyAdds: 1_806_336,
      trainable: 576,
      stored: 576,
    });
  });

  test('a batch costs as often, a bias counts among the parameters only', () => {
    const attributes = { ...plain, kernelSize: [3, 2], depthMultiplier: 5, bias: true } as const;
    const weights = 3 * 2 * 4 * 5;
    expect(depthwiseConv2d.weightShapes([[7, 9, 8, 4]], attributes)).toEqual({ kernel: [3, 2, 4, 5], bias: [20] });
    expect(cost(depthwiseConv2d, [[7, 9, 8, 4]], attributes)).toEqual({
      multiplyAdds: 7 * (7 * 7) * weights,
      trainable: weights + 20,
      stored: weights + 20,
    });
  });
});

describe('errors', () => {
  const x = randomTensor([1, 3, 3, 2], 1);
  const kernel = randomTensor([2, 2, 2, 1], 1);
  const attributes = { ...plain, kernelSize: [2, 2] } as const;

  test.each([
    [{}, {}, "depthwiseConv2d: weight 'kernel' of shape [2,2,2,1] is missing"],
    [{ kernel: x }, {}, "depthwiseConv2d: weight 'kernel' must have shape [2,2,2,1], found [1,3,3,2]"],
    [{ kernel, bias: x }, {}, "depthwiseConv2d: surplus weight 'bias' of shape [1,3,3,2]; wanted only kernel"],
    [{ kernel }, { bias: true }, "depthwiseConv2d: weight 'bias' of shape [2] is missing"],
    [
      { kernel },
      { depthMultiplier: 0 },
      'depthwiseConv2d.depthMultiplier: wanted a whole number from 1 to 2147483647, found 0',
    ],
    [
      { kernel },
      { dilation: [1, 3] },
      'depthwiseConv2d, width: a kernel spanning 4 (2 taps, dilation 3) does not fit into 3 samples padded by (0, 0)',
    ],
    [
      { kernel },
      { strides: [0, 1] },
      'depthwiseConv2d.strides[0]: wanted a whole number from 1 to 2147483647, found 0',
    ],
    [{ kernel }, { padding: 'SAME' }, "depthwiseConv2d.padding: wanted one of 'same', 'valid', found 'SAME'"],
  ])('$2', (weights, changed, message) => {
    const forward = () =>
      depthwiseConv2d.forward([x], weights as KernelWeights, {
        ...attributes,
        ...(changed as object),
      });
    expect(forward).toThrow(new ShapeError(message));
  });

  test('a picture of another rank, none and two', () => {
    const wanted = 'depthwiseConv2d: wanted an input of shape [batch, height, width, channels], found [3,3]';
    expect(() => depthwiseConv2d.outputShape([[3, 3]], attributes)).toThrow(wanted);
    expect(() => depthwiseConv2d.weightShapes([[3, 3]], attributes)).toThrow(wanted);
    expect(() => depthwiseConv2d.outputShape([], attributes)).toThrow('depthwiseConv2d: takes one input, found 0');
    expect(() => depthwiseConv2d.weightShapes([], attributes)).toThrow('depthwiseConv2d: takes one input, found 0');
    expect(() => depthwiseConv2d.forward([x, x], { kernel }, attributes)).toThrow(
      'depthwiseConv2d: takes one input, found 2',
    );
  });
});
