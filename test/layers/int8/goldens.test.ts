/**
 * Published quantised networks against every tensor that TensorFlow Lite's arithmetic gives for them, in both roundings: the hash of its
 * bytes. The operators are computed one by one, straight from the file.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { ByteBuffer } from 'flatbuffers';
import { describe, expect, test } from 'vitest';
import { withoutPostProcess } from '../../../src/formats/tflite/detection.js';
import { FlatFile } from '../../../src/formats/tflite/flatbuffer.js';
import { type FileOperator, type FileTensor, readModel } from '../../../src/formats/tflite/model.js';
import type { Activation } from '../../../src/formats/tflite/operands.js';
import { operators } from '../../../src/formats/tflite/operators.js';
import { readPicture } from '../../../src/image/index.js';
import { integerLayers, type Rounding, roundings } from '../../../src/layers/int8/index.js';
import { type QuantizedTensor, type QuantizedType, sizeOf } from '../../../src/tensor.js';
import { dataPath, noData } from '../../data.js';

const arrays = { INT8: Int8Array, UINT8: Uint8Array, INT32: Int32Array, INT64: Int32Array } as const;
const types = { INT8: 'int8', UINT8: 'uint8', INT32: 'int32', INT64: 'int32' } as const;
type StoredType = keyof typeof arrays;

const typeOf = ({ type, quantization }: FileTensor): QuantizedType => ({
  type: types[type as StoredType],
  scale: quantization?.scales[0] ?? 1,
  zeroPoint: quantization?.zeroPoints[0] ?? 0,
});

function constant(source: FileTensor): QuantizedTensor {
  const Numbers = arrays[source.type as StoredType];
  const data = new Numbers(Uint8Array.from(source.data!).buffer);
  const { scales, axis } = source.quantization!;
  if (scales.length === 1) return { shape: source.shape, data, type: typeOf(source) };
  return { shape: source.shape, data, type: { type: types[source.type as 'INT8'], scales, axis } };
}

/** A kernel of [O, …] as [..., O]. */
function outputsLast({ shape, data, type }: QuantizedTensor): QuantizedTensor {
  const [outputs, ...rest] = shape;
  const inner = sizeOf(rest);
  return {
    shape: [...rest, outputs],
    data: data.map((_, i) => data[(i % outputs) * inner + Math.floor(i / outputs)]),
    type,
  };
}

/** The weights as integers, in the shapes that the translation to layers gives them. */
function weightsOf(op: FileOperator, shapes: Readonly<Record<string, { shape: readonly number[] }>>) {
  if (shapes.kernel === undefined) return {};
  const stored = constant(op.inputs[1]!);
  const kernel = op.code === 'DEPTHWISE_CONV_2D' ? stored : outputsLast(stored);
  return { kernel: { ...kernel, shape: shapes.kernel.shape }, ...(op.inputs[2] && { bias: constant(op.inputs[2]) }) };
}

type AnyForward = (
  inputs: readonly QuantizedTensor[],
  weights: object,
  attributes: object,
  result: QuantizedType,
  rounding: Rounding,
) => QuantizedTensor;
const forwardOf = (kind: string) => integerLayers[kind as keyof typeof integerLayers] as unknown as AnyForward;

const activations: Readonly<Partial<Record<Activation, string>>> = { RELU: 'relu', RELU6: 'relu6' };

function compute(op: FileOperator, inputs: readonly QuantizedTensor[], rounding: Rounding): QuantizedTensor {
  const result = typeOf(op.outputs[0]);
  if (op.code === 'QUANTIZE') return forwardOf('quantize')(inputs, {}, {}, result, rounding);
  const { steps, activation = 'NONE' } = operators[op.code](op);
  let values = inputs;
  for (const { kind, attributes, weights = {} } of steps) {
    values = [forwardOf(kind)(values, weightsOf(op, weights), attributes ?? {}, result, rounding)];
  }
  const [value] = values;
  return activation === 'NONE' ? value : forwardOf(activations[activation]!)([value], {}, {}, result, rounding);
}

function bytesOf({ data }: QuantizedTensor, { type }: FileTensor): Uint8Array {
  if (type === 'INT64') return new Uint8Array(BigInt64Array.from(data, BigInt).buffer);
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
const hashOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex').slice(0, 16);

/** The picture of 224 × 224 at the model's size, by the nearest sample before. */
async function pictureAt(
  name: string,
  { shape: [, height, width], type }: FileTensor,
): Promise<Uint8Array | Int8Array> {
  const { data } = await readPicture(dataPath(`tables/int8/${name}_224.png`));
  const at = (i: number, out: number) => Math.floor((i * 224) / out);
  const bytes = Uint8Array.from({ length: height * width * 3 }, (_, i) => {
    const pixel = Math.floor(i / 3);
    return data[(at(Math.floor(pixel / width), height) * 224 + at(pixel % width, width)) * 3 + (i % 3)];
  });
  return type === 'INT8' ? Int8Array.from(bytes, (byte) => byte - 128) : bytes;
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
    const bytes = await readFile(dataPath(`models/${name}.tflite`));
    const file = new FlatFile(new ByteBuffer(bytes), name);
    const { model } = withoutPostProcess(readModel(file));
    const [input] = model.inputs;
    const pixels = await pictureAt(picture, input);
    expect(hashOf(new Uint8Array(pixels.buffer))).toBe(golden.input);

    const values = new Map<number, QuantizedTensor>([
      [input.index, { shape: input.shape, data: pixels, type: typeOf(input) }],
    ]);
    const found = model.operators.map((op) => {
      const inputs = op.inputs.flatMap((source) => values.get(source?.index ?? -1) ?? []);
      const value = compute(op, inputs, rounding);
      const [output] = op.outputs;
      values.set(output.index, value);
      return [op.code, output.index, output.shape.join('x'), output.type.toLowerCase(), hashOf(bytesOf(value, output))];
    });
    expect(found).toEqual(golden.layers.map((layer) => layer.slice(0, 5)));
  });
});
