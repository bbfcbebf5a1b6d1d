/**
 * Operators that stand for several: quantised ones and those of onnxruntime's optimised models, as real numbers. Scales and numbers are chosen
 * such that nothing is rounded, so that integers give the same; the answers are those of onnxruntime-node 1.30.
 */
import { describe, expect, test } from 'vitest';
import { FormatError } from '../../../src/errors.js';
import { importOnnx } from '../../../src/formats/onnx.js';
import { readNetwork } from '../../../src/formats/read.js';
import { transposed } from '../../../src/formats/strided.js';
import { run } from '../../../src/network/index.js';
import { tensor } from '../../../src/tensor.js';
import { type ConstantSpec, float, int8, int32, type NodeSpec, onnxFile, uint8 } from './builder.js';

const grid = { s: float(0.5), z: uint8([], 100), t: float(0.25), u: uint8([], 60) };
const QUANTIZE: NodeSpec = { op: 'QuantizeLinear', inputs: ['x', 's', 'z'], outputs: ['q'] };
const DEQUANTIZE: NodeSpec = { op: 'DequantizeLinear', inputs: ['r', 't', 'u'], outputs: ['y'] };

/** From x of real numbers to y, by one operator on integers: q of s and z to r of t and u. */
const between = (
  op: string,
  inputs: string[],
  constants: Record<string, ConstantSpec> = {},
  attributes: NodeSpec['attributes'] = {},
) => ({
  nodes: [QUANTIZE, { op, inputs, outputs: ['r'], attributes }, DEQUANTIZE],
  constants: { ...grid, ...constants },
});

/** Two pixels beside each other of two channels: [1, 2, 1, 2] in the file. */
const picture = { shape: [1, 2, 1, 2], data: [1, 2, -3, 4.5] };
const row = { shape: [1, 4], data: [1, 2, -3, 4.5] };
const kernel = {
  w: int8([2, 2, 1, 1], 1, 2, -2, 4),
  ws: float(0.5, 0.25),
  wz: int8([2], 0, 0),
  b: int32(4, -8),
};
const matrix = { w: uint8([4, 2], 11, 10, 12, 9, 10, 11, 9, 13), ws: float(0.5), wz: uint8([], 10), b: int32(4, -8) };

type Case = [
  name: string,
  x: { shape: number[]; data: number[] },
  file: Omit<Parameters<typeof onnxFile>[0], 'inputs' | 'outputs'>,
  wanted: number[],
];

const cases: Case[] = [
  [
    'QLinearConv',
    picture,
    between('QLinearConv', ['q', 's', 'z', 'w', 'ws', 'wz', 't', 'u', 'b'], kernel),
    [-1.5, 6.5, -4.5, 2.5],
  ],
  [
    'QLinearConv, one scale',
    picture,
    between(
      'QLinearConv',
      ['q', 's', 'z', 'w', 'ws', 'wz', 't', 'u'],
      { ...kernel, ws: float(0.5), wz: int8([], 1) },
      { kernel_shape: [1, 1] },
    ),
    [-1.5, 2.25, -6, 3.75],
  ],
  ['QLinearMatMul', row, between('QLinearMatMul', ['q', 's', 'z', 'w', 'ws', 'wz', 't', 'u'], matrix), [0.25, 4.25]],
  [
    'QLinearMatMul, by column',
    row,
    between('QLinearMatMul', ['q', 's', 'z', 'w', 'ws', 'wz', 't', 'u'], {
      w: int8([4, 2], 1, 0, 2, -1, 0, 1, -1, 3),
      ws: float(0.5, 1),
      wz: int8([2], 0, 0),
    }),
    [0.25, 8.5],
  ],
  ['QLinearAdd', picture, between('com.microsoft.QLinearAdd', ['q', 's', 'z', 'q', 's', 'z', 't', 'u']), [2, 4, -6, 9]],
  [
    'QLinearMul',
    picture,
    between('com.microsoft.QLinearMul', ['q', 's', 'z', 'w', 'ws', 'wz', 't', 'u'], {
      w: uint8([], 14),
      ws: float(0.5),
      wz: uint8([], 10),
    }),
    [2, 4, -6, 9],
  ],
  [
    'QLinearLeakyRelu',
    picture,
    between('com.microsoft.QLinearLeakyRelu', ['q', 's', 'z', 't', 'u'], {}, { alpha: { float: 0.5 } }),
    [1, 2, -1.5, 4.5],
  ],
  [
    'QLinearSigmoid',
    { shape: [1, 1, 1, 1], data: [0] },
    between('com.microsoft.QLinearSigmoid', ['q', 's', 'z', 't', 'u']),
    [0.5],
  ],
  [
    'QLinearGlobalAveragePool',
    picture,
    between('com.microsoft.QLinearGlobalAveragePool', ['q', 's', 'z', 't', 'u'], {}, { channels_last: 0 }),
    [1.5, 0.75],
  ],
  [
    'QLinearAveragePool',
    picture,
    between('com.microsoft.QLinearAveragePool', ['q', 's', 'z', 't', 'u'], {}, { kernel_shape: [1, 2] }),
    [1.5, 0.75],
  ],
  [
    'QLinearConcat',
    picture,
    between('com.microsoft.QLinearConcat', ['t', 'u', 'q', 's', 'z', 'q', 's', 'z'], {}, { axis: 1 }),
    [1, 2, -3, 4.5, 1, 2, -3, 4.5],
  ],
  [
    'QLinearSoftmax',
    { shape: [1, 4], data: [2, 2, 2, 2] },
    between('com.microsoft.QLinearSoftmax', ['q', 's', 'z', 't', 'u'], {}, { axis: 1, opset: 13 }),
    [0.25, 0.25, 0.25, 0.25],
  ],
  ['QGemm', row, between('com.microsoft.QGemm', ['q', 's', 'z', 'w', 'ws', 'wz', 'b', 't', 'u'], matrix), [1.25, 2.25]],
  [
    'QGemm, transposed, to real numbers',
    row,
    {
      nodes: [
        QUANTIZE,
        {
          op: 'com.microsoft.QGemm',
          inputs: ['q', 's', 'z', 'w', 'ws', 'wz'],
          outputs: ['y'],
          attributes: { transB: 1 },
        },
      ],
      constants: { ...grid, w: int8([2, 4], 1, 2, 0, -1, 0, -1, 1, 3), ws: float(0.5, 1), wz: int8([2], 0, 0) },
    },
    [0.25, 8.5],
  ],
  [
    "Microsoft's QuantizeLinear",
    picture,
    {
      nodes: [
        { ...QUANTIZE, op: 'com.microsoft.QuantizeLinear' },
        { ...DEQUANTIZE, op: 'com.microsoft.DequantizeLinear', inputs: ['q', 's', 'z'] },
      ],
      constants: grid,
    },
    [1, 2, -3, 4.5],
  ],
  [
    'DynamicQuantizeLinear, MatMulInteger',
    { shape: [1, 4], data: [0, 255, 1, 2] },
    {
      nodes: [
        { op: 'DynamicQuantizeLinear', inputs: ['x'], outputs: ['q', 'qs', 'qz'] },
        { op: 'MatMulInteger', inputs: ['q', 'w', 'qz', 'wz'], outputs: ['i'] },
        { op: 'Cast', inputs: ['i'], outputs: ['f'], attributes: { to: 1 } },
        { op: 'Mul', inputs: ['qs', 'ws'], outputs: ['m'] },
        { op: 'Mul', inputs: ['f', 'm'], outputs: ['y'] },
      ],
      constants: matrix,
    },
    [254, -124],
  ],
  [
    'MatMulInteger, a zero point for each column',
    { shape: [1, 4], data: [0, 255, 1, 2] },
    {
      nodes: [
        { op: 'DynamicQuantizeLinear', inputs: ['x'], outputs: ['q', 'qs', 'qz'] },
        { op: 'MatMulInteger', inputs: ['q', 'w', 'qz', 'zeros'], outputs: ['i'] },
        { op: 'Cast', inputs: ['i'], outputs: ['f'], attributes: { to: 1 } },
        { op: 'Mul', inputs: ['f', 'qs'], outputs: ['y'] },
      ],
      constants: { ...matrix, zeros: uint8([2], 10, 9) },
    },
    // 255 · (12 − 10) − 0 · 1 − 1 · 2; 255 · (9 − 9) + 1 · 2 + 2 · 4
    [508, 10],
  ],
  [
    'ConvInteger',
    { shape: [1, 2, 1, 2], data: [0, 255, 1, 2] },
    {
      nodes: [
        { op: 'DynamicQuantizeLinear', inputs: ['x'], outputs: ['q', 'qs', 'qz'] },
        { op: 'ConvInteger', inputs: ['q', 'w', 'qz', 'wz'], outputs: ['i'], attributes: { kernel_shape: [1, 1] } },
        { op: 'Cast', inputs: ['i'], outputs: ['f'], attributes: { to: 1 } },
        { op: 'Mul', inputs: ['f', 'qs'], outputs: ['y'] },
      ],
      constants: { w: uint8([2, 2, 1, 1], 11, 12, 9, 13), wz: uint8([], 10) },
    },
    [2, 259, 3, -249],
  ],
  [
    'DynamicQuantizeMatMul',
    { shape: [1, 4], data: [0, 255, 1, 2] },
    {
      nodes: [{ op: 'com.microsoft.DynamicQuantizeMatMul', inputs: ['x', 'w', 'ws', 'wz', 'c'], outputs: ['y'] }],
      constants: { ...matrix, c: float(1, -1) },
    },
    [255, -125],
  ],
  [
    'MatMulIntegerToFloat',
    { shape: [1, 4], data: [0, 255, 1, 2] },
    {
      nodes: [
        { op: 'DynamicQuantizeLinear', inputs: ['x'], outputs: ['q', 'qs', 'qz'] },
        { op: 'com.microsoft.MatMulIntegerToFloat', inputs: ['q', 'w', 'qs', 'ws', 'qz', 'wz'], outputs: ['y'] },
      ],
      constants: matrix,
    },
    [254, -124],
  ],
  [
    'FusedConv',
    picture,
    {
      nodes: [
        {
          op: 'com.microsoft.FusedConv',
          inputs: ['x', 'k', 'c'],
          outputs: ['y'],
          attributes: { activation: 'Clip', activation_params: { float: [0, 6] } },
        },
      ],
      constants: { k: { shape: [2, 2, 1, 1], data: Float32Array.of(1, 2, -1, 3) }, c: float(0.5, 1) },
    },
    [0, 6, 0, 6],
  ],
  [
    'FusedConv with a sum',
    picture,
    {
      nodes: [
        {
          op: 'com.microsoft.FusedConv',
          inputs: ['x', 'k', 'c', 'x'],
          outputs: ['y'],
          attributes: { activation: 'LeakyRelu', activation_params: { float: [0.5] } },
        },
      ],
      constants: { k: { shape: [2, 2, 1, 1], data: Float32Array.of(1, 2, -1, 3) }, c: float(0.5, 1) },
    },
    [-1.75, 13.5, -6, 17],
  ],
  [
    'GELU of Div, Erf, Add and Mul',
    { shape: [1, 4], data: [-3, -0.5, 0.5, 3] },
    {
      nodes: [
        { op: 'Div', inputs: ['x', 'root'], outputs: ['a'] },
        { op: 'Erf', inputs: ['a'], outputs: ['e'] },
        { op: 'Add', inputs: ['e', 'one'], outputs: ['p'] },
        { op: 'Mul', inputs: ['x', 'p'], outputs: ['d'] },
        { op: 'Mul', inputs: ['d', 'half'], outputs: ['y'] },
      ],
      constants: { root: float(Math.SQRT2), one: float(1), half: float(0.5) },
    },
    [-0.0040496886, -0.1542687714, 0.3457312286, 2.995950222],
  ],
  [
    'GELU, halved first',
    { shape: [1, 4], data: [-3, -0.5, 0.5, 3] },
    {
      nodes: [
        { op: 'Mul', inputs: ['x', 'half'], outputs: ['h'] },
        { op: 'Mul', inputs: ['x', 'root'], outputs: ['a'] },
        { op: 'Erf', inputs: ['a'], outputs: ['e'] },
        { op: 'Add', inputs: ['one', 'e'], outputs: ['p'] },
        { op: 'Mul', inputs: ['h', 'p'], outputs: ['y'] },
      ],
      constants: { root: float(Math.SQRT1_2), one: float(1), half: float(0.5) },
    },
    [-0.0040496886, -0.1542687714, 0.3457312286, 2.995950222],
  ],
];

test.each(cases)('%s', async (_, { shape, data }, file, wanted) => {
  const bytes = onnxFile({ opset: 17, ...file, inputs: { x: shape }, outputs: ['y'] });
  const { network, tensors } = await importOnnx(bytes, { fileName: 'f.onnx' });
  // Pictures are [batch, height, width, channels] here, and their numbers lie so.
  const ours = tensors.get('x')!.order!;
  const x = transposed(tensor(shape, data), ours);
  const y = run(network, x).get('y')!;
  const theirs = ours.map((_, axis) => ours.indexOf(axis)).slice(0, y.shape.length);
  const found = transposed(y, theirs);
  expect(found.data).toHaveLength(wanted.length);
  for (const [at, number] of wanted.entries()) expect(found.data[at]).toBeCloseTo(number, 6);
  const own = new Set(['x', ...file.nodes.flatMap(({ outputs }) => outputs)]);
  expect([...tensors.keys()].filter((name) => !own.has(name))).toEqual([]);
});

describe('what is refused', () => {
  const refused: [what: string, x: { shape: number[] }, file: Case[2], message: string][] = [
    [
      'pictures with their channels last',
      picture,
      between('QLinearConv', ['q', 's', 'z', 'w', 'ws', 'wz', 't', 'u'], kernel, { channels_last: 1 }),
      "f.onnx: node 1 (QLinearConv, for 'r'): attribute 'channels_last' is 1; wanted 0",
    ],
    [
      'the same of a pool',
      picture,
      between('com.microsoft.QLinearGlobalAveragePool', ['q', 's', 'z', 't', 'u'], {}, { channels_last: 1 }),
      "f.onnx: node 1 (com.microsoft.QLinearGlobalAveragePool, for 'r'): attribute 'channels_last' is 1; wanted 0",
    ],
    [
      'a missing input',
      picture,
      between('QLinearConv', ['q', 's'], kernel),
      "f.onnx: node 1 (QLinearConv, for 'r'): input 4 is missing",
    ],
    [
      'integers of another kind',
      row,
      {
        nodes: [QUANTIZE, { op: 'MatMulInteger', inputs: ['q', 'w'], outputs: ['y'] }],
        constants: { ...grid, ...matrix },
      },
      "f.onnx: node 1 (MatMulInteger, for 'y'): input 0, 'q', is not of DynamicQuantizeLinear",
    ],
    [
      'two rules of softmax',
      row,
      between('com.microsoft.QLinearSoftmax', ['q', 's', 'z', 't', 'u'], {}, { axis: 1, opset: 11 }),
      "f.onnx: node 1 (com.microsoft.QLinearSoftmax, for 'r'): attribute 'opset' is 11, and the file's operator set 17; wanted the same rule of both",
    ],
    [
      'half a concatenation',
      picture,
      between('com.microsoft.QLinearConcat', ['t', 'u', 'q', 's'], {}, { axis: 1 }),
      "f.onnx: node 1 (com.microsoft.QLinearConcat, for 'r'): has 4 inputs; wanted a scale, a zero point and threes",
    ],
    [
      'a factor',
      row,
      between('com.microsoft.QGemm', ['q', 's', 'z', 'w', 'ws', 'wz', 'b', 't', 'u'], matrix, {
        alpha: { float: 0.5 },
      }),
      "f.onnx: node 1 (com.microsoft.QGemm, for 'r'): attribute 'alpha' is 0.5; wanted 1",
    ],
    [
      'another activation',
      picture,
      {
        nodes: [
          { op: 'com.microsoft.FusedConv', inputs: ['x', 'w'], outputs: ['y'], attributes: { activation: 'Softplus' } },
        ],
        constants: kernel,
      },
      "f.onnx: node 0 (com.microsoft.FusedConv, for 'y'): attribute 'activation' is Softplus; wanted Relu, Sigmoid, Tanh, LeakyRelu, Clip, HardSigmoid",
    ],
    [
      'a bias of FastGelu',
      row,
      {
        nodes: [{ op: 'com.microsoft.FastGelu', inputs: ['x', 'c'], outputs: ['y'] }],
        constants: { c: float(1, 2, 3, 4) },
      },
      "f.onnx: node 0 (com.microsoft.FastGelu, for 'y'): has a bias",
    ],
  ];
  test.each(refused)('%s', async (_, { shape }, file, message) => {
    const bytes = onnxFile({ opset: 17, ...file, inputs: { x: shape }, outputs: [file.nodes.at(-1)!.outputs[0]] });
    await expect(readNetwork(bytes, { fileName: 'f.onnx' })).rejects.toThrow(new FormatError(message));
  });
});
