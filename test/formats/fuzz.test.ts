/**
 * Damaged files of every format: the reader answers with a result or a FormatError, within a second, whatever the damage. A failure prints
 * the damaged file's seed and path, with which fast-check repeats it.
 */
import fc from 'fast-check';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { FormatError, UsageError } from '../../src/errors.js';
import {
  readNetwork,
  readTensors,
  writeNetwork,
  writeNpy,
  writeNpz,
  writeSafetensors,
} from '../../src/formats/index.js';
import { NetworkBuilder, randomWeights } from '../../src/network/index.js';
import { tensor } from '../../src/tensor.js';
import { damaged } from './arbitrary.js';
import { h5File, kerasModelFile, kerasWeightsFile } from './h5.js';

/** Runs of each format; DEPTHWISE_FUZZ asks for more. */
const RUNS = Number(process.env.DEPTHWISE_FUZZ ?? 300);

/** Processor time of one reader, which does not depend on who else uses the machine. */
const LONGEST_MS = 1000;

const cpuMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

/** Bytes that the process holds more after a reader than before it, beyond 20 times the file: nobody allocates by what a file claims. */
const MOST_GROWTH = 64 * 2 ** 20;

/** jsfive says on the console which attributes it does not understand. */
beforeAll(() => {
  vi.spyOn(console, 'warn').mockImplementation(() => {});
});

async function expectAnswer(read: () => Promise<unknown>, size: number): Promise<void> {
  const before = process.memoryUsage().arrayBuffers;
  const begin = cpuMs();
  try {
    await read();
  } catch (error) {
    if (!(error instanceof FormatError) && !(error instanceof UsageError)) throw error;
    expect(error.message).toMatch(/\S/);
  }
  expect(cpuMs() - begin).toBeLessThan(LONGEST_MS);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(20 * size + MOST_GROWTH);
}

const net = new NetworkBuilder();
let x = net.add('conv', 'conv2d', net.input('in', [1, 4, 4, 2]), {
  filters: 3,
  kernelSize: [3, 3],
  strides: [2, 2],
  dilation: [1, 1],
  padding: 'same',
  bias: true,
});
x = net.add('norm', 'batchNorm', x, { epsilon: 1e-3, scale: true, center: true });
x = net.add('head', 'dense', net.add('flat', 'flatten', x, {}), { units: 2, bias: true });
const small = randomWeights(net.build('small', [x], { source: 'other', output: 'logits', labelOffset: 0 }), 1);

const kerasConfig = {
  class_name: 'Functional',
  config: {
    name: 'm',
    layers: [
      {
        class_name: 'InputLayer',
        name: 'in',
        config: { name: 'in', batch_input_shape: [null, 2, 2, 1] },
        inbound_nodes: [],
      },
      {
        class_name: 'Conv2D',
        name: 'c',
        config: { name: 'c', filters: 2, kernel_size: [2, 2], strides: [1, 1] },
        inbound_nodes: [[['in', 0, 0, {}]]],
      },
    ],
    output_layers: [['c', 0, 0]],
  },
};
const kerasLayers = { in: {}, c: { 'c/kernel:0': [[2, 2, 1, 2]], 'c/bias:0': [[2]] } } as const;
const tensors = new Map([
  ['a/kernel', tensor([2, 3], [1, 2, 3, 4, 5, 6])],
  ['b', tensor([2], Float64Array.of(1, 2))],
]);

const files: [string, () => Promise<Uint8Array> | Uint8Array][] = [
  ['npy', () => writeNpy(tensor([2, 3, 2], new Float32Array(12)))],
  ['npz', () => writeNpz(tensors)],
  [
    'deflated npz',
    async () => (await import('fflate')).zipSync({ 'a.npy': writeNpy(tensor([64], new Float32Array(64))) }),
  ],
  ['npz of a network', () => writeNetwork(small, 'npz')],
  ['safetensors', () => writeSafetensors(tensors, new Map([['a', 'b']]))],
  ['safetensors of a network', () => writeNetwork(small, 'safetensors')],
  ['Keras model', () => kerasModelFile(kerasConfig, kerasLayers)],
  ['Keras weights', () => kerasWeightsFile(kerasLayers)],
  [
    'HDF5 1.8 with variable-length texts',
    () =>
      h5File((file) => {
        file.create_attribute('model_config', JSON.stringify(kerasConfig));
        file.create_attribute('layer_names', ['in', 'c'], [2], 'S');
        for (let index = 0; index < 12; index++) file.create_group(`group${index}`);
        file.create_dataset({ name: 'x', data: new Float32Array(16), shape: [4, 4] });
      }, 'v108'),
  ],
];

describe.each(files)('%s', (_, write) => {
  test(`${RUNS} damaged files`, async () => {
    const file = await write();
    await readTensors(file);
    await fc.assert(
      fc.asyncProperty(damaged(file), async (bytes) => {
        await expectAnswer(() => readTensors(bytes), bytes.length);
        await expectAnswer(() => readNetwork(bytes, { architecture: small }), bytes.length);
        await expectAnswer(() => readNetwork(bytes), bytes.length);
      }),
      { numRuns: RUNS },
    );
  });

  test('cut off at every length', async () => {
    const file = await write();
    const step = Math.max(1, Math.floor(file.length / 200));
    for (let length = 0; length < file.length; length += step) {
      await expectAnswer(() => readTensors(file.subarray(0, length)), length);
    }
  });
});

test('noise behind each signature', async () => {
  const signatures = [
    [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a, 0],
    [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a, 2, 8, 8],
    [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0],
    [0x50, 0x4b, 3, 4],
    [40, 0, 0, 0, 0, 0, 0, 0, 0x7b],
  ];
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...signatures), fc.uint8Array({ maxLength: 2000 }), async (signature, noise) => {
      const bytes = Uint8Array.of(...signature, ...noise);
      await expectAnswer(() => readTensors(bytes), bytes.length);
      await expectAnswer(() => readNetwork(bytes), bytes.length);
    }),
    { numRuns: RUNS },
  );
});
