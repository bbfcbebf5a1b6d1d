/** The layers in integers on grids that can be checked by hand, close to the layers in real numbers, and what they refuse. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { layers } from '../../../src/layers/index.js';
import { integerLayers, roundings } from '../../../src/layers/int8/index.js';
import { type QuantizedTensor, type QuantizedType, type Shape, sizeOf, tensor } from '../../../src/tensor.js';

const arrays = { int8: Int8Array, uint8: Uint8Array, int32: Int32Array };
const half: QuantizedType = { type: 'int8', scale: 0.5, zeroPoint: 3 };
const bytes: QuantizedType = { type: 'uint8', scale: 0.25, zeroPoint: 128 };
const one: QuantizedType = { type: 'int8', scale: 1, zeroPoint: 0 };
const probability: QuantizedType = { type: 'int8', scale: 1 / 256, zeroPoint: -128 };
const indices: QuantizedType = { type: 'int32', scale: 1, zeroPoint: 0 };

const grid = (type: QuantizedTensor['type'], shape: Shape, numbers: readonly number[]): QuantizedTensor => ({
  shape,
  data: arrays[type.type].from(numbers),
  type,
});
const numbersOf = (y: { data: ArrayLike<number> }): number[] => Array.from(y.data);

const window = { strides: [1, 1], dilation: [1, 1], padding: 'same' } as const;

describe('sums of products', () => {
  // x stands for 1 2 3 4 with the zero point 3; outside it is zero, not the zero point.
  const x = grid(half, [1, 2, 2, 1], [5, 7, 9, 11]);

  test('conv2d: distances from the zero points, one scale for each output, a bias', () => {
    const kernel = grid({ type: 'int8', scales: [1, 0.5], axis: 3 }, [1, 2, 1, 2], [1, 2, 10, 20]);
    const bias = grid({ type: 'int32', scales: [0.5, 0.25], axis: 0 }, [2], [0, 4]);
    const attributes = { ...window, filters: 2, kernelSize: [1, 2], bias: true } as const;
    const y = integerLayers.conv2d([x], { kernel, bias }, attributes, one, 'single');
    // 1 · 1 + 2 · 10 = 21, and 2 · 1 alone at the edge; the second output is as much again, and its bias 1.
    expect(numbersOf(y)).toEqual([21, 22, 2, 3, 43, 44, 4, 5]);
    expect(y.type).toBe(one);
  });

  test('depthwiseConv2d: channel c gives outputs c·M + m', () => {
    const two = grid(half, [1, 1, 1, 2], [5, 7]);
    const kernel = grid(one, [1, 1, 2, 2], [1, 2, 3, 4]);
    const attributes = { ...window, kernelSize: [1, 1], depthMultiplier: 2, bias: false } as const;
    const y = integerLayers.depthwiseConv2d([two], { kernel }, attributes, one, 'single');
    expect(numbersOf(y)).toEqual([1, 2, 6, 8]);
  });

  test('pointwiseConv2d and dense: uint8 with a zero point of the kernel', () => {
    const input = grid(bytes, [1, 1, 1, 2], [132, 124]); // 1 and −1
    const kernel = grid({ ...bytes, scale: 1 }, [2, 1], [138, 125]); // 10 and −3
    const pointwise = integerLayers.pointwiseConv2d([input], { kernel }, { filters: 1, bias: false }, bytes, 'single');
    expect(numbersOf(pointwise)).toEqual([128 + 4 * 13]);
    const flat = { ...input, shape: [1, 2] };
    const dense = integerLayers.dense([flat], { kernel }, { units: 1, bias: false }, bytes, 'single');
    expect(numbersOf(dense)).toEqual([128 + 4 * 13]);
  });

  test('results beyond the type become its least and greatest', () => {
    const kernel = grid(one, [1, 2], [100, -100]);
    const y = integerLayers.pointwiseConv2d([x], { kernel }, { filters: 2, bias: false }, half, 'double');
    expect(numbersOf(y)).toEqual([127, -128, 127, -128, 127, -128, 127, -128]);
  });

  test('both roundings stay within one step of the real numbers', () => {
    const q = fc.integer({ min: -128, max: 127 });
    const weights = fc.integer({ min: -127, max: 127 });
    fc.assert(
      fc.property(
        fc.array(q, { minLength: 18, maxLength: 18 }),
        fc.array(weights, { minLength: 36, maxLength: 36 }),
        fc.integer({ min: -128, max: 127 }),
        (numbers, kernelNumbers, zeroPoint) => {
          const input = grid({ type: 'int8', scale: 0.1, zeroPoint }, [1, 3, 3, 2], numbers);
          const scales = [0.003, 0.02];
          const kernel = grid({ type: 'int8', scales, axis: 3 }, [3, 3, 2, 2], kernelNumbers);
          const attributes = { ...window, filters: 2, kernelSize: [3, 3], bias: false } as const;
          const result: QuantizedType = { type: 'int8', scale: 0.7, zeroPoint: -5 };
          const real = layers.conv2d.forward(
            [
              tensor(
                input.shape,
                numbers.map((n) => 0.1 * (n - zeroPoint)),
              ),
            ],
            {
              kernel: tensor(
                kernel.shape,
                kernelNumbers.map((n, i) => n * scales[i % 2]),
              ),
            },
            attributes,
          );
          for (const rounding of roundings) {
            const y = integerLayers.conv2d([input], { kernel }, attributes, result, rounding);
            for (let i = 0; i < y.data.length; i++) {
              const wanted = Math.min(Math.max(real.data[i] / 0.7 - 5, -128), 127);
              expect(Math.abs(y.data[i] - wanted)).toBeLessThan(0.76);
            }
          }
        },
      ),
      { numRuns: 30 },
    );
  });

  test.each([
    [{ kernel: grid(bytes, [1, 1], [0]) }, 'pointwiseConv2d: an input of int8 wants a kernel of int8, found uint8'],
    [
      { kernel: grid({ type: 'int8', scales: [1, 2], axis: 1 }, [1, 1], [0]) },
      'pointwiseConv2d: 1 outputs want as many scales of the kernel, found 2',
    ],
    [{ kernel: grid(one, [2, 1], [0, 0]) }, "pointwiseConv2d: weight 'kernel' must have shape [1,1], found [2,1]"],
  ])('refuses weights %#', (weights, message) =>
    expect(() => integerLayers.pointwiseConv2d([x], weights, { filters: 1, bias: false }, one, 'single')).toThrow(
      message,
    ),
  );

  test.each<[string, Shape, object]>([
    ['conv2d', [1, 1, 1, 1], { ...window, filters: 1, kernelSize: [1, 1], bias: false }],
    ['depthwiseConv2d', [1, 1, 1, 1], { ...window, depthMultiplier: 1, kernelSize: [1, 1], bias: false }],
    ['pointwiseConv2d', [1, 1], { filters: 1, bias: false }],
    ['dense', [4, 1], { units: 1, bias: false }],
  ])('%s says its name where it refuses', (name, shape, attributes) => {
    const kernel = grid(bytes, shape, new Array(sizeOf(shape)).fill(0));
    const input = name === 'dense' ? { ...x, shape: [1, 4] } : x;
    expect(() => integerLayers[name as 'conv2d']([input], { kernel }, attributes as never, one, 'single')).toThrow(
      `${name}: an input of int8 wants a kernel of int8, found uint8`,
    );
  });

  test('a dense layer rounds the product of its two scales to float32, as TensorFlow Lite does; a convolution does not', () => {
    const [scale, of] = [Math.fround(0.1), Math.fround(0.2)];
    const rounded = Math.fround(scale * of);
    expect(rounded).toBeGreaterThan(scale * of);
    const input = grid({ type: 'int8', scale, zeroPoint: 0 }, [1, 1], [1]);
    const kernel = grid({ type: 'int8', scale: of, zeroPoint: 0 }, [1, 1], [1]);
    // One of the products is half a step of the result once it is rounded up, and less than half as it is.
    const result: QuantizedType = { type: 'int8', scale: 2 * rounded, zeroPoint: 0 };
    const dense = integerLayers.dense([input], { kernel }, { units: 1, bias: false }, result, 'single');
    const point = integerLayers.pointwiseConv2d(
      [{ ...input, shape: [1, 1, 1, 1] }],
      { kernel },
      { filters: 1, bias: false },
      result,
      'single',
    );
    expect([...dense.data, ...point.data]).toEqual([1, 0]);
  });

  test('refuses a bias of another type or unit', () => {
    const kernel = grid(one, [2, 1], [1, 1]);
    const dense = (bias: QuantizedTensor) =>
      integerLayers.dense([grid(half, [1, 2], [3, 3])], { kernel, bias }, { units: 1, bias: true }, one, 'single');
    expect(() => dense(grid(half, [1], [0]))).toThrow('dense: wanted a bias of int32, found int8');
    expect(() => dense(grid({ ...indices, scale: 0.53 }, [1], [0]))).toThrow(
      'dense: the bias counts in 0.53, wanted input scale · kernel scale = 0.5',
    );
    expect(numbersOf(dense(grid({ ...indices, scale: 0.51 }, [1], [8])))).toEqual([4]);
    // "scale_diff / output_scale <= 0.02": kernel_util.cc of TensorFlow Lite
    const fine = grid({ ...one, scale: 0.04 }, [1, 2], [0, 0]);
    const bias = grid({ ...indices, scale: 0.02 }, [1], [50]);
    const y = integerLayers.dense([fine], { kernel, bias }, { units: 1, bias: true }, one, 'single');
    expect(numbersOf(y)).toEqual([2]);
  });
});

describe('layers without weights', () => {
  test('add: each by its own scale', () => {
    const a = grid(half, [3], [5, 127, -128]); // 1, 62, −65.5
    const b = grid(one, [3], [7, 127, -1]);
    expect(numbersOf(integerLayers.add([a, b], {}, {}, one, 'single'))).toEqual([8, 127, -67]);
    expect(() => integerLayers.add([a, a, a], {}, {}, one, 'single')).toThrow(
      'add: takes two inputs of integers, found 3',
    );
  });

  test('multiply: each by its own scale, and a number for each channel', () => {
    const a = grid(half, [1, 1, 2, 2], [5, 7, -1, 3]); // 1, 2, −2, 0
    const b = grid(bytes, [1, 1, 2, 2], [132, 136, 140, 128]).data; // 1, 2, 3, 0
    const signed = grid(
      { ...bytes, type: 'int8', zeroPoint: 0 },
      [1, 1, 2, 2],
      Array.from(b, (q) => q - 128),
    );
    expect(numbersOf(integerLayers.multiply([a, signed], {}, {}, half, 'single'))).toEqual([5, 11, -9, 3]);
    const gate = grid(one, [1, 1, 1, 2], [3, -100]);
    expect(numbersOf(integerLayers.multiply([a, gate], {}, {}, half, 'double'))).toEqual([9, -128, -9, 3]);
  });

  test('multiply: 1 · 1 in steps of 1/8 of the result is a half, which both roundings take up, and down −½ · 1 only once', () => {
    const x = grid({ ...one, scale: 0.125 }, [2], [1, -1]);
    const y = grid(one, [2], [4, 4]);
    expect(numbersOf(integerLayers.multiply([x, y], {}, {}, one, 'single'))).toEqual([1, 0]);
    expect(numbersOf(integerLayers.multiply([x, y], {}, {}, one, 'double'))).toEqual([1, -1]);
  });

  test('hardSwish: 0 to −3, x from 3 on', () => {
    const sixteenths = { ...one, scale: 1 / 16 };
    const x = grid(sixteenths, [6], [-128, -48, -24, 0, 48, 127]);
    // −1.5 · 1.5 / 6 = −0.375, six sixteenths
    expect(numbersOf(integerLayers.hardSwish([x], {}, {}, sixteenths, 'single'))).toEqual([0, 0, -6, 0, 48, 127]);
    const fine = { ...one, scale: 2 ** -12 };
    expect(() => integerLayers.hardSwish([x], {}, {}, fine, 'single')).toThrow(
      "hardSwish: wanted a result's scale of at least 1/128 of the input's, found 0.000244140625 and 0.0625",
    );
  });

  test('concat: uint8 is brought to the scale of the result, int8 has to have it', () => {
    const a = grid(bytes, [1, 2], [132, 128]);
    const b = grid({ ...bytes, scale: 0.5, zeroPoint: 0 }, [1, 1], [3]);
    const c = grid({ ...bytes, scale: 0.1, zeroPoint: 0 }, [1, 2], [1, 2]); // 0.4 and 0.8 steps
    expect(numbersOf(integerLayers.concat([a, b, c], {}, { axis: -1 }, bytes, 'single'))).toEqual([
      132, 128, 134, 128, 129,
    ]);
    expect(() => integerLayers.concat([grid(half, [1, 1], [0])], {}, { axis: 1 }, one, 'single')).toThrow(
      'concat: input and result must have the same type, scale and zero point, found (int8, 0.5, 3) and (int8, 1, 0)',
    );
  });

  test('concat along any axis: the integers lie where the float layer puts the numbers', () => {
    const shapes: Shape[] = [
      [2, 2, 2],
      [2, 2, 2],
    ];
    const numbers = shapes.map((shape, n) => Array.from({ length: sizeOf(shape) }, (_, i) => 10 * n + i));
    for (const axis of [0, 1, 2, -1, -2, -3]) {
      const inputs = shapes.map((shape, n) => grid(one, shape, numbers[n]));
      const floats = layers.concat.forward(
        shapes.map((shape, n) => tensor(shape, numbers[n])),
        {},
        { axis },
      );
      const y = integerLayers.concat(inputs, {}, { axis }, one, 'single');
      expect([y.shape, numbersOf(y)]).toEqual([floats.shape, numbersOf(floats)]);
    }
  });

  test('concat: uint8 with another zero point or another scale alone is brought to the result’s too', () => {
    const shifted = grid({ ...bytes, zeroPoint: 100 }, [1, 2], [100, 104]); // 0 and 1
    expect(numbersOf(integerLayers.concat([shifted], {}, { axis: 1 }, bytes, 'single'))).toEqual([128, 132]);
    const wider = grid({ ...bytes, scale: 0.5 }, [1, 2], [128, 130]); // 0 and 1
    expect(numbersOf(integerLayers.concat([wider], {}, { axis: 1 }, bytes, 'single'))).toEqual([128, 132]);
    for (const type of [
      { ...half, zeroPoint: 4 },
      { ...half, scale: 1 },
    ]) {
      expect(() => integerLayers.concat([grid(type, [1, 1], [0])], {}, { axis: 1 }, half, 'single')).toThrow(
        'concat: input and result must have the same type, scale and zero point',
      );
    }
  });

  test('layers that copy leave their input alone', () => {
    const x = grid(half, [1, 2], [1, 2]);
    for (const y of [
      integerLayers.reshape([x], {}, { shape: [2] }, half, 'single'),
      integerLayers.flatten([x], {}, {}, half, 'single'),
      integerLayers.dropout([x], {}, { rate: 0.5 }, half, 'single'),
    ]) {
      expect(numbersOf(y)).toEqual([1, 2]);
      expect(y.data.buffer).not.toBe(x.data.buffer);
    }
  });

  test('pad: zero is the zero point', () => {
    const padding = { top: 0, bottom: 1, left: 1, right: 0 };
    const x = grid(half, [1, 1, 1, 1], [9]);
    expect(numbersOf(integerLayers.pad([x], {}, { padding, value: 0 }, half, 'single'))).toEqual([3, 9, 3, 3]);
    expect(numbersOf(integerLayers.pad([x], {}, { padding, value: -2 }, half, 'single'))).toEqual([-1, 9, -1, -1]);
  });

  test('averagePool: halves away from zero, over the samples inside', () => {
    const pool = { poolSize: [1, 2], strides: [1, 2], padding: 'same', includePadding: false } as const;
    const x = grid(half, [1, 1, 5, 1], [1, 2, -1, -2, 7]);
    expect(numbersOf(integerLayers.averagePool([x], {}, pool, half, 'single'))).toEqual([2, -2, 7]);
    expect(() => integerLayers.averagePool([x], {}, { ...pool, includePadding: true }, half, 'single')).toThrow(
      'averagePool: padding that counts as samples is not computed with integers',
    );
  });

  test('maxPool', () => {
    const x = grid(half, [1, 1, 3, 1], [-100, -101, -128]);
    const pool = { poolSize: [1, 2], strides: [1, 2], padding: 'same' } as const;
    expect(numbersOf(integerLayers.maxPool([x], {}, pool, half, 'single'))).toEqual([-100, -128]);
  });

  test('globalAveragePool: the mean in the scale of the result', () => {
    const x = grid(half, [1, 1, 3, 2], [4, 3, 5, 3, 12, 5]); // 0.5 1 4.5 and 0 0 1
    expect(numbersOf(integerLayers.globalAveragePool([x], {}, { keepDims: false }, one, 'single'))).toEqual([2, 0]);
  });

  test('relu, relu6 and clamp: the bounds as integers', () => {
    const x = grid(half, [4], [-5, 3, 14, 20]);
    expect(numbersOf(integerLayers.relu([x], {}, {}, half, 'single'))).toEqual([3, 3, 14, 20]);
    expect(numbersOf(integerLayers.relu6([x], {}, {}, half, 'single'))).toEqual([3, 3, 14, 15]);
    expect(numbersOf(integerLayers.clamp([x], {}, { min: -1, max: 1 }, half, 'single'))).toEqual([1, 3, 5, 5]);
    expect(numbersOf(integerLayers.relu6([x], {}, {}, one, 'single'))).toEqual([0, 0, 6, 6]);
  });

  test('reshape, flatten and dropout copy', () => {
    const x = grid(indices, [1, 2, 1], [70000, -1]);
    expect(integerLayers.reshape([x], {}, { shape: [2] }, indices, 'single')).toEqual({ ...x, shape: [1, 2] });
    expect(integerLayers.flatten([x], {}, {}, indices, 'single')).toEqual({ ...x, shape: [1, 2] });
    expect(integerLayers.dropout([x], {}, { rate: 0 }, indices, 'single')).toEqual(x);
  });

  test('sigmoid: half at zero', () => {
    const x = grid(half, [3], [3, 127, -128]);
    expect(numbersOf(integerLayers.sigmoid([x], {}, {}, probability, 'single'))).toEqual([0, 127, -128]);
  });

  test('softmax: shares of 256', () => {
    const x = grid({ type: 'int8', scale: Math.log(2), zeroPoint: 0 }, [2, 3], [5, 4, 4, -128, 127, -128]);
    expect(numbersOf(integerLayers.softmax([x], {}, {}, probability, 'single'))).toEqual([
      0, -64, -64, -128, 127, -128,
    ]);
    expect(() => integerLayers.softmax([x], {}, {}, half, 'single')).toThrow(
      'softmax: a result of int8 wants scale 1/256 and zero point -128, found 0.5 and 3',
    );
  });

  test('argMax: the first of equals', () => {
    const x = grid(half, [2, 3], [1, 5, 5, -1, -3, -2]);
    expect(integerLayers.argMax([x], {}, {}, indices)).toEqual(grid(indices, [2, 1], [1, 0]));
    expect(() => integerLayers.argMax([x], {}, {}, half)).toThrow(
      'argMax: indices want scale 1 and zero point 0, found 0.5 and 3',
    );
  });

  test.each(['int8', 'uint8'] as const)('resizeBilinear of %s: between the samples', (type) => {
    const same: QuantizedType = { type, scale: 1, zeroPoint: 0 };
    const x = grid(same, [1, 1, 2, 1], [10, 21]);
    const attributes = { size: [1, 3], rule: 'tf1-align-corners' } as const;
    expect(numbersOf(integerLayers.resizeBilinear([x], {}, attributes, same, 'single'))).toEqual([10, 16, 21]);
  });

  test('resizeBilinear of int8: ties up, or away from zero', () => {
    const x = grid(one, [1, 1, 2, 1], [-10, -21]);
    const attributes = { size: [1, 3], rule: 'tf1-align-corners' } as const;
    expect(numbersOf(integerLayers.resizeBilinear([x], {}, attributes, one, 'single'))).toEqual([-10, -15, -21]);
    expect(numbersOf(integerLayers.resizeBilinear([x], {}, attributes, one, 'double'))).toEqual([-10, -16, -21]);
  });

  test('quantize: real numbers, halves away from zero; integers by the ratio of the scales', () => {
    const real = tensor([4], [0.25, -0.25, 100, -0.2]);
    expect(numbersOf(integerLayers.quantize([real], {}, {}, half, 'single'))).toEqual([4, 2, 127, 3]);
    const x = grid({ type: 'uint8', scale: 0.5, zeroPoint: 131 }, [2], [0, 255]);
    expect(numbersOf(integerLayers.quantize([x], {}, {}, half, 'single'))).toEqual([-128, 127]);
    expect(() => integerLayers.quantize([tensor([1], [Number.NaN])], {}, {}, half, 'single')).toThrow(
      'quantize: number 0 is NaN, for which there is no integer',
    );
  });

  test('dequantize', () => {
    expect(integerLayers.dequantize([grid(half, [2], [3, -128])])).toEqual(tensor([2], [0, -65.5]));
  });

  test('quantize undoes dequantize', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('int8' as const, 'uint8' as const),
        fc.float({ min: Math.fround(1e-6), max: 1000, noNaN: true }),
        fc.integer({ min: 0, max: 127 }),
        (type, scale, zeroPoint) => {
          const own: QuantizedType = { type, scale, zeroPoint };
          const all = grid(
            own,
            [256],
            Array.from({ length: 256 }, (_, i) => (type === 'int8' ? i - 128 : i)),
          );
          const back = integerLayers.quantize([integerLayers.dequantize([all])], {}, {}, own, 'double');
          expect(numbersOf(back)).toEqual(numbersOf(all));
        },
      ),
    );
  });
});

/** Within `steps` of the result's scale, on grids of any zero point, of batches of two pictures that are no squares. */
describe('close to the layers in real numbers', () => {
  const picture = [2, 3, 5, 2] as const;
  // The steps of a resize are multiples of 1/1024: ten of them miss by 6/1024 along each axis, which between −128 and 127 is 1.5.
  const cases: Record<string, [layer: string, attributes: object, steps: number, result?: QuantizedType]> = {
    hardSwish: ['hardSwish', {}, 1.5],
    sigmoid: ['sigmoid', {}, 1.01, probability],
    softmax: ['softmax', {}, 1.01, probability],
    relu: ['relu', {}, 0.51],
    relu6: ['relu6', {}, 0.51],
    clamp: ['clamp', { min: -0.5, max: 1.25 }, 0.51],
    pad: ['pad', { padding: { top: 1, bottom: 2, left: 3, right: 0 }, value: 0 }, 0.01],
    maxPool: ['maxPool', { poolSize: [2, 3], strides: [1, 2], padding: 'same' }, 0.01],
    'averagePool, valid': [
      'averagePool',
      { poolSize: [2, 3], strides: [1, 2], padding: 'valid', includePadding: false },
      0.51,
    ],
    'averagePool, same': [
      'averagePool',
      { poolSize: [3, 2], strides: [2, 1], padding: 'same', includePadding: false },
      0.51,
    ],
    globalAveragePool: ['globalAveragePool', { keepDims: true }, 1.01],
    'concat of channels': ['concat', { axis: -1 }, 0.01],
    ...Object.fromEntries(
      (['half-pixel', 'tf1-legacy', 'tf1-align-corners'] as const).flatMap((rule) =>
        [
          [7, 11],
          [2, 3],
        ].map((size) => [`resizeBilinear ${rule} to ${size}`, ['resizeBilinear', { size, rule }, 3.5]]),
      ),
    ),
  };

  test.each(Object.entries(cases))('%s', (_, [name, attributes, steps, result]) => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: -128, max: 127 }), { minLength: sizeOf(picture), maxLength: sizeOf(picture) }),
        fc.integer({ min: -60, max: 60 }),
        fc.constantFrom(...roundings),
        (numbers, zeroPoint, rounding) => {
          const type: QuantizedType = { type: 'int8', scale: 1 / 32, zeroPoint };
          const x = grid(type, picture, numbers);
          const y = integerLayers[name as 'hardSwish']([x], {}, attributes as never, result ?? type, rounding);
          const real = layers[name as 'hardSwish'].forward([integerLayers.dequantize([x])], {}, attributes as never);
          expect(y.shape).toEqual(real.shape);
          const { scale, zeroPoint: zero } = result ?? type;
          for (const [i, q] of y.data.entries()) {
            const wanted = Math.min(Math.max(real.data[i] / scale + zero, -128), 127);
            expect(Math.abs(q - wanted)).toBeLessThan(steps);
          }
        },
      ),
      { numRuns: 20 },
    );
  });

  test.each<[string, Shape, object]>([
    ['conv2d', [2, 3, 2, 3], { filters: 3, kernelSize: [2, 3], strides: [1, 2] }],
    ['conv2d', [3, 2, 2, 3], { filters: 3, kernelSize: [3, 2], strides: [2, 1], padding: 'valid' }],
    ['conv2d', [2, 2, 2, 3], { filters: 3, kernelSize: [2, 2], dilation: [1, 3] }],
    ['depthwiseConv2d', [2, 3, 2, 2], { depthMultiplier: 2, kernelSize: [2, 3], strides: [2, 1] }],
    ['depthwiseConv2d', [3, 2, 2, 1], { depthMultiplier: 1, kernelSize: [3, 2], dilation: [1, 2] }],
  ])('%s with a kernel of %j, %j', (name, shape, others) => {
    const attributes = { ...window, bias: false, ...others } as never;
    const numbers = fc.array(fc.integer({ min: -128, max: 127 }), { minLength: 60, maxLength: 60 });
    fc.assert(
      fc.property(numbers, numbers, fc.integer({ min: -60, max: 60 }), (data, weights, zeroPoint) => {
        const type: QuantizedType = { type: 'int8', scale: 1 / 32, zeroPoint };
        const [x, kernel] = [
          grid(type, picture, data),
          grid({ ...one, scale: 1 / 64 }, shape, weights.slice(0, sizeOf(shape))),
        ];
        const result: QuantizedType = { type: 'int8', scale: 1 / 4, zeroPoint: -7 };
        const y = integerLayers[name as 'conv2d']([x], { kernel }, attributes, result, 'single');
        const [input, real] = [x, kernel].map((integers) => integerLayers.dequantize([integers]));
        const wanted = layers[name as 'conv2d'].forward([input], { kernel: real }, attributes);
        expect(y.shape).toEqual(wanted.shape);
        for (const [i, q] of y.data.entries()) {
          expect(Math.abs(q - Math.min(Math.max(4 * wanted.data[i] - 7, -128), 127))).toBeLessThan(0.51);
        }
      }),
      { numRuns: 20 },
    );
  });
});

describe('what every layer refuses', () => {
  const maxPool = (x: QuantizedTensor, result: QuantizedType) =>
    integerLayers.maxPool([x], {}, { poolSize: [1, 1], strides: [1, 1], padding: 'same' }, result, 'single');
  const shape: Shape = [1, 1, 1, 1];

  test.each([
    [grid(indices, shape, [0]), indices, 'maxPool: wanted an input of int8 or uint8, found int32'],
    [
      grid({ type: 'int8', scales: [1], axis: 0 }, shape, [0]),
      half,
      'maxPool: wanted an input with one scale, found one for each channel',
    ],
    [
      { shape, data: new Uint8Array(sizeOf(shape)), type: half },
      half,
      'maxPool: shape [1,1,1,1] of int8 wants 1 numbers in an Int8Array, found 1 in an Uint8Array',
    ],
    [
      { shape, data: new Int8Array(2), type: half },
      half,
      'maxPool: shape [1,1,1,1] of int8 wants 1 numbers in an Int8Array, found 2 in an Int8Array',
    ],
    [grid(half, shape, [0]), bytes, 'maxPool: an input of int8 cannot give a result of uint8'],
  ])('%#', (x, result, message) => expect(() => maxPool(x, result)).toThrow(message));
});
