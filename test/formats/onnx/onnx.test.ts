/** What the reader says of the files that it does not read, what it makes of layouts, and the real networks. */
import { readFile } from 'node:fs/promises';
import { PbfWriter } from 'pbf';
import { describe, expect, test } from 'vitest';
import { FormatError, UsageError } from '../../../src/errors.js';
import { readNetwork, readTensors } from '../../../src/formats/index.js';
import { encodeModel, type OutModel } from '../../../src/formats/onnx/encode.js';
import { importOnnx, writeOnnx } from '../../../src/formats/onnx.js';
import { onnx } from '../../../src/formats/readers/onnx.js';
import { run, trace } from '../../../src/network/index.js';
import { type Tensor, tensor } from '../../../src/tensor.js';
import { randomInput } from '../../agreement/lifelike.js';
import { dataPath, noData } from '../../data.js';
import { expectWithin, signed } from '../../network/helpers.js';
import { noOnnxruntime, runOnnxruntime } from '../../peers/onnxruntime.js';
import { float, int64, onnxFile } from './builder.js';
import { everyKind } from './every-kind.js';

type Node = readonly [op: string, inputs: string, output: string, attributes?: OutModel['nodes'][number]['attributes']];

/** A file of these nodes, whose input x has the given shape; its output is that of the last node. */
function model(
  shape: readonly number[],
  nodes: readonly Node[],
  constants: Readonly<Record<string, unknown>> = {},
  opset = 13,
) {
  return encodeModel(
    {
      name: 'test',
      opset,
      inputs: new Map([['x', shape]]),
      outputs: new Map([[nodes.at(-1)![2], [1]]]),
      constants: new Map(Object.entries(constants)) as OutModel['constants'],
      nodes: nodes.map(([op, inputs, output, attributes = {}]) => ({
        op,
        inputs: inputs.split(' '),
        output,
        attributes,
      })),
      metadata: new Map(),
    },
    PbfWriter,
  );
}

const kernel = (O: number, I: number, side: number) => signed([O, I, side, side], 3);

test('a sum of constants of other sizes, as NumPy broadcasts', async () => {
  const file = model(
    [1, 1, 4, 4],
    [
      ['Add', 'a b', 'k'],
      ['Conv', 'x k', 'y'],
    ],
    { a: tensor([2, 1, 1, 2], [1, 2, 3, 4]), b: tensor([2, 1], [10, 20]) },
  );
  const [kernel] = (await onnx.read(file, {})).weights.values();
  // [height, width, in, out]: b along the height, a along the width and the outputs
  expect(kernel).toEqual(tensor([2, 2, 1, 2], [11, 13, 12, 14, 21, 23, 22, 24]));
});

describe('what is not read is named', () => {
  const refusals: readonly [what: string, file: Uint8Array, message: RegExp | string][] = [
    [
      'an operator',
      model(
        [1, 3, 4, 4],
        [
          ['Relu', 'x', 'a'],
          ['Exp', 'a', 'b'],
        ],
      ),
      /^m\.onnx: node 1 \(Exp 'b', for 'b'\): the operator is not supported; these are: Conv, .*; to read the network without it, name earlier outputs, such as 'a'$/,
    ],
    [
      'an attribute',
      model([1, 3, 4, 4], [['Relu', 'x', 'a', { slope: 1 }]]),
      "m.onnx: node 0 (Relu 'a', for 'a'): attribute 'slope' is not supported; supported are consumed_inputs",
    ],
    [
      "an attribute's value",
      model([1, 3, 4, 4], [['Conv', 'x k', 'a', { auto_pad: 'SAME' }]], { k: kernel(2, 3, 1) }),
      "m.onnx: node 0 (Conv 'a', for 'a'): attribute 'auto_pad' is SAME (STRING); wanted 'NOTSET', 'SAME_UPPER', 'SAME_LOWER', 'VALID'",
    ],
    [
      "an attribute's type",
      model([1, 3, 4, 4], [['Concat', 'x x', 'a', { axis: { float: 1 } }]]),
      "m.onnx: node 0 (Concat 'a', for 'a'): attribute 'axis' is 1 (FLOAT); wanted a whole number",
    ],
    [
      'groups',
      model([1, 4, 4, 4], [['Conv', 'x k', 'a', { group: 2 }]], { k: kernel(4, 2, 1) }),
      "m.onnx: node 0 (Conv 'a', for 'a'): attribute 'group' is 2; wanted 1, or one group for each of the 4 input channels",
    ],
    [
      'a kernel that does not fit',
      model([1, 3, 4, 4], [['Conv', 'x k', 'a']], { k: kernel(2, 4, 1) }),
      "m.onnx: node 0 (Conv 'a', for 'a'): has kernels for 4 channels in 1 groups, and an input of 3 channels",
    ],
    [
      'a computed kernel',
      model(
        [1, 3, 3, 3],
        [
          ['Relu', 'x', 'k'],
          ['Conv', 'x k', 'a'],
        ],
      ),
      "m.onnx: node 1 (Conv 'a', for 'a'): input 1, 'k', is computed while the network runs, wanted a constant",
    ],
    [
      'a tensor that nothing computes',
      model([1, 3, 4, 4], [['Relu', 'y', 'a']]),
      "m.onnx: node 0 (Relu 'a', for 'a'): reads 'y', which no node before it computes",
    ],
    [
      'a tensor computed twice',
      model(
        [1, 3, 4, 4],
        [
          ['Relu', 'x', 'a'],
          ['Sigmoid', 'x', 'a'],
        ],
      ),
      "m.onnx: node 1 (Sigmoid 'a', for 'a'): 'a' is computed twice",
    ],
    [
      'flattened pictures as outputs',
      model(
        [1, 3, 4, 4],
        [
          ['Conv', 'x k', 'a'],
          ['Flatten', 'a', 'b'],
        ],
        { k: kernel(2, 3, 1) },
      ),
      "m.onnx: output 'b': the numbers of [1,32] do not lie in the order of its axes; there is no layer that moves them there",
    ],
    [
      'a newer operator set',
      model([1, 3], [['Relu', 'x', 'a']], {}, 99),
      'm.onnx: model.opset_import: wanted an operator set from 1 to 26, found 99',
    ],
    [
      'quotients of computed tensors',
      model(
        [1, 3, 4, 4],
        [
          ['Relu', 'x', 'a'],
          ['Div', 'x a', 'b'],
        ],
      ),
      "m.onnx: node 1 (Div 'b', for 'b'): input 1, 'a', is computed while the network runs, wanted a constant",
    ],
    [
      'the batch reshaped away',
      model([1, 3, 4], [['Reshape', 'x s', 'a']], { s: [3, 4] }),
      "m.onnx: node 0 (Reshape 'a', for 'a'): reshapes [1,3,4] to [3,4]; the batch of 1 has to stay the first axis",
    ],
    [
      'a picture of an open size',
      model([1, -1, 4, 4], [['Relu', 'x', 'a']]),
      /input 'x': its shape is \[\?, \?, 4, 4\]; say the resolution, \[height, width\]$/,
    ],
  ];
  test.each(refusals)('%s', async (_, file, message) => {
    const answer = await onnx.read(file, { fileName: 'm.onnx' }).catch((error: unknown) => error);
    expect(answer).toBeInstanceOf(FormatError);
    if (typeof message === 'string') expect((answer as FormatError).message).toBe(message);
    else expect((answer as FormatError).message).toMatch(message);
  });

  test('an output that does not exist', async () => {
    const file = model([1, 3], [['Relu', 'x', 'relu1']]);
    await expect(onnx.read(file, { outputs: ['relu'] })).rejects.toThrow(
      new UsageError("model file: no node yields 'relu'; similar names: relu1, x"),
    );
  });

  test('a file of tensors is wanted', async () => {
    await expect(readTensors(await writeOnnx(everyKind()), 'm.onnx')).rejects.toThrow(
      'm.onnx: a .onnx file is a network; read it with readNetwork',
    );
  });
});

describe('layouts', () => {
  test('a dense layer behind a flattened picture reads the numbers in the order of ours', async () => {
    // [N, C, H, W] = [1, 2, 1, 3] holds 1 2 3 | 10 20 30; the matrix picks number i of the flattened six for unit i.
    const identity = tensor(
      [6, 6],
      Array.from({ length: 36 }, (_, i) => (i % 7 === 0 ? 1 : 0)),
    );
    const nodes: Node[] = [
      ['MaxPool', 'x', 'm', { kernel_shape: [1, 1] }],
      ['Flatten', 'm', 'f'],
      ['Gemm', 'f w', 'y'],
    ];
    const network = await onnx.read(model([1, 2, 1, 3], nodes, { w: identity }), {});
    const y = run(network, tensor([1, 1, 3, 2], [1, 10, 2, 20, 3, 30])).get('y')!;
    expect([...y.data]).toEqual([1, 2, 3, 10, 20, 30]);
  });

  test('transpositions there and back leave no trace', async () => {
    const nodes: Node[] = [
      ['Conv', 'x k', 'a'],
      ['Transpose', 'a', 't', { perm: [0, 2, 3, 1] }],
      ['Relu', 't', 'r'],
      ['Transpose', 'r', 'u', { perm: [0, 3, 1, 2] }],
      ['Conv', 'u l', 'y'],
    ];
    const network = await onnx.read(model([1, 3, 4, 4], nodes, { k: kernel(2, 3, 1), l: kernel(1, 2, 1) }), {});
    expect(network.nodes.map(({ kind }) => kind)).toEqual(['pointwiseConv2d', 'relu', 'pointwiseConv2d']);
  });

  test('a constant for each channel, for each number, and alone', async () => {
    const nodes: Node[] = [
      ['Identity', 'x', 'p'],
      ['MaxPool', 'p', 'm', { kernel_shape: [1, 1] }],
      ['Add', 'm channel', 'a'],
      ['Mul', 'a number', 'b'],
      ['Sub', 'one b', 'y'],
    ];
    const file = model([1, 2, 1, 2], nodes, {
      channel: tensor([2, 1, 1], [100, 200]),
      number: tensor([1, 2, 1, 2], [1, 2, 3, 4]),
      one: tensor([], [1]),
    });
    const network = await onnx.read(file, {});
    // channel 0: 1 2, channel 1: 3 4
    const y = run(network, tensor([1, 1, 2, 2], [1, 3, 2, 4])).get('y')!;
    expect(y.shape).toEqual([1, 1, 2, 2]);
    expect([...y.data]).toEqual([1 - 101 * 1, 1 - 203 * 3, 1 - 102 * 2, 1 - 204 * 4]);
  });

  test('a gate may be the first factor, as PyTorch writes it', async () => {
    const nodes: Node[] = [
      ['MaxPool', 'x', 'm', { kernel_shape: [1, 1] }],
      ['GlobalAveragePool', 'm', 'p'],
      ['Mul', 'p m', 'y'],
    ];
    const network = await onnx.read(model([1, 2, 1, 2], nodes), {});
    // channel 0: 1 3, of mean 2; channel 1: 10 30, of mean 20
    const y = run(network, tensor([1, 1, 2, 2], [1, 10, 3, 30])).get('y')!;
    expect([...y.data]).toEqual([2, 200, 6, 600]);
  });

  test('importOnnx says where the tensors of the file are', async () => {
    const nodes: Node[] = [
      ['Conv', 'x k', 'a'],
      ['GlobalAveragePool', 'a', 'p'],
      ['Flatten', 'p', 'y'],
    ];
    const { tensors } = await importOnnx(model([1, 3, 4, 5], nodes, { k: kernel(2, 3, 1) }));
    expect(tensors.get('a')).toEqual({ node: 'a', shape: [1, 2, 4, 5], order: [0, 2, 3, 1] });
    expect(tensors.get('y')).toEqual({ node: 'y', shape: [1, 2], order: [0, 1] });
  });

  describe('parts of pictures, and the nearest pixel', () => {
    /** [1, 2, 2, 3] in the file: channel 0 is 1 … 6, channel 1 is 10 … 60; both in our order. */
    const x = tensor([1, 2, 3, 2], [1, 10, 2, 20, 3, 30, 4, 40, 5, 50, 6, 60]);
    const whole = (...numbers: number[]) => tensor([numbers.length], Float64Array.from(numbers));
    const first: Node = ['MaxPool', 'x', 'm', { kernel_shape: [1, 1] }];

    test.each<[string, Node[], Record<string, Tensor>, number[], number[]]>([
      [
        'rows and columns',
        [['Slice', 'm from to axes', 'y']],
        { from: whole(1, -2), to: whole(9, 3), axes: whole(2, 3) },
        [1, 1, 2, 2],
        [5, 50, 6, 60],
      ],
      [
        'every second column',
        [['Slice', 'm from to axes steps', 'y']],
        { from: whole(0), to: whole(3), axes: whole(3), steps: whole(2) },
        [1, 2, 2, 2],
        [1, 10, 3, 30, 4, 40, 6, 60],
      ],
      [
        'a channel',
        [['Slice', 'm from to axes', 'y']],
        { from: whole(1), to: whole(2), axes: whole(1) },
        [1, 2, 3, 1],
        [10, 20, 30, 40, 50, 60],
      ],
      ['the largest', [['ReduceMax', 'm', 'y', { axes: [2, 3], keepdims: 1 }]], {}, [1, 1, 1, 2], [6, 60]],
      [
        'twice as high',
        [
          [
            'Resize',
            'm roi scales',
            'y',
            { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' },
          ],
        ],
        { roi: tensor([0], []), scales: tensor([4], [1, 1, 2, 1]) },
        [1, 4, 3, 2],
        [1, 10, 2, 20, 3, 30, 1, 10, 2, 20, 3, 30, 4, 40, 5, 50, 6, 60, 4, 40, 5, 50, 6, 60],
      ],
    ])('%s', async (_, nodes, constants, shape, wanted) => {
      const network = await onnx.read(model([1, 2, 2, 3], [first, ...nodes], constants), {});
      const y = run(network, x).get('y')!;
      expect(y.shape).toEqual(shape);
      expect([...y.data]).toEqual(wanted);
    });
  });

  test('sizes are whole numbers: half of five rows are two', async () => {
    const file = onnxFile({
      inputs: { x: [1, 5] },
      outputs: ['y'],
      constants: { one: int64(1), two: int64(2), from: int64(0) },
      nodes: [
        { op: 'Shape', inputs: ['x'], outputs: ['shape'] },
        { op: 'Gather', inputs: ['shape', 'one'], outputs: ['five'] },
        { op: 'Div', inputs: ['five', 'two'], outputs: ['half'] },
        { op: 'Slice', inputs: ['x', 'from', 'half', 'one'], outputs: ['y'] },
      ],
    });
    const y = run(await onnx.read(file, {}), tensor([1, 5], [1, 2, 3, 4, 5])).get('y')!;
    expect([...y.data]).toEqual([1, 2]);
  });

  test('of a split, the part that is read alone becomes nodes', async () => {
    const file = onnxFile({
      inputs: { x: [1, 4, 3] },
      outputs: ['b'],
      nodes: [{ op: 'Split', inputs: ['x'], outputs: ['a', 'b'], attributes: { axis: 1 } }],
    });
    const network = await onnx.read(file, {});
    expect(network.nodes.map(({ kind }) => kind)).toEqual(['reshape', 'depthwiseConv2d', 'reshape']);
    const y = run(
      network,
      tensor(
        [1, 4, 3],
        Array.from({ length: 12 }, (_, i) => i),
      ),
    ).get('b')!;
    expect([...y.data]).toEqual([6, 7, 8, 9, 10, 11]);
  });

  test('constants split into as many parts as there are results, the last the smallest', async () => {
    const file = onnxFile({
      inputs: { x: [1, 2] },
      outputs: ['y'],
      constants: { c: float(1, 2, 3, 4, 5) },
      nodes: [
        { op: 'Split', inputs: ['c'], outputs: ['a', 'b'] },
        { op: 'Add', inputs: ['x', 'b'], outputs: ['y'] },
      ],
    });
    expect([...run(await onnx.read(file, {}), tensor([1, 2], [10, 20])).get('y')!.data]).toEqual([14, 25]);
  });

  test('ceil_mode pads behind until the last window fits', async () => {
    const pool = { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 0, 0], ceil_mode: 1 };
    const { nodes } = await onnx.read(model([1, 1, 6, 7], [['MaxPool', 'x', 'y', pool]]), {});
    // ⌈(1 + 6 − 3) / 2⌉ + 1 = 3 windows reach to 7, as far as the picture with the sample before it; ⌈(1 + 7 − 3) / 2⌉ + 1 = 4 to 9, one beyond its 8.
    expect(nodes[0].attributes).toMatchObject({ padding: { top: 1, bottom: 0, left: 1, right: 1 } });
  });

  test('SAME_LOWER puts the odd sample before', async () => {
    const file = model([1, 1, 2, 2], [['MaxPool', 'x', 'y', { kernel_shape: [2, 2], auto_pad: 'SAME_LOWER' }]]);
    const { nodes } = await onnx.read(file, {});
    expect(nodes[0].attributes).toMatchObject({ padding: { top: 1, bottom: 0, left: 1, right: 0 } });
  });
});

describe.skipIf(noData)('the face detectors (needs DEPTHWISE_DATA)', () => {
  const files = ['ultraface_rfb_320.onnx', 'ultraface_slim_320_simplified.onnx'];

  test.skipIf(noOnnxruntime).each(files)('%s computes what onnxruntime computes (needs bench/peers)', async (file) => {
    const bytes = await readFile(dataPath('models', file));
    const network = await readNetwork(bytes, { fileName: file });
    const nchw = randomInput([1, 3, 240, 320], 4);
    const nhwc = Float32Array.from(
      { length: nchw.data.length },
      (_, i) => nchw.data[(i % 3) * 76800 + Math.floor(i / 3)],
    );
    const found = run(network, tensor([1, 240, 320, 3], nhwc));
    const wanted = await runOnnxruntime(bytes, { input: nchw });
    expect(network.outputs).toEqual(['scores', 'boxes']);
    for (const [name, { shape, data }] of wanted) expectWithin(name, found.get(name)!, tensor(shape, data), () => 2e-5);
  });

  test('can be cut at a tensor of the file', async () => {
    const bytes = await readFile(dataPath('models', files[1]));
    const network = await readNetwork(bytes, { fileName: files[1], outputs: ['229'] });
    expect(network.outputs).toEqual(['229']);
    expect(network.nodes.at(-1)).toMatchObject({ name: '229', kind: 'relu' });
    const shape = [...trace(network, randomInput([1, 240, 320, 3], 1)).values()].at(-1)!.shape;
    expect(shape).toEqual([1, 30, 40, 64]);
  });
});

describe('damaged files', () => {
  test.each([
    ['nodes', { graph: 7, entry: 1 }],
    ['constants', { graph: 7, entry: 5 }],
    ['inputs', { graph: 7, entry: 11 }],
  ])('empty %s, of two bytes each, cannot become a thousand times as many', async (_, { graph, entry }) => {
    const many = 60_000;
    const entries = Uint8Array.from({ length: 2 * many }, (_, at) => (at % 2 === 0 ? entry * 8 + 2 : 0));
    const bytes = Uint8Array.of(8, 8, graph * 8 + 2, 0xc0, 0xa9, 7, ...entries); // 2 · 60,000 as a varint
    await expect(onnx.read(bytes, {})).rejects.toThrow(
      /^model file: graph\.\w+: the file's 120006 bytes would become more than 18 times as many$/,
    );
  });
});

test('Upsample of opset 9: numbers mixed, or the nearest pixel', async () => {
  const upsample = (mode: string) =>
    onnxFile({
      opset: 9,
      inputs: { x: [1, 1, 2, 2] },
      outputs: ['y'],
      constants: { scales: float(1, 1, 2, 2) },
      nodes: [{ op: 'Upsample', inputs: ['x', 'scales'], outputs: ['y'], attributes: { mode } }],
    });
  const answer = async (mode: string) => {
    const network = await onnx.read(upsample(mode), {});
    return Array.from(run(network, tensor([1, 2, 2, 1], [0, 2, 4, 6])).get('y')!.data);
  };
  // the sample of place i is at i / 2 of the smaller picture, and its last one is that of the border
  expect(await answer('linear')).toEqual([0, 1, 2, 2, 2, 3, 4, 4, 4, 5, 6, 6, 4, 5, 6, 6]);
  expect(await answer('nearest')).toEqual([0, 0, 2, 2, 0, 0, 2, 2, 4, 4, 6, 6, 4, 4, 6, 6]);
});
