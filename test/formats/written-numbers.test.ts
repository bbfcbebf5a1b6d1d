/** Numbers that readers refuse are not written: the error names the layer, and what the number is to it. */
import { describe, expect, test } from 'vitest';
import { type NetworkFormat, readNetwork, writeNetwork, writeTfjs } from '../../src/formats/index.js';
import { readTfjs } from '../../src/formats/tfjs.js';
import {
  type AttributesOf,
  type LayerKind,
  type Network,
  NetworkBuilder,
  randomWeights,
} from '../../src/network/index.js';
import { tensor } from '../../src/tensor.js';

/** One layer, called 'odd', on pictures of 4 × 4 with 2 channels. */
function networkOf<Kind extends LayerKind>(kind: Kind, attributes: AttributesOf<Kind>): Network {
  const net = new NetworkBuilder();
  const odd = net.add('odd', kind, net.input('x', [1, 4, 4, 2]), attributes as never);
  return randomWeights(net.build('numbers', [odd], { source: 'other', output: 'features' }), 1);
}

const write = (network: Network, format: string): Promise<unknown> =>
  format === 'tfjs' ? writeTfjs(network) : writeNetwork(network, format as NetworkFormat);

const read = async (network: Network, format: string): Promise<Network> =>
  format === 'tfjs'
    ? readTfjs(await writeTfjs(network))
    : readNetwork(await writeNetwork(network, format as NetworkFormat));

const norm = (epsilon: number) => networkOf('batchNorm', { epsilon, scale: true, center: true });
const clamp = (min: number, max: number) => networkOf('clamp', { min, max });
const pad = (value: number) => networkOf('pad', { padding: { top: 1, bottom: 0, left: 0, right: 0 }, value });

describe('beyond float32', () => {
  test.each([
    ['onnx', 'epsilon', norm(1e300), 1e300],
    ['tfjs', 'epsilon', norm(1e300), 1e300],
    ['onnx', 'value', pad(1e300), 1e300],
    ['tflite', 'value', pad(-1e300), -1e300],
    ['tfjs', 'value', pad(3.5e38), 3.5e38],
    ['onnx', 'min', clamp(-1e300, 1e300), -1e300],
    ['tflite', 'min', clamp(-1e300, 1e300), -1e300],
    ['tfjs', 'min', clamp(-1e300, 1e300), -1e300],
    ['onnx', 'max', clamp(0, 4e38), 4e38],
    ['tfjs', 'max', clamp(0, 4e38), 4e38],
  ])('.%s: %s', async (format, attribute, network, value) => {
    await expect(write(network, format)).rejects.toThrow(
      `odd: ${attribute} is ${value}, too large for float32, in which it is written`,
    );
  });

  test.each(['safetensors', 'npz'])('.%s holds them in JSON', async (format) => {
    for (const network of [norm(1e300), pad(1e300), clamp(-1e300, 1e300)]) {
      expect((await read(network, format)).nodes).toEqual(network.nodes);
    }
  });

  test.each(['onnx', 'tflite', 'tfjs'])('.%s: a weight', async (format) => {
    const network = networkOf('pointwiseConv2d', { filters: 1, bias: false });
    const weights = new Map([['odd/kernel', tensor([2, 1], Float64Array.of(0, 1e300))]]);
    await expect(write({ ...network, weights }, format)).rejects.toThrow(
      'odd/kernel: number 1 is 1e+300, too large for float32',
    );
  });

  test.each(['onnx', 'tflite', 'tfjs'])('.%s: the largest that fit are written, and read', async (format) => {
    const largest = (2 - 2 ** -23) * 2 ** 127;
    for (const network of [norm(1e38), pad(largest), clamp(0, largest)]) {
      expect((await read(network, format)).outputs).toEqual(['odd']);
    }
  });
});

test.each(['safetensors', 'npz'])('.%s: infinity, which JSON does not know', async (format) => {
  const { nodes, ...network } = clamp(0, 1);
  const unbounded = nodes.map((node) => ({ ...node, attributes: { min: 0, max: Number.POSITIVE_INFINITY } }));
  await expect(write({ ...network, nodes: unbounded as Network['nodes'] }, format)).rejects.toThrow(
    'odd.max: wanted a finite number, found Infinity',
  );
});
