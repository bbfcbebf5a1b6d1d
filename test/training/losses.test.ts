import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { NetworkError, ShapeError } from '../../src/errors.js';
import { softmax } from '../../src/layers/index.js';
import { mobilenetV1 } from '../../src/models/index.js';
import { type Network, NetworkBuilder } from '../../src/network/index.js';
import { tensor, toFloat64 } from '../../src/tensor.js';
import { crossEntropy, withoutSoftmax } from '../../src/training/step/losses.js';
import { expectSlopesOf } from '../layers/differences.js';
import { expectClose, randomTensor, sumBound } from '../layers/support.js';
import { features } from '../network/helpers.js';
import { fromTf, startTf, toTf } from './tfjs.js';

beforeAll(startTf);

const upTo = (max: number) => fc.integer({ min: 1, max });

/** Rows that sum to 1: softmax of random numbers. */
const anyTargets = (shape: readonly number[], seed: number) => softmax.forward([toFloat64(randomTensor(shape, seed))]);

describe('examples to check by hand', () => {
  test('equal logits: ln K, whatever the targets are; the gradient is the difference of the probabilities', () => {
    const logits = Float64Array.from([7, 7, 7, 7]);
    const targets = Float64Array.from([0, 1, 0, 0]);
    const { mean, correct, dLogits } = crossEntropy(logits, targets, 4);
    expect(mean).toBeCloseTo(Math.log(4), 15);
    expect([...dLogits]).toEqual([0.25, -0.75, 0.25, 0.25]);
    expect(correct).toBe(0); // of equals the first counts
  });

  test('two pictures: probabilities 3/4 and 1/5 for the right classes', () => {
    const logits = Float64Array.from([Math.log(3), 0, 0, Math.log(4)]);
    const { mean, correct, dLogits } = crossEntropy(logits, Float64Array.from([1, 0, 1, 0]), 2);
    expect(mean).toBeCloseTo((Math.log(4 / 3) + Math.log(5)) / 2, 15);
    expect(correct).toBe(1);
    [-1 / 8, 1 / 8, -2 / 5, 2 / 5].forEach((wanted, i) => {
      expect(dLogits[i]).toBeCloseTo(wanted, 15);
    });
  });

  test('smoothed targets are not reached by certainty: the best logits give them back', () => {
    const targets = Float64Array.from([0.925, 0.025, 0.025, 0.025]); // 0.1 smoothed over 4 classes
    const { mean, dLogits } = crossEntropy(targets.map(Math.log), targets, 4);
    expect(mean).toBeCloseTo(-0.925 * Math.log(0.925) - 0.075 * Math.log(0.025), 14); // the targets' own entropy
    for (const gradient of dLogits) expect(gradient).toBeCloseTo(0, 15);
  });

  test('logits of ±10,000 neither overflow nor vanish', () => {
    const { mean, dLogits } = crossEntropy(Float32Array.from([1e4, -1e4]), Float32Array.from([0, 1]), 2);
    expect(mean).toBe(2e4);
    expect([...dLogits]).toEqual([1, -1]);
  });
});

test('the gradient is the slope, and no class gains what another does not lose', () => {
  fc.assert(
    fc.property(upTo(3), upTo(6), fc.nat(), (N, K, seed) => {
      const logits = toFloat64(randomTensor([N, K], seed));
      const targets = anyTargets([N, K], seed + 1).data;
      const { dLogits } = crossEntropy(logits.data, targets, K);
      const loss = () => crossEntropy(logits.data, targets, K).mean;
      expectSlopesOf('logits', logits, tensor([N, K], dLogits), loss, 10);
      expect(Math.abs(dLogits.reduce((sum, d) => sum + d, 0))).toBeLessThan(1e-14);
    }),
  );
});

test('TensorFlow.js agrees', () => {
  fc.assert(
    fc.property(upTo(4), upTo(9), fc.nat(), (N, K, seed) => {
      const [logits, targets] = [randomTensor([N, K], seed), anyTargets([N, K], seed + 1)];
      const [loss, gradient] = fromTf(() => {
        const { value, grads } = tf.valueAndGrads((z) => tf.losses.softmaxCrossEntropy(toTf(targets), z) as tf.Scalar)([
          toTf(logits),
        ]);
        return [value, grads[0]];
      });
      const { mean, dLogits } = crossEntropy(logits.data, targets.data, K);
      // Logarithms and powers of numbers up to 4, in sums of K, then of N · K terms; one division.
      expectClose(tensor([], [mean]), loss, () => sumBound(N * K + K + 8, 8));
      expectClose(tensor([N, K], dLogits), gradient, () => sumBound(K + 8, 4));
    }),
    { numRuns: 60 },
  );
});

describe('the softmax at the end of a network', () => {
  test('is part of the loss, and nothing else changes', () => {
    const network = mobilenetV1({ alpha: 0.25, resolution: 32, classes: 3 });
    const logits = withoutSoftmax(network);
    expect(network.nodes.at(-1)!.kind).toBe('softmax');
    expect(logits.nodes).toEqual(network.nodes.slice(0, -1));
    expect(logits.outputs).toEqual(network.nodes.at(-1)!.inputs);
    expect(withoutSoftmax(logits)).toBe(logits);
    const alone = { ...logits, nodes: [], outputs: logits.inputs.map(({ name }) => name) };
    expect(withoutSoftmax(alone)).toBe(alone);
  });

  test('a network of two outputs cannot be trained', () => {
    const net = new NetworkBuilder();
    const x = net.input('x', [1, 2]);
    const network = net.build('two', [net.add('a', 'relu', x, {}), net.add('b', 'relu', x, {})], features);
    const message = 'two: training wants one input and one output, found 1 and 2';
    expect(() => withoutSoftmax(network)).toThrow(new NetworkError(message));
    expect(() => withoutSoftmax({ ...network, inputs: [] } as Network)).toThrow('found 0 and 2');
  });
});

test('rows that do not fit', () => {
  const loss = (logits: number, targets: number) => () =>
    crossEntropy(new Float32Array(logits), new Float32Array(targets), 3);
  const message = 'crossEntropy: wanted rows of 3 logits and as many targets, found 4 and 4 numbers';
  expect(loss(4, 4)).toThrow(new ShapeError(message));
  expect(loss(6, 3)).toThrow('found 6 and 3 numbers');
});
