/** The gradients of whole networks: branches, sums, what training does differently. */
import { describe, expect, test } from 'vitest';
import { NetworkError, ShapeError } from '../../src/errors.js';
import type { BatchNormWeights } from '../../src/layers/batchNorm.js';
import * as batchNormTraining from '../../src/layers/batchNormTraining.js';
import * as dropoutTraining from '../../src/layers/dropoutTraining.js';
import { type Network, NetworkBuilder, run, withWeights } from '../../src/network/index.js';
import { inferShapes, wantedWeights } from '../../src/network/shapes.js';
import { type Tensor, tensor, toFloat64 } from '../../src/tensor.js';
import { forwardPass, type Mode } from '../../src/training/step/gradients.js';
import { expectSlopesOf } from '../layers/differences.js';
import { expectClose, grid, numbersOf, randomTensor } from '../layers/support.js';
import { features } from '../network/helpers.js';

const conv = { kernelSize: [3, 3], strides: [1, 1], dilation: [1, 1], padding: 'same' } as const;
const norm = { epsilon: 1e-3, scale: true, center: true };

/** A residual block, a concatenation and a tensor that three layers read; smooth activations, so that it has a slope everywhere. */
function branched(): Network {
  const net = new NetworkBuilder();
  const x = net.input('x', [1, 5, 4, 2]);
  const stem = net.add('stem', 'conv2d', x, { ...conv, filters: 3, bias: false });
  const stemNorm = net.add('stem_bn', 'batchNorm', stem, norm);
  const wide = net.add('wide', 'sigmoid', stemNorm, {});
  const filtered = net.add('filtered', 'depthwiseConv2d', wide, { ...conv, depthMultiplier: 1, bias: true });
  const filteredNorm = net.add('filtered_bn', 'batchNorm', filtered, { ...norm, scale: false });
  const sum = net.add('sum', 'add', [wide, filteredNorm, wide], {});
  const joined = net.add('joined', 'concat', [sum, wide], { axis: -1 });
  const mixed = net.add('mixed', 'pointwiseConv2d', joined, { filters: 4, bias: false });
  const padded = net.add('padded', 'pad', mixed, { padding: { top: 1, bottom: 0, left: 0, right: 1 }, value: 0.5 });
  const resized = net.add('resized', 'resizeBilinear', padded, { size: [4, 4], rule: 'half-pixel' });
  const halved = net.add('halved', 'averagePool', resized, {
    poolSize: [2, 2],
    strides: [2, 2],
    padding: 'valid',
    includePadding: false,
  });
  const dropped = net.add('dropped', 'dropout', halved, { rate: 0.25 });
  const flat = net.add('flat', 'flatten', dropped, {});
  const again = net.add('again', 'dropout', flat, { rate: 0.5 });
  const logits = net.add('logits', 'dense', again, { units: 3, bias: true });
  return net.build('branched', [net.add('probabilities', 'softmax', logits, {}), wide], features);
}

const inFloat64 = (network: Network): Network => {
  const weights = [...wantedWeights(network)].map(([name, shape], i): [string, Tensor] => {
    const { data } = toFloat64(randomTensor(shape, 300 + i));
    return [name, { shape, data: name.endsWith('Variance') ? data.map((v) => v * v + 0.1) : data }];
  });
  return withWeights(network, new Map(weights));
};

describe.each<[string, Mode]>([
  ['inference', 'inference'],
  ['training', { trainingSeed: 5 }],
])('%s: gradients are slopes', (_, mode) => {
  const network = inFloat64(branched());
  const x = toFloat64(randomTensor([3, 5, 4, 2], 1));
  const shapes = inferShapes(network, new Map([['x', x.shape]]));
  const outputGradients = new Map(
    network.outputs.map((name, i) => [name, toFloat64(randomTensor(shapes.get(name)!, 50 + i))]),
  );
  const loss = () => {
    const { tensors } = forwardPass(network, x, mode);
    let sum = 0;
    for (const [name, { data }] of outputGradients) {
      data.forEach((r, i) => {
        sum += r * tensors.get(name)!.data[i];
      });
    }
    return sum;
  };
  const gradients = forwardPass(network, x, mode).backward(outputGradients);
  const magnitude = 2000; // some 200 outputs, gradients up to 2, tensors up to 4

  test.each([...network.weights.keys()].filter((name) => !name.includes('moving')))('of %s', (name) => {
    expectSlopesOf(name, network.weights.get(name)!, gradients.weights.get(name)!, loss, magnitude);
  });

  test('of the input, and of nothing else', () => {
    expectSlopesOf('x', x, gradients.inputs.get('x')!, loss, magnitude);
    expect([...gradients.inputs.keys()]).toEqual(['x']);
    expect([...gradients.weights.keys()].sort()).toEqual(
      [...network.weights.keys()].filter((name) => !name.includes('moving')).sort(),
    );
  });
});

test('a tensor that is read twice by one layer: y = x + x has the slope 2', () => {
  const net = new NetworkBuilder();
  const x = net.input('x', [1, 2]);
  const network = net.build('twice', [net.add('y', 'add', [x, x], {})], features);
  const { backward } = forwardPass(network, grid([1, 2], [3, 4]), 'inference');
  expect(numbersOf(backward(new Map([['y', grid([1, 2], [1, 10])]])).inputs.get('x')!)).toEqual([2, 20]);
});

describe('inference', () => {
  test('computes what run does', () => {
    const network = inFloat64(branched());
    const x = randomTensor([2, 5, 4, 2], 3);
    const { tensors, statistics } = forwardPass(network, x, 'inference');
    for (const [name, wanted] of run(network, x)) expectClose(tensors.get(name)!, wanted);
    expect(statistics.size).toBe(0);
  });
});

describe('training', () => {
  const network = inFloat64(branched());
  const x = randomTensor([2, 5, 4, 2], 3);
  const { tensors, statistics } = forwardPass(network, x, { trainingSeed: 5 });

  test('hands out each batch norm’s mean and unbiased variance', () => {
    expect([...statistics.keys()]).toEqual([
      'stem_bn/movingMean',
      'stem_bn/movingVariance',
      'filtered_bn/movingMean',
      'filtered_bn/movingVariance',
    ]);
    const weights = Object.fromEntries(
      ['gamma', 'beta', 'movingMean', 'movingVariance'].map((name) => [name, network.weights.get(`stem_bn/${name}`)!]),
    ) as unknown as BatchNormWeights;
    const { mean, variance } = batchNormTraining.forwardTraining([tensors.get('stem')!], weights, norm);
    expectClose(statistics.get('stem_bn/movingMean')!, mean);
    const unbiased = variance.data.map((v) => (v * 40) / 39); // 2 pictures of 5 × 4
    expectClose(
      statistics.get('stem_bn/movingVariance')!,
      { shape: [3], data: unbiased },
      (i) => 2 ** -23 * unbiased[i],
    );
  });

  test('drops by the seed: the first dropout draws with it, the second with the next one', () => {
    for (const [name, input, rate, seed] of [
      ['dropped', 'halved', 0.25, 5],
      ['again', 'flat', 0.5, 6],
    ] as const) {
      const before = tensors.get(input)!;
      expectClose(
        tensors.get(name)!,
        dropoutTraining.forwardTraining([before], dropoutTraining.maskOf(before.shape, { rate }, seed)),
      );
    }
    const other = forwardPass(network, x, { trainingSeed: 7 }).tensors.get('dropped')!;
    expect(numbersOf(other)).not.toEqual(numbersOf(tensors.get('dropped')!));
  });
});

describe('what does not reach the outputs', () => {
  const net = new NetworkBuilder();
  const x = net.input('x', [1, 2]);
  const aside = net.add('aside', 'dense', x, { units: 2, bias: false });
  const used = net.add('used', 'dense', x, { units: 1, bias: false });
  const label = net.add('label', 'argMax', aside, {});
  const network = withWeights(
    net.build('aside', [used, label], features),
    new Map([
      ['aside/kernel', grid([2, 2], [1, 2, 3, 4])],
      ['used/kernel', grid([2, 1], [5, 6])],
    ]),
  );
  const pass = forwardPass(network, grid([1, 2], [7, 8]), 'inference');

  test('an index has no gradient, and the error names the layer', () => {
    const message = 'label: argMax: an index has no gradient; train the network that ends before this layer';
    expect(() => pass.backward(new Map([['used', grid([1, 1], [1])]]))).toThrow(new ShapeError(message));
  });

  test('has the gradient 0', () => {
    const { backward } = forwardPass(
      { ...network, nodes: network.nodes.slice(0, 2), outputs: [used] },
      grid([1, 2], [7, 8]),
      'inference',
    );
    const { weights, inputs } = backward(new Map([['used', grid([1, 1], [1])]]));
    expect(numbersOf(weights.get('aside/kernel')!)).toEqual([0, 0, 0, 0]);
    expect(numbersOf(weights.get('used/kernel')!)).toEqual([7, 8]);
    expect(numbersOf(inputs.get('x')!)).toEqual([5, 6]);
  });
});

describe('errors', () => {
  const network = inFloat64(branched());
  const x = randomTensor([2, 5, 4, 2], 3);

  test('a missing weight, an input that does not fit', () => {
    const forward = (changed: Network, input: Tensor) => () => forwardPass(changed, input, 'inference');
    const message =
      "branched: weight 'stem/kernel' is missing, and 12 more; a network without weights describes, but cannot run";
    expect(forward(branched(), x)).toThrow(new NetworkError(message));
    expect(forward(network, tensor([2, 5, 4, 3], new Float32Array(120)))).toThrow(
      new NetworkError("branched: input 'x' must be [batch, 5, 4, 2], found [2, 5, 4, 3]"),
    );
  });

  test('a gradient for a tensor that does not exist, or of another shape', () => {
    const { backward } = forwardPass(network, x, 'inference');
    expect(() => backward(new Map([['nobody', x]]))).toThrow(
      new NetworkError("branched: a gradient is given for 'nobody', which is no tensor of it"),
    );
    expect(() => backward(new Map([['logits', x]]))).toThrow(
      new ShapeError("logits: the output's gradient must have the output's shape [2,3], found [2,5,4,2]"),
    );
  });

  test('one number a channel has no variance', () => {
    const net = new NetworkBuilder();
    const input = net.input('x', [1, 1, 1, 2]);
    const single = inFloat64(net.build('single', [net.add('bn', 'batchNorm', input, norm)], features));
    const one = randomTensor([1, 1, 1, 2], 1);
    expect(() => forwardPass(single, one, { trainingSeed: 1 })).toThrow(
      new ShapeError('bn: batchNorm: training needs two or more numbers a channel, found 1 in [1,1,1,2]'),
    );
    expect(forwardPass(single, one, 'inference').tensors.get('bn')!.shape).toEqual([1, 1, 1, 2]);
  });
});
