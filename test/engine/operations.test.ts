/** What runs as one operation, and networks on which a wrong fusion would show. */
import '../kernels/relaxed.js';
import { describe, expect, test } from 'vitest';
import { compile } from '../../src/engine/index.js';
import { operationsOf } from '../../src/engine/operations.js';
import { mobilenetV1, mobilenetV2 } from '../../src/models/index.js';
import { NetworkBuilder } from '../../src/network/builder.js';
import type { Network } from '../../src/network/network.js';
import { foldBatchNorm } from '../../src/network/rewriting/fold-batch-norm.js';
import { inferShapes } from '../../src/network/shapes.js';
import type { Padding, Pair } from '../../src/padding.js';
import { agree } from './agree.js';
import { withRandomWeights } from './networks.js';

type Draw = (net: NetworkBuilder, x: string) => string[];

/** A network of one picture [1, 6, 7, 4]. */
function drawn(draw: Draw): Network {
  const net = new NetworkBuilder();
  const outputs = draw(net, net.input('x', [1, 6, 7, 4]));
  return withRandomWeights(net.build('drawn', outputs, { source: 'other', output: 'features' }), 1);
}

const fused = (network: Network) => operationsOf(network, inferShapes(network), true);

const pointwise = (filters = 4) => ({ filters, bias: true });
const window = (kernel = 3, stride = 1, padding: Padding = 'same') => {
  const pair = (value: number): Pair => [value, value];
  return { kernelSize: pair(kernel), strides: pair(stride), dilation: pair(1), padding, bias: true };
};
const depthwise = (kernel = 3, stride = 1, padding: Padding = 'same') => ({
  ...window(kernel, stride, padding),
  depthMultiplier: 1,
});
const border = { top: 1, bottom: 0, left: 2, right: 1 };

/** Each with the nodes that run together, in the order they run. */
const fusions: Record<string, { draw: Draw; runs: string[][] }> = {
  'two additions: only the first joins the convolution': {
    draw: (net, x) => {
      net.add('a', 'pointwiseConv2d', x, pointwise());
      net.add('b', 'add', ['a', x], {});
      return [net.add('c', 'add', [x, 'b'], {})];
    },
    runs: [['a', 'b'], ['c']],
  },
  'a sum joins the later of its terms, and a rectifier after it too': {
    draw: (net, x) => {
      net.add('a', 'pointwiseConv2d', x, pointwise());
      net.add('b', 'conv2d', x, { ...window(), filters: 4 });
      net.add('b_relu', 'relu', 'b', {});
      net.add('sum', 'add', ['b_relu', 'a'], {});
      return [net.add('sum_relu6', 'relu6', 'sum', {})];
    },
    runs: [['a'], ['b', 'b_relu', 'sum', 'sum_relu6']],
  },
  'a depthwise convolution that only a pointwise one adds': {
    draw: (net, x) => {
      net.add('a', 'depthwiseConv2d', x, depthwise());
      net.add('b', 'pointwiseConv2d', x, pointwise());
      return [net.add('sum', 'add', ['a', 'b'], {})];
    },
    runs: [['a'], ['b', 'sum']],
  },
  'a tensor added to itself': {
    draw: (net, x) => {
      net.add('a', 'pointwiseConv2d', x, pointwise());
      return [net.add('twice', 'add', ['a', 'a'], {})];
    },
    runs: [['a'], ['twice']],
  },
  'three terms': {
    draw: (net, x) => {
      net.add('a', 'pointwiseConv2d', x, pointwise());
      net.add('sum', 'add', ['a', x, x], {});
      return [net.add('relu', 'relu', 'sum', {})];
    },
    runs: [['a'], ['sum', 'relu']],
  },
  'clamps that do not meet': {
    draw: (net, x) => {
      net.add('a', 'pointwiseConv2d', x, pointwise());
      net.add('low', 'relu6', 'a', {});
      net.add('high', 'clamp', 'low', { min: 7, max: 9 });
      net.add('b', 'relu6', x, {});
      return ['high', net.add('negative', 'clamp', 'b', { min: -3, max: -2 })];
    },
    runs: [
      ['a', 'low', 'high'],
      ['b', 'negative'],
    ],
  },
  'a result that others read stays': {
    draw: (net, x) => {
      net.add('a', 'pointwiseConv2d', x, pointwise());
      net.add('relu', 'relu', 'a', {});
      return ['a', net.add('depthwise', 'depthwiseConv2d', 'relu', depthwise())];
    },
    runs: [['a'], ['relu'], ['depthwise']],
  },
  'a border of zeros becomes padding': {
    draw: (net, x) => {
      net.add('pad', 'pad', x, { padding: border, value: 0 });
      return [net.add('conv', 'conv2d', 'pad', { ...window(3, 2), filters: 5 })];
    },
    runs: [['pad', 'conv']],
  },
  'a border of ones does not': {
    draw: (net, x) => {
      net.add('pad', 'pad', x, { padding: border, value: 1 });
      return [net.add('conv', 'conv2d', 'pad', { ...window(3, 2), filters: 5 })];
    },
    runs: [['pad'], ['conv']],
  },
  'nor one that two convolutions read, nor one before a pool': {
    draw: (net, x) => {
      net.add('pad', 'pad', x, { padding: border, value: 0 });
      net.add('a', 'depthwiseConv2d', 'pad', depthwise());
      net.add('b', 'depthwiseConv2d', 'pad', depthwise(5));
      net.add('pad_2', 'pad', x, { padding: border, value: 0 });
      net.add('pool', 'maxPool', 'pad_2', { poolSize: [2, 2], strides: [2, 2], padding: 'valid' });
      return ['a', 'b', 'pool'];
    },
    runs: [['pad'], ['a'], ['b'], ['pad_2'], ['pool']],
  },
};

describe.each(Object.entries(fusions))('%s', (_, { draw, runs }) => {
  test('runs so', () => {
    expect(fused(drawn(draw)).map(({ nodes }) => nodes)).toEqual(runs);
  });

  test('and rightly', () => agree(drawn(draw), 2));
});

/** Networks of which only the results matter here. */
const networks: Record<string, Draw> = {
  'depthwise, pointwise, depthwise, pointwise: planes in between': (net, x) => {
    net.add('a', 'depthwiseConv2d', x, depthwise(5, 2));
    net.add('b', 'pointwiseConv2d', 'a', pointwise(9));
    net.add('c', 'depthwiseConv2d', 'b', depthwise(3, 1, { top: 2, bottom: 1, left: 0, right: 3 }));
    return [net.add('d', 'pointwiseConv2d', 'c', pointwise(3))];
  },
  'a depth multiplier before a pointwise convolution': (net, x) => {
    net.add('a', 'depthwiseConv2d', x, { ...depthwise(), depthMultiplier: 3 });
    return [net.add('b', 'pointwiseConv2d', 'a', pointwise(5))];
  },
  'one pixel, expanded, padded and projected': (net, x) => {
    net.add('pool', 'globalAveragePool', x, { keepDims: true });
    net.add('expand', 'pointwiseConv2d', 'pool', pointwise(12));
    net.add('depthwise', 'depthwiseConv2d', 'expand', depthwise(3, 1, { top: 2, bottom: 2, left: 2, right: 1 }));
    return [net.add('project', 'pointwiseConv2d', 'depthwise', pointwise(3))];
  },
  'an expanded tensor that two layers read exists whole': (net, x) => {
    net.add('expand', 'pointwiseConv2d', x, pointwise(12));
    net.add('depthwise', 'depthwiseConv2d', 'expand', depthwise());
    net.add('project', 'pointwiseConv2d', 'depthwise', pointwise(3));
    return [
      'project',
      net.add('other', 'averagePool', 'expand', {
        poolSize: [3, 3],
        strides: [2, 2],
        padding: 'same',
        includePadding: false,
      }),
    ];
  },
  'an input that is an output': (net, x) => [x, net.add('relu', 'relu', x, {})],
  'a shape that is seen in two ways': (net, x) => {
    net.add('a', 'pointwiseConv2d', x, pointwise(6));
    net.add('rows', 'reshape', 'a', { shape: [-1, 9] });
    net.add('dense', 'dense', 'rows', { units: 5, bias: true });
    net.add('flat', 'flatten', 'a', {});
    return ['dense', net.add('both', 'concat', ['flat', 'flat'], { axis: -1 })];
  },
};

test.each(Object.entries(networks))('%s', (_, draw) => agree(drawn(draw), 3));

describe('the papers’ networks', () => {
  const count = (network: Network) => fused(foldBatchNorm(network)).length;

  test('V1 is 27 convolutions, a pool, its classifier and what Keras puts around it', () => {
    const names = fused(foldBatchNorm(mobilenetV1())).map(({ node }) => node.kind);
    const convolutions = names.filter((kind) => kind.endsWith('onv2d')).length;
    expect(convolutions).toBe(28); // Keras' classifier is a 1 × 1 convolution
    expect(names.filter((kind) => kind === 'pad' || kind.startsWith('relu'))).toEqual([]);
  });

  test('V2 is 52 convolutions, a pool, a classifier and its softmax: additions and rectifiers have no step of their own', () => {
    expect(count(mobilenetV2())).toBe(52 + 3);
  });
});

describe('maps that run in several blocks of pixels, with one pixel left over', () => {
  const draws: Record<string, Draw> = {
    'into quads, with an addition': (net, x) => {
      net.add('a', 'pointwiseConv2d', x, pointwise(64));
      return [net.add('sum', 'add', ['a', x])];
    },
    'into planes': (net, x) => {
      net.add('a', 'pointwiseConv2d', x, pointwise(9));
      return [net.add('b', 'depthwiseConv2d', 'a', depthwise(3, 2)), net.add('c', 'pointwiseConv2d', x, pointwise(7))];
    },
    'of 3 × 3': (net, x) => [
      net.add('a', 'conv2d', x, { ...window(3, 1), filters: 5 }),
      net.add('b', 'conv2d', x, { ...window(3, 2, 'valid'), filters: 3 }),
    ],
    'rows of a dense layer': (net, x) => [net.add('a', 'dense', x, { units: 10 })],
  };

  test.each(Object.entries(draws))('%s', async (_, draw) => {
    const net = new NetworkBuilder();
    const outputs = draw(net, net.input('x', [1, 37, 37, 64]));
    const network = withRandomWeights(net.build('drawn', outputs, { source: 'other', output: 'features' }), 1);
    const plan = await compile(network, { target: 'scalar' });
    const calls = plan.report().operations?.flatMap(({ kernels }) => Object.values(kernels));
    expect(Math.max(...(calls ?? []))).toBeGreaterThan(1);
    plan.dispose();
    await agree(network, 1);
  });
});
