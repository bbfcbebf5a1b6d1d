/** Types of quantised networks, checked like shapes: what fits, and the error for each thing that does not. */
import { describe, expect, test } from 'vitest';
import type { QuantizedNetwork, QuantizedNode } from '../../src/network/quantized-network.js';
import { inferTypes, withQuantizedWeights } from '../../src/network/quantized-types.js';
import type { AnyTensor, PerChannelType, QuantizedType, TensorType } from '../../src/tensor.js';

const int8 = (scale: number, zeroPoint: number): QuantizedType => ({ type: 'int8', scale, zeroPoint });
const uint8 = (scale: number, zeroPoint: number): QuantizedType => ({ type: 'uint8', scale, zeroPoint });
const int32 = (scale: number, zeroPoint = 0): QuantizedType => ({ type: 'int32', scale, zeroPoint });

const conventions = { source: 'tflite', output: 'features' } as const;

function network(
  type: TensorType,
  nodes: readonly QuantizedNode[],
  weights = new Map<string, AnyTensor>(),
): QuantizedNetwork {
  const inputs = [{ name: 'x', shape: [1, 2, 2, 3], type }];
  return { name: 'tiny', inputs, nodes, outputs: [nodes[nodes.length - 1].name], weights, conventions };
}

const kernelOf = (type: QuantizedType | PerChannelType): AnyTensor => ({
  shape: [3, 2],
  data: type.type === 'uint8' ? new Uint8Array(6) : type.type === 'int8' ? new Int8Array(6) : new Int32Array(6),
  type,
});
const biasOf = (type: QuantizedType | PerChannelType): AnyTensor => ({ shape: [2], data: new Int32Array(2), type });

const pointwise = (type: TensorType, bias = true): QuantizedNode => ({
  name: 'p',
  kind: 'pointwiseConv2d',
  inputs: ['x'],
  attributes: { filters: 2, bias },
  type,
});
const weights = (kernel: AnyTensor, bias?: AnyTensor) =>
  new Map<string, AnyTensor>([['p/kernel', kernel], ...(bias ? [['p/bias', bias] as const] : [])]);

const node = (kind: QuantizedNode['kind'], type: TensorType, inputs = ['x'], attributes: object = {}): QuantizedNode =>
  ({ name: 'y', kind, inputs, attributes, type }) as QuantizedNode;

const pool = { poolSize: [2, 2], strides: [2, 2], padding: 'valid', includePadding: false };

describe('types that fit', () => {
  test('each tensor has the type that its input or node states', () => {
    const stated = network(
      'float32',
      [
        { ...node('quantize', int8(0.5, 3)), name: 'q' },
        { ...pointwise(int8(0.25, -128)), inputs: ['q'] },
        { ...node('relu6', int8(0.25, -128), ['p']), name: 'r' },
        { ...node('dequantize', 'float32', ['r']), name: 'd' },
      ],
      weights(
        kernelOf({ type: 'int8', scales: [0.1, 0.2], axis: 1 }),
        biasOf({ type: 'int32', scales: [0.05, 0.1], axis: 0 }),
      ),
    );
    expect([...inferTypes(stated)]).toEqual([
      ['x', 'float32'],
      ['q', int8(0.5, 3)],
      ['p', int8(0.25, -128)],
      ['r', int8(0.25, -128)],
      ['d', 'float32'],
    ]);
  });

  test('uint8 joins tensors of other scales; indices are int32 and may be reshaped', () => {
    const joined = network(uint8(1, 0), [
      { ...node('relu', uint8(0.5, 0)), name: 'r' },
      node('concat', uint8(1, 2), ['x', 'r'], { axis: -1 }),
      { ...node('argMax', int32(1), ['y']), name: 'a' },
      { ...node('reshape', int32(1), ['a'], { shape: [2, 2] }), name: 'b' },
    ]);
    expect(inferTypes(joined).get('b')).toEqual(int32(1));
  });

  test('a bias may count in almost the unit of the products: 2 % of a step of the result', () => {
    const fits = (scale: number) =>
      withQuantizedWeights(
        network(uint8(0.5, 3), [pointwise(uint8(1, 0))]),
        weights(kernelOf(uint8(0.1, 120)), biasOf(int32(scale))),
      );
    expect(() => fits(0.0699)).not.toThrow();
    expect(() => fits(0.0701)).toThrow(
      "'p' (pointwiseConv2d) has a bias that counts in 0.0701, wanted input scale · kernel scale = 0.05",
    );
  });
});

describe('types that do not fit, by the name of the node', () => {
  test.each<[string, QuantizedNetwork, string]>([
    [
      'scale',
      network(int8(0, 0), [node('relu', int8(1, 0))]),
      "the type of 'x' has the scale 0, wanted a number above 0",
    ],
    [
      'zero point',
      network(uint8(1, -1), [node('relu', uint8(1, 0))]),
      "the type of 'x' has the zero point -1, wanted a whole number from 0 to 255",
    ],
    [
      'zero point of a node',
      network(int8(1, 0), [node('relu', int8(1, 0.5))]),
      "the type of 'y' has the zero point 0.5, wanted a whole number from -128 to 127",
    ],
    [
      'quantize',
      network('float32', [node('quantize', 'float32')]),
      "'y' (quantize) gives float32, wanted int8 or uint8",
    ],
    [
      'dequantize',
      network(int8(1, 0), [node('dequantize', int8(1, 0))]),
      "'y' (dequantize) gives int8 (1, 0), wanted float32",
    ],
    [
      'dequantize',
      network('float32', [node('dequantize', 'float32')]),
      "'y' (dequantize) reads float32, wanted int8 or uint8",
    ],
    [
      'float of integers',
      network(int8(1, 0), [node('relu', 'float32')]),
      "'y' (relu) gives float32, but reads int8 (1, 0); 'dequantize' leads from one to the other",
    ],
    [
      'integers of float',
      network('float32', [node('relu', int8(1, 0))]),
      "'y' (relu) gives int8, but reads float32; 'quantize' leads from one to the other",
    ],
    [
      'uint8 of int8',
      network(int8(1, 0), [node('relu', uint8(1, 0))]),
      "'y' (relu) gives uint8, but reads int8 (1, 0); 'quantize' leads from one to the other",
    ],
    [
      'add',
      network('float32', [{ ...node('quantize', int8(1, 0)), name: 'q' }, node('add', int8(1, 0), ['x', 'q'])]),
      "'y' (add) gives int8, but reads float32, int8 (1, 0); 'quantize' leads from one to the other",
    ],
    [
      'concat',
      network(int8(1, 0), [node('concat', int8(1, 1), ['x', 'x'], { axis: -1 })]),
      "'y' (concat) gives int8 (1, 1), but reads int8 (1, 0), int8 (1, 0); wanted the same scale and zero point",
    ],
    [
      'pool',
      network(uint8(1, 0), [node('averagePool', uint8(0.5, 0), ['x'], pool)]),
      "'y' (averagePool) gives uint8 (0.5, 0), but reads uint8 (1, 0); wanted the same scale and zero point",
    ],
    [
      'softmax',
      network(int8(1, 0), [node('softmax', int8(1 / 256, 0))]),
      "'y' (softmax) gives int8 (0.00390625, 0), wanted int8 (0.00390625, -128)",
    ],
    [
      'argMax',
      network(int8(1, 0), [node('argMax', int8(1, 0))]),
      "'y' (argMax) gives int8 (1, 0), wanted indices of int32 (1, 0)",
    ],
    [
      'int32',
      network(int8(1, 0), [node('add', int32(1), ['x', 'x'])]),
      "'y' (add) gives int32 (1, 0), wanted int8 or uint8",
    ],
  ])('%s', (_, wrong, error) => {
    expect(() => inferTypes(wrong)).toThrow(`tiny: ${error}`);
  });

  const perChannel: PerChannelType = { type: 'int8', scales: [0.1, 0.2], axis: 1 };
  test.each<[string, AnyTensor, AnyTensor, string]>([
    [
      'real kernel',
      { shape: [3, 2], data: new Float32Array(6) },
      biasOf(int32(0.05)),
      'has a kernel of float32, wanted int8 as its input',
    ],
    [
      'uint8 kernel',
      kernelOf(uint8(0.1, 0)),
      biasOf(int32(0.05)),
      'has a kernel of uint8 (0.1, 0), wanted int8 as its input',
    ],
    [
      'axis',
      kernelOf({ ...perChannel, scales: [1, 1, 1, 1, 1, 1], axis: 0 }),
      biasOf(int32(0.05)),
      'has a kernel with scales from axis 0 on, wanted axis 1',
    ],
    [
      'scales',
      kernelOf({ ...perChannel, scales: [1] }),
      biasOf(int32(0.05)),
      "has a weight 'kernel' with 1 scales for the axes of [3,2] from 1 on, wanted 2",
    ],
    [
      'a scale of 0',
      kernelOf({ ...perChannel, scales: [1, 0] }),
      biasOf(int32(0.05)),
      "has a weight 'kernel' that has the scale 0, wanted a number above 0",
    ],
    [
      'real bias',
      kernelOf(perChannel),
      { shape: [2], data: new Float32Array(2) },
      'has a bias of float32, wanted int32',
    ],
    [
      'zero point of a bias',
      kernelOf(int8(0.1, 0)),
      biasOf(int32(0.05, 1)),
      'has a bias with the zero point 1, wanted 0',
    ],
    [
      'scales of a bias',
      kernelOf(int8(0.1, 0)),
      biasOf({ type: 'int32', scales: [0.05, 0.05], axis: 0 }),
      'has a bias with 2 scales and a kernel with 1',
    ],
    [
      'array',
      { ...kernelOf(int8(0.1, 0)), data: new Uint8Array(6) } as AnyTensor,
      biasOf(int32(0.05)),
      "has a weight 'kernel' of [3,2] int8 with 6 numbers in an Uint8Array, wanted 6 in an Int8Array",
    ],
  ])('weights: %s', (_, kernel, bias, error) => {
    const described = network(int8(0.5, 3), [pointwise(int8(1, 0))]);
    expect(() => withQuantizedWeights(described, weights(kernel, bias))).toThrow(
      `tiny: 'p' (pointwiseConv2d) ${error}`,
    );
  });

  test('integers as weights of real numbers', () => {
    const described = network('float32', [pointwise('float32', false)]);
    expect(() => withQuantizedWeights(described, weights(kernelOf(int8(1, 0))))).toThrow(
      "tiny: 'p' (pointwiseConv2d) has the weight 'kernel' of int8 (1, 0), wanted real numbers",
    );
  });

  test('missing weights, wrong shapes and unknown inputs are the errors of every network', () => {
    const described = network(int8(0.5, 3), [pointwise(int8(1, 0))]);
    expect(() => withQuantizedWeights(described, weights(kernelOf(perChannel)))).toThrow('missing: p/bias [2]');
    expect(() => inferTypes(network(int8(1, 0), [node('quantize', int8(1, 0), ['z'])]))).toThrow(
      "y: its input 'z' is not a node before it",
    );
  });
});
