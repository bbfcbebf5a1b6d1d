/** Transfer learning, on pictures of plain colours and a network with random weights, which tells colours apart without having learnt to. */
import { describe, expect, test } from 'vitest';
import { UsageError } from '../../src/errors.js';
import { readNetwork, writeNetwork } from '../../src/formats/index.js';
import { mobilenetV1, mobilenetV2 } from '../../src/models/index.js';
import { foldBatchNorm, type Network, NetworkBuilder, randomWeights } from '../../src/network/index.js';
import { bodyOf, withClassifier } from '../../src/network/rewriting/new-classifier.js';
import { behind } from '../../src/network/rewriting/subnetwork.js';
import { normalRandom, uniformRandom } from '../../src/random.js';
import { classify } from '../../src/tasks/index.js';
import { sizeOf, tensor, toFloat32 } from '../../src/tensor.js';
import { emptyDataset, WHOLE } from '../../src/training/data/dataset.js';
import { type DataSplits, type Dataset, trainClassifier } from '../../src/training/index.js';
import { fitWeights } from '../../src/training/loop/fit.js';
import { compileTraining } from '../../src/training/program.js';
import { parameterLayout } from '../../src/training/step/parameters.js';
import { referenceTraining } from '../../src/training/step/reference.js';
import { fitHead } from '../../src/training/transfer/train-head.js';

const SIDE = 32;
const COLOURS = { red: [200, 40, 40], green: [40, 180, 60], blue: [50, 60, 220] };
const base = randomWeights(mobilenetV1({ alpha: 0.25, resolution: SIDE }), 3);

/** `count` noisy pictures of each colour. */
function coloured(count: number, seed: number): Dataset {
  const random = uniformRandom(seed);
  const classes = Object.keys(COLOURS);
  const data = emptyDataset(3 * count, {
    name: 'colours',
    classes,
    height: SIDE,
    width: SIDE,
    channels: 3,
    sizing: WHOLE,
  });
  const numbers = SIDE * SIDE * 3;
  for (let n = 0; n < 3 * count; n++) {
    data.labels[n] = n % 3;
    const colour = Object.values(COLOURS)[n % 3];
    for (let i = 0; i < numbers; i++) data.pictures[n * numbers + i] = colour[i % 3] + 10 * (random() - 0.5);
  }
  return data;
}

const colours = (): DataSplits => ({ train: coloured(5, 1), test: coloured(4, 2) });

describe.each([
  ['the classifier alone', {}],
  ['the last two blocks too', { fineTune: 2, tuning: { epochs: 3 } }],
])('%s', (_, options) => {
  test('learns from five pictures a class, and says how it did', async () => {
    const { accuracy, classes } = await trainClassifier(base, colours(), options);
    expect(accuracy).toBe(1);
    expect(classes).toEqual(Object.keys(COLOURS).map((label) => ({ label, learnt: 5, heldBack: 4, right: 4 })));
  });

  test('one file holds network, labels and preprocessing', async () => {
    const { network } = await trainClassifier(base, colours(), options);
    const read = await readNetwork(await writeNetwork(network, 'safetensors'));
    const data = Uint8Array.from({ length: 50 * 40 * 3 }, (_, i) => COLOURS.blue[i % 3]);
    const [best, ...others] = await classify(read, { width: 50, height: 40, channels: 3, data });
    expect(best.label).toBe('blue');
    expect(others).toHaveLength(2);
    expect(read.conventions).toEqual({
      source: 'keras',
      output: 'probabilities',
      labelOffset: 0,
      labels: ['red', 'green', 'blue'],
      preprocessing: base.conventions.preprocessing,
    });
  });

  test('the same seed gives the same bits', async () => {
    const [one, other] = [
      await trainClassifier(base, colours(), options),
      await trainClassifier(base, colours(), options),
    ];
    expect(
      Buffer.compare(await writeNetwork(one.network, 'safetensors'), await writeNetwork(other.network, 'safetensors')),
    ).toBe(0);
  });
});

test('what is before the blocks that learn stays as it was; what is tuned changes', async () => {
  const { network } = await trainClassifier(base, colours(), { fineTune: 1, tuning: { epochs: 2 } });
  expect(network.weights.get('conv_pw_12/kernel')).toEqual(base.weights.get('conv_pw_12/kernel'));
  expect(network.weights.get('conv_pw_12_bn/gamma')).toEqual(base.weights.get('conv_pw_12_bn/gamma'));
  const folded = foldBatchNorm(base).weights;
  for (const name of ['conv_dw_13_bn/kernel', 'conv_dw_13_bn/bias', 'conv_pw_13_bn/kernel', 'conv_pw_13_bn/bias']) {
    expect(network.weights.get(name)!.shape).toEqual(folded.get(name)!.shape);
    expect(network.weights.get(name)).not.toEqual(toFloat32(folded.get(name)!));
  }
});

test('tuning at a rate of next to nothing changes nothing: folding and joining are exact', async () => {
  const v2 = randomWeights(mobilenetV2({ alpha: 0.1, resolution: SIDE }), 3);
  const picture = {
    width: SIDE,
    height: SIDE,
    channels: 3,
    data: coloured(1, 9).pictures.slice(0, SIDE * SIDE * 3),
  } as const;
  const alone = await trainClassifier(v2, colours());
  const tuned = await trainClassifier(v2, colours(), { fineTune: 3, tuning: { epochs: 1, learningRate: 1e-12 } });
  const [before, after] = [await classify(alone.network, picture), await classify(tuned.network, picture)];
  expect(after.map(({ label }) => label)).toEqual(before.map(({ label }) => label));
  for (const [i, { probability }] of after.entries()) expect(probability).toBeCloseTo(before[i].probability, 4);
});

test('progress goes from 0 to 1, and may end it', async () => {
  const parts: number[] = [];
  await trainClassifier(base, colours(), {
    fineTune: 1,
    tuning: { epochs: 2 },
    onProgress: (part) => parts.push(part),
  });
  expect(parts[0]).toBe(0);
  expect(parts.at(-1)).toBe(1);
  expect(parts).toEqual([...parts].sort((a, b) => a - b));
  const stop = new Error('stop');
  const stopping = trainClassifier(base, colours(), {
    onProgress: () => {
      throw stop;
    },
  });
  await expect(stopping).rejects.toBe(stop);
});

test('pictures of another size are refused', async () => {
  const other = randomWeights(mobilenetV1({ alpha: 0.1, resolution: 64 }), 3);
  await expect(trainClassifier(other, colours())).rejects.toThrow(
    new UsageError('mobilenet_v1_0.1_64 wants pictures of 64×64, colours has 32×32'),
  );
});

describe('the classifier on features', () => {
  const body = bodyOf(base);
  const head = withClassifier(behind(body, body.outputs[0]), ['a', 'b']);
  const C = head.inputs[0].shape[1];
  const options = {
    epochs: 50,
    batch: 8,
    optimizer: { kind: 'sgd', momentum: 0.9, nesterov: true },
    learningRate: 1,
    weightDecay: 0.01,
    labelSmoothing: 0,
    seed: 1,
    target: 'reference',
  } as const;

  test('does not care for the scale and the offset of a feature, nor for one that never changes', async () => {
    // The class shows in feature 2 alone: 1000.001 or 999.999. Feature 0 is noise a thousand times larger, feature 1 is constant.
    const noise = normalRandom(1);
    const samples = Array.from({ length: 8 }, (_, n) => {
      const input = new Float32Array(C).fill(7);
      input[0] = 100 * noise();
      input[2] = n % 2 === 0 ? 1 : -1;
      return { input, label: n % 2 };
    });
    const shifted = samples.map(({ input, label }) => ({ input: input.map((f) => 0.5 * f + 3), label }));
    const [trained, again] = [await fitHead(head, samples, options), await fitHead(head, shifted, options)];
    const logit = (network: Network, input: Float32Array, k: number): number => {
      const [kernel, bias] = network.weights.values();
      return input.reduce((sum, f, c) => sum + f * kernel.data[2 * c + k], bias.data[k]);
    };
    for (const [n, { input, label }] of samples.entries()) {
      const difference = logit(trained, input, label) - logit(trained, input, 1 - label);
      expect(difference).toBeGreaterThan(0);
      expect(logit(again, shifted[n].input, label) - logit(again, shifted[n].input, 1 - label)).toBeCloseTo(
        difference,
        2,
      );
    }
  });
});

describe('fitWeights', () => {
  /** One number to two logits, at first ln 3 and 0 whatever the number: three chances of four for the first class. */
  const net = new NetworkBuilder();
  const logits = net.add('logits', 'dense', net.input('x', [1, 1]), { units: 2, bias: true });
  const network = {
    ...net.build('two', [logits], { source: 'other', output: 'logits' }),
    weights: new Map([
      ['logits/kernel', tensor([1, 2], [0, 0])],
      ['logits/bias', tensor([2], [Math.log(3), 0])],
    ]),
  };
  const options = {
    ...{ epochs: 1, batch: 4, learningRate: 0.4, weightDecay: 0, labelSmoothing: 0, seed: 1 },
    optimizer: { kind: 'sgd', momentum: 0, nesterov: false },
    target: 'reference',
  } as const;
  const sample = (x: number, label: number) => ({ input: Float32Array.of(x), label });

  test('the loss with smoothed labels: 1 − ε + ε / 2 for the right class, ε / 2 for the other', async () => {
    const losses: number[][] = [];
    const smoothed = { ...options, learningRate: 1e-20, epochs: 2, labelSmoothing: 0.2, batch: 2 };
    // Two steps of two in an epoch; the fifth is left out.
    const samples = [0, 0, 0, 0, 0].map((label) => sample(1, label));
    await fitWeights(network, samples, smoothed, (...report) => losses.push(report));
    const wanted = -(0.9 * Math.log(3 / 4) + 0.1 * Math.log(1 / 4));
    expect(losses).toEqual([1, 2].map((epoch) => [epoch, expect.closeTo(wanted, 6)]));
  });

  test.each([
    [1, 'a weight is -Infinity in step 1 of epoch 1'],
    [2, 'the loss is NaN in step 2 of epoch 1'],
  ])('%d steps of an enormous rate are an error', async (steps, what) => {
    const samples = Array.from({ length: steps }, () => sample(2, 1));
    await expect(fitWeights(network, samples, { ...options, batch: 1, learningRate: 1e39 })).rejects.toThrow(
      `training: ${what}: it diverged; a smaller learning rate may help`,
    );
  });

  test('two steps of gradient descent by hand, the second at half the rate', async () => {
    const { weights } = await fitWeights(network, [sample(2, 1)], { ...options, epochs: 2 });
    // Of the second class: by its bias ¼ − 1 and then p − 1, by its weight twice that.
    const first = 0.4 * (3 / 4);
    const p = 1 / (1 + Math.exp(Math.log(3) - 2 * first - 2 * 4 * first));
    const second = 0.4 * Math.cos(Math.PI / 4) ** 2 * (1 - p);
    const wanted = first + second;
    const found = ['kernel', 'bias'].map((name) => [...weights.get(`logits/${name}`)!.data]);
    for (const [at, value] of [-2 * wanted, 2 * wanted].entries()) expect(found[0][at]).toBeCloseTo(value, 5);
    for (const [at, value] of [Math.log(3) - wanted, wanted].entries()) expect(found[1][at]).toBeCloseTo(value, 5);
  });
});

describe('a step of networks without batch norm: the kernels agree with the layers', () => {
  const net = new NetworkBuilder();
  const input = net.input('x', [1, 7, 6, 8]);
  const padded = net.add('pad', 'pad', input, { padding: { top: 0, bottom: 1, left: 0, right: 1 }, value: 0 });
  const depthwise = { kernelSize: [3, 3], dilation: [1, 1], depthMultiplier: 1, bias: true } as const;
  const strided = net.add('strided', 'depthwiseConv2d', padded, { ...depthwise, strides: [2, 2], padding: 'valid' });
  const clamped = net.add('clamped', 'relu6', strided, {});
  const mixed = net.add('mixed', 'pointwiseConv2d', clamped, { filters: 12, bias: true });
  const next = net.add('next', 'depthwiseConv2d', mixed, { ...depthwise, strides: [1, 1], padding: 'same' });
  const after = net.add('after', 'depthwiseConv2d', next, { ...depthwise, strides: [1, 1], padding: 'same' });
  net.add('pool', 'globalAveragePool', net.add('last', 'relu6', after, {}), { keepDims: false });
  const network = net.build('biased', ['pool'], { source: 'other', output: 'logits' });

  test('gradients of biases and kernels of depthwise convolutions', async () => {
    const random = normalRandom(5);
    const filled = (length: number): Float32Array => Float32Array.from({ length }, () => 0.5 + random());
    const batch = 3;
    const layout = parameterLayout(network);
    const values = filled(layout.trainableSize);
    const pictures = filled(batch * sizeOf(network.inputs[0].shape));
    const targets = new Float32Array(batch * 12);
    for (let n = 0; n < batch; n++) targets[n * 12 + n] = 1;
    const [found, expected] = [new Float32Array(layout.trainableSize), new Float32Array(layout.trainableSize)];
    const none = new Float32Array(0);
    const kernels = await compileTraining(network, batch);
    kernels.step(values, pictures, targets, found, none, 1);
    const { loss } = kernels.step(values, pictures, targets, found, none, 1);
    const reference = referenceTraining(network, batch).step(values, pictures, targets, expected, none, 1);
    expect(loss).toBeCloseTo(reference.loss, 4);
    for (const { name, offset, size } of layout.trainable) {
      const wanted = expected.subarray(offset, offset + size);
      const largest = Math.max(...wanted.map(Math.abs));
      expect(largest, name).toBeGreaterThan(0);
      for (let i = 0; i < size; i++) {
        expect(Math.abs(found[offset + i] - wanted[i]) / largest, `${name}[${i}]`).toBeLessThan(1e-4);
      }
    }
  });
});
