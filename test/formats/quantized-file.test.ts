/** Quantised networks in the project's own files: version 2 of the description, integers with their parameters beside them. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { FormatError, UsageError } from '../../src/errors.js';
import { readNetwork, readQuantizedNetwork, readTensors, writeNetwork } from '../../src/formats/read.js';
import { safetensors } from '../../src/formats/readers/safetensors.js';
import { readSafetensors, writeSafetensors } from '../../src/formats/tensors/safetensors.js';
import { importQuantizedTflite } from '../../src/formats/tflite/read.js';
import { mobilenetV1 } from '../../src/models/index.js';
import { asRealNumbers, randomWeights } from '../../src/network/index.js';
import { quantizedFromJson, quantizedToJson } from '../../src/network/quantized-json.js';
import type { QuantizedNetwork } from '../../src/network/quantized-network.js';
import { type AnyTensor, type QuantizedTensor, type QuantizedType, type Tensor, tensor } from '../../src/tensor.js';
import { dataPath, noData } from '../data.js';

const int8: QuantizedType = { type: 'int8', scale: 0.5, zeroPoint: -3 };
const uint8: QuantizedType = { type: 'uint8', scale: 0.125, zeroPoint: 7 };

/** A depthwise and a pointwise convolution of int8 by channel, and a dense layer of uint8 with a zero point. */
function small(): QuantizedNetwork {
  const bias = {
    shape: [2],
    data: Int32Array.of(-70000, 9),
    type: { type: 'int32', scale: 0.03125, zeroPoint: 0 },
  } as const;
  return {
    name: 'small',
    inputs: [
      { name: 'x', shape: [1, 3, 3, 1], type: 'float32' },
      { name: 'z', shape: [1, 2], type: uint8 },
    ],
    nodes: [
      { name: 'q', kind: 'quantize', inputs: ['x'], attributes: {}, type: int8 },
      {
        name: 'd',
        kind: 'depthwiseConv2d',
        inputs: ['q'],
        attributes: {
          kernelSize: [1, 1],
          strides: [1, 1],
          dilation: [1, 1],
          padding: 'same',
          depthMultiplier: 2,
          bias: false,
        },
        type: int8,
      },
      { name: 'p', kind: 'pointwiseConv2d', inputs: ['d'], attributes: { filters: 2, bias: true }, type: int8 },
      { name: 'y', kind: 'dequantize', inputs: ['p'], attributes: {}, type: 'float32' },
      { name: 'w', kind: 'dense', inputs: ['z'], attributes: { units: 2, bias: true }, type: uint8 },
    ],
    outputs: ['y', 'w'],
    weights: new Map<string, AnyTensor>([
      [
        'd/kernel',
        { shape: [1, 1, 1, 2], data: Int8Array.of(-127, 3), type: { type: 'int8', scales: [0.25, 0.125], axis: 2 } },
      ],
      [
        'p/kernel',
        { shape: [2, 2], data: Int8Array.of(1, -2, 3, -4), type: { type: 'int8', scales: [0.0625, 0.25], axis: 1 } },
      ],
      ['p/bias', { ...bias, type: { type: 'int32', scales: [0.03125, 0.125], axis: 0 } }],
      [
        'w/kernel',
        { shape: [2, 2], data: Uint8Array.of(0, 1, 254, 255), type: { type: 'uint8', scale: 0.25, zeroPoint: 131 } },
      ],
      ['w/bias', bias],
    ]),
    conventions: { source: 'other', output: 'features' },
  };
}

describe('files', () => {
  test.each(['safetensors', 'npz', 'tflite'] as const)(
    '.%s: written and read again, the network is the same',
    async (format) => {
      const network = small();
      const bytes = await writeNetwork(network, format);
      const again = await readQuantizedNetwork(bytes, { fileName: 'small.tflite' });
      expect(again.inputs).toEqual(network.inputs);
      expect(again.nodes).toEqual(
        network.nodes.map((node) =>
          format === 'tflite' && node.name === 'd' ? { ...node, attributes: { ...node.attributes, bias: true } } : node,
        ),
      );
      expect(again.outputs).toEqual(network.outputs);
      for (const [name, weight] of network.weights) {
        if (format !== 'tflite') expect(again.weights.get(name)).toEqual(weight);
        else expect(again.weights.get(name)!.data).toEqual(weight.data);
      }
    },
  );

  test.each(['safetensors', 'npz', 'tflite', 'onnx'] as const)(
    ".%s in one of Node's buffers, whose slices are views of a larger memory",
    async (format) => {
      const bytes = await writeNetwork(small(), format);
      const file = { fileName: `small.${format}` };
      const buffer = Buffer.concat([Buffer.alloc(3), bytes]).subarray(3);
      expect(await readQuantizedNetwork(buffer, file)).toEqual(await readQuantizedNetwork(bytes, file));
      expect(await readNetwork(buffer, file)).toEqual(await readNetwork(bytes, file));
    },
  );

  test.each(['safetensors', 'npz'] as const)(
    '.%s: without asking for integers it is the network of real numbers',
    async (format) => {
      const bytes = await writeNetwork(small(), format);
      expect(await readNetwork(bytes)).toEqual(asRealNumbers(small()));
    },
  );

  test('(kernel − zeroPoint) · scale by broadcasting is the kernel in real numbers', async () => {
    const tensors = await readTensors(await writeNetwork(small(), 'safetensors'));
    expect([...tensors.keys()].sort()).toEqual([
      'd/kernel',
      'd/kernel/scale',
      'p/bias',
      'p/kernel',
      'p/kernel/scale',
      'w/bias',
      'w/kernel',
      'w/kernel/scale',
      'w/kernel/zeroPoint',
    ]);
    expect(tensors.get('d/kernel/scale')).toEqual({ shape: [1, 1, 1, 2], data: Float32Array.of(0.25, 0.125) });
    expect(tensors.get('p/kernel/scale')!.shape).toEqual([1, 2]);
    expect(tensors.get('w/kernel/zeroPoint')).toEqual({ shape: [1, 1], data: Float32Array.of(131) });
  });

  test.each(['safetensors', 'npz'] as const)(
    '.%s: biases are int16 where they fit, and keep a scale that is no product',
    async (format) => {
      const network = small();
      const [p, w] = ['p/bias', 'w/bias'].map((name) => network.weights.get(name) as QuantizedTensor);
      const unlike = { ...w.type, scale: Math.fround(0.0312) } as QuantizedTensor['type'];
      const weights = new Map(network.weights)
        .set('p/bias', { ...p, data: Int32Array.of(32767, -32767) })
        .set('w/bias', { ...w, data: Int32Array.of(32768, 0), type: unlike });
      const bytes = await writeNetwork({ ...network, weights }, format);
      expect((await readQuantizedNetwork(bytes)).weights).toEqual(weights);
      const tensors = await readTensors(bytes);
      // int16 is read as float32, int32 as float64.
      expect(tensors.get('p/bias')!.data).toEqual(Float32Array.of(32767, -32767));
      expect(tensors.get('w/bias')!.data).toEqual(Float64Array.of(32768, 0));
      expect([tensors.has('p/bias/scale'), tensors.has('w/bias/scale')]).toEqual([false, true]);
    },
  );

  test.skipIf(noData)('a file of TensorFlow Lite in ours is smaller than the original', async () => {
    const original = new Uint8Array(readFileSync(dataPath('models', 'vww_96_int8.tflite')));
    const { network } = await importQuantizedTflite(original, 'vww.tflite');
    const bytes = await writeNetwork(network, 'safetensors');
    expect(bytes.length).toBeLessThan(original.length);
    const again = await readQuantizedNetwork(bytes);
    expect([...again.weights.keys()].sort()).toEqual([...network.weights.keys()].sort());
  });

  test('errors', async () => {
    const bytes = await writeNetwork(small(), 'safetensors');
    await expect(safetensors.read(bytes, { fileName: 's.safetensors' })).rejects.toThrow(
      "s.safetensors: holds a quantised network, whose reader was not given: import { quantizedSafetensors } from 'depthwise/formats/quantized', and load(…, { readers: [quantizedSafetensors] })",
    );
    await expect(readNetwork(bytes, { architecture: mobilenetV1(), fileName: 's.safetensors' })).rejects.toThrow(
      's.safetensors: describes its own network; an architecture is for files of weights alone',
    );
    await expect(writeNetwork(small(), 'npz', { kernels: 'float16' })).rejects.toThrow(
      'small: its kernels are integers already and are not written as float16',
    );
    const real = await writeNetwork(randomWeights(mobilenetV1({ alpha: 0.25, resolution: 32 }), 1), 'safetensors');
    await expect(readQuantizedNetwork(real, { fileName: 'r.safetensors' })).rejects.toThrow(
      'r.safetensors: holds real numbers, wanted a network of 8-bit integers; readNetwork reads it',
    );
    const coarse = {
      ...small(),
      inputs: [{ ...small().inputs[0] }, { ...small().inputs[1], type: { ...uint8, scale: 0.1 } }],
    };
    const nodes = coarse.nodes.filter(({ name }) => name !== 'w');
    const weights = new Map([...coarse.weights].filter(([name]) => !name.startsWith('w/')));
    await expect(writeNetwork({ ...coarse, nodes, weights, outputs: ['y'] }, 'tflite')).rejects.toThrow(
      'small: the scale 0.1 is no number of float32, in which it is written; wanted 0.10000000149011612',
    );
  });
});

test.each(['safetensors', 'npz'] as const)('a scale of float64 among those of float32 is kept: %s', async (format) => {
  const network = small();
  const kernel = network.weights.get('d/kernel') as QuantizedTensor;
  const type = { type: 'int8', scales: [0.25, 0.1], axis: 2 } as const;
  const weights = new Map<string, AnyTensor>([...network.weights, ['d/kernel', { ...kernel, type }]]);
  const again = await readQuantizedNetwork(await writeNetwork({ ...network, weights }, format));
  expect((again.weights.get('d/kernel') as QuantizedTensor).type).toEqual(type);
});

test('a batch norm of integers is not written as TensorFlow Lite', async () => {
  const { inputs, nodes, ...rest } = small();
  const attributes = { epsilon: 0.001, scale: false, center: false };
  const norm = { name: 'norm', kind: 'batchNorm', inputs: ['q'], attributes, type: int8 } as const;
  const ones = tensor([1], [1]);
  const weights = new Map<string, AnyTensor>([
    ['norm/movingMean', ones],
    ['norm/movingVariance', ones],
  ]);
  const network: QuantizedNetwork = {
    ...rest,
    inputs: [inputs[0]],
    nodes: [nodes[0], norm],
    outputs: ['norm'],
    weights,
  };
  await expect(writeNetwork(network, 'tflite')).rejects.toThrow(
    new UsageError(
      'norm: a batchNorm of integers cannot be written as TFLite; fold it before the network is quantised',
    ),
  );
});

describe('numbers beside the description', () => {
  const read = async (name: string, numbers: Tensor) => {
    const { tensors, metadata } = readSafetensors(await writeNetwork(small(), 'safetensors'));
    return readQuantizedNetwork(writeSafetensors(new Map([...tensors, [name, numbers]]), metadata), { fileName: 's' });
  };

  test.each<[string, Tensor, string]>([
    ['w/kernel/scale', tensor([1, 2], [0.25, 0.5]), "'w/kernel' of uint8 has 2 scales, wanted one"],
    ['w/kernel', tensor([2, 2], [0, 1, 2, 256]), "'w/kernel' holds 256, wanted numbers of uint8"],
    ['w/kernel', tensor([2, 2], [0, -1, 2, 3]), "'w/kernel' holds -1, wanted numbers of uint8"],
    ['d/kernel', tensor([1, 1, 1, 2], [1, 0.5]), "'d/kernel' holds 0.5, wanted numbers of int8"],
    ['d/kernel', tensor([1, 1, 1, 2], [-129, 0]), "'d/kernel' holds -129, wanted numbers of int8"],
    ['p/bias', tensor([2], [0, 2 ** 31]), "'p/bias' holds 2147483648, wanted numbers of int32"],
  ])('%s of %o', async (name, numbers, message) => {
    await expect(read(name, numbers)).rejects.toThrow(new FormatError(`s: ${message}`));
  });
});

describe('version 2 of the description', () => {
  const json = () => JSON.parse(JSON.stringify(quantizedToJson(small())));

  test('is read back', () => {
    expect(quantizedFromJson(json())).toEqual({ ...small(), weights: new Map() });
    expect(json().version).toBe(2);
  });

  test.each<[string, (json: ReturnType<typeof quantizedToJson>) => unknown, string]>([
    ['a version', (found) => ({ ...found, version: 1 }), 'network description.version: wanted one of 2, found 1'],
    [
      'a missing type',
      (found) => ({ ...found, inputs: [{ name: 'x', shape: [1] }] }),
      'network description.inputs[0].type: ',
    ],
    [
      'an unknown type',
      (found) => ({ ...found, inputs: [{ name: 'x', shape: [1], type: 'int4' }] }),
      "network description.inputs[0].type: wanted one of 'float32', 'float64', found 'int4'",
    ],
    [
      'a scale',
      (found) => ({ ...found, inputs: [{ name: 'x', shape: [1], type: { ...int8, scale: 0 } }] }),
      'network description.inputs[0].type.scale: wanted a number above 0, found 0',
    ],
    [
      'attributes of quantize',
      (found) => ({ ...found, nodes: [{ ...found.nodes[0], attributes: { axis: 1 } }] }),
      "network description.nodes[0] 'q' ('quantize')",
    ],
    [
      'types that do not fit',
      (found) => ({ ...found, nodes: [{ ...found.nodes[0], type: 'float32' }], outputs: ['q'] }),
      "small: 'q' (quantize) gives float32, wanted int8 or uint8",
    ],
  ])('%s', (_, spoil, message) => {
    expect(() => quantizedFromJson(spoil(json()))).toThrow(message);
  });
});
