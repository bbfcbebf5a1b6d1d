/** Quantised .tflite files with their integers: every scale and zero point is the file's, by an independent look at its bytes. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readQuantizedNetwork } from '../../../src/formats/read.js';
import { importQuantizedTflite } from '../../../src/formats/tflite/read.js';
import { writeTflite } from '../../../src/formats/tflite.js';
import {
  inferQuantizedShapes,
  isQuantizedTensor,
  type QuantizedNetwork,
} from '../../../src/network/quantized-network.js';
import type { IntegerArray, PerChannelType, QuantizedTensor, QuantizedType } from '../../../src/tensor.js';

interface StoredTensor {
  readonly name: string;
  /** As a number of the schema: 2 int32, 3 uint8, 9 int8. */
  readonly type: number;
  readonly scales: readonly number[];
  readonly zeroPoints: readonly bigint[];
}

/** Tensors of the first graph, read by hand: model.subgraphs is field 2, subgraph.tensors 0; a tensor's type 1, name 3, quantization 4. */
function storedTensors(file: Uint8Array): StoredTensor[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const follow = (at: number) => at + view.getUint32(at, true);
  const field = (table: number, id: number) => {
    const vtable = table - view.getInt32(table, true);
    const offset = 4 + 2 * id < view.getUint16(vtable, true) ? view.getUint16(vtable + 4 + 2 * id, true) : 0;
    return offset === 0 ? undefined : table + offset;
  };
  const vector = <T>(table: number, id: number, size: number, read: (at: number) => T): T[] => {
    const at = field(table, id);
    if (at === undefined) return [];
    const start = follow(at);
    return Array.from({ length: view.getUint32(start, true) }, (_, i) => read(start + 4 + i * size));
  };
  const [graph] = vector(follow(0), 2, 4, follow);
  return vector(graph, 0, 4, follow).map((tensor) => {
    const quantization = field(tensor, 4);
    const of = <T>(id: number, size: number, read: (at: number) => T) =>
      quantization === undefined ? [] : vector(follow(quantization), id, size, read);
    const type = field(tensor, 1);
    return {
      name: new TextDecoder().decode(Uint8Array.from(vector(tensor, 3, 1, (at) => view.getUint8(at)))),
      type: type === undefined ? 0 : view.getUint8(type),
      scales: of(2, 4, (at) => view.getFloat32(at, true)),
      zeroPoints: of(3, 8, (at) => view.getBigInt64(at, true)),
    };
  });
}

const typeNumbers = { int32: 2, uint8: 3, int8: 9 } as const;

const bytesOf = ({ buffer, byteOffset, byteLength }: IntegerArray) => new Uint8Array(buffer, byteOffset, byteLength);

const scalesOf = (type: QuantizedType | PerChannelType) => ('scales' in type ? type.scales : [type.scale]);

const folder = join(process.env.DEPTHWISE_DATA ?? '', 'models');
const files = process.env.DEPTHWISE_DATA
  ? readdirSync(folder).filter((file) => /(quant|ptq|int8)\.tflite$/.test(file))
  : [];

describe.skipIf(files.length === 0)('files of users', () => {
  test.each(files)('%s', async (file) => {
    const bytes = new Uint8Array(readFileSync(join(folder, file)));
    const stored = storedTensors(bytes);
    const { network, tensors } = await importQuantizedTflite(bytes, file);
    const types = new Map([...network.inputs, ...network.nodes].map(({ name, type }) => [name, type]));

    for (const { index, node } of tensors) {
      const type = types.get(node) as QuantizedType;
      if (type.type === 'int32') continue; // indices, without a scale in the file
      const { scales, zeroPoints } = stored[index];
      expect([type.type, type.scale, BigInt(type.zeroPoint)]).toEqual([
        Object.entries(typeNumbers).find(([, number]) => number === stored[index].type)![0],
        ...scales,
        ...zeroPoints,
      ]);
    }

    const weights = [...network.weights.values()];
    expect(weights.every(isQuantizedTensor)).toBe(true);
    const kernels = [...network.weights].filter(([name]) => name.endsWith('/kernel')) as [string, QuantizedTensor][];
    const biases = [...network.weights].filter(([name]) => name.endsWith('/bias')) as [string, QuantizedTensor][];
    const placed = new Set(tensors.map(({ index }) => index));
    const constants = stored.filter(({ scales }, index) => scales.length > 0 && !placed.has(index));
    const ofType = (number: number) => constants.filter(({ type }) => type === number);
    // Constants of the file: biases are its int32 with a scale, kernels its 8-bit numbers. Anchors are no weights.
    expect(biases.length).toBe(ofType(2).length);
    const anchors = constants.filter(({ name }) => name === 'anchors').length;
    expect(kernels.length).toBe(constants.length - ofType(2).length - anchors);
    const sorted = (all: readonly (readonly number[])[]) => all.map(String).sort();
    expect(sorted(biases.map(([, { type }]) => scalesOf(type)))).toEqual(sorted(ofType(2).map(({ scales }) => scales)));
    const zeroed = kernels.map(([, { type }]) => ['scale' in type ? type.zeroPoint : 0, ...scalesOf(type)]);
    const stated = constants.filter(({ type, name }) => type !== 2 && name !== 'anchors');
    expect(sorted(zeroed)).toEqual(sorted(stated.map(({ scales, zeroPoints }) => [Number(zeroPoints[0]), ...scales])));
  });

  test.each(files.filter((file) => /0\.25|vww|ptq|dm05|ssd|edgetpu/.test(file)))(
    '%s, written and read again',
    async (file) => {
      const { network } = await importQuantizedTflite(new Uint8Array(readFileSync(join(folder, file))), file);
      const { network: again } = await importQuantizedTflite(await writeTflite(network), file);
      // Reshapes to a stated size are written with the batch left open; zeros have no sign in JSON.
      const comparable = ({ weights: _, ...described }: QuantizedNetwork) =>
        JSON.parse(JSON.stringify(described, (key, value) => (key === 'shape' ? undefined : value)));
      expect(comparable(again)).toEqual(comparable(network));
      expect([...inferQuantizedShapes(again)]).toEqual([...inferQuantizedShapes(network)]);
      expect([...again.weights.keys()].sort()).toEqual([...network.weights.keys()].sort());
      for (const [name, { shape, data, type }] of network.weights as Map<string, QuantizedTensor>) {
        const found = again.weights.get(name) as QuantizedTensor;
        expect([found.shape, found.type]).toEqual([shape, type]);
        expect(Buffer.compare(bytesOf(found.data), bytesOf(data))).toBe(0);
      }
    },
  );

  test('a file of real numbers says so', async () => {
    const bytes = new Uint8Array(readFileSync(join(folder, 'vww_96_float.tflite')));
    await expect(readQuantizedNetwork(bytes, { fileName: 'f.tflite' })).rejects.toThrow(
      'f.tflite: holds real numbers, wanted a network of 8-bit integers; readNetwork reads it',
    );
  });
});
