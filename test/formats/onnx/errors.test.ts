/** The whole text of each error that the .onnx reader's operators have, by the smallest file that meets it. */
import { PbfReader } from 'pbf';
import { describe, expect, test } from 'vitest';
import { FormatError, UsageError } from '../../../src/errors.js';
import { readModel } from '../../../src/formats/onnx/model.js';
import { ProtoFile } from '../../../src/formats/onnx/protobuf.js';
import { onnx } from '../../../src/formats/readers/onnx.js';
import { sizeOf } from '../../../src/tensor.js';
import { type ConstantSpec, float, int8, int64, type NodeSpec, onnxFile } from './builder.js';

const ones = (...shape: number[]): ConstantSpec => ({ shape, data: new Float32Array(sizeOf(shape)).fill(1) });

interface File {
  /** Of x, by default [1, 2, 4, 4]. */
  readonly shape?: readonly number[];
  readonly opset?: number;
  readonly constants?: Readonly<Record<string, ConstantSpec>>;
}

type Op = readonly [op: string, inputs: string, outputs: string, attributes?: NonNullable<NodeSpec['attributes']>];

const file = (nodes: readonly Op[], { shape = [1, 2, 4, 4], ...others }: File = {}) =>
  onnxFile({
    inputs: { x: shape },
    outputs: [nodes.at(-1)![2].split(' ')[0]],
    nodes: nodes.map(([op, inputs, outputs, attributes = {}]) => ({
      op,
      inputs: inputs.split(' ').map((name) => (name === '-' ? '' : name)),
      outputs: outputs.split(' '),
      attributes,
    })),
    ...others,
  });

/** x as a picture, in our order. */
const picture: Op = ['MaxPool', 'x', 'p', { kernel_shape: [1, 1] }];
/** A picture in a row: channels, rows and columns in the file, channels innermost here. */
const flat: readonly Op[] = [picture, ['Flatten', 'p', 'f']];

/** The last node is the one that the error names. */
const cases: readonly [what: string, nodes: readonly Op[], given: File, message: string][] = [
  ['an input left out', [['Relu', '-', 'y']], {}, 'input 0 is missing'],
  ['a constant left out', [['Conv', 'x -', 'y']], {}, 'input 1 is missing'],
  [
    'a constant as input',
    [['Conv', 'k k', 'y']],
    { constants: { k: ones(2, 2, 1, 1) } },
    "input 0, 'k', is a constant, wanted a computed tensor",
  ],
  ['a constant that nothing states', [['Conv', 'x k', 'y']], {}, "reads 'k', which no node before it computes"],
  [
    'two numbers for one',
    [['Clip', 'x k', 'y']],
    { constants: { k: float(1, 2) } },
    'input 1 has 2 numbers, wanted one',
  ],
  ['an attribute left out', [['Cast', 'x', 'y']], {}, "attribute 'to' is missing; wanted a whole number"],
  ['an axis too many', [['Concat', 'x x', 'y', { axis: 4 }]], {}, 'axis 4 does not exist in a tensor of 4 axes'],
  ['an axis too few', [['Concat', 'x x', 'y', { axis: -5 }]], {}, 'axis -5 does not exist in a tensor of 4 axes'],
  [
    'an axis twice',
    [['Squeeze', 'x a', 'y']],
    { shape: [1, 2, 1, 1], constants: { a: int64(2, -2) } },
    'the axes [2,-2] name one twice',
  ],
  [
    'a picture on its side',
    [picture, ['Transpose', 'p', 't', { perm: [0, 2, 1, 3] }], ['GlobalMaxPool', 't', 'y']],
    {},
    'wanted the numbers of its input [1,4,2,4] in the order of its axes [0,2,3,1]; there is no layer that moves them there',
  ],
  [
    'no picture',
    [['GlobalMaxPool', 'x', 'y']],
    { shape: [1, 2, 4] },
    'input 0 has the shape [1,2,4], wanted a picture [batch, channels, height, width]',
  ],
  [
    'rows for channels',
    [picture, ['Softmax', 'p', 'y', { axis: 2 }]],
    {},
    'axes [2] of [1,2,4,4]: their numbers do not lie side by side in [batch, height, width, channels]',
  ],

  // attributes: what each rule accepts
  ['a flag', [['Flatten', 'x', 'y', { axis: 'a' }]], {}, "attribute 'axis' is a (STRING); wanted a whole number"],
  ['a number', [['LeakyRelu', 'x', 'y', { alpha: 1 }]], {}, "attribute 'alpha' is 1 (INT); wanted a number"],
  ['a switch', [['Gemm', 'x k', 'y', { transB: 2 }]], {}, "attribute 'transB' is 2 (INT); wanted 0 or 1"],
  ['one value alone', [['Gemm', 'x k', 'y', { transA: 1 }]], {}, "attribute 'transA' is 1 (INT); wanted 0"],
  ['a text for a number', [['Gemm', 'x k', 'y', { transA: '0' }]], {}, "attribute 'transA' is 0 (STRING); wanted 0"],
  [
    'a word',
    [['Pad', 'x', 'y', { mode: 'wrap', pads: [0, 0, 0, 0, 0, 0, 0, 0] }]],
    {},
    "attribute 'mode' is wrap (STRING); wanted 'constant'",
  ],
  [
    'numbers, of a size',
    [['MaxPool', 'x', 'y', { kernel_shape: [1] }]],
    {},
    "attribute 'kernel_shape' is [1] (INTS); wanted 2 whole numbers of 1 or more",
  ],
  [
    'numbers, large enough',
    [['MaxPool', 'x', 'y', { kernel_shape: [1, 0] }]],
    {},
    "attribute 'kernel_shape' is [1,0] (INTS); wanted 2 whole numbers of 1 or more",
  ],
  [
    'whole numbers',
    [['Transpose', 'x', 'y', { perm: { float: [0, 1] } }]],
    {},
    "attribute 'perm' is [0,1] (FLOATS); wanted any number of whole numbers",
  ],
  [
    'real numbers',
    [['Upsample', 'x', 'y', { scales: [1, 1, 2, 2] }]],
    {},
    "attribute 'scales' is [1,1,2,2] (INTS); wanted any number of numbers",
  ],
  ['a tensor', [['Constant', '-', 'y', { value: 1 }]], {}, "attribute 'value' is 1 (INT); wanted a tensor"],
  [
    'dilations of a pool',
    [['MaxPool', 'x', 'y', { kernel_shape: [2, 2], dilations: [1, 2] }]],
    {},
    "attribute 'dilations' is [1,2] (INTS); wanted 1 along both axes",
  ],

  // convolutions
  [
    'a kernel of three axes',
    [['Conv', 'x k', 'y']],
    { constants: { k: ones(2, 2, 1) } },
    'its kernel has the shape [2,2,1], wanted [O, I, height, width]',
  ],
  [
    'a kernel of another height',
    [['Conv', 'x k', 'y', { kernel_shape: [3, 1] }]],
    { constants: { k: ones(2, 2, 1, 1) } },
    "attribute 'kernel_shape' is [3,1], its kernel is [2,2,1,1]",
  ],
  [
    'a kernel of another width',
    [['Conv', 'x k', 'y', { kernel_shape: [1, 3] }]],
    { constants: { k: ones(2, 2, 1, 1) } },
    "attribute 'kernel_shape' is [1,3], its kernel is [2,2,1,1]",
  ],
  [
    'a depthwise kernel whose channels do not divide',
    [['Conv', 'x k', 'y', { group: 2 }]],
    { constants: { k: ones(3, 1, 1, 1) } },
    "attribute 'group' is 2; wanted 1, or one group for each of the 2 input channels",
  ],
  [
    'a bias for others',
    [['Conv', 'x k b', 'y']],
    { constants: { k: ones(3, 2, 1, 1), b: ones(2) } },
    'its bias has the shape [2], wanted [3]',
  ],
  [
    'a bias with an axis too many',
    [['Conv', 'x k b', 'y']],
    { constants: { k: ones(3, 2, 1, 1), b: ones(3, 1) } },
    'its bias has the shape [3,1], wanted [3]',
  ],
  [
    'Gemm of a picture',
    [['Gemm', 'x k', 'y']],
    { constants: { k: ones(2, 3) } },
    'input 0 has the shape [1,2,4,4], wanted [batch, channels]',
  ],
  [
    'Gemm with a row',
    [['Gemm', 'x k', 'y']],
    { shape: [1, 2], constants: { k: ones(2) } },
    'its matrix has the shape [2], wanted two axes',
  ],
  [
    'Gemm with another matrix',
    [['Gemm', 'x k', 'y']],
    { shape: [1, 2], constants: { k: ones(3, 5) } },
    'has a matrix [3,5] for an input of [1,2]',
  ],
  [
    'Gemm with a bias by the batch',
    [['Gemm', 'x k b', 'y']],
    { shape: [1, 2], constants: { k: ones(2, 3), b: ones(2, 3) } },
    'input 2 has the shape [2,3], wanted a bias of [3] for all of the batch',
  ],
  [
    'Gemm with a bias of three axes',
    [['Gemm', 'x k b', 'y']],
    { shape: [1, 2], constants: { k: ones(2, 3), b: ones(1, 1, 3) } },
    'input 2 has the shape [1,1,3], wanted a bias of [3] for all of the batch',
  ],
  [
    'Gemm with a bias of another size',
    [['Gemm', 'x k b', 'y']],
    { shape: [1, 2], constants: { k: ones(2, 3), b: ones(1, 2) } },
    'input 2 has the shape [1,2], wanted a bias of [3] for all of the batch',
  ],
  [
    'MatMul with a row',
    [['MatMul', 'x k', 'y']],
    { shape: [1, 2], constants: { k: ones(2) } },
    'its matrix has the shape [2], wanted two axes',
  ],
  [
    'MatMul with another matrix',
    [['MatMul', 'x k', 'y']],
    { shape: [1, 2], constants: { k: ones(3, 5) } },
    'has a matrix [3,5] for an input of [1,2]',
  ],

  // element by element
  [
    'a constant in the numerator',
    [['Div', 'k x', 'y']],
    { constants: { k: float(1) } },
    'divides a constant by a computed tensor',
  ],
  [
    'statistics of a batch',
    [['BatchNormalization', 'x k k k k', 'y m']],
    { constants: { k: ones(2) } },
    'yields statistics, as in training; wanted one output',
  ],
  [
    'statistics of other channels',
    [['BatchNormalization', 'x k k m k', 'y']],
    { constants: { k: ones(2), m: ones(3, 1) } },
    'input 3 has the shape [3,1], wanted [2] numbers, one for each channel',
  ],
  ['a bias of FastGelu', [['com.microsoft.FastGelu', 'x k', 'y']], { constants: { k: ones(4) } }, 'has a bias'],
  [
    'dropout in training',
    [['Dropout', 'x r t', 'y']],
    { constants: { r: float(0.5), t: float(1) } },
    "input 'training_mode' is true; wanted a network for inference",
  ],
  [
    'integers without a scale',
    [
      ['QuantizeLinear', 'x s', 'q'],
      ['DequantizeLinear', 'q', 'y'],
    ],
    { constants: { s: float(1) } },
    'has no scale',
  ],
  ['a quantisation without a scale', [['QuantizeLinear', 'x', 'y']], {}, 'has no scale'],
  [
    'a scale of 0',
    [['QuantizeLinear', 'x s', 'y']],
    { constants: { s: float(0) } },
    'its scale is 0, wanted a number above 0',
  ],
  [
    'an endless scale',
    [['QuantizeLinear', 'x s', 'y']],
    { constants: { s: float(Infinity) } },
    'its scale is Infinity, wanted a number above 0',
  ],
  ['a cast to integers', [['Cast', 'x', 'y', { to: 6 }]], {}, "attribute 'to' is 6; wanted a type of real numbers"],
  [
    'factors of two sizes',
    [picture, ['AveragePool', 'p', 'a', { kernel_shape: [2, 2] }], ['Mul', 'p a', 'y']],
    {},
    'multiplies [1,2,4,4] and [1,2,3,3]; wanted sizes that are equal or 1, with the numbers in the same order',
  ],
  [
    'factors of two ranks',
    [picture, ['GlobalAveragePool', 'p', 'g'], ['Flatten', 'g', 'f'], ['Mul', 'p f', 'y']],
    {},
    'multiplies [1,2,4,4] and [1,2]; wanted sizes that are equal or 1, with the numbers in the same order',
  ],
  [
    'factors in two orders',
    [...flat, ['Mul', 'f f', 'y']],
    {},
    'multiplies [1,32] and [1,32]; wanted sizes that are equal or 1, with the numbers in the same order',
  ],
  [
    'summands of two sizes',
    [picture, ['AveragePool', 'p', 'a', { kernel_shape: [2, 2] }], ['Add', 'p a', 'y']],
    {},
    'adds [1,2,4,4] and [1,2,3,3]; wanted the same shape, with the numbers in the same order',
  ],
  [
    'a constant by the batch',
    [['Add', 'x k', 'y']],
    { shape: [2, 3], constants: { k: ones(2, 1) } },
    'its constant of [2,1] does not fit an input of [2,3], the same for the whole batch',
  ],
  [
    'a constant of another size',
    [['Add', 'x k', 'y']],
    { shape: [2, 3], constants: { k: ones(2) } },
    'its constant of [2] does not fit an input of [2,3], the same for the whole batch',
  ],
  [
    'a constant of more axes',
    [['Add', 'x k', 'y']],
    { shape: [2, 3], constants: { k: ones(1, 1, 3) } },
    'its constant of [1,1,3] does not fit an input of [2,3], the same for the whole batch',
  ],

  // heads
  [
    'a label map of a flat picture',
    [...flat, ['ArgMax', 'f', 'y', { axis: 1 }]],
    {},
    'axis 1 of [1,32]: its numbers do not lie in their own order',
  ],
  ['a resize to nothing', [['Resize', 'x', 'y', { mode: 'linear' }]], {}, 'has neither sizes nor scales'],
  [
    'scales of three axes',
    [['Resize', 'x - s', 'y', { mode: 'linear' }]],
    { constants: { s: float(1, 1, 2) } },
    'has 3 sizes or scales for 4 axes',
  ],
  [
    'more channels',
    [['Resize', 'x - s', 'y', { mode: 'linear' }]],
    { constants: { s: float(1, 2, 1, 1) } },
    'resizes [1,2,4,4] to [1,4,4,4]; wanted height and width alone',
  ],
  [
    'a larger batch',
    [['Resize', 'x - - s', 'y', { mode: 'linear' }]],
    { constants: { s: int64(2, 2, 4, 4) } },
    'resizes [1,2,4,4] to [2,2,4,4]; wanted height and width alone',
  ],
  [
    'parts of a sample',
    [['Resize', 'x - s', 'y', { mode: 'linear' }]],
    { constants: { s: float(1, 1, 1, 1.125) } },
    'resizes 4 samples by 1.125, which is no whole number of samples',
  ],
  [
    'a single sample by half pixels',
    [['Resize', 'x - - s', 'y', { mode: 'linear', coordinate_transformation_mode: 'pytorch_half_pixel' }]],
    { constants: { s: int64(1, 2, 1, 4) } },
    'resizes [1,2,4,4] to [1,2,1,4] by the rule pytorch_half_pixel, which is another for a single sample',
  ],
  [
    'the nearest of no multiple',
    [['Resize', 'x - - s', 'y', { mode: 'nearest' }]],
    { constants: { s: int64(1, 2, 6, 8) } },
    'resizes 4 x 4 to 6 x 8 by the nearest pixel (half_pixel, round_prefer_floor); wanted whole multiples, by asymmetric and floor or by half_pixel',
  ],
  [
    'the nearest by another rule',
    [['Resize', 'x - - s', 'y', { mode: 'nearest', nearest_mode: 'ceil' }]],
    { constants: { s: int64(1, 2, 8, 8) } },
    'resizes 4 x 4 to 8 x 8 by the nearest pixel (half_pixel, ceil); wanted whole multiples, by asymmetric and floor or by half_pixel',
  ],

  // pools
  [
    'a mean that counts what is behind the padding',
    [['AveragePool', 'x', 'y', { kernel_shape: [2, 2], strides: [2, 2], ceil_mode: 1, count_include_pad: 1 }]],
    { shape: [1, 1, 3, 3] },
    "attribute 'ceil_mode' is 1 together with count_include_pad, and the last window reaches behind the padding",
  ],
  ['a pool of no size', [['MaxPool', 'x', 'y']], {}, "attribute 'kernel_shape' is missing"],
  [
    'the largest channel',
    [['ReduceMax', 'x', 'y', { axes: [1] }]],
    { opset: 13 },
    'the largest over the axes [1] of [1,2,4,4]; wanted height and width, [2,3]',
  ],
  [
    'the largest of a row',
    [['ReduceMax', 'x', 'y', { axes: [1, 2] }]],
    { opset: 13 },
    'the largest over the axes [1,2] of [1,2,4,4]; wanted height and width, [2,3]',
  ],
  [
    'the largest of a row of channels',
    [['ReduceMax', 'x', 'y', { axes: [1, 2, 3] }]],
    { opset: 13 },
    'the largest over the axes [1,2,3] of [1,2,4,4]; wanted height and width, [2,3]',
  ],
  [
    'the largest of five axes',
    [['ReduceMax', 'x', 'y', { axes: [2, 3] }]],
    { opset: 13, shape: [1, 2, 4, 4, 1] },
    'input 0 has the shape [1,2,4,4,1], wanted a picture [batch, channels, height, width]',
  ],
  [
    'means by columns',
    [picture, ['ReduceMean', 'p', 'y', { axes: [1, 2] }]],
    { opset: 13 },
    'means over the axes [1,2] of [1,2,4,4]; wanted height and width',
  ],
  [
    'means of the batch',
    [picture, ['ReduceMean', 'p', 'y', { axes: [0, 2, 3] }]],
    { opset: 13 },
    'means over the axes [0,2,3] of [1,2,4,4]; wanted height and width',
  ],

  // shapes
  ['a longer batch', [['Concat', 'x x', 'y', { axis: 0 }]], {}, 'joins along the batch'],
  [
    'parts in two orders',
    [...flat, ['Concat', 'f f', 'y', { axis: 1 }]],
    {},
    'joins [1,32], [1,32], whose numbers lie in different orders',
  ],
  ['a reshape to nothing', [['Reshape', 'x', 'y']], {}, 'has no shape'],
  [
    'a reshape to another size',
    [['Reshape', 'x s', 'y']],
    { constants: { s: int64(1, 33) } },
    'the numbers of [1,2,4,4] do not fit into [1,33]',
  ],
  [
    'a reshape of two open sizes',
    [['Reshape', 'x s', 'y']],
    { constants: { s: int64(1, -1, -1) } },
    'the numbers of [1,2,4,4] do not fit into [1,-1,-1]',
  ],
  [
    'a reshape across channels',
    [picture, ['Reshape', 'p s', 'y']],
    { shape: [1, 3, 4, 4], constants: { s: int64(1, 2, 24) } },
    'reshapes [1,3,4,4] to [1,2,24], which joins numbers that do not lie side by side in [batch, height, width, channels]',
  ],
  [
    'a squeeze of what is larger',
    [['Squeeze', 'x a', 'y']],
    { shape: [1, 1, 4, 1], constants: { a: int64(1, 2) } },
    'drops the axes [1,2] of [1,1,4,1]; wanted some of [1,3]',
  ],
  [
    'a squeeze of the batch',
    [['Squeeze', 'x a', 'y']],
    { shape: [1, 1, 4, 1], constants: { a: int64(0) } },
    'drops the axes [0] of [1,1,4,1]; wanted some of [1,3]',
  ],
  ['no axes to add', [['Unsqueeze', 'x', 'y']], {}, 'has no axes'],
  [
    'a permutation of three axes',
    [['Transpose', 'x', 'y', { perm: [0, 2, 1] }]],
    {},
    "attribute 'perm' is [0,2,1], the input has the shape [1,2,4,4]",
  ],
  ['a part from nowhere', [['Slice', 'x', 'y']], {}, 'has no starts'],
  ['a part to nowhere', [['Slice', 'x s', 'y']], { constants: { s: int64(0) } }, 'has no ends'],
  [
    'a part of two ends',
    [['Slice', 'x s e', 'y']],
    { constants: { s: int64(0), e: int64(1, 1) } },
    'slices [1,2,4,4] along [0] from [0] to [1,1] in steps of [1]; wanted as many of each, and steps of 1 or more',
  ],
  [
    'a part backwards',
    [['Slice', 'x s e a t', 'y']],
    { constants: { s: int64(3), e: int64(0), a: int64(3), t: int64(-1) } },
    'slices [1,2,4,4] along [3] from [3] to [0] in steps of [-1]; wanted as many of each, and steps of 1 or more',
  ],
  [
    'a part of the batch',
    [['Slice', 'x s e a', 'y']],
    { shape: [2, 3], constants: { s: int64(0), e: int64(1), a: int64(0) } },
    'takes 1 numbers from 0 on of axis 0 of [2,3]; wanted one or more that are there, and not of the batch',
  ],
  [
    'an empty part',
    [['Slice', 'x s e a', 'y']],
    { shape: [2, 3], constants: { s: int64(1), e: int64(1), a: int64(1) } },
    'takes 0 numbers from 1 on of axis 1 of [2,3]; wanted one or more that are there, and not of the batch',
  ],
  [
    'a part of a flat picture',
    [...flat, ['Slice', 'f s e a', 'y']],
    { constants: { s: int64(0), e: int64(4), a: int64(1) } },
    'takes a part of [1,32], whose numbers lie in the order of none of its axes',
  ],
  [
    'parts of other sizes',
    [['Split', 'x s', 'y z', { axis: 1 }]],
    { shape: [1, 5], constants: { s: int64(2, 2) } },
    'splits [1,5] along axis 1 into parts of [2,2] for 2 results',
  ],
  [
    'more parts than results',
    [['Split', 'x s', 'y z', { axis: 1 }]],
    { shape: [1, 5], constants: { s: int64(2, 2, 1) } },
    'splits [1,5] along axis 1 into parts of [2,2,1] for 2 results',
  ],
  ['padding of no size', [['Pad', 'x', 'y']], {}, 'has no pads'],
  [
    'padding of a flat picture',
    [...flat, ['Pad', 'f s', 'y']],
    { constants: { s: int64(0, 1, 0, 1) } },
    'pads [1,32], whose numbers lie in the order of none of its axes',
  ],
  [
    'padding of no picture',
    [['Pad', 'x s', 'y']],
    { shape: [1, 5], constants: { s: int64(0, 1, 0, 1) } },
    'pads [1,5] by [0,1,0,1]; wanted a picture and two numbers for each of its axes',
  ],
  [
    'padding of two axes of four',
    [picture, ['Pad', 'p s', 'y']],
    { constants: { s: int64(1, 1, 1, 1) } },
    'pads [1,2,4,4] by [1,1,1,1]; wanted a picture and two numbers for each of its axes',
  ],
  [
    'padding of the channels',
    [picture, ['Pad', 'p s', 'y']],
    { constants: { s: int64(0, 1, 0, 0, 0, 0, 0, 0) } },
    'pads [1,2,4,4] by [0,1,0,0,0,0,0,0]; wanted padding of height and width alone',
  ],

  // constants
  [
    'constants that do not join',
    [['Concat', 'a b', 'y', { axis: 0 }]],
    { constants: { a: ones(2), b: ones(1, 2) } },
    'joins constants of [2], [1,2] along axis 0',
  ],
  ['a constant of nothing', [['Constant', '-', 'y']], {}, 'holds no tensor, number or numbers'],
  [
    'a number that is not there',
    [['Gather', 'a i', 'y']],
    { constants: { a: ones(3), i: int64(3) } },
    'gathers number 3 of 3',
  ],
  [
    'a number before the first',
    [['Gather', 'a i', 'y']],
    { constants: { a: ones(3), i: int64(-4) } },
    'gathers number -4 of 3',
  ],
  ['a constant reshaped to nothing', [['Reshape', 'a', 'y']], { constants: { a: ones(3) } }, 'has no shape'],
  ['a part of a constant from nowhere', [['Slice', 'a', 'y']], { constants: { a: ones(3) } }, 'has no starts'],
  [
    'a part of a constant to nowhere',
    [['Slice', 'a s', 'y']],
    { constants: { a: ones(3), s: int64(0) } },
    'has no ends',
  ],
  [
    'a part of a constant backwards',
    [['Slice', 'a s e x t', 'y']],
    { constants: { a: ones(3), s: int64(2), e: int64(0), x: int64(0), t: int64(-1) } },
    'slices [3] along [0] from [2] to [0] in steps of [-1]; wanted as many of each, and steps of 1 or more',
  ],
  [
    'a permutation of a constant',
    [['Transpose', 'a', 'y', { perm: [0] }]],
    { constants: { a: ones(2, 2) } },
    'its permutation [0] does not fit [2,2]',
  ],
  ['no axes to add to a constant', [['Unsqueeze', 'a', 'y']], { constants: { a: ones(3) } }, 'has no axes'],
  [
    'constants of two sizes',
    [['Add', 'a b', 'y']],
    { constants: { a: ones(2), b: ones(3) } },
    'constants of [2] and [3], wanted sizes that are equal or 1',
  ],
  [
    'a quantisation to wide integers',
    [['QuantizeLinear', 'a s', 'y', { output_dtype: 6 }]],
    { constants: { a: ones(2), s: float(1) } },
    'quantises to INT32; wanted UINT8, INT8, UINT16, INT16',
  ],
  ['a size below 0', [['ConstantOfShape', 's', 'y']], { constants: { s: int64(-1) } }, '[-1] is no shape'],
  [
    'scales of other channels',
    [['DequantizeLinear', 'a s', 'y', { axis: 0 }]],
    { constants: { a: int8([2], 1, 1), s: float(1, 2, 3) } },
    'scales of [3] and 2 zero points for a constant of [2]; wanted one, or one for each of its 2 numbers along axis 0',
  ],
];

describe('operators', () => {
  test.each(cases)('%s', async (_, nodes, given, message) => {
    const [op, , outputs] = nodes.at(-1)!;
    const where = `m.onnx: node ${nodes.length - 1} (${op}, for '${outputs.split(' ')[0]}')`;
    const error = await onnx.read(file(nodes, given), { fileName: 'm.onnx' }).catch((thrown) => thrown);
    expect(error).toEqual(new FormatError(`${where}: ${message}`));
  });
});

/** A field of bytes, texts or messages, whose lengths are below 128, and one of a whole number. */
const field = (number: number, ...content: (number | string)[]): number[] => {
  const bytes = content.flatMap((part) => (typeof part === 'string' ? [...new TextEncoder().encode(part)] : [part]));
  return [...varint(8 * number + 2), bytes.length, ...bytes];
};
const count = (number: number, value: number): number[] => [...varint(8 * number), value];
const varint = (value: number): number[] => (value < 128 ? [value] : [128 + (value % 128), Math.floor(value / 128)]);

const GRAPH = 7;
const OPSET = field(8, ...count(2, 13));
/** Of a graph. */
const [NODE, INITIALIZER, INPUT, OUTPUT] = [1, 5, 11, 12];
const tensorOf = (...fields: number[]) => field(INITIALIZER, ...field(8, 'k'), ...fields);
/** y = Conv(x, k). */
const conv = field(NODE, ...field(1, 'x'), ...field(1, 'k'), ...field(2, 'y'), ...field(4, 'Conv'));
const sizes = (...all: number[]) => field(2, ...all.flatMap((size) => field(1, ...count(1, size))));
const inputOf = (...tensorType: number[]) => field(INPUT, ...field(1, 'x'), ...field(2, ...field(1, ...tensorType)));
const x = inputOf(...count(1, 1), ...sizes(1, 1, 2, 2));
const withKernel = (...fields: number[]) => [
  ...OPSET,
  ...field(GRAPH, ...conv, ...tensorOf(...fields), ...x, ...field(OUTPUT, ...field(1, 'y'))),
];
const kernelShape = [...count(1, 1), ...count(1, 1), ...count(1, 1), ...count(1, 1)];
const beside = (...entries: [key: string, value: string][]) =>
  entries.flatMap(([key, value]) => field(13, ...field(1, key), ...field(2, value)));
const withAttribute = (...attribute: number[]) => [
  ...OPSET,
  ...field(GRAPH, ...field(NODE, ...field(2, 'y'), ...field(4, 'Relu'), ...field(5, ...field(1, 'a'), ...attribute))),
];

describe('the model', () => {
  test.each<[what: string, bytes: readonly number[], message: string]>([
    ['no graph', OPSET, 'model: not an ONNX model: it has no graph'],
    [
      'sparse constants',
      [...OPSET, ...field(GRAPH, ...field(15))],
      'graph.sparse_initializer: sparse constants are not read',
    ],
    ['no version', field(GRAPH), "model.opset_import: says no version of ONNX's own operators"],
    [
      'a version of other operators',
      [...field(8, ...field(1, 'org.example'), ...count(2, 1)), ...field(GRAPH)],
      "model.opset_import: says no version of ONNX's own operators",
    ],
    [
      'version 0',
      [...field(8, ...count(2, 0)), ...field(GRAPH)],
      'model.opset_import: wanted an operator set from 1 to 26, found 0',
    ],
    [
      'an output whose name is a number',
      [...OPSET, ...field(GRAPH, ...field(OUTPUT, ...count(1, 5)))],
      'graph.output[0].name: wanted a field of wire type 2, found 0',
    ],
    ['an output without a name', [...OPSET, ...field(GRAPH, ...field(OUTPUT))], 'graph.output[0]: has no name'],
    [
      'an attribute of a function',
      withAttribute(...field(21, 'b')),
      "node 0 (Relu, for 'y'): attribute 'a': refers to the attribute 'b' of a function",
    ],
    [
      'an attribute of no type',
      withAttribute(...count(20, 99)),
      "node 0 (Relu, for 'y'): attribute 'a': its type 99 is unknown",
    ],
    ['an input without a name', [...OPSET, ...field(GRAPH, ...field(INPUT))], "input '': wanted a tensor with a name"],
    [
      'an input that is no tensor',
      [...OPSET, ...field(GRAPH, ...field(INPUT, ...field(1, 'x'), ...field(2)))],
      "input 'x': wanted a tensor with a name",
    ],
    [
      'an input of texts',
      [...OPSET, ...field(GRAPH, ...inputOf(...count(1, 8), ...sizes(1)))],
      "input 'x': wanted numbers of type FLOAT, FLOAT16, BFLOAT16, DOUBLE, UINT8, INT8, found STRING",
    ],
    [
      'an input of no type',
      [...OPSET, ...field(GRAPH, ...inputOf(...count(1, 99), ...sizes(1)))],
      "input 'x': wanted numbers of type FLOAT, FLOAT16, BFLOAT16, DOUBLE, UINT8, INT8, found type 99",
    ],
    ['an input without a shape', [...OPSET, ...field(GRAPH, ...inputOf(...count(1, 1)))], "input 'x': has no shape"],
    [
      'an input of nine axes',
      [...OPSET, ...field(GRAPH, ...inputOf(...count(1, 1), ...sizes(1, 1, 1, 1, 1, 1, 1, 1, 1)))],
      "input 'x': wanted at most 8 axes, found 9",
    ],
    [
      'a constant of texts',
      withKernel(...kernelShape, ...count(2, 8)),
      "constant 'k': constants of type STRING are not read; wanted FLOAT, FLOAT16, BFLOAT16, DOUBLE, INT64, INT32, INT16, INT8, UINT64, UINT32, UINT16, UINT8, BOOL",
    ],
    [
      'a constant of nine axes',
      withKernel(...kernelShape, ...kernelShape, ...count(1, 1), ...count(2, 1)),
      "constant 'k': wanted at most 8 axes, found 9",
    ],
    [
      'a constant of too few bytes',
      withKernel(...kernelShape, ...count(2, 1), ...field(9, 0, 0)),
      "constant 'k': shape [1,1,1,1] wants 1 numbers of type FLOAT, the file has 0.5",
    ],
    [
      'a constant of too many numbers',
      withKernel(...kernelShape, ...count(2, 2), ...field(5, 1, 2)),
      "constant 'k': shape [1,1,1,1] wants 1 numbers of type UINT8, the file has 2",
    ],
    [
      'a file beside it without a name',
      withKernel(...kernelShape, ...count(2, 1), ...count(14, 1)),
      "constant 'k': its numbers lie in another file (external data), whose name is missing",
    ],
    [
      'a file beside it outside of the folder',
      withKernel(...kernelShape, ...count(2, 1), ...beside(['location', 'a/../../b'])),
      "constant 'k': its numbers lie in 'a/../../b' (external data), outside of the model's folder",
    ],
    [
      'an offset that is no number',
      withKernel(...kernelShape, ...count(2, 1), ...beside(['location', 'w'], ['offset', '-1'])),
      "constant 'k': external data: offset is '-1', wanted a number of bytes",
    ],
    [
      'a length that is no number',
      withKernel(...kernelShape, ...count(2, 1), ...beside(['location', 'w'], ['length', '4 '])),
      "constant 'k': external data: length is '4 ', wanted a number of bytes",
    ],
    [
      'a file beside it that is not given',
      withKernel(...kernelShape, ...count(2, 1), ...beside(['location', 'w'])),
      "constant 'k': its numbers lie in another file, 'w' (external data), which was not given; use load or readNetworkFile with the model's address or path, or importOnnx with that file",
    ],
  ])('%s', async (_, bytes, message) => {
    const error = await onnx.read(Uint8Array.from(bytes), { fileName: 'm.onnx' }).catch((thrown) => thrown);
    expect(error).toEqual(new FormatError(`m.onnx: ${message}`));
  });

  test('types of attributes that a file of the first version does not state', () => {
    const real = (value: number) => [...new Uint8Array(Float32Array.of(value).buffer)];
    const typed = (...attribute: number[]) => {
      const bytes = Uint8Array.from(withAttribute(...attribute));
      const [{ type, value }] = readModel(new ProtoFile(bytes, 'f', PbfReader)).nodes[0].attributes;
      return [type, value];
    };
    expect(typed(8 * 2 + 5, ...real(0.5))).toEqual(['FLOAT', 0.5]);
    expect(typed(...count(3, 7))).toEqual(['INT', 7]);
    expect(typed(...field(4, 'word'))).toEqual(['STRING', 'word']);
    expect(typed(...field(7, ...real(0.5), ...real(2)))).toEqual(['FLOATS', [0.5, 2]]);
    expect(typed(...field(8, 1, 2))).toEqual(['INTS', [1, 2]]);
    expect(typed(...field(9, 'a'), ...field(9, 'b'))).toEqual(['STRINGS', ['a', 'b']]);
    expect(typed()).toEqual(['UNDEFINED', undefined]);
    const tensor = [...count(2, 1), ...field(9, ...real(3))];
    expect(typed(...field(5, ...tensor))).toMatchObject([
      'TENSOR',
      { tensor: { shape: [], data: Float32Array.of(3) } },
    ]);
    // a number of 0 and an empty text may be left out
    expect([1, 2, 3, 6, 7, 8].map((type) => typed(...count(20, type))[1])).toEqual([0, 0, '', [], [], []]);
  });

  test('no outputs wanted', async () => {
    await expect(onnx.read(file([picture]), { fileName: 'm.onnx', outputs: [] })).rejects.toThrow(
      new UsageError('m.onnx: wanted the names of one or more outputs, found none'),
    );
  });
});

describe('fields', () => {
  const schema = {
    text: [1, 'text'],
    number: [2, 'int'],
    real: [4, 'float'],
    packed: [5, 'floats'],
    wide: [6, 'doubles'],
  } as const;

  test.each<[what: string, bytes: readonly number[], message: string]>([
    [
      'a text beyond the end',
      [0x0a, 0x7f, 0x41],
      'm.text: truncated: its content of 127 bytes begins at byte 2 of a message of 3',
    ],
    [
      'a real number beyond the end',
      [0x25, 0, 0, 0],
      'm.real: truncated: a float of 4 bytes begins at byte 1 of a message of 4',
    ],
    [
      'a wide one',
      [0x31, 0, 0, 0, 0, 0, 0, 0],
      'm.wide: truncated: a double of 8 bytes begins at byte 1 of a message of 8',
    ],
    [
      'a list beyond the end',
      [0x2a, 5, 0, 0, 0, 0],
      'm.packed: truncated: its content of 5 bytes begins at byte 2 of a message of 6',
    ],
    [
      'a list that is no multiple of its numbers',
      [0x2a, 5, 0, 0, 0, 0, 0, 0x10, 0, 0],
      'm.packed: its last number reaches beyond its end',
    ],
    ['a whole number without an end', [0x10, 0x80], 'm.number: at byte 1: Expected varint not more than 10 bytes'],
    ['another wire type', [0x15, 0], 'm.number: wanted a field of wire type 0, found 5'],
    ['an unknown wire type', [0x1b], 'm: wire type 3 at byte 1 is unknown'],
    [
      'an unknown field beyond the end',
      [0x7a, 2, 0],
      'm: truncated: a field of 2 bytes begins at byte 2 of a message of 3',
    ],
    ['one of eight bytes', [0x79, 0], 'm: truncated: a field of 8 bytes begins at byte 1 of a message of 2'],
    ['one of four bytes', [0x7d, 0], 'm: truncated: a field of 4 bytes begins at byte 1 of a message of 2'],
    [
      'a size beyond 2³¹',
      [0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f, 0],
      'm.text: truncated: its content of 4294967295 bytes begins at byte 6 of a message of 7',
    ],
  ])('%s', (_, bytes, message) => {
    const proto = new ProtoFile(Uint8Array.from(bytes), 'f', PbfReader);
    expect(() => proto.message(proto.bytes, schema, 'm')).toThrow(new FormatError(`f: ${message}`));
  });

  test('unknown fields are passed over', () => {
    const bytes = [0x78, 0x80, 1, 0x79, 0, 0, 0, 0, 0, 0, 0, 0, 0x7a, 1, 0, 0x7d, 0, 0, 0, 0, 0x10, 7];
    const proto = new ProtoFile(Uint8Array.from(bytes), 'f', PbfReader);
    expect(proto.message(proto.bytes, schema, 'm').number).toBe(7);
  });
});
