import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { describe, expect, test } from 'vitest';
import { mobilenetV2 } from '../../src/models/index.js';
import { normalRandom } from '../../src/random.js';
import type { OptimizerOptions } from '../../src/training/index.js';
import { createOptimizer, optimizerDefaults } from '../../src/training/loop/optimizers.js';
import { type ParameterLayout, parameterLayout, type Role } from '../../src/training/step/parameters.js';

function layoutOf(...slots: readonly (readonly [role: Role, size: number])[]): ParameterLayout {
  let offset = 0;
  const trainable = slots.map(([role, size]) => {
    const slot = { name: `${role}${offset}`, shape: [size], offset, size, role };
    offset += size;
    return slot;
  });
  return { trainable, trainableSize: offset, statistics: [], statisticsSize: 0 };
}

/** The one value after each gradient, at learning rate 0.5. */
function path(options: OptimizerOptions, gradients: readonly number[], start: number, weightDecay = 0): number[] {
  const optimizer = createOptimizer(options, layoutOf(['kernel', 1]), weightDecay);
  const values = Float32Array.of(start);
  return gradients.map((gradient, step) => {
    optimizer.update(values, Float32Array.of(gradient), 0.5, step);
    return values[0];
  });
}

describe('steps by hand', () => {
  test('SGD with momentum 0.5: velocities 4, 2 + 2, 1 + 2 + 0', () => {
    expect(path({ kind: 'sgd', momentum: 0.5, nesterov: false }, [4, 2, 1], 10)).toEqual([8, 6, 4.5]);
  });

  test('and by Nesterov: a step of g + velocity / 2', () => {
    // velocity 4, 4, 3; steps 4 + 2, 2 + 2, 1 + 1.5
    expect(path({ kind: 'sgd', momentum: 0.5, nesterov: true }, [4, 2, 1], 10)).toEqual([7, 5, 3.75]);
  });

  test('SGD with weight decay 0.25: gradient 4 + 0.25 · 8', () => {
    expect(path({ kind: 'sgd', momentum: 0, nesterov: false }, [4], 8, 0.25)).toEqual([5]);
  });

  test('RMSProp: the mean square starts at 1, ε lies within the root', () => {
    // s = 0.5 + 0.5 · 49 = 25, v = 0.5 · 7 / √(25 + 11) = 7 / 12
    expect(path({ kind: 'rmsprop', decay: 0.5, momentum: 0, epsilon: 11 }, [7], 1)[0]).toBeCloseTo(1 - 7 / 12, 6);
    // then s = 12.5 + 0.5 · 1 = 13, v = 0.5 · 7 / 12 + 0.5 / √24
    const [, second] = path({ kind: 'rmsprop', decay: 0.5, momentum: 0.5, epsilon: 11 }, [7, 1], 1);
    expect(second).toBeCloseTo(1 - 7 / 12 - (7 / 24 + 0.5 / Math.sqrt(24)), 6);
  });

  test("Adam's first step is the learning rate, whatever the gradient", () => {
    for (const gradient of [1e-3, 5, -300]) {
      expect(path(optimizerDefaults.adam, [gradient], 1)[0]).toBeCloseTo(1 - 0.5 * Math.sign(gradient), 4);
    }
  });

  test("Adam's weight decay is decoupled: 0.25 · 0.5 of the value beside the step", () => {
    expect(path(optimizerDefaults.adam, [3], 8, 0.25)[0]).toBeCloseTo(8 - 0.5 - 0.5 * 0.25 * 8, 5);
  });
});

describe('weight decay', () => {
  test.each(Object.values(optimizerDefaults))('$kind: kernels alone', (options) => {
    const roles: Role[] = ['kernel', 'depthwiseKernel', 'bias', 'gamma', 'beta'];
    const optimizer = createOptimizer(options, layoutOf(...roles.map((role) => [role, 1] as const)), 0.1);
    const values = new Float32Array(5).fill(3);
    optimizer.update(values, new Float32Array(5), 0.5, 0);
    expect(values[0]).toBeLessThan(3);
    expect([...values.subarray(1)]).toEqual([3, 3, 3, 3]);
  });

  test('in MobileNet V2: full and pointwise convolutions and the classifier, nothing of 3 × 3 by channel', () => {
    const network = mobilenetV2({ alpha: 0.35, smallPictures: true });
    const layout = parameterLayout(network);
    const optimizer = createOptimizer({ kind: 'sgd', momentum: 0, nesterov: false }, layout, 1);
    const values = new Float32Array(layout.trainableSize).fill(1);
    optimizer.update(values, new Float32Array(layout.trainableSize), 1, 0);
    const decayed = layout.trainable.filter(({ offset }) => values[offset] === 0);
    const kinds = new Map(network.nodes.map(({ name, kind }) => [`${name}/kernel`, kind]));
    expect(new Set(decayed.map(({ name }) => kinds.get(name)))).toEqual(
      new Set(['conv2d', 'pointwiseConv2d', 'dense']),
    );
    expect(decayed).toHaveLength(1 + 16 + 17 + 1 + 1); // first, expand, project, last, classifier
    expect(values.filter((value) => value === 0)).toHaveLength(decayed.reduce((sum, { size }) => sum + size, 0));
  });
});

describe('the same steps as TensorFlow.js', () => {
  const rate = 0.01;
  const size = 50;
  const steps = 8;

  test.each<[string, () => tf.Optimizer, OptimizerOptions]>([
    ['momentum', () => tf.train.momentum(rate, 0.9), { kind: 'sgd', momentum: 0.9, nesterov: false }],
    ['Nesterov', () => tf.train.momentum(rate, 0.9, true), { kind: 'sgd', momentum: 0.9, nesterov: true }],
    [
      'RMSProp',
      () => tf.train.rmsprop(rate, 0.9, 0.8, 0.1),
      { kind: 'rmsprop', decay: 0.9, momentum: 0.8, epsilon: 0.1 },
    ],
    ['Adam', () => tf.train.adam(rate, 0.9, 0.999, 1e-8), optimizerDefaults.adam],
  ])('%s', (_, peerOf, options) => {
    const normal = normalRandom(3);
    const numbers = () => Float32Array.from({ length: size }, normal);
    const start = numbers();
    const values = start.slice();
    const optimizer = createOptimizer(options, layoutOf(['bias', size]), 0);
    optimizer.state.meanSquare?.fill(0); // TF.js's RMSProp starts at 0, TensorFlow's at 1
    const peer = peerOf();
    const variable = tf.variable(tf.tensor1d(start), true, 'x');
    for (let step = 0; step < steps; step++) {
      const gradients = numbers();
      optimizer.update(values, gradients, rate, step);
      peer.applyGradients({ x: tf.tensor1d(gradients) });
    }
    const theirs = variable.dataSync();
    variable.dispose();
    // Both round to float32 in every operation of every step; the steps themselves are below 0.1.
    for (const [i, value] of values.entries()) expect(Math.abs(value - theirs[i])).toBeLessThan(2e-5);
    expect(values).not.toEqual(start);
  });
});

test('a state that was saved is gone on with', () => {
  for (const options of Object.values(optimizerDefaults)) {
    const layout = layoutOf(['kernel', 3]);
    const normal = normalRandom(1);
    const gradients = Array.from({ length: 4 }, () => Float32Array.from({ length: 3 }, normal));
    const whole = Float32Array.of(1, 2, 3);
    const inParts = whole.slice();
    const one = createOptimizer(options, layout, 0.1);
    for (const [step, g] of gradients.entries()) one.update(whole, g, 0.1, step);
    const first = createOptimizer(options, layout, 0.1);
    first.update(inParts, gradients[0], 0.1, 0);
    first.update(inParts, gradients[1], 0.1, 1);
    const saved = Object.fromEntries(Object.entries(first.state).map(([name, numbers]) => [name, numbers.slice()]));
    const second = createOptimizer(options, layout, 0.1, saved);
    second.update(inParts, gradients[2], 0.1, 2);
    second.update(inParts, gradients[3], 0.1, 3);
    expect(inParts).toEqual(whole);
  }
});
