/** Quantised files that are read and written again give LiteRT.js' bytes of the original: nothing of what it computes with is lost or changed. */
import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { importQuantizedTflite } from '../../src/formats/tflite/read.js';
import { writeTflite } from '../../src/formats/tflite.js';
import type { QuantizedNetwork } from '../../src/network/quantized-network.js';
import { withOutputs } from '../../src/oracle/peers/litert.js';
import { runLitert } from '../../src/oracle/peers/litert-runtime.js';
import { uniformRandom } from '../../src/random.js';
import { sizeOf } from '../../src/tensor.js';
import { dataPath, noData } from '../data.js';

/** What LiteRT computes for the outputs of our network, which lie before a detector's post-processing. */
async function answers(bytes: Uint8Array, file: string, seed: number) {
  const { network, tensors } = await importQuantizedTflite(bytes, file);
  const scores = network.outputs.map((name) => scoresBehind(network, name));
  const outputs = scores.map((name) => tensors.find(({ node }) => node === name)!.index);
  const [{ shape, type }] = network.inputs;
  const uniform = uniformRandom(seed);
  const random = Uint8Array.from({ length: sizeOf(shape) }, () => Math.floor(256 * uniform()));
  const input = typeof type === 'object' && type.type === 'int8' ? Int8Array.from(random) : random;
  return runLitert(withOutputs(bytes, outputs), input);
}

/** The output, or the scores whose greatest it names: of noise most are of one class. */
function scoresBehind({ nodes }: QuantizedNetwork, output: string): string {
  const indices = nodes.find(({ kind }) => kind === 'argMax');
  return indices && nodes.some(({ name, inputs }) => name === output && inputs[0] === indices.name)
    ? indices.inputs[0]
    : output;
}

describe.skipIf(noData)('needs DEPTHWISE_DATA', () => {
  test.each([
    'mobilenet_v1_0.25_128_quant.tflite',
    'mobile_object_localizer_v1_192_quant.tflite',
    'vww_96_int8.tflite',
    'tf2_mobilenet_v2_1.0_224_ptq.tflite',
    'deeplabv3_mnv2_dm05_pascal_quant.tflite',
  ])('%s', async (file) => {
    const original = new Uint8Array(await readFile(dataPath('models', file)));
    const { network } = await importQuantizedTflite(original, file);
    const wanted = await answers(original, file, 5);
    const found = await answers(await writeTflite(network), file, 5);
    expect(found.length).toBe(wanted.length);
    for (const [i, { data }] of found.entries()) {
      const numbers = Array.from(data as Uint8Array);
      expect(new Set(numbers).size).toBeGreaterThan(1);
      expect(numbers.length).toBe(wanted[i].data.length);
      expect(numbers.findIndex((value, at) => value !== wanted[i].data[at])).toBe(-1);
    }
  });
});
