/** Published quantised networks on the integer kernels: every tensor that TensorFlow Lite's arithmetic gives for them, by the hash of its bytes. */
import '../../kernels/relaxed.js';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { compileQuantized } from '../../../src/engine/int8/engine.js';
import { readQuantizedNetwork } from '../../../src/formats/index.js';
import { readPicture } from '../../../src/image/index.js';
import { roundings } from '../../../src/layers/int8/index.js';
import type { QuantizedNetwork } from '../../../src/network/quantized-network.js';
import type { AnyTensor } from '../../../src/tensor.js';
import { dataPath, noData } from '../../data.js';
import { nightly } from '../../nightly.js';

const some = ['mobilenet_v1_0.25_128_quant', 'vww_96_int8', 'tf2_mobilenet_v2_1.0_224_ptq'];
const others = [
  'mobilenet_v1_0.5_160_quant',
  'mobilenet_v2_1.0_224_quant',
  'ssd_mobilenet_v1_0.75_300_coco_quant',
  'deeplabv3_mnv2_dm05_pascal_quant',
];

const models = nightly ? [...some, ...others] : some;

type Golden = readonly (readonly [code: string, index: number, shape: string, type: string, hash: string])[];
type Goldens = { readonly models: Readonly<Record<string, Readonly<Record<string, { readonly layers: Golden }>>>> };

const hashOf = (numbers: ArrayBufferView): string =>
  createHash('sha256')
    .update(new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength))
    .digest('hex')
    .slice(0, 16);

/** Indices are 64 bits in the files. */
const hashesOf = ({ data }: AnyTensor): string[] =>
  data instanceof Int32Array ? [hashOf(data), hashOf(BigInt64Array.from(data, BigInt))] : [hashOf(data)];

/** The picture of 224 × 224 at the network's size, by the nearest sample before. */
async function pictureFor({ inputs: [{ shape, type }] }: QuantizedNetwork, name: string) {
  const [, height, width] = shape;
  const { data } = await readPicture(dataPath(`tables/int8/${name}_224.png`));
  const at = (i: number, out: number) => Math.floor((i * 224) / out);
  const bytes = Uint8Array.from({ length: height * width * 3 }, (_, i) => {
    const pixel = Math.floor(i / 3);
    return data[(at(Math.floor(pixel / width), height) * 224 + at(pixel % width, width)) * 3 + (i % 3)];
  });
  return typeof type === 'object' && type.type === 'int8' ? Int8Array.from(bytes, (byte) => byte - 128) : bytes;
}

describe.skipIf(noData)('every tensor of published networks (needs DEPTHWISE_DATA)', () => {
  describe.each(models)('%s', (name) => {
    test.each(roundings)('%s rounding', { timeout: 60_000 }, async (rounding) => {
      const goldens: Goldens = JSON.parse(await readFile(dataPath(`tables/int8/goldens.${rounding}.json`), 'utf8'));
      const network = await readQuantizedNetwork(await readFile(dataPath(`models/${name}.tflite`)));
      for (const [picture, { layers }] of Object.entries(goldens.models[name])) {
        const bytes = await pictureFor(network, picture);
        const outputs = new Set<string>();
        for (const target of ['scalar', 'simd', 'relaxed'] as const) {
          const plan = await compileQuantized(network, { target, rounding });
          outputs.add([...plan.run(bytes).values()].flatMap(hashesOf).join());
          plan.dispose();
        }
        expect(outputs.size).toBe(1);
        const plan = await compileQuantized(network, { rounding, everyTensor: true });
        const tensors = plan.run(bytes);
        plan.dispose();
        const found = new Set([...tensors.values()].flatMap(hashesOf));
        for (const output of network.outputs) expect([...outputs][0]).toContain(hashOf(tensors.get(output)!.data));
        // Convolutions with dilation are several operators of a file, and one layer here.
        const wanted = layers.filter(([code]) => !/SPACE_TO_BATCH|BATCH_TO_SPACE/.test(code));
        const missing = wanted.filter(([, , , , hash]) => !found.has(hash));
        expect(missing.map(([code, index, shape]) => `${code} ${index} ${shape}`)).toEqual([]);
      }
    });
  });
});
