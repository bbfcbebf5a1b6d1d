/** Operators of graph models, one by one. The answers are worked out by hand from the documentation of tf.raw_ops. */
import { describe, expect, test } from 'vitest';
import { FormatError } from '../../../src/errors.js';
import { readTfjs } from '../../../src/formats/tfjs.js';
import { run } from '../../../src/network/index.js';
import { tensor } from '../../../src/tensor.js';
import { bytesOf, constant, list, model, sliding, text } from './models.js';

type Constants = Readonly<Record<string, readonly [shape: readonly number[], ...numbers: number[]]>>;
type Node = { readonly op: string; readonly input: readonly string[]; readonly attr?: object; readonly name?: string };

/** [1, 2, 2, 2]: two channels, of which the second is below 0. */
const X = [1, -2, 3, -4, 5, -6, 7, -8];
const placeholder = {
  name: 'x',
  op: 'Placeholder',
  attr: { shape: { shape: { dim: [-1, 2, 2, 2].map((size) => ({ size: `${size}` })) } } },
};

/** The nodes, of which the last is the output. */
const graph = (nodes: readonly Node[], constants: Constants) => {
  const weights = Object.entries(constants).map(([name, [shape]]) => ({ name, shape, dtype: 'float32' }));
  const numbers = Object.values(constants).flatMap(([, ...rest]) => rest);
  const named = nodes.map((node, index) => ({ name: index === nodes.length - 1 ? 'y' : `n${index}`, ...node }));
  const node = [placeholder, ...Object.keys(constants).map(constant), ...named];
  return readTfjs(model({ node }, weights, bytesOf(Float32Array.from(numbers))));
};

const answer = async (nodes: readonly Node[], constants: Constants = {}) => {
  const network = await graph(nodes, constants);
  const y = run(network, tensor([1, 2, 2, 2], X)).get(network.outputs.at(-1)!)!;
  return { shape: y.shape, data: [...y.data].map((value) => Number(value.toFixed(6))) };
};

const bool = (b: boolean) => ({ b });
const { dilations: _, ...window } = sliding;
const pool = { ...window, ksize: list(1, 2, 2, 1), strides: list(1, 2, 2, 1), padding: text('VALID') };

const cases: readonly [name: string, node: Node, constants: Constants, shape: readonly number[], data: number[]][] = [
  ['Abs', { op: 'Abs', input: ['x'] }, {}, [1, 2, 2, 2], [1, 2, 3, 4, 5, 6, 7, 8]],
  ['Neg', { op: 'Neg', input: ['x'] }, {}, [1, 2, 2, 2], [-1, 2, -3, 4, -5, 6, -7, 8]],
  [
    'LeakyRelu',
    { op: 'LeakyRelu', input: ['x'], attr: { alpha: { f: 0.5 } } },
    {},
    [1, 2, 2, 2],
    [1, -1, 3, -2, 5, -3, 7, -4],
  ],
  [
    'LeakyRelu, alpha unsaid: 0.2',
    { op: 'LeakyRelu', input: ['x'] },
    {},
    [1, 2, 2, 2],
    [1, -0.4, 3, -0.8, 5, -1.2, 7, -1.6],
  ],
  ['Prelu', { op: 'Prelu', input: ['x', 's'] }, { s: [[2], 9, 0.5] }, [1, 2, 2, 2], [1, -1, 3, -2, 5, -3, 7, -4]],
  [
    'Tanh',
    { op: 'Tanh', input: ['x'] },
    {},
    [1, 2, 2, 2],
    [1, -2, 3, -4, 5, -6, 7, -8].map((x) => Number(Math.tanh(x).toFixed(6))),
  ],
  [
    'Sigmoid',
    { op: 'Sigmoid', input: ['x'] },
    {},
    [1, 2, 2, 2],
    X.map((x) => Number((1 / (1 + Math.exp(-x))).toFixed(6))),
  ],
  ['Maximum', { op: 'Maximum', input: ['x', 'c'] }, { c: [[], 2] }, [1, 2, 2, 2], [2, 2, 3, 2, 5, 2, 7, 2]],
  [
    'Minimum, the constant first',
    { op: 'Minimum', input: ['c', 'x'] },
    { c: [[], 2] },
    [1, 2, 2, 2],
    [1, -2, 2, -4, 2, -6, 2, -8],
  ],
  [
    'ClipByValue',
    { op: 'ClipByValue', input: ['x', 'a', 'b'] },
    { a: [[], -3], b: [[], 4] },
    [1, 2, 2, 2],
    [1, -2, 3, -3, 4, -3, 4, -3],
  ],
  ['Sub', { op: 'Sub', input: ['x', 'c'] }, { c: [[2], 1, -2] }, [1, 2, 2, 2], [0, 0, 2, -2, 4, -4, 6, -6]],
  ['Sub from a constant', { op: 'Sub', input: ['c', 'x'] }, { c: [[], 1] }, [1, 2, 2, 2], [0, 3, -2, 5, -4, 7, -6, 9]],
  ['RealDiv', { op: 'RealDiv', input: ['x', 'c'] }, { c: [[2], 1, 2] }, [1, 2, 2, 2], [1, -1, 3, -2, 5, -3, 7, -4]],
  [
    'Cast',
    { op: 'Cast', input: ['x'], attr: { DstT: { type: 'DT_FLOAT' }, SrcT: { type: 'DT_INT32' } } },
    {},
    [1, 2, 2, 2],
    X,
  ],
  ['AvgPool', { op: 'AvgPool', input: ['x'], attr: pool }, {}, [1, 1, 1, 2], [4, -5]],
  ['MaxPool', { op: 'MaxPool', input: ['x'], attr: pool }, {}, [1, 1, 1, 2], [7, -2]],
  [
    'MaxPool, channels last unsaid',
    { op: 'MaxPool', input: ['x'], attr: { ...pool, data_format: {} } },
    {},
    [1, 1, 1, 2],
    [7, -2],
  ],
  [
    'FusedBatchNorm, channels last and epsilon unsaid',
    { op: 'FusedBatchNorm', input: ['x', 'g', 'b', 'm', 'v'], attr: { is_training: bool(false) } },
    { g: [[2], 2, 4], b: [[2], 1, 0], m: [[2], 1, -2], v: [[2], 3.9999, 15.9999] },
    [1, 2, 2, 2],
    [1, 0, 3, -2, 5, -4, 7, -6],
  ],
  ['Mean', { op: 'Mean', input: ['x', 'axes'] }, { axes: [[2], 1, 2] }, [1, 2], [4, -5]],
  [
    'Mean that keeps its axes',
    { op: 'Mean', input: ['x', 'axes'], attr: { keep_dims: bool(true) } },
    { axes: [[2], -3, -2] },
    [1, 1, 1, 2],
    [4, -5],
  ],
  ['Max', { op: 'Max', input: ['x', 'axes'] }, { axes: [[2], 2, 1] }, [1, 2], [7, -2]],
  ['ArgMax', { op: 'ArgMax', input: ['x', 'axis'] }, { axis: [[], 3] }, [1, 2, 2], [0, 0, 0, 0]],
  [
    'ConcatV2',
    { op: 'ConcatV2', input: ['x', 'x', 'axis'] },
    { axis: [[], 3] },
    [1, 2, 2, 4],
    [1, -2, 1, -2, 3, -4, 3, -4, 5, -6, 5, -6, 7, -8, 7, -8],
  ],
  ['Pad', { op: 'Pad', input: ['x', 'p'] }, { p: [[4, 2], 0, 0, 1, 0, 0, 0, 0, 0] }, [1, 3, 2, 2], [0, 0, 0, 0, ...X]],
  [
    'PadV2',
    { op: 'PadV2', input: ['x', 'p', 'v'] },
    { p: [[4, 2], 0, 0, 0, 1, 0, 0, 0, 0], v: [[], 9] },
    [1, 3, 2, 2],
    [...X, 9, 9, 9, 9],
  ],
  [
    'Slice',
    { op: 'Slice', input: ['x', 'b', 's'] },
    { b: [[4], 0, 1, 0, 1], s: [[4], -1, 1, 2, -1] },
    [1, 1, 2, 1],
    [-6, -8],
  ],
  ['SplitV, the second part', { op: 'Identity', input: ['n0:1'] }, {}, [1, 2, 2, 1], [-2, -4, -6, -8]],
  ['Squeeze', { op: 'Squeeze', input: ['n0'], attr: { squeeze_dims: list(1, 2) } }, {}, [1, 2], [4, -5]],
  ['ExpandDims', { op: 'ExpandDims', input: ['n0', 'axis'] }, { axis: [[], 1] }, [1, 1, 1, 1, 2], [4, -5]],
  [
    'Transpose of axes of size 1',
    { op: 'Transpose', input: ['n0', 'order'] },
    { order: [[4], 0, 3, 1, 2] },
    [1, 2, 1, 1],
    [4, -5],
  ],
  [
    'ResizeNearestNeighbor',
    { op: 'ResizeNearestNeighbor', input: ['x', 'size'] },
    { size: [[2], 2, 4] },
    [1, 2, 4, 2],
    [1, -2, 1, -2, 3, -4, 3, -4, 5, -6, 5, -6, 7, -8, 7, -8],
  ],
  [
    'ResizeBilinear',
    { op: 'ResizeBilinear', input: ['x', 'size'], attr: { align_corners: bool(true) } },
    { size: [[2], 3, 2] },
    [1, 3, 2, 2],
    [1, -2, 3, -4, 3, -4, 5, -6, 5, -6, 7, -8],
  ],
  [
    'StridedSlice: the first row, without its axis',
    {
      op: 'StridedSlice',
      input: ['x', 'b', 'e', 's'],
      attr: { begin_mask: { i: '13' }, end_mask: { i: '13' }, shrink_axis_mask: { i: '2' } },
    },
    { b: [[4], 0, 0, 0, 0], e: [[4], 0, 1, 0, 0], s: [[4], 1, 1, 1, 1] },
    [1, 2, 2],
    [1, -2, 3, -4],
  ],
  ['MatMul', { op: 'MatMul', input: ['n1', 'm'] }, { axes: [[2], 1, 2], m: [[2, 1], 2, 1] }, [1, 1], [3]],
  [
    'MatMul, transposed',
    { op: 'MatMul', input: ['n1', 'm'], attr: { transpose_b: bool(true) } },
    { axes: [[2], 1, 2], m: [[1, 2], 2, 1] },
    [1, 1],
    [3],
  ],
  [
    'DepthwiseConv2dNative',
    { op: 'DepthwiseConv2dNative', input: ['x', 'k'], attr: sliding },
    { k: [[1, 1, 2, 1], 2, -1] },
    [1, 2, 2, 2],
    [2, 2, 6, 4, 10, 6, 14, 8],
  ],
  [
    'DepthwiseConv2dNative with padding of its own',
    {
      op: 'DepthwiseConv2dNative',
      input: ['x', 'k'],
      attr: { ...sliding, padding: text('EXPLICIT'), explicit_paddings: list(0, 0, 0, 1, 1, 0, 0, 0) },
    },
    { k: [[1, 1, 2, 1], 2, -1] },
    [1, 3, 3, 2],
    // a column of zeros on the left, a row of them below
    [0, 0, 2, 2, 6, 4, 0, 0, 10, 6, 14, 8, 0, 0, 0, 0, 0, 0],
  ],
  [
    'FusedDepthwiseConv2dNative',
    {
      op: 'FusedDepthwiseConv2dNative',
      input: ['x', 'k', 'b'],
      attr: { ...sliding, fused_ops: { list: { s: ['BiasAdd', 'Relu'].map(btoa) } } },
    },
    { k: [[1, 1, 2, 1], 1, 1], b: [[2], -4, 5] },
    [1, 2, 2, 2],
    [0, 3, 0, 1, 1, 0, 3, 0],
  ],
  ...(
    [
      ['Relu', (x: number) => Math.max(x, 0)],
      ['Relu6', (x: number) => Math.min(Math.max(x, 0), 6)],
      ['Sigmoid', (x: number) => 1 / (1 + Math.exp(-x))],
      ['Elu', (x: number) => (x > 0 ? x : Math.expm1(x))],
      ['LeakyRelu', (x: number) => (x > 0 ? x : 0.2 * x)],
      ['Prelu', (x: number) => (x > 0 ? x : 0.75 * x)],
    ] as const
  ).map(([name, compute]): (typeof cases)[number] => [
    `_FusedMatMul with ${name}`,
    {
      op: '_FusedMatMul',
      input: ['n1', 'm', 'b', ...(name === 'Prelu' ? ['slopes'] : [])],
      attr: { fused_ops: { list: { s: ['BiasAdd', name].map(btoa) } } },
    },
    { axes: [[2], 1, 2], m: [[2, 2], 2, 0, 0, 1], b: [[2], 0, 0.5], slopes: [[2], 9, 0.75] },
    [1, 2],
    [8, -4.5].map((x) => Number(compute(x).toFixed(6))),
  ]),
  ...['FusedBatchNorm', 'FusedBatchNormV2', 'FusedBatchNormV3'].map((op): (typeof cases)[number] => [
    op,
    { op, input: ['x', 'g', 'b', 'm', 'v'], attr: { epsilon: { f: 0 }, is_training: bool(false) } },
    { g: [[2], 2, 4], b: [[2], 1, 0], m: [[2], 1, -2], v: [[2], 4, 16] },
    [1, 2, 2, 2],
    [1, 0, 3, -2, 5, -4, 7, -6],
  ]),
];

/** What some of the operators read in place of the picture. */
const before: Readonly<Record<string, { nodes: readonly Node[]; constants?: Constants }>> = {
  n0: { nodes: [{ op: 'AvgPool', input: ['x'], attr: pool }] },
  'n0:1': {
    nodes: [{ op: 'SplitV', input: ['x', 'sizes', 'along'], attr: { num_split: { i: '2' } } }],
    constants: { sizes: [[2], 1, 1], along: [[], 3] },
  },
  n1: {
    nodes: [
      { op: 'Identity', input: ['x'] },
      { op: 'Mean', input: ['n0', 'axes'] },
    ],
  },
};

test.each(cases)('%s', async (_, node, constants, shape, data) => {
  const first = before[node.input[0]];
  expect(await answer([...(first?.nodes ?? []), node], { ...first?.constants, ...constants })).toEqual({ shape, data });
});

describe('what is refused', () => {
  const refusals: readonly [what: string, node: Node, constants: Constants, message: string][] = [
    [
      'a division by what is computed',
      { op: 'RealDiv', input: ['c', 'x'] },
      { c: [[], 1] },
      'divides a constant by a computed tensor',
    ],
    [
      'several bounds',
      { op: 'Maximum', input: ['x', 'c'] },
      { c: [[2], 1, 2] },
      'compares with a constant of [2]; wanted one number',
    ],
    [
      'slopes that fit no channel',
      { op: 'Prelu', input: ['x', 's'] },
      { s: [[3], 1, 2, 3] },
      'its slopes [3] do not fit [1,2,2,2]; wanted one, or one for each channel',
    ],
    [
      'channels in another place',
      { op: 'Transpose', input: ['x', 'o'] },
      { o: [[4], 0, 3, 1, 2] },
      'reorders the axes of [1,2,2,2] to [0,3,1,2]; no layer moves numbers so',
    ],
    [
      'a mean of channels',
      { op: 'Mean', input: ['x', 'a'] },
      { a: [[1], 3] },
      'reduces the axes [3] of [1,2,2,2]; wanted height and width, [1,2]',
    ],
    [
      'steps back',
      { op: 'StridedSlice', input: ['x', 'b', 'e', 's'] },
      { b: [[4], 0, 1, 0, 0], e: [[4], 1, 0, 2, 2], s: [[4], 1, -1, 1, 1] },
      'slices [1,2,2,2] in steps of [1,-1,1,1], with an ellipsis or a new axis; wanted steps of 1 or more alone',
    ],
    [
      'nearest pixels of no whole multiple',
      { op: 'ResizeNearestNeighbor', input: ['x', 's'] },
      { s: [[2], 3, 3] },
      'resizes [1,2,2,2] to [3,3] by the nearest pixel; wanted whole multiples of its height and width',
    ],
    [
      'nearest pixels without end',
      { op: 'ResizeNearestNeighbor', input: ['x', 's'] },
      { s: [[2], 2e8, 2] },
      'enlarges a picture 100000000 x 1 times; wanted at most 4096 along each side',
    ],
    [
      'a part that is not there',
      { op: 'Slice', input: ['x', 'b', 's'] },
      { b: [[4], 0, 1, 0, 0], s: [[4], 1, 2, 2, 2] },
      'takes [0,1,0,0] to [1,3,2,2] of [1,2,2,2]; wanted a part that lies inside and is not empty',
    ],
    ['joined along the batch', { op: 'ConcatV2', input: ['x', 'x', 'a'] }, { a: [[], 0] }, 'joins along the batch'],
    [
      'an axis before the batch',
      { op: 'ExpandDims', input: ['x', 'a'] },
      { a: [[], 0] },
      'puts an axis before the batch',
    ],
    [
      'an axis before it, from behind',
      { op: 'ExpandDims', input: ['x', 'a'] },
      { a: [[], -5] },
      'puts an axis before the batch',
    ],
    ['no input', { op: 'Relu', input: [] }, {}, 'input 0 is missing'],
    ['no constant', { op: 'Mean', input: ['x'] }, {}, 'input 1 is missing'],
    ['a constant in', { op: 'Relu', input: ['c'] }, { c: [[], 1] }, "reads 'c', a constant; wanted a computed tensor"],
    [
      'nothing in',
      { op: 'Relu', input: ['z'] },
      {},
      "reads 'z', which no node before it computes; wanted a computed tensor",
    ],
    ['axes that are computed', { op: 'Mean', input: ['x', 'x'] }, {}, "reads 'x', which is no constant; wanted one"],
    [
      'part of a bit',
      { op: 'StridedSlice', input: ['x', 'b', 'b', 'b'], attr: { begin_mask: { i: '0.5' } } },
      { b: [[1], 1] },
      "attribute 'begin_mask' is no whole number",
    ],
    [
      'a slope in words',
      { op: 'LeakyRelu', input: ['x'], attr: { alpha: { f: '0.5' } } },
      {},
      "attribute 'alpha' is no number",
    ],
    [
      'a switch in words',
      { op: 'MatMul', input: ['x', 'c'], attr: { transpose_a: { b: 'false' } } },
      { c: [[2, 1], 1, 1] },
      "attribute 'transpose_a' is neither true nor false",
    ],
    [
      'a matrix on its side',
      { op: 'MatMul', input: ['x', 'c'], attr: { transpose_a: bool(true) } },
      { c: [[2, 1], 1, 1] },
      "attribute 'transpose_a' is true; wanted false",
    ],
    [
      'an open type',
      { op: 'Cast', input: ['x'], attr: { DstT: { type: 'DT_INT32' } } },
      {},
      "attribute 'DstT' is DT_INT32; wanted DT_FLOAT",
    ],
    [
      'half a pixel',
      { op: 'MaxPool', input: ['x'], attr: { ...pool, ksize: { list: { i: ['1', '1.5', '1', '1'] } } } },
      {},
      "attribute 'ksize' holds 1.5, no whole number",
    ],
    [
      'a list that is none',
      { op: 'MaxPool', input: ['x'], attr: { ...pool, ksize: { list: { i: '1' } } } },
      {},
      "attribute 'ksize' is no list",
    ],
    [
      'windows of a batch',
      { op: 'MaxPool', input: ['x'], attr: { ...pool, ksize: list(2, 1, 1, 1) } },
      {},
      "attribute 'ksize' is [2,1,1,1]; wanted [1, height, width, 1]",
    ],
    [
      'windows of channels',
      { op: 'MaxPool', input: ['x'], attr: { ...pool, ksize: list(1, 1, 1, 2) } },
      {},
      "attribute 'ksize' is [1,1,1,2]; wanted [1, height, width, 1]",
    ],
    [
      'windows of three axes',
      { op: 'MaxPool', input: ['x'], attr: { ...pool, ksize: list(1, 1, 1) } },
      {},
      "attribute 'ksize' is [1,1,1]; wanted [1, height, width, 1]",
    ],
    [
      'another padding',
      { op: 'MaxPool', input: ['x'], attr: { ...pool, padding: text('FULL') } },
      {},
      "attribute 'padding' is 'FULL'; wanted SAME, VALID, or EXPLICIT with eight explicit_paddings",
    ],
    [
      'padding of four sides',
      {
        op: 'MaxPool',
        input: ['x'],
        attr: { ...pool, padding: text('EXPLICIT'), explicit_paddings: list(0, 0, 1, 1) },
      },
      {},
      "attribute 'padding' is 'EXPLICIT'; wanted SAME, VALID, or EXPLICIT with eight explicit_paddings",
    ],
    [
      'no padding',
      { op: 'MaxPool', input: ['x'], attr: { ...pool, padding: {} } },
      {},
      "attribute 'padding' is ''; wanted SAME, VALID, or EXPLICIT with eight explicit_paddings",
    ],
    [
      'a text that is none',
      { op: 'MaxPool', input: ['x'], attr: { ...pool, padding: { s: '?' } } },
      {},
      "attribute 'padding' is no text in base64",
    ],
    [
      'slopes for each row',
      { op: 'Prelu', input: ['x', 's'] },
      { s: [[2, 1], 1, 2] },
      'its slopes [2,1] do not fit [1,2,2,2]; wanted one, or one for each channel',
    ],
    [
      'one of the batch',
      { op: 'StridedSlice', input: ['x', 'b', 'e', 's'], attr: { shrink_axis_mask: { i: '1' } } },
      { b: [[1], 0], e: [[1], 1], s: [[1], 1] },
      'takes one of a batch of 1; the batch has to stay',
    ],
    [
      'a new axis',
      { op: 'StridedSlice', input: ['x', 'b', 'e', 's'], attr: { new_axis_mask: { i: '1' } } },
      { b: [[1], 0], e: [[1], 1], s: [[1], 1] },
      'slices [1,2,2,2] in steps of [1], with an ellipsis or a new axis; wanted steps of 1 or more alone',
    ],
    [
      'an ellipsis',
      { op: 'StridedSlice', input: ['x', 'b', 'e', 's'], attr: { ellipsis_mask: { i: '1' } } },
      { b: [[1], 0], e: [[1], 1], s: [[1], 1] },
      'slices [1,2,2,2] in steps of [1], with an ellipsis or a new axis; wanted steps of 1 or more alone',
    ],
    [
      'an empty part',
      { op: 'Slice', input: ['x', 'b', 's'] },
      { b: [[4], 0, 0, 0, 0], s: [[4], 1, 2, 0, 2] },
      'takes [0,0,0,0] to [1,2,0,2] of [1,2,2,2]; wanted a part that lies inside and is not empty',
    ],
    [
      'a part before the first',
      { op: 'Slice', input: ['x', 'b', 's'] },
      { b: [[4], 0, 0, -1, 0], s: [[4], 1, 2, 2, 2] },
      'takes [0,0,-1,0] to [1,2,1,2] of [1,2,2,2]; wanted a part that lies inside and is not empty',
    ],
    [
      'another activation',
      {
        op: '_FusedConv2D',
        input: ['x', 'k', 'b'],
        attr: { ...sliding, fused_ops: { list: { s: ['BiasAdd', 'Tanh'].map(btoa) } } },
      },
      { k: [[1, 1, 2, 1], 1, 1], b: [[1], 0] },
      "attribute 'fused_ops' holds Tanh; wanted BiasAdd, Relu, Relu6, Elu, Sigmoid, LeakyRelu or Prelu",
    ],
    [
      'a negative epsilon',
      { op: '_FusedConv2D', input: ['x', 'k'], attr: { ...sliding, epsilon: { f: -1 } } },
      { k: [[1, 1, 2, 1], 1, 1] },
      "attribute 'epsilon' is false; wanted true",
    ],
    [
      'a matrix of three axes',
      { op: 'MatMul', input: ['x', 'c'] },
      { c: [[1, 2, 1], 1, 1] },
      'its matrix has the shape [1,2,1], wanted two axes',
    ],
    [
      'a kernel of three axes',
      { op: 'Conv2D', input: ['x', 'k'], attr: sliding },
      { k: [[1, 2, 1], 1, 1] },
      'its kernel has the shape [1,2,1], wanted four axes',
    ],
    [
      'a kernel for other channels',
      { op: 'Conv2D', input: ['x', 'k'], attr: sliding },
      { k: [[1, 1, 3, 1], 1, 1, 1] },
      'has kernels for 3 channels and an input of [1,2,2,2]',
    ],
    [
      'batch norm in training',
      { op: 'FusedBatchNorm', input: ['x', 'g', 'g', 'g', 'g'] },
      { g: [[2], 1, 1] },
      "attribute 'is_training' is true; wanted false",
    ],
    [
      'a constant for other channels',
      { op: 'Add', input: ['x', 'c'] },
      { c: [[3], 1, 2, 3] },
      'its constant of [3] does not fit [1,2,2,2]; wanted one number, or one for each channel',
    ],
    [
      'a constant for each row',
      { op: 'Add', input: ['x', 'c'] },
      { c: [[2, 1], 1, 2] },
      'its constant of [2,1] does not fit [1,2,2,2]; wanted one number, or one for each channel',
    ],
    [
      'padding of the batch',
      { op: 'Pad', input: ['x', 'p'] },
      { p: [[4, 2], 1, 0, 0, 0, 0, 0, 0, 0] },
      'pads [1,2,2,2] by [1,0,0,0,0,0,0,0]; wanted padding of height, width and channels only',
    ],
    [
      'padding behind the batch',
      { op: 'Pad', input: ['x', 'p'] },
      { p: [[4, 2], 0, 1, 0, 0, 0, 0, 0, 0] },
      'pads [1,2,2,2] by [0,1,0,0,0,0,0,0]; wanted padding of height, width and channels only',
    ],
    [
      'padding below 0',
      { op: 'Pad', input: ['x', 'p'] },
      { p: [[4, 2], 0, 0, 0, 0, -1, 0, 0, 0] },
      'pads [1,2,2,2] by [0,0,0,0,-1,0,0,0]; wanted padding of height, width and channels only',
    ],
    [
      'padding of three axes',
      { op: 'Pad', input: ['x', 'p'] },
      { p: [[3, 2], 0, 0, 0, 0, 1, 0] },
      'pads [1,2,2,2] by [0,0,0,0,1,0]; wanted padding of height, width and channels only',
    ],
    [
      'the batch reshaped away',
      { op: 'Reshape', input: ['x', 's'] },
      { s: [[2], 2, 4] },
      'reshapes [1,2,2,2] to [2,4]; the batch has to stay the first axis',
    ],
    [
      'a batch of what is left',
      { op: 'Reshape', input: ['x', 's'] },
      { s: [[2], -1, 4] },
      'reshapes [1,2,2,2] to [-1,4]; the batch has to stay the first axis',
    ],
    [
      'labels by rows',
      { op: 'ArgMax', input: ['x', 'a'] },
      { a: [[], 1] },
      'along axis 1 of [1,2,2,2]; only the last is read',
    ],
    [
      'both rules of a resize',
      { op: 'ResizeBilinear', input: ['x', 's'], attr: { align_corners: bool(true), half_pixel_centers: bool(true) } },
      { s: [[2], 4, 4] },
      'has both align_corners and half_pixel_centers, which exclude each other',
    ],
    [
      'nearest pixels by corners',
      { op: 'ResizeNearestNeighbor', input: ['x', 's'], attr: { align_corners: bool(true) } },
      { s: [[2], 4, 4] },
      'resizes [1,2,2,2] to [4,4] by the nearest pixel with align_corners; wanted whole multiples of its height and width',
    ],
    [
      'no pixels',
      { op: 'ResizeNearestNeighbor', input: ['x', 's'] },
      { s: [[2], 2, 0] },
      'resizes [1,2,2,2] to [2,0] by the nearest pixel; wanted whole multiples of its height and width',
    ],
    [
      'a squeeze of rows',
      { op: 'Squeeze', input: ['x'], attr: { squeeze_dims: list(1) } },
      {},
      'drops the axes [1] of [1,2,2,2]',
    ],
    [
      'a squeeze of the batch',
      { op: 'Squeeze', input: ['x'], attr: { squeeze_dims: list(-4) } },
      {},
      'drops the axes [0] of [1,2,2,2]',
    ],
    [
      'parts of the batch',
      { op: 'Split', input: ['a', 'x'], attr: { num_split: { i: '1' } } },
      { a: [[], 0] },
      'splits [1,2,2,2] along axis 0 into parts of [1]',
    ],
    [
      'parts of no size',
      { op: 'SplitV', input: ['x', 's', 'a'], attr: { num_split: { i: '2' } } },
      { s: [[2], 1, 2], a: [[], -1] },
      'splits [1,2,2,2] along axis 3 into parts of [1,2]',
    ],
    [
      'parts of a number',
      { op: 'Split', input: ['a', 'x'], attr: { num_split: { i: '4' } } },
      { a: [[], 3] },
      'splits [1,2,2,2] along axis 3 into parts of [0.5,0.5,0.5,0.5]',
    ],
    [
      'the batch behind',
      { op: 'Transpose', input: ['x', 'o'] },
      { o: [[4], 1, 0, 2, 3] },
      'reorders the axes of [1,2,2,2] to [1,0,2,3]; no layer moves numbers so',
    ],
    [
      'a mean of three axes',
      { op: 'Mean', input: ['x', 'a'] },
      { a: [[3], 1, 2, 3] },
      'reduces the axes [1,2,3] of [1,2,2,2]; wanted height and width, [1,2]',
    ],
    ['an attribute', { op: 'Relu', input: ['x'], attr: { alpha: { f: 1 } } }, {}, "attribute 'alpha' is not supported"],
  ];
  test('summands of two shapes', async () => {
    const nodes = [
      { op: 'AvgPool', input: ['x'], attr: pool },
      { op: 'AddN', input: ['x', 'x', 'n0'] },
    ];
    await expect(graph(nodes, {})).rejects.toThrow(
      new FormatError("model.json: node 'y' (AddN): adds [1,2,2,2] and [1,1,1,2]; wanted the same shape"),
    );
  });

  test.each(refusals)('%s', async (_, node, constants, message) => {
    await expect(graph([node], constants)).rejects.toThrow(
      new FormatError(`model.json: node 'y' (${node.op}): ${message}`),
    );
  });
});
