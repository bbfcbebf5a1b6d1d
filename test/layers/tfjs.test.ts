/** Agreement with TensorFlow.js's cpu backend, which sums in another order and rounds to float32 on the way. */
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, describe, test } from 'vitest';
import {
  argMax,
  averagePool,
  batchNorm,
  concat,
  conv2d,
  dense,
  depthwiseConv2d,
  globalAveragePool,
  maxPool,
  pad,
  pointwiseConv2d,
  relu,
  relu6,
  resizeBilinear,
  sigmoid,
  softmax,
} from '../../src/layers/index.js';
import type { Padding, Pair } from '../../src/padding.js';
import { sizeOf, type Tensor, toFloat64 } from '../../src/tensor.js';
import { attributesOf } from './attributes-of.js';
import { anyGeometry } from './direct.js';
import { expectClose, randomTensor, sumBound } from './support.js';

beforeAll(async () => {
  tf.env().set('IS_NODE', false); // keeps the advice to install another package out of the test's output
  await tf.setBackend('cpu');
});

const runs = { numRuns: 60 };
const toTf = ({ shape, data }: Tensor): tf.Tensor => tf.tensor(Float32Array.from(data), [...shape]);

/** The numbers of what `compute` returns, its intermediate tensors thrown away. */
function fromTf(compute: () => tf.Tensor): Tensor {
  const result = tf.tidy(compute);
  const found = { shape: result.shape, data: Float32Array.from(result.dataSync()) };
  result.dispose();
  return found;
}

const toTfPadding = (padding: Padding): 'same' | 'valid' | [Pair, Pair, Pair, Pair] =>
  typeof padding === 'string'
    ? padding
    : [
        [0, 0],
        [padding.top, padding.bottom],
        [padding.left, padding.right],
        [0, 0],
      ];

/** TensorFlow.js refuses strides together with dilation. */
const anyTfGeometry = anyGeometry().filter(
  ({ strides, dilation }) => strides.every((s) => s === 1) || dilation.every((d) => d === 1),
);

/** Σ|x||w| of every output: the layer applied to absolute values, in float64. */
const absolute = (x: Tensor): Tensor => ({ shape: x.shape, data: Float64Array.from(x.data, Math.abs) });

const pairOf = ([a, b]: Pair): [number, number] => [a, b];

describe('TensorFlow.js agrees about', () => {
  test('conv2d', () => {
    fc.assert(
      fc.property(anyTfGeometry, fc.integer({ min: 1, max: 4 }), fc.nat(), (geometry, filters, seed) => {
        const { strides, dilation, padding, kernelSize, shape } = geometry;
        const x = randomTensor(shape, seed);
        const kernel = randomTensor([...kernelSize, shape[3], filters], seed + 1);
        const attributes = attributesOf(conv2d, { ...geometry, filters, bias: false });
        const magnitude = conv2d.forward([absolute(x)], { kernel: absolute(kernel) }, attributes);
        const peer = fromTf(() =>
          tf.conv2d(
            toTf(x) as tf.Tensor4D,
            toTf(kernel) as tf.Tensor4D,
            pairOf(strides),
            toTfPadding(padding) as 'same',
            'NHWC',
            pairOf(dilation),
          ),
        );
        const terms = kernelSize[0] * kernelSize[1] * shape[3] + 1;
        expectClose(conv2d.forward([x], { kernel }, attributes), peer, (i) => sumBound(terms, magnitude.data[i]));
      }),
      runs,
    );
  });

  test('depthwiseConv2d with dilation and depth multiplier', () => {
    fc.assert(
      fc.property(anyTfGeometry, fc.integer({ min: 1, max: 3 }), fc.nat(), (geometry, depthMultiplier, seed) => {
        const { strides, dilation, padding, kernelSize, shape } = geometry;
        const x = randomTensor(shape, seed);
        const kernel = randomTensor([...kernelSize, shape[3], depthMultiplier], seed + 1);
        const attributes = attributesOf(depthwiseConv2d, { ...geometry, depthMultiplier, bias: false });
        const magnitude = depthwiseConv2d.forward([absolute(x)], { kernel: absolute(kernel) }, attributes);
        const peer = fromTf(() =>
          tf.depthwiseConv2d(
            toTf(x) as tf.Tensor4D,
            toTf(kernel) as tf.Tensor4D,
            pairOf(strides),
            toTfPadding(padding) as 'same',
            'NHWC',
            pairOf(dilation),
          ),
        );
        const terms = kernelSize[0] * kernelSize[1] + 1;
        expectClose(depthwiseConv2d.forward([x], { kernel }, attributes), peer, (i) =>
          sumBound(terms, magnitude.data[i]),
        );
      }),
      runs,
    );
  });

  test('pointwiseConv2d and dense', () => {
    fc.assert(
      fc.property(
        fc.tuple(...[2, 3, 3, 20].map((max) => fc.integer({ min: 1, max }))),
        fc.integer({ min: 1, max: 9 }),
        fc.nat(),
        (shape, filters, seed) => {
          const x = randomTensor(shape, seed);
          const kernel = randomTensor([shape[3], filters], seed + 1);
          const bias = randomTensor([filters], seed + 2);
          const attributes = { filters, bias: true };
          const peer = fromTf(() => {
            const rows = tf.reshape(toTf(x), [-1, shape[3]]) as tf.Tensor2D;
            const sums = tf.add(tf.matMul(rows, toTf(kernel) as tf.Tensor2D), toTf(bias));
            return tf.reshape(sums, [...shape.slice(0, 3), filters]);
          });
          const size = absolute(x);
          const sizes = { kernel: absolute(kernel), bias: absolute(bias) };
          const magnitude = pointwiseConv2d.forward([size], sizes, attributes);
          const bound = (i: number) => sumBound(shape[3] + 2, magnitude.data[i]);
          expectClose(pointwiseConv2d.forward([x], { kernel, bias }, attributes), peer, bound);
          expectClose(dense.forward([x], { kernel, bias }, { units: filters, bias: true }), peer, bound);
        },
      ),
      runs,
    );
  });

  test('averagePool and maxPool', () => {
    const inside = anyGeometry(1).filter(({ padding }) => typeof padding === 'string');
    fc.assert(
      fc.property(inside, fc.nat(), (geometry, seed) => {
        const { strides, padding, kernelSize, shape } = geometry;
        const x = randomTensor(shape, seed);
        const attributes = { poolSize: kernelSize, strides, padding };
        const size = averagePool.forward([absolute(x)], {}, attributes);
        const [tfSize, tfStrides, tfPadding] = [pairOf(kernelSize), pairOf(strides), padding as 'same'];
        const average = fromTf(() => tf.avgPool(toTf(x) as tf.Tensor4D, tfSize, tfStrides, tfPadding));
        const terms = kernelSize[0] * kernelSize[1] + 1;
        expectClose(averagePool.forward([x], {}, attributes), average, (i) => sumBound(terms, size.data[i]));
        const max = fromTf(() => tf.maxPool(toTf(x) as tf.Tensor4D, tfSize, tfStrides, tfPadding));
        expectClose(maxPool.forward([x], {}, attributes), max);
        const mean = fromTf(() => tf.mean(toTf(x), [1, 2]));
        const whole = globalAveragePool.forward([absolute(x)], {}, { keepDims: false });
        expectClose(globalAveragePool.forward([x], {}, { keepDims: false }), mean, (i) =>
          sumBound(shape[1] * shape[2] + 1, whole.data[i]),
        );
      }),
      runs,
    );
  });

  test.each([
    ['tf1-legacy', false, false],
    ['tf1-align-corners', true, false],
    ['half-pixel', false, true],
  ] as const)('resizeBilinear, %s', (rule, alignCorners, halfPixelCenters) => {
    const side = fc.integer({ min: 1, max: 9 });
    fc.assert(
      fc.property(fc.tuple(fc.constant(2), side, side, fc.constant(2)), side, side, fc.nat(), (shape, h, w, seed) => {
        const x = randomTensor(shape, seed);
        const peer = fromTf(() =>
          tf.image.resizeBilinear(toTf(x) as tf.Tensor4D, [h, w], alignCorners, halfPixelCenters),
        );
        // Numbers up to 2; TensorFlow's three interpolations each subtract, multiply and add in float32.
        expectClose(resizeBilinear.forward([x], {}, { size: [h, w], rule }), peer, () => sumBound(9, 4));
      }),
      runs,
    );
  });

  test('softmax, sigmoid, relu, relu6, argMax', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 30 }), fc.nat(), (rows, C, seed) => {
        const x = randomTensor([rows, C], seed);
        x.data.forEach((value, i) => {
          x.data[i] = value * 5;
        });
        // e^(x − max) takes over the rounding of x − max, at most |x| + |max| ≤ 20; then C sums and one division.
        const probabilities = softmax.forward([toFloat64(x)]);
        expectClose(
          softmax.forward([x]),
          fromTf(() => tf.softmax(toTf(x))),
          (i) => sumBound(2 * 20 + C + 4, probabilities.data[i]),
        );
        expectClose(
          sigmoid.forward([x]),
          fromTf(() => tf.sigmoid(toTf(x))),
          () => sumBound(3, 1),
        );
        expectClose(
          relu.forward([x]),
          fromTf(() => tf.relu(toTf(x))),
        );
        expectClose(
          relu6.forward([x]),
          fromTf(() => tf.relu6(toTf(x))),
        );
        const found = argMax.forward([x]);
        expectClose(
          { shape: [rows], data: found.data },
          fromTf(() => tf.argMax(toTf(x), -1)),
        );
      }),
      runs,
    );
  });

  test('batchNorm', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), fc.constantFrom(1e-3, 1e-5), fc.nat(), (C, epsilon, seed) => {
        const x = randomTensor([2, 3, 2, C], seed);
        const [gamma, beta, movingMean, spread] = [1, 2, 3, 4].map((i) => randomTensor([C], seed + i));
        const movingVariance = { shape: [C], data: spread.data.map((v) => v * v + 0.01) };
        const weights = { gamma, beta, movingMean, movingVariance };
        const peer = fromTf(() =>
          tf.batchNorm(
            toTf(x) as tf.Tensor4D,
            toTf(movingMean) as tf.Tensor1D,
            toTf(movingVariance) as tf.Tensor1D,
            toTf(beta) as tf.Tensor1D,
            toTf(gamma) as tf.Tensor1D,
            epsilon,
          ),
        );
        const magnitude = (i: number) => {
          const c = i % C;
          const factor = Math.abs(gamma.data[c]) / Math.sqrt(movingVariance.data[c]);
          return factor * (Math.abs(x.data[i]) + Math.abs(movingMean.data[c])) + Math.abs(beta.data[c]);
        };
        expectClose(batchNorm.forward([x], weights, { epsilon, scale: true, center: true }), peer, (i) =>
          sumBound(8, magnitude(i)),
        );
      }),
      runs,
    );
  });

  test('concat and pad, exactly', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 3 }),
        fc.nat(),
        fc.array(fc.nat(3), { minLength: 4, maxLength: 4 }),
        (axis, seed, sides) => {
          const shape = [2, 3, 2, 4];
          const inputs = [1, 2, 3].map((size) => randomTensor(shape.with(axis, size), seed + size));
          expectClose(
            concat.forward(inputs, {}, { axis }),
            fromTf(() => tf.concat(inputs.map(toTf), axis)),
          );
          const [top, bottom, left, right] = sides;
          const peer = fromTf(() =>
            tf.pad(
              toTf(inputs[0]),
              [
                [0, 0],
                [top, bottom],
                [left, right],
                [0, 0],
              ],
              0.5,
            ),
          );
          expectClose(pad.forward([inputs[0]], {}, { padding: { top, bottom, left, right }, value: 0.5 }), peer);
        },
      ),
      runs,
    );
  });
});

test('the peer is really asked: a kernel that differs in one weight is noticed', () => {
  const x = randomTensor([1, 5, 5, 2], 1);
  const kernel = randomTensor([3, 3, 2, 1], 2);
  const other = { shape: kernel.shape, data: kernel.data.map((w, i) => (i === 4 ? w + 1e-4 : w)) };
  const attributes = {
    kernelSize: [3, 3],
    strides: [1, 1],
    dilation: [1, 1],
    padding: 'same',
    filters: 1,
    bias: false,
  } as const;
  const peer = fromTf(() => tf.conv2d(toTf(x) as tf.Tensor4D, toTf(other) as tf.Tensor4D, 1, 'same'));
  const magnitude = conv2d.forward([absolute(x)], { kernel: absolute(kernel) }, attributes);
  const y = conv2d.forward([x], { kernel }, attributes);
  const bound = (i: number) => sumBound(sizeOf(kernel.shape) + 1, magnitude.data[i]);
  let noticed = 0;
  y.data.forEach((value, i) => {
    if (Math.abs(value - peer.data[i]) > bound(i)) noticed++;
  });
  if (noticed === 0) throw new Error('the bound hides a difference of 1e-4 in a weight');
});
