/** `compileTraining` against the readable layers, and what it refuses. */
import '../kernels/relaxed.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { NetworkError, ShapeError } from '../../src/errors.js';
import { type ModelConventions, mobilenetV1, mobilenetV2 } from '../../src/models/index.js';
import { type Network, NetworkBuilder, randomWeights } from '../../src/network/index.js';
import { type Padding, type Pair, slideWindows } from '../../src/padding.js';
import { compileTraining } from '../../src/training/program.js';
import { marginsOf } from '../../src/training/wasm/maps.js';
import { features } from '../network/helpers.js';
import { nightly } from '../nightly.js';
import { agree, type Problem, problemOf } from './agree.js';
import { anyDraft, networkOf, variedWeights } from './networks.js';

test('random small networks', { timeout: 3_000_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(anyDraft, async (draft) => {
      const problem = problemOf(networkOf(draft), draft.batch, draft.seed);
      fc.pre(problem !== undefined);
      await agree(problem as Problem);
    }),
    { numRuns: nightly ? 2000 : 40 },
  );
});

interface Architecture {
  readonly version: 1 | 2;
  readonly conventions: ModelConventions;
  readonly alpha: number;
  readonly resolution: readonly [height: number, width: number];
  readonly smallPictures: boolean;
  readonly outputStride: 8 | 32;
  readonly full: boolean;
  readonly batch: number;
  readonly seed: number;
}

const anyArchitecture: fc.Arbitrary<Architecture> = fc
  .record({
    version: fc.constantFrom<Architecture['version']>(1, 2),
    conventions: fc.constantFrom<Architecture['conventions']>('slim', 'keras', 'torchvision'),
    alpha: fc.constantFrom(0.02, 0.05, 0.1),
    resolution: fc.tuple(fc.integer({ min: 8, max: 13 }), fc.integer({ min: 8, max: 13 })),
    smallPictures: fc.constant(true),
    outputStride: fc.constantFrom<Architecture['outputStride']>(8, 32),
    full: fc.boolean(),
    batch: fc.integer({ min: 3, max: 6 }),
    seed: fc.nat(2 ** 31),
  })
  .filter(({ version, conventions, alpha }) => version === 2 || conventions !== 'keras' || 32 * alpha >= 1);

function architecture({
  version,
  full,
  conventions,
  alpha,
  resolution,
  smallPictures,
  outputStride,
  batch,
  seed,
}: Architecture) {
  const options = {
    conventions,
    alpha,
    resolution: [...resolution] as [number, number],
    smallPictures,
    outputStride,
    classes: 3,
  };
  const network =
    version === 1
      ? mobilenetV1({ ...options, convolutions: full ? 'full' : 'separable' })
      : mobilenetV2({ ...options, expansionFactor: 2, channelDivisor: 4, narrowLast: true });
  return problemOf(variedWeights(network, seed), batch, seed);
}

/** Of each convention an odd size: Keras' layers of zeros before strides, torchvision's explicit padding, dilations. */
const usual: Architecture = {
  ...{ version: 2, conventions: 'keras', alpha: 0.05, resolution: [9, 11], smallPictures: true, outputStride: 32 },
  ...{ full: false, batch: 6, seed: 1 },
};

describe('MobileNets', () => {
  const named: Readonly<Record<string, Architecture>> = {
    'V2, Keras, small pictures of odd sizes': usual,
    'V2, slim, dilated': {
      ...{ ...usual, conventions: 'slim', smallPictures: false, outputStride: 8, resolution: [33, 32], batch: 3 },
    },
    'V2, torchvision, with strides': {
      ...usual,
      conventions: 'torchvision',
      smallPictures: false,
      resolution: [32, 35],
    },
    'V1, Keras, with strides': { ...usual, version: 1, smallPictures: false, resolution: [33, 32] },
    'V1, torchvision, full convolutions': { ...usual, version: 1, conventions: 'torchvision', full: true },
    'V1, slim, tiny α': { ...usual, version: 1, conventions: 'slim', alpha: 0.02 },
  };

  test.each(Object.entries(named))('%s', { timeout: 600_000 }, (_, drawn) => agree(architecture(drawn) as Problem));

  test.runIf(nightly)('any', { timeout: 3_000_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(anyArchitecture, async (drawn) => {
        const problem = architecture(drawn);
        fc.pre(problem !== undefined);
        await agree(problem as Problem);
      }),
      { numRuns: 60 },
    );
  });
});

describe('what shares memory', () => {
  /** pictures [4, 4, 3] → 9 channels → the drawn layers → pool → 2 classes. */
  function network(draw: (net: NetworkBuilder, x: string) => string): Network {
    const net = new NetworkBuilder();
    const x = net.add('first', 'pointwiseConv2d', net.input('pictures', [1, 4, 4, 3]), { filters: 9, bias: true });
    const pooled = net.add('pool', 'globalAveragePool', draw(net, x), { keepDims: false });
    const output = net.add('logits', 'dense', pooled, { units: 2, bias: true });
    return variedWeights(net.build('sharing', [output], features), 3);
  }
  const pointwise = (net: NetworkBuilder, name: string, x: string) =>
    net.add(name, 'pointwiseConv2d', x, { filters: 9, bias: true });

  test.each<[string, (net: NetworkBuilder, x: string) => string]>([
    ['x + f(x)', (net, x) => net.add('sum', 'add', [x, pointwise(net, 'f', x)], {})],
    ['f(x) + x', (net, x) => net.add('sum', 'add', [pointwise(net, 'f', x), x], {})],
    ['x + x', (net, x) => net.add('sum', 'add', [x, x], {})],
    ['x + x + f(x)', (net, x) => net.add('sum', 'add', [x, x, pointwise(net, 'f', x)], {})],
    [
      'x + (f(x) + h(g(f(x))))',
      (net, x) => {
        const f = pointwise(net, 'f', x);
        const inner = net.add('inner', 'add', [f, pointwise(net, 'h', pointwise(net, 'g', f))], {});
        return net.add('outer', 'add', [x, inner], {});
      },
    ],
    [
      'x + relu(batchNorm(f(x))), and another that reads x between the two layers',
      (net, x) => {
        const norm = net.add('norm', 'batchNorm', pointwise(net, 'f', x), { epsilon: 1e-3, scale: true, center: true });
        const g = pointwise(net, 'g', x);
        const branch = net.add('relu', 'relu', norm, {});
        const block = net.add('block', 'add', [x, branch], {});
        return net.add('sum', 'add', [block, g], {});
      },
    ],
    [
      'x + the same numbers by another name',
      (net, x) => {
        const f = pointwise(net, 'f', x);
        const g = pointwise(net, 'g', f);
        const same = net.add('same', 'dropout', f, { rate: 0 });
        return net.add('sum', 'add', [net.add('block', 'add', [x, same], {}), g], {});
      },
    ],
  ])('%s', async (_, draw) => agree(problemOf(network(draw), 4, 1) as Problem));
});

test('an epsilon of 0, with channels that fill no group', async () => {
  const net = new NetworkBuilder();
  const x = net.add('first', 'pointwiseConv2d', net.input('pictures', [1, 4, 4, 3]), { filters: 5, bias: false });
  const norm = net.add('norm', 'batchNorm', x, { epsilon: 0, scale: true, center: true });
  const pooled = net.add('pool', 'globalAveragePool', norm, { keepDims: false });
  const dropped = net.add('dropout', 'dropout', pooled, { rate: 0.4 });
  const output = net.add('logits', 'dense', dropped, { units: 3, bias: true });
  await agree(problemOf(variedWeights(net.build('exact', [output], features), 1), 4, 2) as Problem);
});

describe('errors', () => {
  type Draw = (net: NetworkBuilder, x: string) => string;
  const compile = (draw: Draw, outputs?: string[]) => {
    const net = new NetworkBuilder();
    const y = draw(net, net.input('pictures', [1, 4, 4, 3]));
    return compileTraining(randomWeights(net.build('net', outputs ?? [y], features), 1), 2);
  };
  const window = { kernelSize: [3, 3], strides: [1, 1], dilation: [1, 1], padding: 'valid' } as const;
  const depthwise = { ...window, depthMultiplier: 1, bias: false };
  const around = { top: 1, bottom: 1, left: 1, right: 1 };
  const asksForMore = (name: string) =>
    `net: the trainer's depthwise kernels have one filter a channel, and a stride or a dilation; '${name}' asks for more`;

  test.each<[string, Draw, string]>([
    [
      'a kind without kernels',
      (net, x) => net.add('y', 'sigmoid', x, {}),
      "net: the trainer has no kernels for layers of kind 'sigmoid', found 'y'",
    ],
    [
      'a depth multiplier',
      (net, x) => net.add('y', 'depthwiseConv2d', x, { ...depthwise, depthMultiplier: 2 }),
      asksForMore('y'),
    ],
    [
      'a stride and a dilation',
      (net, x) =>
        net.add('y', 'depthwiseConv2d', x, { ...depthwise, strides: [2, 2], dilation: [2, 2], padding: 'same' }),
      asksForMore('y'),
    ],
    [
      'padding with ones before a convolution',
      (net, x) =>
        net.add('y', 'conv2d', net.add('ones', 'pad', x, { padding: around, value: 1 }), {
          ...window,
          filters: 2,
          bias: false,
        }),
      "net: the trainer joins 'ones' with 'y' only where zeros precede 'valid' padding",
    ],
    [
      "padding before 'same' padding",
      (net, x) =>
        net.add('y', 'depthwiseConv2d', net.add('zeros', 'pad', x, { padding: around, value: 0 }), {
          ...depthwise,
          padding: 'same',
        }),
      "net: the trainer joins 'zeros' with 'y' only where zeros precede 'valid' padding",
    ],
    [
      'padding before anything else',
      (net, x) => net.add('y', 'relu', net.add('zeros', 'pad', x, { padding: around, value: 0 }), {}),
      "net: the trainer has no kernels for layers of kind 'pad', found 'zeros'",
    ],
    [
      'a map that is reshaped',
      (net, x) => net.add('y', 'flatten', x, {}),
      "net: the trainer reshapes maps of one pixel, and 'y' reshapes 4×4 pixels",
    ],
    [
      'rows of rows',
      (net, x) =>
        net.add('y', 'reshape', net.add('pool', 'globalAveragePool', x, { keepDims: true }), { shape: [1, 3] }),
      "net: training takes maps and vectors, and 'y' is [2, 1, 3]",
    ],
    [
      'a network that ends in a map',
      (net, x) => net.add('y', 'relu', x, {}),
      'net: training wants logits [batch, classes], found [2,4,4,3]',
    ],
    [
      'a network that ends in a map of one pixel',
      (net, x) => net.add('y', 'globalAveragePool', x, { keepDims: true }),
      'net: training wants logits [batch, classes], found [2,1,1,3]',
    ],
    [
      'a layer that leads nowhere',
      (net, x) => {
        const y = net.add('y', 'globalAveragePool', x, { keepDims: false });
        net.add('nowhere', 'relu', y, {});
        return y;
      },
      "net: the loss does not depend on 'nowhere'",
    ],
  ])('%s', async (_, draw, message) => {
    await expect(compile(draw)).rejects.toThrow(new NetworkError(message));
  });

  test('two outputs', async () => {
    const draw: Draw = (net, x) => net.add('z', 'relu', net.add('y', 'relu', x, {}), {});
    const message = 'net: training wants one input and one output, found 1 and 2';
    await expect(compile(draw, ['y', 'z'])).rejects.toThrow(new NetworkError(message));
  });

  test('numbers of another count', async () => {
    const program = await compile((net, x) =>
      net.add('y', 'dense', net.add('pool', 'globalAveragePool', x, { keepDims: false }), { units: 2, bias: true }),
    );
    const step = (values: number, pictures: number, targets: number, gradients: number, statistics: number) => () =>
      program.step(
        new Float32Array(values),
        new Float32Array(pictures),
        new Float32Array(targets),
        new Float32Array(gradients),
        new Float32Array(statistics),
        0,
      );
    expect(step(8, 96, 4, 8, 0)).not.toThrow();
    expect(step(7, 96, 4, 8, 0)).toThrow(new ShapeError('net: a step wants 8 values, found 7'));
    expect(step(8, 97, 4, 8, 0)).toThrow(new ShapeError('net: a step wants 96 numbers of pictures, found 97'));
    expect(step(8, 96, 4, 9, 0)).toThrow(new ShapeError('net: a step wants 8 gradients, found 9'));
    expect(step(8, 96, 4, 8, 1)).toThrow(new ShapeError('net: a step wants 0 statistics, found 1'));
    expect(step(8, 96, 5, 8, 0)).toThrow('crossEntropy: wanted rows of 2 logits and as many targets, found 4 and 5');
  });
});

test('margins of maps: as far as windows reach, and no further', () => {
  const margins = (size: Pair, kernel: Pair, strides: Pair, padding: Padding) =>
    Object.values(marginsOf(size, kernel, strides, slideWindows('map', size, kernel, strides, [1, 1], padding)));
  // Above, below, left, right.
  expect(margins([8, 6], [3, 3], [2, 2], 'same')).toEqual([0, 1, 0, 1]);
  expect(margins([7, 5], [3, 5], [1, 2], 'same')).toEqual([1, 1, 2, 2]);
  expect(margins([8, 8], [3, 3], [2, 2], 'valid')).toEqual([0, 0, 0, 0]);
  // The last window begins at row 4 of 8 and needs nothing below.
  expect(margins([8, 8], [3, 3], [3, 3], { top: 1, bottom: 1, left: 2, right: 0 })).toEqual([1, 0, 2, 0]);
});
