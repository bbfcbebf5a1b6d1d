/** Networks of real files: the engine computes with them what the reference does. */
import '../kernels/relaxed.js';
import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { compile } from '../../src/engine/index.js';
import { readNetwork } from '../../src/formats/index.js';
import type { Network } from '../../src/network/network.js';
import { dataPath, noData } from '../data.js';
import { nightly } from '../nightly.js';
import { expectWithin, isolatedBoundsOf } from './bounds.js';
import { randomInputs } from './networks.js';
import { wholeNetworkBounds } from './whole.js';

const small = ['mobilenet_v1_0.25_128_quant.tflite', 'vww_96_float.tflite', 'vww_96_int8.tflite'];

/** A minute or more in the reference. */
const large = [
  'mobilenet_v1_0.25_224.h5',
  'mobilenet_v1_0.5_160_quant.tflite',
  'mobilenet_v2_1.0_224_quant.tflite',
  'tf2_mobilenet_v2_1.0_224_ptq.tflite',
  'deeplabv3_mnv2_dm05_pascal_quant.tflite',
];

const read = async (name: string): Promise<Network> =>
  readNetwork(await readFile(dataPath('models', name)), { fileName: name });

describe.skipIf(noData)('files (needs DEPTHWISE_DATA)', () => {
  test.each(nightly ? [...small, ...large] : small)('%s', { timeout: 600_000 }, async (name) => {
    const network = await read(name);
    const inputs = randomInputs(network, 1, 1);
    for (const target of ['scalar', 'simd', 'relaxed'] as const) {
      const plan = await compile(network, { target });
      expectWithin(target, plan.run(inputs), wholeNetworkBounds(network, inputs));
      if (target === 'simd') {
        const trace = (await compile(network, { target, everyTensor: true })).run(inputs);
        expectWithin('isolated', trace, isolatedBoundsOf(network, trace));
      }
      plan.dispose();
    }
  });

  test.each(large.slice(0, 1))('%s: the class that wins', { timeout: 600_000 }, async (name) => {
    const network = await read(name);
    const inputs = randomInputs(network, 1, 2);
    const winner = async (target: 'simd' | 'reference') => {
      const [{ data }] = (await compile(network, { target })).run(inputs).values();
      return data.indexOf(Math.max(...data));
    };
    expect(await winner('simd')).toBe(await winner('reference'));
  });
});
