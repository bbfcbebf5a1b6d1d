/** Whole steps of training: against TensorFlow.js, by their promises, and down to a loss of nothing. */
import { beforeAll, describe, expect, test } from 'vitest';
import { NetworkError, ShapeError } from '../../src/errors.js';
import { mobilenetV2 } from '../../src/models/index.js';
import { type Network, NetworkBuilder, randomWeights } from '../../src/network/index.js';
import { uniformRandom } from '../../src/random.js';
import { type FloatArray, type Tensor, tensor, toFloat64 } from '../../src/tensor.js';
import { forwardPass } from '../../src/training/step/gradients.js';
import { crossEntropy, withoutSoftmax } from '../../src/training/step/losses.js';
import { packParameters, parameterLayout, withParameters } from '../../src/training/step/parameters.js';
import { referenceTraining } from '../../src/training/step/reference.js';
import { grid, ROUNDING, randomTensor } from '../layers/support.js';
import { features } from '../network/helpers.js';
import { startTf, tfLossAndGradients } from './tfjs.js';

beforeAll(startTf);

const small = { alpha: 0.25, smallPictures: true, expansionFactor: 3, narrowLast: true, classes: 5 } as const;

/** With weights, of which gamma and beta are not 1 and 0. */
function withVariedWeights(network: Network, seed: number): Network {
  const { values, statistics } = packParameters(randomWeights(network, seed));
  const uniform = uniformRandom(seed);
  return withParameters(
    network,
    values.map((value) => value + 0.4 * (uniform() - 0.5)),
    statistics,
  );
}

/** Rows of one class each, smoothed. */
function targetsOf(labels: readonly number[], classes: number, smoothing = 0): Tensor {
  const rows = labels.flatMap((label) =>
    Array.from({ length: classes }, (_, c) => (c === label ? 1 - smoothing : 0) + smoothing / classes),
  );
  return tensor([labels.length, classes], rows);
}

/** One step, its results in new arrays. */
function step(network: Network, pictures: Tensor, targets: Tensor, seed = 1) {
  const { trainableSize, statisticsSize } = parameterLayout(network);
  const gradients = new Float32Array(trainableSize).fill(7);
  const statistics = new Float32Array(statisticsSize).fill(7);
  const program = referenceTraining(network, pictures.shape[0]);
  const { values } = packParameters(network);
  const result = program.step(
    values,
    Float32Array.from(pictures.data),
    Float32Array.from(targets.data),
    gradients,
    statistics,
    seed,
  );
  return { ...result, gradients, statistics };
}

const norm = (numbers: ArrayLike<number>): number => Math.hypot(...Array.from(numbers));
const distance = (a: FloatArray, b: FloatArray): number => norm(Array.from(a, (value, i) => value - b[i]));

/**
 * A step of a MobileNet V2 that has all of its parts, and TensorFlow.js's, in float32. How far that may be off cannot be derived in reason
 * through 52 batch norms, so it is measured: the same step is computed a second time with each tensor, forward and backward, rounded once to
 * float32, and each weight's gradient moves by its noise. TensorFlow.js also rounds within its sums; partial sums of up to n = 2 · 16 · 16 terms
 * in random order wander √n ≈ 23 roundings at most where one was counted. Allowed are 16 times the noise, which is some 2·10⁻⁴ of a gradient.
 */
describe('a step of a small MobileNet V2', () => {
  const network = withoutSoftmax(withVariedWeights(mobilenetV2({ ...small, resolution: 16 }), 3));
  const pictures = randomTensor([2, 16, 16, 3], 11);
  const targets = targetsOf([2, 0], 5, 0.1);
  const { trainable } = parameterLayout(network);
  const names = trainable.map(({ name }) => name);
  const exact = step(network, pictures, targets);
  const partOf = (name: string): Float32Array => {
    const { offset, size } = trainable.find((slot) => slot.name === name)!;
    return exact.gradients.subarray(offset, offset + size);
  };

  const [output] = network.outputs;
  const pass = forwardPass(network, pictures, { trainingSeed: 1 });
  const logits = pass.tensors.get(output)!;
  const { dLogits } = crossEntropy(logits.data, targets.data, 5);
  const rounded = pass.backward(new Map([[output, tensor(logits.shape, Float32Array.from(dLogits))]])).weights;
  const noise = (name: string) => distance(rounded.get(name)!.data, partOf(name));

  /** Weights whose gradient is further off than allowed. */
  const wrong = (gradients: readonly Tensor[]) =>
    names.filter((name, i) => {
      const off = distance(gradients[i].data, partOf(name));
      return !(off <= 16 * noise(name) + ROUNDING * norm(partOf(name)));
    });

  test('equals TensorFlow.js’s', () => {
    const peer = tfLossAndGradients(network, names, pictures, targets);
    expect(wrong(peer.gradients)).toEqual([]);
    expect(exact.loss).toBeCloseTo(peer.loss, 4);
  });

  test('the noise is small: 10⁻⁴ of a gradient at most', () => {
    // A beta before a convolution and a batch norm is without effect, as the mean is subtracted: its gradient is nothing but noise.
    const idle = names.filter((name) => norm(partOf(name)) < 1e-12);
    expect(idle.every((name) => /^(expanded_conv|block_\d+)_project_BN\/beta$/.test(name))).toBe(true);
    for (const name of names) {
      if (!idle.includes(name)) expect(noise(name)).toBeLessThan(1e-4 * norm(partOf(name)));
    }
  });

  test('an epsilon of 0.01 in one place of 52 is noticed in the gradients before it', () => {
    const nodes = network.nodes.map((node) =>
      node.kind === 'batchNorm' && node.name === 'block_3_expand_BN'
        ? { ...node, attributes: { ...node.attributes, epsilon: 0.01 } }
        : node,
    );
    const other = forwardPass({ ...network, nodes }, toFloat64(pictures), { trainingSeed: 1 });
    const gradient = crossEntropy(other.tensors.get(output)!.data, targets.data, 5).dLogits;
    const { weights } = other.backward(new Map([[output, tensor([2, 5], gradient)]]));
    const found = wrong(names.map((name) => weights.get(name)!));
    expect(found).toEqual(expect.arrayContaining(['Conv1/kernel', 'bn_Conv1/gamma', 'block_2_depthwise/kernel']));
  });
});

describe('a step', () => {
  const network = withVariedWeights(mobilenetV2({ ...small, resolution: 8, conventions: 'torchvision' }), 5);
  const pictures = randomTensor([2, 8, 8, 3], 1);
  const targets = targetsOf([4, 1], 5);
  const first = step(network, pictures, targets, 9);

  test('is the same for the same seed, another one with another dropout', () => {
    expect(network.nodes.some(({ kind }) => kind === 'dropout')).toBe(true);
    expect(step(network, pictures, targets, 9)).toEqual(first);
    expect(step(network, pictures, targets, 10).gradients).not.toEqual(first.gradients);
  });

  test('is the same whether the network ends in logits or in a softmax', () => {
    const [logits] = network.outputs;
    const softmax = { name: 'probabilities', kind: 'softmax', inputs: [logits], attributes: {} } as const;
    const ended: Network = { ...network, nodes: [...network.nodes, softmax], outputs: ['probabilities'] };
    expect(step(ended, pictures, targets, 9)).toEqual(first);
  });

  test('writes every gradient and every statistic to its place, and does not ask for moving statistics', () => {
    const { trainable, statistics } = parameterLayout(network);
    const pass = forwardPass(network, toFloat64(pictures), { trainingSeed: 9 });
    const [output] = network.outputs;
    const { mean, dLogits } = crossEntropy(pass.tensors.get(output)!.data, targets.data, 5);
    const { weights } = pass.backward(new Map([[output, tensor([2, 5], dLogits)]]));
    expect(first.loss).toBe(mean);
    for (const { name, offset, size } of trainable) {
      expect(first.gradients.slice(offset, offset + size)).toEqual(Float32Array.from(weights.get(name)!.data));
    }
    for (const { name, offset, size } of statistics) {
      const wanted = Float32Array.from(pass.statistics.get(name)!.data);
      expect(first.statistics.slice(offset, offset + size)).toEqual(wanted);
    }
  });

  test('the moving statistics that the network has change nothing', () => {
    const { values, statistics } = packParameters(network);
    const moved = withParameters(
      network,
      values,
      statistics.map((value) => value + 3),
    );
    expect(step(moved, pictures, targets, 9)).toEqual(first);
  });
});

test('two layers learn what one cannot, down to a loss of nothing', () => {
  const net = new NetworkBuilder();
  const x = net.input('x', [1, 2]);
  const hidden = net.add('hidden', 'dense', x, { units: 8, bias: true });
  const active = net.add('active', 'sigmoid', hidden, {});
  const output = net.add('output', 'dense', active, { units: 2, bias: true });
  const network = randomWeights(net.build('exclusive or', [output], features), 1);
  // biome-ignore format: a table of truth
  const inputs = grid([4, 2], [
    0, 0,
    0, 1,
    1, 0,
    1, 1,
  ]);
  const targets = targetsOf([0, 1, 1, 0], 2);

  const program = referenceTraining(network, 4);
  const { values, statistics } = packParameters(network);
  const gradients = new Float32Array(values.length);
  const rate = 4;
  const learn = () => {
    const found = program.step(
      values,
      inputs.data as Float32Array,
      targets.data as Float32Array,
      gradients,
      statistics,
      0,
    );
    for (let i = 0; i < values.length; i++) values[i] -= rate * gradients[i];
    return found;
  };
  expect(learn().loss).toBeGreaterThan(0.5); // about ln 2: it knows nothing
  for (let count = 0; count < 3000; count++) learn();
  const { loss, correct } = learn();
  expect(correct).toBe(4);
  expect(loss).toBeLessThan(1e-3);
});

describe('errors', () => {
  test('a network that ends in a map has no logits', () => {
    const network = withVariedWeights(mobilenetV2({ ...small, resolution: 16, head: 'features' }), 1);
    const message = 'mobilenet_v2_0.25_16_small_t3: training wants logits [batch, classes], found [2,2,2,320]';
    expect(() => step(network, randomTensor([2, 16, 16, 3], 1), targetsOf([1, 2], 5))).toThrow(
      new NetworkError(message),
    );
  });

  test('pictures and targets of another number', () => {
    const network = withVariedWeights(mobilenetV2({ ...small, resolution: 8 }), 1);
    const program = referenceTraining(network, 2);
    const { values, statistics } = packParameters(network);
    const run = (pictures: number, targets: number) => () =>
      program.step(
        values,
        new Float32Array(pictures),
        new Float32Array(targets),
        new Float32Array(values.length),
        statistics,
        0,
      );
    expect(run(3 * 192, 10)).toThrow(new ShapeError('tensor: shape [2,8,8,3] wants 384 numbers, found 576'));
    expect(run(2 * 192, 15)).toThrow(
      new ShapeError('crossEntropy: wanted rows of 5 logits and as many targets, found 10 and 15 numbers'),
    );
  });
});
