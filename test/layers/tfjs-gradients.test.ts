/** Agreement with the gradients of TensorFlow.js's cpu backend, whose sums are float32 in another order. */
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { backwardTraining, forwardTraining } from '../../src/layers/batchNormTraining.js';
import { averagePool, backward, conv2d, depthwiseConv2d, type Gradients } from '../../src/layers/index.js';
import type { Padding, Pair } from '../../src/padding.js';
import { sizeOf, type Tensor, toFloat64 } from '../../src/tensor.js';
import { batchNormTraining, fromTf, startTf, toTf } from '../training/tfjs.js';
import { attributesOf } from './attributes-of.js';
import { anyGeometry } from './direct.js';
import { expectClose, randomTensor, sumBound } from './support.js';

beforeAll(startTf);

const runs = { numRuns: 40 };

/** ∂L/∂x for each of the tensors x that `compute` takes, for L = Σ dy · y. */
const peerGradients = (compute: (...xs: tf.Tensor[]) => tf.Tensor, xs: readonly Tensor[], dy: Tensor): Tensor[] =>
  fromTf(() => tf.grads(compute)(xs.map(toTf), toTf(dy)));

/** Σ of the absolute products of every gradient: the backward half applied to absolute values, in float64. */
const absolute = (x: Tensor): Tensor => ({ shape: x.shape, data: Float64Array.from(x.data, Math.abs) });

/** TensorFlow.js has no gradients for dilated convolutions, and explicit padding it wants as a layer of its own. */
const anyTfGeometry = anyGeometry(1);
const pairOf = ([a, b]: Pair): [number, number] => [a, b];
const padded = (x: tf.Tensor, padding: Padding): tf.Tensor4D =>
  typeof padding === 'string'
    ? (x as tf.Tensor4D)
    : tf.pad(x as tf.Tensor4D, [
        [0, 0],
        [padding.top, padding.bottom],
        [padding.left, padding.right],
        [0, 0],
      ]);
const wordOf = (padding: Padding): 'same' | 'valid' => (typeof padding === 'string' ? padding : 'valid');

/** A gradient of x adds `outputs` products, one of the kernel as many as there are positions. */
function expectAgreement(ours: Gradients, peers: readonly Tensor[], magnitude: Gradients, outputs: number, dy: Tensor) {
  const positions = sizeOf(dy.shape.slice(0, -1));
  expectClose(ours.inputs[0], peers[0], (i) => sumBound(outputs + 1, magnitude.inputs[0].data[i]));
  Object.entries(ours.weights).forEach(([name, gradient], at) => {
    expectClose(gradient, peers[at + 1], (i) => sumBound(positions + 1, magnitude.weights[name].data[i]));
  });
}

describe('TensorFlow.js agrees about the gradients of', () => {
  test('conv2d', () => {
    fc.assert(
      fc.property(anyTfGeometry, fc.integer({ min: 1, max: 4 }), fc.nat(), (geometry, filters, seed) => {
        const { strides, padding, kernelSize, shape } = geometry;
        const attributes = attributesOf(conv2d, { ...geometry, filters, bias: false });
        const x = randomTensor(shape, seed);
        const kernel = randomTensor([...kernelSize, shape[3], filters], seed + 1);
        const dy = randomTensor(conv2d.outputShape([shape], attributes), seed + 2);
        const peers = peerGradients(
          (a, k) => tf.conv2d(padded(a, padding), k as tf.Tensor4D, pairOf(strides), wordOf(padding)),
          [x, kernel],
          dy,
        );
        const magnitude = backward.conv2d(absolute(dy), [absolute(x)], { kernel: absolute(kernel) }, attributes);
        const outputs = kernelSize[0] * kernelSize[1] * filters;
        expectAgreement(backward.conv2d(dy, [x], { kernel }, attributes), peers, magnitude, outputs, dy);
      }),
      runs,
    );
  });

  test('depthwiseConv2d with a depth multiplier', () => {
    fc.assert(
      fc.property(anyTfGeometry, fc.integer({ min: 1, max: 3 }), fc.nat(), (geometry, depthMultiplier, seed) => {
        const { strides, padding, kernelSize, shape } = geometry;
        const attributes = attributesOf(depthwiseConv2d, { ...geometry, depthMultiplier, bias: false });
        const x = randomTensor(shape, seed);
        const kernel = randomTensor([...kernelSize, shape[3], depthMultiplier], seed + 1);
        const dy = randomTensor(depthwiseConv2d.outputShape([shape], attributes), seed + 2);
        const peers = peerGradients(
          (a, k) => tf.depthwiseConv2d(padded(a, padding), k as tf.Tensor4D, pairOf(strides), wordOf(padding)),
          [x, kernel],
          dy,
        );
        const sizes = { kernel: absolute(kernel) };
        const magnitude = backward.depthwiseConv2d(absolute(dy), [absolute(x)], sizes, attributes);
        const outputs = kernelSize[0] * kernelSize[1] * depthMultiplier;
        expectAgreement(backward.depthwiseConv2d(dy, [x], { kernel }, attributes), peers, magnitude, outputs, dy);
      }),
      runs,
    );
  });

  test('pointwiseConv2d and dense, with bias', () => {
    fc.assert(
      fc.property(
        fc.tuple(...[2, 3, 3, 20].map((max) => fc.integer({ min: 1, max }))),
        fc.integer({ min: 1, max: 9 }),
        fc.nat(),
        (shape, filters, seed) => {
          const attributes = { filters, bias: true };
          const x = randomTensor(shape, seed);
          const weights = {
            kernel: randomTensor([shape[3], filters], seed + 1),
            bias: randomTensor([filters], seed + 2),
          };
          const dy = randomTensor([...shape.slice(0, 3), filters], seed + 3);
          const peers = peerGradients(
            (a, k, b) => {
              const rows = tf.reshape(a, [-1, shape[3]]) as tf.Tensor2D;
              return tf.reshape(tf.add(tf.matMul(rows, k as tf.Tensor2D), b), dy.shape as number[]);
            },
            [x, weights.kernel, weights.bias],
            dy,
          );
          const sizes = { kernel: absolute(weights.kernel), bias: absolute(weights.bias) };
          const magnitude = backward.pointwiseConv2d(absolute(dy), [absolute(x)], sizes, attributes);
          for (const ours of [
            backward.pointwiseConv2d(dy, [x], weights, attributes),
            backward.dense(dy, [x], weights, { units: filters, bias: true }),
          ]) {
            expectAgreement(ours, peers, magnitude, filters, dy);
          }
        },
      ),
      runs,
    );
  });

  test('batchNorm in training, which it puts together of means, differences and roots', () => {
    const size = fc.integer({ min: 1, max: 4 });
    fc.assert(
      fc.property(
        fc.tuple(fc.integer({ min: 2, max: 4 }), size, size, size),
        fc.constantFrom(1e-3, 1e-5),
        fc.nat(),
        (shape, epsilon, seed) => {
          const C = shape[3];
          const m = sizeOf(shape) / C;
          const x = randomTensor(shape, seed);
          const [gamma, beta, unused, dy] = [[C], [C], [C], shape].map((s, i) => randomTensor(s, seed + 1 + i));
          const weights = { gamma, beta, movingMean: unused, movingVariance: unused };
          const attributes = { epsilon, scale: true, center: true };
          const ours = backwardTraining(dy, [x], weights, attributes);
          const peers = peerGradients((a, g, b) => batchNormTraining(a, g, b, epsilon), [x, gamma, beta], dy);
          // The formula dx = gamma / σ · (dy − mean(dy) − x̂ · mean(dy · x̂)) with each difference x − μ as large as |x| + |μ|, since its error
          // is; sums of m, and some twenty operations that each round.
          const { variance } = forwardTraining([toFloat64(x)], weights, attributes);
          const meanOf = (c: number, term: (i: number) => number): number => {
            let sum = 0;
            for (let i = c; i < x.data.length; i += C) sum += term(i) / m;
            return sum;
          };
          const magnitudes = Array.from({ length: C }, (_, c) => {
            const deviation = Math.sqrt(variance.data[c] + epsilon);
            const mean = meanOf(c, (i) => Math.abs(x.data[i]));
            const xHat = (i: number) => (Math.abs(x.data[i]) + mean) / deviation;
            const dMean = meanOf(c, (i) => Math.abs(dy.data[i]));
            const dAlong = meanOf(c, (i) => Math.abs(dy.data[i]) * xHat(i));
            const factor = Math.abs(gamma.data[c]) / deviation;
            return {
              dx: (i: number) => factor * (Math.abs(dy.data[i]) + dMean + xHat(i) * dAlong),
              gamma: m * dAlong,
              beta: m * dMean,
            };
          });
          const terms = m + 20;
          expectClose(ours.inputs[0], peers[0], (i) => sumBound(terms, magnitudes[i % C].dx(i)));
          expectClose(ours.weights.gamma, peers[1], (c) => sumBound(terms, magnitudes[c].gamma));
          expectClose(ours.weights.beta, peers[2], (c) => sumBound(terms, magnitudes[c].beta));
        },
      ),
      runs,
    );
  });

  test('averagePool, maxPool and globalAveragePool', () => {
    const inside = anyTfGeometry.filter(({ padding }) => typeof padding === 'string');
    fc.assert(
      fc.property(inside, fc.nat(), ({ strides, padding, kernelSize, shape }, seed) => {
        const x = randomTensor(shape, seed);
        const attributes = { poolSize: kernelSize, strides, padding };
        const dy = randomTensor(averagePool.outputShape([shape], attributes), seed + 1);
        const [size, stride, word] = [pairOf(kernelSize), pairOf(strides), wordOf(padding)];
        const terms = kernelSize[0] * kernelSize[1] + 2;
        const shares = backward.averagePool(absolute(dy), [toFloat64(x)], {}, attributes).inputs[0];
        // Its avgPool divides by the whole window where ours counts the samples inside, in the backward half only: at the edges they differ.
        if (padding === 'valid') {
          const [average] = peerGradients((a) => tf.avgPool(a as tf.Tensor4D, size, stride, word), [x], dy);
          const ours = backward.averagePool(dy, [x], {}, attributes).inputs[0];
          expectClose(ours, average, (i) => sumBound(terms, shares.data[i]));
        }
        const [max] = peerGradients((a) => tf.maxPool(a as tf.Tensor4D, size, stride, word), [x], dy);
        const sums = backward.maxPool(absolute(dy), [toFloat64(x)], {}, attributes).inputs[0];
        expectClose(backward.maxPool(dy, [x], {}, attributes).inputs[0], max, (i) => sumBound(terms, sums.data[i]));
        const dMean = randomTensor([shape[0], shape[3]], seed + 2);
        const [mean] = peerGradients((a) => tf.mean(a, [1, 2]), [x], dMean);
        const ours = backward.globalAveragePool(dMean, [x], {}, { keepDims: false }).inputs[0];
        expectClose(ours, mean, () => sumBound(3, 2));
      }),
      runs,
    );
  });

  test('relu6, sigmoid and softmax', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 30 }), fc.nat(), (rows, C, seed) => {
        const small = randomTensor([rows, C], seed);
        const x = { shape: small.shape, data: small.data.map((value) => value * 5) };
        const dy = randomTensor([rows, C], seed + 1);
        expectClose(backward.relu6(dy, [x]).inputs[0], peerGradients((a) => tf.relu6(a), [x], dy)[0]);
        // y · (1 − y) of a y that is rounded: an error of 2⁻²⁴ however small the product is.
        expectClose(backward.sigmoid(dy, [x]).inputs[0], peerGradients((a) => tf.sigmoid(a), [x], dy)[0], () =>
          sumBound(6, 2),
        );
        // As in the forward half: e^(x − max) takes over the rounding of up to 20; then C sums, twice.
        expectClose(backward.softmax(dy, [x]).inputs[0], peerGradients((a) => tf.softmax(a), [x], dy)[0], () =>
          sumBound(2 * (2 * 20 + C + 4), 4),
        );
      }),
      runs,
    );
  });

  test.each([
    ['tf1-legacy', false],
    ['tf1-align-corners', true],
  ] as const)(
    'resizeBilinear of squares, %s: of others its gradient has height and width the wrong way round',
    (rule, alignCorners) => {
      const side = fc.integer({ min: 1, max: 9 });
      fc.assert(
        fc.property(side, side, side, fc.nat(), (size, h, w, seed) => {
          const x = randomTensor([2, size, size, 2], seed);
          const dy = randomTensor([2, h, w, 2], seed + 1);
          const compute = (a: tf.Tensor) => tf.image.resizeBilinear(a as tf.Tensor4D, [h, w], alignCorners);
          const attributes = { size: [h, w], rule } as const;
          const magnitude = backward.resizeBilinear(absolute(dy), [x], {}, attributes).inputs[0];
          // Positions up to 9 are rounded to float32 before their whole part is taken off; every output may send to the sample.
          expectClose(
            backward.resizeBilinear(dy, [x], {}, attributes).inputs[0],
            peerGradients(compute, [x], dy)[0],
            (i) => sumBound(h * w + 40, magnitude.data[i] + 2),
          );
        }),
        runs,
      );
    },
  );
});

test('the peer is really asked: another kernel gives other gradients', () => {
  const x = randomTensor([1, 5, 5, 2], 1);
  const kernel = randomTensor([3, 3, 2, 1], 2);
  const dy = randomTensor([1, 5, 5, 1], 3);
  const other = { shape: kernel.shape, data: kernel.data.map((w, i) => (i === 4 ? w + 1e-4 : w)) };
  const attributes = {
    kernelSize: [3, 3],
    strides: [1, 1],
    dilation: [1, 1],
    padding: 'same',
    filters: 1,
    bias: false,
  } as const;
  const peers = (k: Tensor) =>
    peerGradients((a, b) => tf.conv2d(a as tf.Tensor4D, b as tf.Tensor4D, 1, 'same'), [x, k], dy);
  const ours = backward.conv2d(dy, [x], { kernel }, attributes);
  const magnitude = backward.conv2d(absolute(dy), [absolute(x)], { kernel: absolute(kernel) }, attributes);
  expectAgreement(ours, peers(kernel), magnitude, 9, dy);
  expect(() => expectAgreement(ours, peers(other), magnitude, 9, dy)).toThrow('wanted');
});
