import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FormatError, NetworkError, UsageError } from '../../src/errors.js';
import { readNetwork, writeNetwork } from '../../src/formats/index.js';
import { readNpz, writeNpz } from '../../src/formats/tensors/npz.js';
import { readSafetensors, writeSafetensors } from '../../src/formats/tensors/safetensors.js';
import { mobilenetV1, mobilenetV2 } from '../../src/models/index.js';
import { type Network, NetworkBuilder, randomWeights } from '../../src/network/index.js';
import { type Tensor, tensor } from '../../src/tensor.js';
import { expectSameNetwork } from './same.js';

/** A pointwise and a depthwise convolution: every kind of weight in a few numbers. */
const net = new NetworkBuilder();
const pointwise = net.add('a', 'pointwiseConv2d', net.input('in', [1, 2, 2, 1]), { filters: 2, bias: true });
const norm = net.add('n', 'batchNorm', pointwise, { epsilon: 1e-3, scale: false, center: false });
const small: Network = {
  ...net.build('small', [norm], { source: 'other', output: 'features' }),
  weights: new Map([
    ['a/kernel', tensor([1, 2], [0.1, -2])],
    ['a/bias', tensor([2], Float64Array.of(0.1, 1e-9))],
    ['n/movingMean', tensor([2], [0, 1])],
    ['n/movingVariance', tensor([2], [1e-9, 1])],
  ]),
};

describe.each(['safetensors', 'npz'] as const)('%s', (format) => {
  test.each([
    ['V1', randomWeights(mobilenetV1({ alpha: 0.25, resolution: 32, classes: 3 }), 1)],
    [
      'V2 of torchvision',
      randomWeights(mobilenetV2({ alpha: 0.1, resolution: [33, 64], classes: 2, conventions: 'torchvision' }), 2),
    ],
    ['V1 of slim', randomWeights(mobilenetV1({ alpha: 0.1, resolution: 32, conventions: 'slim' }), 3)],
    ['float64 weights', small],
  ])('%s comes back as it went', async (_, network) => {
    expectSameNetwork(await readNetwork(await writeNetwork(network, format)), network);
  });

  test('labels and preprocessing travel with the weights', async () => {
    const described = randomWeights(mobilenetV1({ alpha: 0.25, resolution: 32, classes: 2 }), 1);
    const network: Network = { ...described, conventions: { ...described.conventions, labels: ['cat', 'dög'] } };
    expect((await readNetwork(await writeNetwork(network, format))).conventions).toEqual(network.conventions);
  });

  test('float16 kernels: half the bytes, each number within 2⁻¹¹; vectors stay as they are', async () => {
    const bytes = await writeNetwork(small, format, { kernels: 'float16' });
    const { weights } = await readNetwork(bytes);
    expect(weights.get('a/kernel')).toEqual(tensor([1, 2], [0.0999755859375, -2]));
    expect(weights.get('n/movingVariance')).toEqual(small.weights.get('n/movingVariance'));
    expect(weights.get('a/bias')).toEqual(small.weights.get('a/bias'));
    const large = randomWeights(mobilenetV1({ alpha: 0.5, resolution: 32, classes: 10 }), 1);
    const ratio =
      (await writeNetwork(large, format, { kernels: 'float16' })).length / (await writeNetwork(large, format)).length;
    expect(ratio).toBeLessThan(0.56);
  });

  test('a network without weights is not written', async () => {
    await expect(writeNetwork(mobilenetV1(), format)).rejects.toThrow(NetworkError);
  });

  const write = (weights: ReadonlyMap<string, Tensor>, description?: string) =>
    format === 'npz'
      ? writeNpz(
          weights,
          undefined,
          new Map(description === undefined ? [] : [['depthwise.network.json', new TextEncoder().encode(description)]]),
        )
      : writeSafetensors(weights, new Map(description === undefined ? [] : [['depthwise.network', description]]));

  test('weights alone: the caller or the name say the network', async () => {
    const network = randomWeights(mobilenetV1({ alpha: 0.25, resolution: 128 }), 1);
    const { weights, ...description } = network;
    const bytes = await write(weights);
    expectSameNetwork(await readNetwork(bytes, { architecture: { ...description, weights: new Map() } }), network);
    expectSameNetwork(await readNetwork(bytes, { fileName: `mobilenet_v1_0.25_128.${format}` }), network);
    await expect(readNetwork(bytes, { fileName: 'x' })).rejects.toThrow(
      new UsageError(
        'x: holds weights without a network, and its name is none of the published ones; say which network they belong to (architecture, width multiplier, resolution)',
      ),
    );
  });

  test('weights that do not fit the description', async () => {
    const { weights, ...rest } = small;
    const description = new TextDecoder().decode(
      (await readNpz(await writeNetwork(small, 'npz'))).others.get('depthwise.network.json'),
    );
    const [[name], ...others] = [...weights];
    const bytes = await write(new Map([...others, ['x', tensor([1], [1])]]), description);
    await expect(readNetwork(bytes, { fileName: 'x' })).rejects.toThrow(
      new FormatError(
        `x: ${rest.name}: the weights do not fit the network:\n  missing: ${name} [1,2]\n  surplus: x [1]`,
      ),
    );
  });

  test('a damaged description', async () => {
    const read = async (description: string) => readNetwork(await write(small.weights, description), { fileName: 'x' });
    await expect(read('{')).rejects.toThrow(/^x: the network's description is not JSON: ./);
    await expect(read('[]')).rejects.toThrow(new FormatError('x: network description: wanted an object, found []'));
    const hostile = JSON.stringify({ format: 'depthwise-network', version: 1, __proto__: {} });
    await expect(read(hostile)).rejects.toThrow(
      new FormatError('x: network description.name: wanted a text of 1 to 1000 characters, found undefined'),
    );
  });
});

test('the weights are readable without us: plain tensors under their names', async () => {
  const names = ['a/bias', 'a/kernel', 'n/movingMean', 'n/movingVariance'];
  const { tensors, metadata } = readSafetensors(await writeNetwork(small, 'safetensors'));
  expect([...tensors.keys()].sort()).toEqual(names);
  expect(metadata.get('format')).toBe('depthwise');
  expect([...(await readNpz(await writeNetwork(small, 'npz'))).tensors.keys()].sort()).toEqual(names);
});

test('networks of any seed survive the way from one format into the other', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer(), fc.constantFrom('npz' as const, 'safetensors' as const), async (seed, format) => {
      const network = randomWeights(mobilenetV2({ alpha: 0.1, resolution: 32, classes: 2 }), seed);
      const once = await readNetwork(await writeNetwork(network, format));
      const twice = await readNetwork(await writeNetwork(once, format === 'npz' ? 'safetensors' : 'npz'));
      expectSameNetwork(twice, network);
    }),
    { numRuns: 5 },
  );
});
