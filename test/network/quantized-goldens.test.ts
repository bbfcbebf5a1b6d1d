/**
 * Published quantised networks against every tensor that TensorFlow Lite's arithmetic gives for them, in both roundings: the hash of its
 * bytes.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { importQuantizedTflite } from '../../src/formats/tflite/read.js';
import { readPicture } from '../../src/image/index.js';
import { roundings } from '../../src/layers/int8/index.js';
import type { AnyTensor, QuantizedType, Shape } from '../../src/tensor.js';
import { dataPath, noData } from '../data.js';
import { traceQuantized } from './trace-quantized.js';

/** Indices are int64 in the files. */
function bytesOf({ data }: AnyTensor, type: string): Uint8Array {
  if (type === 'int64') return new Uint8Array(BigInt64Array.from(data as Int32Array, BigInt).buffer);
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
const hashOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex').slice(0, 16);

/** The picture of 224 × 224 at the model's size, by the nearest sample before. */
async function pictureAt(
  name: string,
  [, height, width]: Shape,
  { type }: QuantizedType,
): Promise<Uint8Array | Int8Array> {
  const { data } = await readPicture(dataPath(`tables/int8/${name}_224.png`));
  const at = (i: number, out: number) => Math.floor((i * 224) / out);
  const bytes = Uint8Array.from({ length: height * width * 3 }, (_, i) => {
    const pixel = Math.floor(i / 3);
    return data[(at(Math.floor(pixel / width), height) * 224 + at(pixel % width, width)) * 3 + (i % 3)];
  });
  return type === 'int8' ? Int8Array.from(bytes, (byte) => byte - 128) : bytes;
}

interface Golden {
  readonly input: string;
  readonly layers: readonly (readonly [code: string, index: number, shape: string, type: string, hash: string])[];
}
type Goldens = { readonly models: Readonly<Record<string, Readonly<Record<string, Golden>>>> };

const small = ['mobilenet_v1_0.25_128_quant', 'vww_96_int8'];
const large = [
  'mobilenet_v1_0.5_160_quant',
  'mobilenet_v2_1.0_224_quant',
  'tf2_mobilenet_v2_1.0_224_ptq',
  'ssd_mobilenet_v1_0.75_300_coco_quant',
  'deeplabv3_mnv2_dm05_pascal_quant',
];
/** The large ones take seconds each: every night, and one of them always. */
const models = process.env.NIGHTLY ? [...small, ...large] : [...small, 'tf2_mobilenet_v2_1.0_224_ptq'];

const picturesOf = (model: string): string[] =>
  process.env.NIGHTLY && !model.startsWith('deeplab') ? ['grace_hopper', 'astronaut'] : ['grace_hopper'];

describe.skipIf(noData)('every tensor of published networks (needs DEPTHWISE_DATA)', () => {
  const runs = models.flatMap((model) =>
    picturesOf(model).flatMap((picture) => roundings.map((rounding) => [model, picture, rounding] as const)),
  );

  test.each(runs)('%s on %s, %s rounding', async (name, picture, rounding) => {
    const goldens: Goldens = JSON.parse(await readFile(dataPath(`tables/int8/goldens.${rounding}.json`), 'utf8'));
    const golden = goldens.models[name][picture];
    const { network, tensors } = await importQuantizedTflite(await readFile(dataPath(`models/${name}.tflite`)), name);
    const [{ shape, type }] = network.inputs;
    const data = await pictureAt(picture, shape, type as QuantizedType);
    expect(hashOf(new Uint8Array(data.buffer))).toBe(golden.input);

    const values = traceQuantized(network, { shape, data, type: type as QuantizedType }, { rounding });
    const nodes = new Map(tensors.map(({ index, node }) => [index, node]));
    const found = golden.layers.map(([code, index, , type]) => {
      const value = values.get(nodes.get(index)!)!;
      return [code, index, value.shape.join('x'), type, hashOf(bytesOf(value, type))];
    });
    expect(found).toEqual(golden.layers.map((layer) => layer.slice(0, 5)));
  });
});
