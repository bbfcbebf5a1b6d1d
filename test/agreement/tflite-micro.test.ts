/**
 * TensorFlow Lite Micro's interpreter, with its reference kernels, and our integers: the same bytes, and the same arena for tensors.
 *
 * DEPTHWISE_TFLITE_MICRO names a program that takes the path of a .tflite file, reads the input's bytes from standard input, and writes the outputs'
 * bytes to standard output and a line with "non_persistent BYTES", the arena's part for tensors, to standard error.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { compileQuantized } from '../../src/engine/int8/engine.js';
import { readQuantizedNetwork, writeNetwork } from '../../src/formats/index.js';
import { mobilenetV2 } from '../../src/models/index.js';
import { NetworkBuilder } from '../../src/network/builder.js';
import { type Network, randomWeights } from '../../src/network/index.js';
import { isQuantizedType, type QuantizedInput, type QuantizedNetwork } from '../../src/network/quantized-network.js';
import { arenaBytes } from '../../src/quantization/arena.js';
import { calibrate, quantizeNetwork } from '../../src/quantization/index.js';
import { uniformRandom } from '../../src/random.js';
import { type AnyTensor, sizeOf, type Tensor } from '../../src/tensor.js';

const program = process.env.DEPTHWISE_TFLITE_MICRO;

const uniform = (shape: readonly number[], seed: number): Tensor => {
  const random = uniformRandom(seed);
  return { shape, data: Float32Array.from({ length: sizeOf(shape) }, () => 2 * random() - 1) };
};

function depthwiseToy(): Network {
  const net = new NetworkBuilder();
  let x = net.input('x', [1, 9, 9, 4]);
  const window = { kernelSize: [3, 3], strides: [2, 2], dilation: [1, 1], padding: 'same' } as const;
  x = net.add('depthwise', 'depthwiseConv2d', x, { ...window, depthMultiplier: 2, bias: true });
  x = net.add('six', 'relu6', x, {});
  x = net.add('pool', 'averagePool', x, { poolSize: [2, 2], strides: [1, 1], padding: 'same', includePadding: false });
  return randomWeights(net.build('depthwise toy', [x], { source: 'other', output: 'features' }), 3);
}

const seeds = [0, 1, 2, 3];

async function quantized(network: Network): Promise<QuantizedNetwork> {
  const inputs = seeds.map((seed) => uniform(network.inputs[0].shape, seed));
  return quantizeNetwork(await calibrate(network, inputs));
}

const toy = () => quantized(depthwiseToy());
const shipped = () =>
  readQuantizedNetwork(readFileSync('assets/models/mobilenet_v2_0.75_32_small_cifar10.safetensors'));
const v2 = () =>
  quantized(randomWeights(mobilenetV2({ alpha: 0.35, resolution: 96, classes: 10, conventions: 'torchvision' }), 4));

describe.skipIf(program === undefined)('TensorFlow Lite Micro (needs DEPTHWISE_TFLITE_MICRO)', () => {
  const folder = mkdtempSync(join(tmpdir(), 'depthwise-micro-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test.each([
    ['a depthwise convolution and a pool', toy],
    ['the integers of the package', shipped],
    ['V2 0.35 with torchvision’s paddings', v2],
  ])('%s: the same bytes, the same arena', async (_, made) => {
    const bytes = await writeNetwork(await made(), 'tflite');
    const file = join(folder, 'model.tflite');
    writeFileSync(file, bytes);
    const read = await readQuantizedNetwork(bytes);
    const plan = await compileQuantized(read, { rounding: 'double' });
    for (const seed of seeds) {
      const given = inputFor(read.inputs[0], seed);
      const { stdout, stderr, status } = spawnSync(program!, [file], { input: bytesOf(given), maxBuffer: 2 ** 28 });
      expect([status, stderr.toString()]).toEqual([0, expect.stringContaining(`non_persistent ${arenaBytes(read)} `)]);
      const found = Buffer.concat([...plan.run(given).values()].map(bytesOf));
      expect(stdout.equals(found)).toBe(true);
    }
  });
});

/** Bytes of a picture where the network reads them. */
function inputFor({ shape, type }: QuantizedInput, seed: number): AnyTensor {
  const { data } = uniform(shape, seed);
  return isQuantizedType(type) ? { shape, type, data: Uint8Array.from(data, (x) => 127.5 * (x + 1)) } : { shape, data };
}

const bytesOf = ({ data }: AnyTensor): Uint8Array => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
