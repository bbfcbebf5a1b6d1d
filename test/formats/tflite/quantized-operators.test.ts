/** Operators of quantised files one by one: the types and integers that they become, and what stays real numbers. */
import { describe, expect, test } from 'vitest';
import { readNetwork, readQuantizedNetwork } from '../../../src/formats/read.js';
import * as schema from '../../../src/formats/tflite/schema.js';
import { writeTflite } from '../../../src/formats/tflite.js';
import { asRealNumbers } from '../../../src/network/index.js';
import { runQuantized } from '../../../src/network/run-quantized.js';
import type { QuantizedTensor } from '../../../src/tensor.js';
import { buildTflite, type ModelSpec, type OperatorSpec, type TensorSpec } from '../tflite-builder.js';

/** A file of one operator from x to y. Constants are its other inputs, in their order. */
function fileOf(
  code: string,
  x: TensorSpec,
  y: TensorSpec,
  constants: Readonly<Record<string, TensorSpec>> = {},
  options?: OperatorSpec['options'],
): Uint8Array {
  const inputs = ['x', ...Object.keys(constants)];
  const model: ModelSpec = {
    tensors: { x, y, ...constants },
    operators: [{ code, inputs, outputs: ['y'], ...(options && { options }) }],
    inputs: ['x'],
    outputs: ['y'],
  };
  return buildTflite(model);
}

const read = (bytes: Uint8Array) => readQuantizedNetwork(bytes, { fileName: 'f.tflite' });
const integers = (...numbers: number[]): TensorSpec => ({
  shape: [numbers.length],
  type: 'INT32',
  data: Int32Array.from(numbers),
});

const x: TensorSpec = { shape: [1, 1, 1, 4], type: 'INT8', scale: [0.5], zeroPoint: [-3] };
const X = { type: 'int8', scale: 0.5, zeroPoint: -3 } as const;
const given: QuantizedTensor = { shape: [1, 1, 1, 4], data: Int8Array.of(-128, -3, 7, 127), type: X };

const pixel = (type: string, size = 2): TensorSpec => ({ shape: [1, 1, 1, size], type, scale: [0.25], zeroPoint: [7] });
const convolution = [
  schema.Conv2DOptions,
  { padding: 1, stride_h: 1, stride_w: 1, fused_activation_function: 3 },
] as const;

describe('integers', () => {
  test('a fused activation is a node of its own with the type of the result', async () => {
    const kernel: TensorSpec = {
      shape: [2, 1, 1, 2],
      type: 'UINT8',
      data: Uint8Array.of(1, 2, 3, 4),
      scale: [0.5],
      zeroPoint: [9],
    };
    const bias = { ...integers(5, -6), scale: [0.125] };
    const { inputs, nodes, weights } = await read(
      fileOf('CONV_2D', pixel('UINT8'), pixel('UINT8'), { kernel, bias }, convolution),
    );
    const type = { type: 'uint8', scale: 0.25, zeroPoint: 7 };
    expect(inputs).toEqual([{ name: 'x', shape: [1, 1, 1, 2], type }]);
    expect(nodes.map(({ name, kind, type }) => [name, kind, type])).toEqual([
      ['y/linear', 'pointwiseConv2d', type],
      ['y', 'relu6', type],
    ]);
    // [outputs, 1, 1, inputs] there, [inputs, outputs] here
    expect(weights.get('y/linear/kernel')).toEqual({
      shape: [2, 2],
      data: Uint8Array.of(1, 3, 2, 4),
      type: { type: 'uint8', scale: 0.5, zeroPoint: 9 },
    });
    expect(weights.get('y/linear/bias')).toEqual({
      shape: [2],
      data: Int32Array.of(5, -6),
      type: { type: 'int32', scale: 0.125, zeroPoint: 0 },
    });
  });

  test('a bias that states no scale counts in input scale · kernel scale', async () => {
    const kernel: TensorSpec = {
      shape: [2, 1, 1, 2],
      type: 'INT8',
      data: Int8Array.of(1, 2, 3, 4),
      scale: [0.5, 2],
      axis: 0,
    };
    const { weights } = await read(
      fileOf('CONV_2D', pixel('INT8'), pixel('INT8'), { kernel, bias: integers(5, -6) }, convolution),
    );
    expect(weights.get('y/linear/kernel')!).toMatchObject({ type: { type: 'int8', scales: [0.5, 2], axis: 1 } });
    expect(weights.get('y/linear/bias')!).toMatchObject({ type: { type: 'int32', scales: [0.125, 0.5], axis: 0 } });
  });

  test('a part of the channels, and channels of zeros around them, are copied by integers that stand for 0 and 1', async () => {
    const begin = integers(0, 0, 0, 1);
    const part = await read(fileOf('SLICE', x, { ...x, shape: [1, 1, 1, 2] }, { begin, size: integers(1, 1, 1, 2) }));
    expect(runQuantized(part, given).get('y')!.data).toEqual(Int8Array.of(-3, 7));
    expect(asRealNumbers(part).nodes.map(({ kind }) => kind)).toEqual(['pointwiseConv2d']);
    const sizes = { ...integers(0, 0, 0, 0, 0, 0, 1, 1), shape: [4, 2] };
    const padded = await read(fileOf('PAD', x, { ...x, shape: [1, 1, 1, 6] }, { sizes }));
    expect(runQuantized(padded, given).get('y')!.data).toEqual(Int8Array.of(-3, -128, -3, 7, 127, -3));
  });

  test('a tensor that is repeated along its axes is joined with itself', async () => {
    const wide = { ...x, shape: [1, 1, 2, 2] };
    const tiled = await read(fileOf('TILE', wide, { ...x, shape: [1, 2, 4, 4] }, { times: integers(1, 2, 2, 2) }));
    expect(tiled.nodes.map(({ kind }) => kind)).toEqual(['concat', 'concat', 'concat']);
    const { data } = runQuantized(tiled, { ...given, shape: [1, 1, 2, 2] }).get('y')!;
    const [a, b] = [
      [-128, -3, -128, -3],
      [7, 127, 7, 127],
    ];
    expect([...data]).toEqual([...a, ...b, ...a, ...b, ...a, ...b, ...a, ...b]);
    const once = await read(fileOf('TILE', x, x, { times: integers(1, 1, 1, 1) }));
    expect([...runQuantized(once, given).values()].map(({ data }) => data)).toEqual([given.data]);
  });

  test('products and sums with constants are computed with the real numbers, and their results are integers again', async () => {
    const factor: TensorSpec = {
      shape: [4],
      type: 'INT8',
      data: Int8Array.of(1, 2, 3, -4),
      scale: [0.5],
      zeroPoint: [-1],
    };
    const y: TensorSpec = { ...x, scale: [1], zeroPoint: [0] };
    // x is [-62.5, 0, 5, 65], the factors [1, 1.5, 2, -1.5]
    const product = await read(fileOf('MUL', x, y, { factor }, [schema.MulOptions, {}]));
    expect(product.nodes.map(({ kind }) => kind)).toEqual(['dequantize', 'batchNorm', 'quantize']);
    expect([...runQuantized(product, given).get('y')!.data]).toEqual([-63, 0, 10, -98]);
    const difference = await read(fileOf('SUB', x, y, { factor }, [schema.SubOptions, {}]));
    expect([...runQuantized(difference, given).get('y')!.data]).toEqual([-64, -2, 3, 67]);
  });

  test('MAXIMUM and MINIMUM with a constant, and the two behind each other, compare integers; in real numbers each is one clamp', async () => {
    const bound = (q: number): TensorSpec => ({ ...x, shape: [], data: Int8Array.of(q) });
    const kindsOf = ({ nodes }: { nodes: readonly { kind: string }[] }) => nodes.map(({ kind }) => kind);
    const larger = await read(fileOf('MAXIMUM', x, x, { bound: bound(-5) }));
    expect(kindsOf(larger)).toEqual(['clamp']);
    expect([...runQuantized(larger, given).get('y')!.data]).toEqual([-5, -3, 7, 127]);
    const smaller = await read(fileOf('MINIMUM', x, x, { bound: bound(6) }));
    expect([...runQuantized(smaller, given).get('y')!.data]).toEqual([-128, -3, 6, 6]);

    const both = await read(
      buildTflite({
        tensors: { x, raised: x, y: x, low: bound(-5), high: bound(6) },
        operators: [
          { code: 'MAXIMUM', inputs: ['low', 'x'], outputs: ['raised'] },
          { code: 'MINIMUM', inputs: ['raised', 'high'], outputs: ['y'] },
        ],
        inputs: ['x'],
        outputs: ['y'],
      }),
    );
    expect([...runQuantized(both, given).get('y')!.data]).toEqual([-5, -3, 6, 6]);
    // x is from −62.5 to 65: −5 is −1, 6 is 4.5
    expect(asRealNumbers(both).nodes).toMatchObject([
      { name: 'raised', kind: 'clamp', attributes: { min: -1, max: 65 } },
      { name: 'y', kind: 'clamp', attributes: { min: -62.5, max: 4.5 } },
    ]);
    const again = await readQuantizedNetwork(await writeTflite(both), { fileName: 'f.tflite' });
    expect([...runQuantized(again, given).get('y')!.data]).toEqual([-5, -3, 6, 6]);
  });

  test('QUANTIZE, DEQUANTIZE, and RELU as an operator of its own', async () => {
    const real: TensorSpec = { shape: [1, 1, 1, 4] };
    const types = async (code: string, from: TensorSpec, to: TensorSpec) => {
      const { inputs, nodes } = await read(fileOf(code, from, to));
      return [inputs[0].type, ...nodes.map(({ kind, type }) => [kind, type])];
    };
    expect(await types('QUANTIZE', real, x)).toEqual(['float32', ['quantize', X]]);
    expect(await types('DEQUANTIZE', x, real)).toEqual([X, ['dequantize', 'float32']]);
    expect(await types('RELU', x, { ...x, scale: [0.25] })).toEqual([X, ['relu', { ...X, scale: 0.25 }]]);
    const bytes: TensorSpec = { ...x, type: 'UINT8', zeroPoint: [125] };
    expect(await types('QUANTIZE', bytes, x)).toEqual([{ type: 'uint8', scale: 0.5, zeroPoint: 125 }, ['quantize', X]]);
  });

  test('indices are int32 with scale 1', async () => {
    const options = [schema.ArgMaxOptions, { output_type: schema.TENSOR_TYPES.indexOf('INT64') }] as const;
    const file = fileOf(
      'ARG_MAX',
      x,
      { shape: [1, 1, 1], type: 'INT64' },
      { axis: { ...integers(3), shape: [] } },
      options,
    );
    const network = await read(file);
    expect(network.nodes.map(({ kind, type }) => [kind, type])).toEqual([
      ['argMax', { type: 'int32', scale: 1, zeroPoint: 0 }],
      ['reshape', { type: 'int32', scale: 1, zeroPoint: 0 }],
    ]);
    expect(runQuantized(network, given).get('y')).toMatchObject({ shape: [1, 1, 1], data: Int32Array.of(3) });
  });
});

describe('what is no network of integers', () => {
  test('integer weights with real activations (hybrid) are real numbers', async () => {
    const kernel: TensorSpec = { shape: [2, 2], type: 'INT8', data: Int8Array.of(1, 2, 3, 4), scale: [0.5] };
    const file = fileOf('FULLY_CONNECTED', { shape: [1, 2] }, { shape: [1, 2] }, { kernel }, [
      schema.FullyConnectedOptions,
      {},
    ]);
    expect((await readNetwork(file)).weights.get('y/kernel')!.data).toEqual(Float32Array.of(0.5, 1.5, 1, 2));
    await expect(read(file)).rejects.toThrow(
      'f.tflite: holds real numbers, wanted a network of 8-bit integers; readNetwork reads it',
    );
  });

  test('kernels of uint8 by channel, which TensorFlow Lite does not compute with: real numbers only', async () => {
    const kernel: TensorSpec = {
      shape: [2, 1, 1, 2],
      type: 'UINT8',
      data: Uint8Array.of(1, 2, 3, 4),
      scale: [0.5, 2],
      zeroPoint: [1, 2],
      axis: 0,
    };
    const file = fileOf('CONV_2D', pixel('UINT8'), pixel('UINT8'), { kernel }, convolution);
    expect((await readNetwork(file)).weights.get('y/linear/kernel')!.data).toEqual(Float32Array.of(0, 2, 0.5, 4));
    await expect(read(file)).rejects.toThrow(
      "f: 'y/linear' (pointwiseConv2d) has a kernel of float32, wanted uint8 as its input",
    );
  });

  test('activations of 16 bits are refused by name', async () => {
    const file = fileOf('RELU', { ...x, type: 'INT16', zeroPoint: [0] }, { ...x, type: 'INT16', zeroPoint: [0] });
    const message = "f.tflite: tensor 0 'x': is of int16: activations of 16 bits with weights of 8 (16x8) are not read";
    await expect(read(file)).rejects.toThrow(message);
    await expect(readNetwork(file, { fileName: 'f.tflite' })).rejects.toThrow(message);
  });

  test('types that do not fit each other are read as real numbers, and refused as integers', async () => {
    const file = fileOf('SOFTMAX', { ...x, shape: [1, 4] }, { ...x, shape: [1, 4] }, {}, [
      schema.SoftmaxOptions,
      { beta: 1 },
    ]);
    expect((await readNetwork(file)).nodes.map(({ kind }) => kind)).toEqual(['softmax', 'clamp']);
    await expect(read(file)).rejects.toThrow("f: 'y' (softmax) gives int8 (0.5, -3), wanted int8 (0.00390625, -128)");
  });
});

test('two outputs that are one tensor, through a QUANTIZE of the same scale: a node hands it on', async () => {
  const bytes = buildTflite({
    tensors: { x, y: x, z: x },
    operators: [
      { code: 'RELU', inputs: ['x'], outputs: ['y'] },
      { code: 'QUANTIZE', inputs: ['y'], outputs: ['z'] },
    ],
    inputs: ['x'],
    outputs: ['y', 'z'],
  });
  const network = await read(bytes);
  expect(network.outputs).toEqual(['y', 'z']);
  expect(network.nodes.at(-1)).toEqual({ name: 'z', kind: 'dropout', inputs: ['y'], attributes: { rate: 0 }, type: X });
  const answers = runQuantized(network, new Map([['x', given]]));
  for (const name of ['y', 'z']) expect([...answers.get(name)!.data]).toEqual([-3, -3, 7, 127]); // relu: not below the zero point
});
