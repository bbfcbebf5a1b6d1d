/** Quantised .onnx files keep their integers. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { FormatError } from '../../../src/errors.js';
import { importOnnx, writeOnnx } from '../../../src/formats/onnx.js';
import { readQuantizedNetwork } from '../../../src/formats/read.js';
import { importQuantizedTflite } from '../../../src/formats/tflite/read.js';
import { assumptionsOf } from '../../../src/network/conventions.js';
import { run } from '../../../src/network/index.js';
import type { QuantizedNetwork } from '../../../src/network/quantized-network.js';
import { runQuantized } from '../../../src/network/run-quantized.js';
import { layerSuite, mobilenetSuite } from '../../../src/oracle/index.js';
import { type QuantizedProblem, quantizedProblems } from '../../../src/oracle/integers/quantized-problems.js';
import { type QuantizedTensor, tensor } from '../../../src/tensor.js';
import { dataPath, noData } from '../../data.js';
import { traceQuantized } from '../../network/trace-quantized.js';
import { type ConstantSpec, float, int8, int32, int64, type NodeSpec, onnxFile, uint8 } from './builder.js';

const reread = async (network: QuantizedNetwork, pictures: 'nhwc' | 'nchw' = 'nhwc') =>
  readQuantizedNetwork(await writeOnnx(network, { pictures }), { fileName: `${network.name}.onnx` });

describe('a quantised network that is written and read again', () => {
  const same = async ({ network, inputs }: QuantizedProblem) => {
    const again = await reread(network);
    const [ours, theirs] = [network, again].map((each) => traceQuantized(each, inputs));
    // Quantize and dequantize may have none of their own.
    const numbers = (name: string, { data, type } = theirs.get(name) as QuantizedTensor) => ({
      name,
      data,
      type: JSON.stringify(type),
    });
    for (const { name } of network.nodes)
      expect(numbers(name)).toEqual(numbers(name, ours.get(name) as QuantizedTensor));
    expect(again.outputs).toEqual(network.outputs);
  };

  test.each(['int8', 'uint8'] as const)('%s: every layer gives the same integers', async (type) => {
    const problems = [...layerSuite(7)].filter((_, index) => index % 5 === 0);
    const quantized = [...quantizedProblems(problems, type)];
    expect(quantized.length).toBeGreaterThan(20);
    for (const problem of quantized) await same(problem);
  });

  test.each(['int8', 'uint8'] as const)('%s: MobileNet V1 and V2', async (type) => {
    const problems = [...mobilenetSuite(8)].filter(({ name }) => /_32_keras/.test(name));
    expect(problems).toHaveLength(2);
    for (const problem of quantizedProblems(problems, type)) await same(problem);
  });
});

describe.skipIf(noData)('files of users (needs DEPTHWISE_DATA)', () => {
  test.each(['vww_96_int8', 'mobilenet_v1_0.25_128_quant', 'mobile_object_localizer_v1_192_quant'])(
    '%s.tflite through .onnx: the same types and numbers of all weights',
    async (name) => {
      const bytes = new Uint8Array(readFileSync(dataPath('models', `${name}.tflite`)));
      const { network } = await importQuantizedTflite(bytes, `${name}.tflite`);
      const again = await reread(network, 'nchw');
      const layers = ({ nodes }: QuantizedNetwork) =>
        nodes
          .filter(({ kind }) => kind !== 'quantize')
          // ONNX has one operator for both.
          .map(({ name, kind, type }) => ({ name, kind: kind === 'flatten' ? 'reshape' : kind, type }));
      expect(layers(again)).toEqual(layers(network));
      for (const [weight, x] of network.weights)
        expect({ weight, ...again.weights.get(weight) }).toEqual({ weight, ...x });
    },
  );
});

const grids = { s: float(0.5), z: uint8([], 100), t: float(0.25), u: uint8([], 60) };
const kernel = {
  w: int8([2, 2, 1, 1], 1, 2, -2, 4),
  ws: float(0.5, 0.25),
  wz: int8([2], 0, 0),
  b: int32(4, -8),
  bs: float(0.25, 0.125),
};
const quantize = (from: string, to: string, [s, z]: string[] = ['s', 'z']): NodeSpec => ({
  op: 'QuantizeLinear',
  inputs: [from, s, z],
  outputs: [to],
});
const dequantize = (from: string, to: string, parameters: string[] = ['s', 'z'], axis?: number): NodeSpec => ({
  op: 'DequantizeLinear',
  inputs: [from, ...parameters],
  outputs: [to],
  ...(axis !== undefined && { attributes: { axis } }),
});

/** A 1 × 1 convolution between QuantizeLinear and DequantizeLinear, with `inside` in place of the convolution. */
const convolution = (
  constants: Record<string, ConstantSpec> = {},
  inside: readonly NodeSpec[] = [{ op: 'Conv', inputs: ['xd', 'wd', 'bd'], outputs: ['c'] }],
) =>
  onnxFile({
    inputs: { x: [1, 2, 1, 1] },
    outputs: ['y'],
    constants: { ...grids, ...kernel, ...constants },
    nodes: [
      quantize('x', 'xq'),
      dequantize('xq', 'xd'),
      dequantize('w', 'wd', ['ws', 'wz'], 0),
      dequantize('b', 'bd', ['bs'], 0),
      ...inside,
      quantize('c', 'cq', ['t', 'u']),
      dequantize('cq', 'y', ['t', 'u']),
    ],
  });

const typedOf = (bytes: Uint8Array) => readQuantizedNetwork(bytes, { fileName: 'q.onnx' });
const answer = async (bytes: Uint8Array, ...x: number[]) => {
  const network = await typedOf(bytes);
  return [...runQuantized(network, tensor([1, 1, 1, 2], x)).values()][0];
};

describe("onnxruntime's quantiser", () => {
  // 0.5 · 1 + 1 · −3 + 1 = −1.5 and −0.5 · 1 + 1 · −3 − 1 = −4.5, in steps of 0.25 about 60 and 128 lower
  const wanted = [-6 + 60 - 128, -18 + 60 - 128];

  test('bytes of uint8 before kernels of int8 become int8, 128 lower', async () => {
    const network = await typedOf(convolution());
    expect(network.inputs).toEqual([
      { name: 'x', shape: [1, 1, 1, 2], type: { type: 'int8', scale: 0.5, zeroPoint: -28 } },
    ]);
    expect(network.nodes).toEqual([
      {
        name: 'y',
        kind: 'pointwiseConv2d',
        inputs: ['x'],
        attributes: { filters: 2, bias: true },
        type: { type: 'int8', scale: 0.25, zeroPoint: -68 },
      },
    ]);
    expect(network.weights.get('y/kernel')).toEqual({
      shape: [2, 2],
      data: Int8Array.of(1, -2, 2, 4),
      type: { type: 'int8', scales: [0.5, 0.25], axis: 1 },
    });
    expect(network.weights.get('y/bias')).toEqual({
      shape: [2],
      data: Int32Array.of(4, -8),
      type: { type: 'int32', scales: [0.25, 0.125], axis: 0 },
    });
    expect([...(await answer(convolution(), 1, -3)).data]).toEqual(wanted);
  });

  test('read as real numbers, it knows its integers', async () => {
    const { network, tensors, rounding } = await importOnnx(convolution(), { fileName: 'q.onnx' });
    expect(run(network, tensor([1, 1, 1, 2], [1, -3])).get('y')!.data).toEqual(Float32Array.of(-1.5, -4.5));
    expect(tensors.get('cq')).toEqual({ node: 'y', shape: [1, 2, 1, 1], order: [0, 2, 3, 1] });
    expect(rounding).toBeUndefined();
    expect(assumptionsOf(network.conventions)).toEqual([]);
  });

  test('QLinearConv is the same', async () => {
    const inputs = ['xq', 's', 'z', 'w', 'ws', 'wz', 't', 'u', 'b'];
    const nodes = [
      quantize('x', 'xq'),
      { op: 'QLinearConv', inputs, outputs: ['yq'] },
      dequantize('yq', 'y', ['t', 'u']),
    ];
    const constants = { ...grids, ...kernel };
    const bytes = onnxFile({ inputs: { x: [1, 2, 1, 1] }, outputs: ['y'], constants, nodes });
    expect([...(await answer(bytes, 1, -3)).data]).toEqual(wanted);
  });

  test('kernels of uint8 stay, with their zero point', async () => {
    const bytes = convolution({
      w: uint8([2, 2, 1, 1], 101, 102, 98, 104),
      ws: float(0.5),
      wz: uint8([], 100),
      bs: float(0.25),
    });
    // 0.5 · (1 · 1 + 2 · −3) + 1 = −1.5, 0.5 · (−2 − 12) − 2 = −9
    expect(await answer(bytes, 1, -3)).toEqual({
      shape: [1, 1, 1, 2],
      data: Uint8Array.of(54, 24),
      type: { type: 'uint8', scale: 0.25, zeroPoint: 60 },
    });
  });

  test('a bias of real numbers becomes the nearest multiple of the products’ unit', async () => {
    const bytes = convolution({ r: float(1.01, -1) }, [{ op: 'Conv', inputs: ['xd', 'wd', 'r'], outputs: ['c'] }]);
    expect((await typedOf(bytes)).weights.get('y/bias')!.data).toEqual(Int32Array.of(4, -8));
  });

  test('an activation before QuantizeLinear', async () => {
    const inside = [
      { op: 'Conv', inputs: ['xd', 'wd', 'bd'], outputs: ['sum'] },
      { op: 'Relu', inputs: ['sum'], outputs: ['c'] },
    ];
    const { nodes } = await typedOf(convolution({}, inside));
    expect(nodes.map(({ name, kind, type }) => [name, kind, type])).toEqual([
      ['sum', 'pointwiseConv2d', { type: 'int8', scale: 0.25, zeroPoint: -68 }],
      ['y', 'relu', { type: 'int8', scale: 0.25, zeroPoint: -68 }],
    ]);
    expect([...(await answer(convolution({}, inside), 1, -3)).data]).toEqual([-68, -68]);
  });
});

describe('what no layer of integers computes', () => {
  test('is computed between dequantize and quantize, as the file says', async () => {
    const inside = [
      { op: 'Conv', inputs: ['xd', 'wd', 'bd'], outputs: ['sum'] },
      quantize('sum', 'sq', ['t', 'u']),
      dequantize('sq', 'sd', ['t', 'u']),
      { op: 'Sigmoid', inputs: ['sd'], outputs: ['c'] },
    ];
    const { nodes } = await typedOf(convolution({}, inside));
    expect(nodes.map(({ kind, type }) => [kind, typeof type === 'string' ? type : type.type])).toEqual([
      ['pointwiseConv2d', 'int8'],
      ['dequantize', 'float32'],
      ['sigmoid', 'float32'],
      ['quantize', 'int8'],
    ]);
    // sigmoid(−1.5) = 0.182 and sigmoid(−4.5) = 0.011, in steps of 0.25
    expect([...(await answer(convolution({}, inside), 1, -3)).data]).toEqual([1 + 60 - 128, 60 - 128]);
  });

  const reasons: [what: string, bytes: Uint8Array, reason: string][] = [
    [
      'zero points for each output',
      convolution({ wz: int8([2], 0, 1) }),
      "'c' (pointwiseConv2d) has a kernel of integers that are no multiples of its scales, or with zero points for each output",
    ],
    [
      'a kernel of real numbers',
      convolution({ r: { shape: [2, 2, 1, 1], data: Float32Array.of(1, 2, 3, 4) } }, [
        { op: 'Conv', inputs: ['xd', 'r'], outputs: ['c'] },
      ]),
      "'c' (pointwiseConv2d) has a kernel of real numbers",
    ],
    [
      'a result of real numbers',
      convolution({}, [
        { op: 'Conv', inputs: ['xd', 'wd', 'bd'], outputs: ['sum'] },
        { op: 'Sigmoid', inputs: ['sum'], outputs: ['c'] },
      ]),
      "'sum' (pointwiseConv2d) gives real numbers",
    ],
    [
      'bytes that nothing quantises',
      convolution({}, [{ op: 'Conv', inputs: ['x', 'wd', 'bd'], outputs: ['c'] }]),
      "'c' (pointwiseConv2d) reads real numbers",
    ],
    [
      'a bias that int32 does not hold',
      convolution({ r: float(1e9, 0) }, [{ op: 'Conv', inputs: ['xd', 'wd', 'r'], outputs: ['c'] }]),
      "'c' (pointwiseConv2d) has a bias that is too large for int32",
    ],
  ];
  test.each(reasons)('%s: real numbers, and the reason', async (_, bytes, reason) => {
    const { network, integers } = await importOnnx(bytes, { fileName: 'q.onnx' });
    expect(integers).toBeUndefined();
    expect(assumptionsOf(network.conventions)).toEqual([`real numbers for its integers: ${reason}`]);
    await expect(typedOf(bytes)).rejects.toThrow(
      new FormatError('q.onnx: holds real numbers, wanted a network of 8-bit integers; readNetwork reads it'),
    );
  });

  test('scales that depend on the picture', async () => {
    const bytes = onnxFile({
      inputs: { x: [1, 2] },
      outputs: ['y'],
      constants: { w: int8([2, 1], 1, 2) },
      nodes: [
        { op: 'DynamicQuantizeLinear', inputs: ['x'], outputs: ['q', 's', 'z'] },
        { op: 'MatMulInteger', inputs: ['q', 'w', 'z'], outputs: ['y'] },
      ],
    });
    const { network } = await importOnnx(bytes, { fileName: 'q.onnx' });
    expect(assumptionsOf(network.conventions)).toEqual([
      "real numbers for its integers: node 0 (DynamicQuantizeLinear, for 'q') rounds, and no layer counts in integers",
    ]);
  });
});

describe('integers that files take and yield', () => {
  const file = (type: 'UINT8' | 'INT8', nodes: NodeSpec[], constants: Record<string, ConstantSpec>) =>
    onnxFile({
      inputs: { x: [1, 3, 1, 1] },
      types: { x: type },
      outputs: ['y'],
      constants,
      nodes: [...nodes, { op: 'GlobalAveragePool', inputs: ['p'], outputs: ['y'] }],
    });

  test.each([
    ['UINT8', uint8([], 100), 0.5, 50],
    ['INT8', int8([], -28), 0.5, 50],
  ] as const)('%s, which DequantizeLinear reads: pictures are prepared for it', async (type, z, scale, mean) => {
    const bytes = file(type, [dequantize('x', 'p')], {
      s: float(0.5),
      z,
    });
    const { network } = await importOnnx(bytes, { fileName: 'q.onnx' });
    expect(network.conventions).toMatchObject({
      scalesInput: true,
      preprocessing: { scale, mean: [mean, mean, mean], deviation: [1, 1, 1], assumed: ['crop', 'resize'] },
    });
  });

  test('bytes that are made real numbers and scaled', async () => {
    const cast = { op: 'Cast', inputs: ['x'], outputs: ['r'], attributes: { to: 1 } };
    const bytes = file('UINT8', [cast, { op: 'Div', inputs: ['r', 'd'], outputs: ['p'] }], { d: float(255) });
    const { network } = await importOnnx(bytes, { fileName: 'q.onnx' });
    expect(network.conventions).toMatchObject({
      scalesInput: true,
      preprocessing: { crop: { kind: 'stretch' }, scale: 1, mean: [0, 0, 0], deviation: [1, 1, 1] },
    });
    expect(run(network, tensor([1, 1, 1, 3], [0, 51, 255])).get('y')!.data).toEqual(Float32Array.of(0, 0.2, 1));
  });

  test('real numbers that the first operators scale', async () => {
    const nodes = [
      { op: 'Sub', inputs: ['x', 'm'], outputs: ['r'] },
      { op: 'Div', inputs: ['r', 'd'], outputs: ['y'] },
    ];
    const shape = [3, 1, 1];
    const constants = {
      m: { shape, data: Float32Array.of(0.485, 0.456, 0.406) },
      d: { shape, data: Float32Array.of(0.229, 0.224, 0.225) },
    };
    const bytes = onnxFile({
      inputs: { x: [1, 3, 2, 2] },
      outputs: ['y'],
      constants,
      nodes: [...nodes, { op: 'GlobalAveragePool', inputs: ['y'], outputs: ['p'] }],
    });
    const { network } = await importOnnx(bytes, { fileName: 'q.onnx', outputs: ['p'] });
    expect(network.conventions.preprocessing).toMatchObject({ scale: 1 / 255, mean: [0, 0, 0], deviation: [1, 1, 1] });
  });

  test.each([
    [
      'arithmetic of bytes',
      file('UINT8', [{ op: 'Add', inputs: ['x', 'z'], outputs: ['p'] }], { z: uint8([], 1) }),
      "q.onnx: node 0 (Add, for 'p'): computes with the integers 'x'; wanted Cast or DequantizeLinear before it",
    ],
    [
      'read by other parameters than they were made with',
      onnxFile({
        inputs: { x: [1, 2] },
        outputs: ['y'],
        constants: grids,
        nodes: [quantize('x', 'q'), dequantize('q', 'y', ['t', 'u'])],
      }),
      "q.onnx: node 1 (DequantizeLinear, for 'y'): reads integers of UINT8 (0.5, 100) as those of UINT8 (0.25, 60)",
    ],
    [
      'joined, of several grids',
      onnxFile({
        inputs: { x: [1, 2] },
        outputs: ['y'],
        constants: grids,
        nodes: [
          quantize('x', 'a'),
          quantize('x', 'b', ['t', 'u']),
          { op: 'Concat', inputs: ['a', 'b'], outputs: ['q'], attributes: { axis: 1 } },
          dequantize('q', 'y'),
        ],
      }),
      "q.onnx: node 2 (Concat, for 'q'): joins integers of UINT8 (0.5, 100) and of UINT8 (0.25, 60)",
    ],
  ])('refused: %s', async (_, bytes, message) => {
    await expect(importOnnx(bytes, { fileName: 'q.onnx' })).rejects.toThrow(new FormatError(message));
  });
});

/** Such as onnxruntime's optimised files have: integers between their QuantizeLinear and DequantizeLinear go through operators that compute nothing. */
test.each<[op: string, attributes: NodeSpec['attributes'], more?: readonly string[]]>([
  ['MaxPool', { kernel_shape: [1, 2] }],
  ['GlobalMaxPool', {}],
  ['Identity', {}],
  ['Flatten', { axis: 1 }],
  ['Reshape', {}, ['sizes']],
  ['Unsqueeze', {}, ['axes']],
  ['Slice', {}, ['from', 'to', 'axes']],
  ['Concat', { axis: 1 }, ['x']],
  ['Split', { axis: 1 }],
])('%s gives integers on', async (op, attributes = {}, more = []) => {
  const constants = { ...grids, sizes: int64(1, 8), axes: int64(1), from: int64(1), to: int64(2) };
  const inside = (from: string, to: string): NodeSpec => ({
    op,
    inputs: [from, ...more.map((name) => (name === 'x' ? from : name))],
    outputs: [to],
    attributes,
  });
  const relu: NodeSpec = { op: 'Relu', inputs: ['d'], outputs: ['y'] };
  const file = (...nodes: NodeSpec[]) => onnxFile({ inputs: { x: [1, 2, 1, 4] }, outputs: ['y'], constants, nodes });
  const quantized = file(quantize('x', 'q'), inside('q', 'r'), dequantize('r', 'd'), relu);
  const plain = file(inside('x', 'd'), relu);
  const answer = async (bytes: Uint8Array) => {
    const { network } = await importOnnx(bytes);
    // halves from −10 to 12, which lie on the grid of uint8
    return run(network, tensor(network.inputs[0].shape, [-10, 12, 3.5, 0, -0.5, 7, 11, 2])).get('y')!;
  };
  const [found, wanted] = [await answer(quantized), await answer(plain)];
  expect(found.shape).toEqual(wanted.shape);
  expect([...found.data]).toEqual([...wanted.data]);
});
