/** ONNX files as PyTorch writes them since 2.9: numbers in a file beside the model, open sizes, quantised networks run as real numbers. */
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PbfWriter } from 'pbf';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FormatError } from '../../../src/errors.js';
import { readNetworkFile } from '../../../src/formats/files.js';
import { readNetwork } from '../../../src/formats/index.js';
import { encodeModel, type OutModel } from '../../../src/formats/onnx/encode.js';
import { importOnnx } from '../../../src/formats/onnx.js';
import { readNpy } from '../../../src/formats/tensors/npy.js';
import { load } from '../../../src/load/node.js';
import { type Network, run } from '../../../src/network/index.js';
import { inlined } from '../../../src/oracle/peers/onnx-inlined.js';
import { type Tensor, tensor } from '../../../src/tensor.js';
import { float, int8, type NodeSpec, onnxFile, uint8 } from './builder.js';

const cases = new URL('../cases/', import.meta.url).pathname;
const bytesOf = async (name: string): Promise<Uint8Array> => new Uint8Array(await readFile(cases + name));

/** onnxruntime's answers for the picture in xm1.npy. */
const A = [0.49816, 0.27041, 0.23143];
const QUANTISED = [0.49526, 0.27271, 0.23203];

async function answer(network: Network): Promise<number[]> {
  const x = readNpy(await bytesOf('xm1.npy'));
  const [input] = network.inputs;
  return [
    ...run(network, new Map([[input.name, x]]))
      .values()
      .next().value!.data,
  ];
}

const expectNear = (found: readonly number[], wanted: readonly number[], within: number) => {
  expect(found).toHaveLength(wanted.length);
  for (const [i, number] of found.entries()) expect(Math.abs(number - wanted[i])).toBeLessThanOrEqual(within);
};

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'depthwise-external-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('numbers in a file beside the model', () => {
  test('from a path, by load, and in memory', async () => {
    expectNear(await answer(await readNetworkFile(`${cases}external.onnx`)), A, 1e-5);
    const external = new Map([['external.onnx.data', await bytesOf('external.onnx.data')]]);
    expectNear(await answer((await importOnnx(await bytesOf('external.onnx'), { external })).network), A, 1e-5);
    const model = await load(`${cases}external.onnx`, { target: 'reference', preprocessing: 'slim' });
    expectNear([...(await model.probabilities(readNpy(await bytesOf('xm1.npy')))).data], A, 1e-5);
    model.dispose();
  });

  test('as one file, for runtimes that are given bytes', async () => {
    const bytes = await bytesOf('external.onnx');
    const beside = new Map([['external.onnx.data', await bytesOf('external.onnx.data')]]);
    const whole = await inlined(bytes, beside);
    expectNear(await answer((await importOnnx(whole)).network), A, 1e-5);
    expect(await inlined(bytes, new Map())).toBe(bytes);
  });

  test('in a folder of the folder', async () => {
    // The name takes as many bytes as before, so that no length changes.
    const text = Buffer.from(await bytesOf('external.onnx')).toString('latin1');
    await writeFile(
      join(folder, 'm.onnx'),
      Buffer.from(text.replaceAll('external.onnx.data', 'weights/all/00.bin'), 'latin1'),
    );
    await mkdir(join(folder, 'weights/all'), { recursive: true });
    await copyFile(`${cases}external.onnx.data`, join(folder, 'weights/all/00.bin'));
    expectNear(await answer(await readNetworkFile(join(folder, 'm.onnx'))), A, 1e-5);
  });

  test.each([
    '../../../../passwd',
    '/etc/passwd/passwd',
    'a/../../../passwd_',
    'C:\\windows\\passwd',
    'weights\\..\\..\\pwd',
    'https://x.example',
  ])('%s is refused', async (location) => {
    const name = location.padEnd('external.onnx.data'.length, '_');
    const text = Buffer.from(await bytesOf('external.onnx')).toString('latin1');
    const bytes = Buffer.from(text.replaceAll('external.onnx.data', name), 'latin1');
    await writeFile(join(folder, 'm.onnx'), bytes);
    const message = `constant 'conv.weight': its numbers lie in '${name}' (external data), outside of the model's folder`;
    await expect(readNetworkFile(join(folder, 'm.onnx'))).rejects.toThrow(message);
    await expect(readNetwork(new Uint8Array(bytes), { fileName: 'm.onnx' })).rejects.toThrow(`m.onnx: ${message}`);
  });

  test('a file that is not there, one that is too short, and none at all', async () => {
    const path = join(folder, 'm.onnx');
    await copyFile(`${cases}external.onnx`, path);
    await expect(readNetworkFile(path)).rejects.toThrow(`${join(folder, 'external.onnx.data')}: `);
    await writeFile(join(folder, 'external.onnx.data'), (await bytesOf('external.onnx.data')).subarray(0, 500));
    await expect(readNetworkFile(path)).rejects.toThrow(
      "m.onnx: constant 'lo': its numbers are the bytes 652 to 656 of 'external.onnx.data', which has 500",
    );
    await expect(readNetwork(await bytesOf('external.onnx'), { fileName: 'm.onnx' })).rejects.toThrow(
      "m.onnx: constant 'conv.weight': its numbers lie in another file, 'external.onnx.data' (external data), which was not given; use load or readNetworkFile",
    );
  });
});

type Node = OutModel['nodes'][number];

/** A file of these nodes over x [1, 1, 2, 2] or another shape. */
const model = (
  nodes: readonly Node[],
  constants: Readonly<Record<string, unknown>>,
  opset = 21,
  shape = [1, 1, 2, 2],
) =>
  encodeModel(
    {
      name: 'q',
      opset,
      inputs: new Map([['x', shape]]),
      outputs: new Map([['y', [1]]]),
      constants: new Map(Object.entries(constants)) as OutModel['constants'],
      nodes,
      metadata: new Map(),
    },
    PbfWriter,
  );
const node = (op: string, inputs: string, output: string, attributes: Node['attributes'] = {}): Node => ({
  op,
  inputs: inputs.split(' '),
  output,
  attributes,
});
const values = async (bytes: Uint8Array, x: Tensor) => [
  ...run((await importOnnx(bytes)).network, new Map([['x', x]]))
    .values()
    .next().value!.data,
];

describe('quantised files run as real numbers', () => {
  test('QuantizeLinear and DequantizeLinear between the layers', async () => {
    expectNear(await answer(await readNetworkFile(`${cases}qdq_static.onnx`)), QUANTISED, 0.01);
  });

  test('DequantizeLinear of weights: (q − zero point) · scale for each output channel', async () => {
    const constants = {
      w: tensor([2, 1, 1, 1], [10, -6]),
      s: tensor([2], [0.5, 0.25]),
      z: tensor([2], [2, -2]),
    };
    const bytes = model([node('DequantizeLinear', 'w s z', 'k', { axis: 0 }), node('Conv', 'x k', 'y')], constants);
    // (10 − 2) · 0.5 = 4 and (−6 + 2) · 0.25 = −1, for pictures of one channel.
    expect(await values(bytes, tensor([1, 2, 2, 1], [1, 2, 3, -1]))).toEqual([4, -1, 8, -2, 12, -3, -4, 1]);
  });

  test('scales that fit no axis', async () => {
    const constants = { w: tensor([2, 1, 1, 1], [1, 2]), s: tensor([3], [1, 2, 3]) };
    const bytes = model([node('DequantizeLinear', 'w s', 'k', { axis: 0 }), node('Conv', 'x k', 'y')], constants);
    await expect(importOnnx(bytes, { fileName: 'q.onnx' })).rejects.toThrow(
      'scales of [3] and 2 zero points for a constant of [2,1,1,1]; wanted one, or one for each of its 2 numbers along axis 0',
    );
  });

  test('QuantizeLinear holds to the range of uint8: an activation may have gone into it', async () => {
    const constants = { s: tensor([], [0.5]) };
    const nodes = [node('Relu', 'x', 'a'), node('QuantizeLinear', 'a s', 'q'), node('DequantizeLinear', 'q s', 'y')];
    expect(await values(model(nodes, constants, 21, [1, 3]), tensor([1, 3], [-1, 3, 1000]))).toEqual([0, 3, 127.5]);
  });

  test('where a runtime rounds computed numbers', async () => {
    const rounding = async (...nodes: Node[]) =>
      (await importOnnx(model(nodes, { s: tensor([], [0.5]), w: tensor([3, 2], [1, 2, 3, 4, 5, 6]) }, 21, [1, 3])))
        .rounding;
    expect(await rounding(node('DynamicQuantizeLinear', 'x', 'q'), node('MatMulInteger', 'q w', 'y'))).toBe(
      "node 0 (DynamicQuantizeLinear 'q', for 'q')",
    );
    expect(await rounding(node('DequantizeLinear', 'w s', 'k'), node('MatMul', 'x k', 'y'))).toBeUndefined();
  });

  test('QuantizeLinear of weights, as training for quantisation leaves them: rounded to the even integer, held to its range', async () => {
    const bytes = onnxFile({
      opset: 13,
      inputs: { x: [1, 1, 1, 1] },
      outputs: ['y'],
      constants: {
        w: { shape: [4, 1, 1, 1], data: Float32Array.of(1.25, -0.75, 100, -1) },
        s: float(0.5, 0.5, 0.25, 0.5),
        z: int8([4], 0, 0, 0, 3),
        least: int8([], -127),
        most: int8([], 126),
      },
      nodes: [
        { op: 'QuantizeLinear', inputs: ['w', 's', 'z'], outputs: ['q'], attributes: { axis: 0 } },
        { op: 'Clip', inputs: ['q', 'least', 'most'], outputs: ['c'] },
        { op: 'DequantizeLinear', inputs: ['c', 's', 'z'], outputs: ['k'], attributes: { axis: 0 } },
        { op: 'Conv', inputs: ['x', 'k'], outputs: ['y'] },
      ],
    });
    // 1.25 / 0.5 = 2.5 and −0.75 / 0.5 = −1.5 lie between two integers; 400 is above 126; −2 + 3 = 1.
    expect(await values(bytes, tensor([1, 1, 1, 1], [1]))).toEqual([1, -1, 31.5, -1]);
  });

  test('what computes with the integers themselves is named; what gives them on is not', async () => {
    const constants = { s: float(0.5), z: uint8([], 3), least: uint8([], 3), most: uint8([], 200) };
    const file = (...nodes: NodeSpec[]) =>
      onnxFile({ opset: 13, inputs: { x: [1, 2, 2, 2] }, outputs: ['y'], constants, nodes });
    const quantize = { op: 'QuantizeLinear', inputs: ['x', 's', 'z'], outputs: ['q'] };
    const dequantize = { op: 'DequantizeLinear', inputs: ['c', 's', 'z'], outputs: ['y'] };
    const clip = file(quantize, { op: 'Clip', inputs: ['q', 'least', 'most'], outputs: ['c'] }, dequantize);
    await expect(importOnnx(clip, { fileName: 'q.onnx' })).rejects.toThrow(
      new FormatError(
        "q.onnx: node 1 (Clip, for 'c'): computes with the integers 'q' of QuantizeLinear; wanted DequantizeLinear before it",
      ),
    );
    const pool = { op: 'MaxPool', inputs: ['q'], outputs: ['p'], attributes: { kernel_shape: [2, 2] } };
    const flatten = { op: 'Flatten', inputs: ['p'], outputs: ['c'] };
    const x = tensor([1, 2, 2, 2], [1, 10, 2, 20, 3, 30, 4, 40]);
    expect(await values(file(quantize, pool, flatten, dequantize), x)).toEqual([4, 40]);
    const late = file(quantize, pool, { op: 'Relu', inputs: ['p'], outputs: ['c'] }, dequantize);
    await expect(importOnnx(late, { fileName: 'q.onnx' })).rejects.toThrow(
      "node 2 (Relu, for 'c'): computes with the integers 'p'",
    );
  });

  test('a scale that is none', async () => {
    const bytes = model([node('QuantizeLinear', 'x s', 'y')], { s: tensor([], [0]) });
    await expect(importOnnx(bytes, { fileName: 'q.onnx' })).rejects.toThrow('its scale is 0, wanted a number above 0');
  });
});

/** `encodeModel` leaves open what it is given as 0. */
const sizeOfInput = async (
  shape: readonly number[],
  nodes: readonly Node[],
  resolution?: readonly [number, number],
) => {
  const bytes = model(nodes, {}, 21, [...shape]);
  const { network } = await importOnnx(bytes, { fileName: 'o.onnx', ...(resolution && { resolution }) });
  return network.inputs[0].shape;
};

describe('open sizes', () => {
  const pool = [node('GlobalAveragePool', 'x', 'y')];

  test('of a picture are the resolution', async () => {
    expect(await sizeOfInput([0, 3, 0, 0], pool, [4, 6])).toEqual([1, 4, 6, 3]);
    expect(await sizeOfInput([0, 3, 5, 0], pool, [4, 6])).toEqual([1, 5, 6, 3]);
    expect(await sizeOfInput([0, 3, 5, 7], pool, [4, 6])).toEqual([1, 5, 7, 3]);
  });

  test('without it, and of what is no picture, are refused', async () => {
    await expect(sizeOfInput([0, 3, 0, 0], pool)).rejects.toThrow(
      "o.onnx: input 'x': its shape is [?, 3, ?, ?]; say the resolution, [height, width]",
    );
    const refusal = 'its shape is [?, ?]; wanted a batch, which may be open, and sizes, which may not';
    await expect(sizeOfInput([0, 0], [node('Relu', 'x', 'y')], [4, 6])).rejects.toThrow(refusal);
  });
});

test.each([18, 19, 20, 21, 22, 23, 24, 25, 26])('operator set %i', async (opset) => {
  const bytes = model([node('Relu', 'x', 'y')], {}, opset, [1, 2]);
  expect(await values(bytes, tensor([1, 2], [-1, 2]))).toEqual([0, 2]);
});
