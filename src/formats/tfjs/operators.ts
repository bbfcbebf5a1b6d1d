/** Every operator of a TensorFlow graph that is read. Kernels have this library's own layouts, HWIO, HWCM and IO. */
import { type Shape, sameShape, sizeOf, type Tensor, tensor } from '../../tensor.js';
import { type Affine, affineNorm } from '../affine.js';
import type { Draft } from '../drafts.js';
import {
  affine as affineStep,
  elu,
  erf,
  globalMax,
  leakyRelu,
  paddedChannels,
  partOf,
  repeated,
  type Step,
  selu,
  tanh,
} from '../steps.js';
import { tensorflowResizeRule } from '../tensorflow-resize.js';
import { LARGEST_FLOAT32 } from '../tensors/numbers.js';
import type { GraphCall } from './call.js';

export const operators: Readonly<Record<string, (call: GraphCall) => Draft>> = {
  _FusedConv2D: (call) => fused(call, conv2d),
  _FusedMatMul: (call) => fused(call, matMul),
  Abs: (call) => call.addSteps(call.value(0), leakyRelu([-1])),
  Add: add,
  AddN: (call) => sum(call, call.node.inputs.length),
  AddV2: add,
  ArgMax: argMax,
  AvgPool(call) {
    return call.add('averagePool', [call.value(0)], {
      poolSize: call.pair('ksize'),
      ...call.window(),
      includePadding: false,
    });
  },
  BiasAdd: (call) => affine(call, { shift: (c) => c }),
  Cast(call) {
    call.only('DstT', call.type('DstT'), 'DT_FLOAT');
    call.type('SrcT');
    call.bool('Truncate', false);
    return call.value(0);
  },
  ClipByValue(call) {
    const [min] = call.numbers(1);
    const [max] = call.numbers(2);
    return min === 0 && max === 6
      ? call.add('relu6', [call.value(0)], {})
      : call.add('clamp', [call.value(0)], { min, max });
  },
  ConcatV2(call) {
    const inputs = call.node.inputs.slice(0, -1).map((_, index) => call.value(index));
    const [axis] = call.numbers(call.node.inputs.length - 1);
    if (axis === 0) call.fail('joins along the batch');
    return call.add('concat', inputs, { axis });
  },
  Conv2D: (call) => conv2d(call, undefined),
  DepthwiseConv2dNative: (call) => depthwiseConv2d(call, undefined),
  Elu: (call) => call.addSteps(call.value(0), elu(1)),
  Erf: (call) => call.addSteps(call.value(0), erf()),
  ExpandDims(call) {
    const { shape } = call.value(0);
    const [stated] = call.numbers(1);
    const axis = stated < 0 ? stated + shape.length + 1 : stated;
    if (axis === 0) call.fail('puts an axis before the batch');
    return reshape(call, [...shape.slice(0, axis), 1, ...shape.slice(axis)]);
  },
  FusedBatchNorm: fusedBatchNorm,
  FusedBatchNormV2: fusedBatchNorm,
  FusedBatchNormV3: fusedBatchNorm,
  FusedDepthwiseConv2dNative: (call) => fused(call, depthwiseConv2d),
  Identity: (call) => call.value(0),
  LeakyRelu: (call) => call.addSteps(call.value(0), leakyRelu([call.float('alpha', 0.2)])),
  MatMul: (call) => matMul(call, undefined),
  Max: (call) => overPicture(call, globalMax),
  Maximum: (call) => bounded(call, (min) => ({ min, max: LARGEST_FLOAT32 })),
  MaxPool: (call) => call.add('maxPool', [call.value(0)], { poolSize: call.pair('ksize'), ...call.window() }),
  Mean: (call) => overPicture(call, (keepDims) => [{ kind: 'globalAveragePool', attributes: { keepDims } }]),
  Minimum: (call) => bounded(call, (max) => ({ min: -LARGEST_FLOAT32, max })),
  Mul: (call) =>
    call.isConstant(0) || call.isConstant(1)
      ? affine(call, { scale: (c) => c })
      : call.add(
          'multiply',
          [call.value(0), call.value(1)].sort((a, b) => sizeOf(b.shape) - sizeOf(a.shape)),
          {},
        ),
  Neg: (call) => call.addSteps(call.value(0), [affineStep('', [-1], [0])]),
  Pad: (call) => pad(call, 0),
  PadV2: (call) => pad(call, call.numbers(2)[0]),
  Prelu: (call) => call.addSteps(call.value(0), leakyRelu(slopes(call, 1))),
  RealDiv: (call) =>
    call.isConstant(0) ? call.fail('divides a constant by a computed tensor') : affine(call, { scale: (c) => 1 / c }),
  Relu: (call) => call.add('relu', [call.value(0)], {}),
  Relu6: (call) => call.add('relu6', [call.value(0)], {}),
  Reshape: (call) => reshape(call, call.numbers(1)),
  ResizeBilinear(call) {
    const [height, width] = call.numbers(1);
    const rule =
      tensorflowResizeRule(call.bool('align_corners', false), call.bool('half_pixel_centers', false)) ??
      call.fail('has both align_corners and half_pixel_centers, which exclude each other');
    return call.add('resizeBilinear', [call.value(0)], { size: [height, width], rule });
  },
  ResizeNearestNeighbor(call) {
    const x = call.value(0);
    const [, H, W] = x.shape;
    const size = call.numbers(1);
    const times = [size[0] / H, size[1] / W] as const;
    call.bool('half_pixel_centers', false);
    if (call.bool('align_corners', false) || !times.every((n) => Number.isInteger(n) && n >= 1)) {
      call.fail(
        `resizes [${x.shape}] to [${size}] by the nearest pixel; wanted whole multiples of its height and width, without align_corners`,
      );
    }
    return call.addSteps(x, repeated(times));
  },
  Selu: (call) => call.addSteps(call.value(0), selu()),
  Sigmoid: (call) => call.add('sigmoid', [call.value(0)], {}),
  Slice(call) {
    const { shape } = call.value(0);
    const begin = call.numbers(1);
    const ends = call.numbers(2).map((size, axis) => (size === -1 ? shape[axis] : begin[axis] + size));
    return parts(
      call,
      begin,
      ends,
      shape.map(() => 1),
    );
  },
  Softmax: (call) => call.add('softmax', [call.value(0)], {}),
  Split: (call) => split(call, call.value(1), call.numbers(0)[0]),
  SplitV: (call) => split(call, call.value(0), call.numbers(2)[0], call.numbers(1)),
  Squeeze(call) {
    const { shape } = call.value(0);
    const stated = call.ints('squeeze_dims').map((axis) => (axis < 0 ? axis + shape.length : axis));
    const dropped = (size: number, axis: number) =>
      axis > 0 && size === 1 && (stated.length === 0 || stated.includes(axis));
    if (stated.some((axis) => !dropped(shape[axis], axis))) call.fail(`drops the axes [${stated}] of [${shape}]`);
    return reshape(
      call,
      shape.filter((size, axis) => !dropped(size, axis)),
    );
  },
  StridedSlice: stridedSlice,
  Sub: (call) => affine(call, call.isConstant(0) ? { scale: () => -1, shift: (c) => c } : { shift: (c) => -c }),
  Tanh: (call) => call.addSteps(call.value(0), tanh()),
  Transpose: transpose,
};

/** Over height and width, [1, 2]. */
function overPicture(call: GraphCall, steps: (keepDims: boolean) => readonly Step[]): Draft {
  const x = call.value(0);
  const axes = call.numbers(1).map((axis) => (axis < 0 ? axis + x.shape.length : axis));
  if (x.shape.length !== 4 || axes.length !== 2 || !axes.includes(1) || !axes.includes(2)) {
    call.fail(`reduces the axes [${axes}] of [${x.shape}]; wanted height and width, [1,2]`);
  }
  return call.addSteps(x, steps(call.bool('keep_dims', false)));
}

/** The larger or smaller of each number and a constant. */
function bounded(call: GraphCall, rangeOf: (bound: number) => { min: number; max: number }): Draft {
  const at = call.isConstant(0) ? 0 : 1;
  const [bound, ...more] = call.numbers(at);
  if (more.length > 0) call.fail(`compares with ${more.length + 1} constants; wanted one`);
  return call.add('clamp', [call.value(1 - at)], rangeOf(bound));
}

/** One, or one for each channel. */
function slopes(call: GraphCall, index: number): number[] {
  const { shape } = call.constant(index);
  const channels = shape.at(-1) ?? 1;
  const numbers = call.numbers(index);
  if (numbers.length !== channels) call.fail(`has slopes of [${shape}]; wanted one, or one for each channel`);
  return numbers;
}

/** The numbers from `begins` up to `ends`, without these, every `strides`-th. */
function parts(
  call: GraphCall,
  begins: readonly number[],
  ends: readonly number[],
  strides: readonly number[],
  x = call.value(0),
): Draft {
  return x.shape.reduce((cut, side, axis) => {
    const [from, end, step] = [begins[axis], ends[axis], strides[axis]];
    if (!(from >= 0 && from < end && end <= side)) {
      call.fail(`takes [${begins}] to [${ends}] of [${x.shape}]; wanted a part that lies inside and is not empty`);
    }
    const count = Math.ceil((end - from) / step);
    if (axis === 0 && count !== side)
      call.fail(`takes [${begins}] to [${ends}] of [${x.shape}]; the batch has to stay`);
    return call.addSteps(cut, partOf(cut.shape, { axis, from, count, step }));
  }, x);
}

/** As Python's x[begin:end:stride], with bits that say of which axes begin or end is to be ignored, and which axes go. */
function stridedSlice(call: GraphCall): Draft {
  const { shape } = call.value(0);
  const [begin, end, strides] = [1, 2, 3].map((index) => call.numbers(index));
  const [noBegin, noEnd, gone] = ['begin_mask', 'end_mask', 'shrink_axis_mask'].map((name) => call.int(name, 0));
  if (call.int('ellipsis_mask', 0) !== 0 || call.int('new_axis_mask', 0) !== 0 || strides.some((step) => step < 1)) {
    call.fail(
      `slices [${shape}] in steps of [${strides}], with an ellipsis or a new axis; wanted steps of 1 or more alone`,
    );
  }
  const has = (mask: number, axis: number): boolean => (mask & (1 << axis)) !== 0;
  const bound = (at: number, side: number): number => Math.min(Math.max(at < 0 ? at + side : at, 0), side);
  const begins = shape.map((side, axis) => (has(noBegin, axis) ? 0 : bound(begin[axis] ?? 0, side)));
  const ends = shape.map((side, axis) => {
    if (has(gone, axis)) return begins[axis] + 1;
    return has(noEnd, axis) ? side : bound(end[axis] ?? side, side);
  });
  const cut = parts(
    call,
    begins,
    ends,
    shape.map((_, axis) => strides[axis] ?? 1),
  );
  const kept = cut.shape.filter((_, axis) => !has(gone, axis));
  if (has(gone, 0)) call.fail(`takes one of a batch of ${shape[0]}; the batch has to stay`);
  return kept.length === cut.shape.length ? cut : call.add('reshape', [cut], { shape: kept.slice(1) });
}

/** The part that this node is of a split tensor: see `graph.ts`. Equal parts unless their sizes are stated. */
function split(call: GraphCall, x: Draft, stated: number, sizes?: readonly number[]): Draft {
  const axis = stated < 0 ? stated + x.shape.length : stated;
  const { part = 0, results = 1 } = call.node;
  call.int('num_split', results);
  const side = x.shape[axis];
  const each = sizes ?? new Array<number>(results).fill(side / results);
  if (
    axis === 0 ||
    each.some((size) => !Number.isInteger(size)) ||
    each.reduce((sum, size) => sum + size, 0) !== side
  ) {
    call.fail(`splits [${x.shape}] along axis ${axis} into parts of [${each}]`);
  }
  const from = each.slice(0, part).reduce((sum, size) => sum + size, 0);
  return call.addSteps(x, partOf(x.shape, { axis, from, count: each[part] }));
}

/** Axes of size 1 may change places. */
function transpose(call: GraphCall): Draft {
  const x = call.value(0);
  const order = call.numbers(1);
  const moved = order.filter((axis) => x.shape[axis] !== 1);
  const stays = order[0] === 0 && moved.every((axis, index) => index === 0 || axis > moved[index - 1]);
  if (!stays) call.fail(`reorders the axes of [${x.shape}] to [${order}]; no layer moves numbers so`);
  const shape = order.slice(1).map((axis) => x.shape[axis]);
  return call.add('reshape', [x], { shape });
}

/** A convolution or matrix product, the bias that belongs to it, and the activation behind both. */
function fused(call: GraphCall, product: (call: GraphCall, bias: Tensor | undefined) => Draft): Draft {
  const [first, ...others] = call.texts('fused_ops');
  call.only('epsilon', call.float('epsilon', 0) >= 0, true);
  const hasBias = first === 'BiasAdd';
  const activations = hasBias || first === undefined ? others : [first, ...others];
  const result = product(call, hasBias ? call.constant(2) : undefined);
  return activations.reduce((x, name) => activation(call, x, name), result);
}

function activation(call: GraphCall, x: Draft, name: string): Draft {
  if (name === 'Relu') return call.add('relu', [x], {});
  if (name === 'Relu6') return call.add('relu6', [x], {});
  if (name === 'Sigmoid') return call.add('sigmoid', [x], {});
  if (name === 'Elu') return call.addSteps(x, elu(1));
  if (name === 'LeakyRelu') return call.addSteps(x, leakyRelu([call.float('leakyrelu_alpha', 0.2)]));
  if (name === 'Prelu') return call.addSteps(x, leakyRelu(slopes(call, call.node.inputs.length - 1)));
  return call.fail(
    `attribute 'fused_ops' holds ${name}; wanted BiasAdd, Relu, Relu6, Elu, Sigmoid, LeakyRelu or Prelu`,
  );
}

function conv2d(call: GraphCall, bias: Tensor | undefined): Draft {
  const x = call.value(0);
  const kernel = call.constant(1);
  const [KH, KW, I, O] = fourAxes(call, kernel);
  if (x.shape[3] !== I) call.fail(`has kernels for ${I} channels and an input of [${x.shape}]`);
  const { strides, padding } = call.window();
  const dilation = call.pair('dilations');
  const added = { filters: O, bias: bias !== undefined };
  const unpadded = typeof padding === 'string' || Object.values(padding).every((side) => side === 0);
  if (KH === 1 && KW === 1 && strides[0] === 1 && strides[1] === 1 && unpadded) {
    return call.add('pointwiseConv2d', [x], added, { kernel: tensor([I, O], kernel.data), ...(bias && { bias }) });
  }
  const attributes = { ...added, kernelSize: [KH, KW] as const, strides, dilation, padding };
  return call.add('conv2d', [x], attributes, { kernel, ...(bias && { bias }) });
}

function depthwiseConv2d(call: GraphCall, bias: Tensor | undefined): Draft {
  const kernel = call.constant(1);
  const [KH, KW, , depthMultiplier] = fourAxes(call, kernel);
  const attributes = {
    ...call.window(),
    kernelSize: [KH, KW] as const,
    dilation: call.pair('dilations'),
    depthMultiplier,
    bias: bias !== undefined,
  };
  return call.add('depthwiseConv2d', [call.value(0)], attributes, { kernel, ...(bias && { bias }) });
}

function matMul(call: GraphCall, bias: Tensor | undefined): Draft {
  call.only('transpose_a', call.bool('transpose_a', false), false);
  const stated = call.constant(1);
  if (stated.shape.length !== 2) call.fail(`its matrix has the shape [${stated.shape}], wanted two axes`);
  const kernel = call.bool('transpose_b', false) ? transposed(stated) : stated;
  const attributes = { units: kernel.shape[1], bias: bias !== undefined };
  return call.add('dense', [call.value(0)], attributes, { kernel, ...(bias && { bias }) });
}

function transposed({ shape: [rows, columns], data }: Tensor): Tensor {
  const moved = Float32Array.from(data, (_, index) => data[(index % rows) * columns + Math.floor(index / rows)]);
  return tensor([columns, rows], moved);
}

function fourAxes(call: GraphCall, { shape }: Tensor): Shape {
  return shape.length === 4 ? shape : call.fail(`its kernel has the shape [${shape}], wanted four axes`);
}

function fusedBatchNorm(call: GraphCall): Draft {
  call.only('is_training', call.bool('is_training', true), false);
  call.only('data_format', call.text('data_format', 'NHWC'), 'NHWC');
  call.float('exponential_avg_factor', 1);
  const [gamma, beta, movingMean, movingVariance] = [1, 2, 3, 4].map((index) => call.constant(index));
  const attributes = { epsilon: call.float('epsilon', 1e-4), scale: true, center: true };
  return call.add('batchNorm', [call.value(0)], attributes, { gamma, beta, movingMean, movingVariance });
}

function add(call: GraphCall): Draft {
  if (call.isConstant(0) || call.isConstant(1)) return affine(call, { shift: (c) => c });
  return sum(call, 2);
}

function sum(call: GraphCall, count: number): Draft {
  const inputs = Array.from({ length: count }, (_, index) => call.value(index));
  const [first] = inputs;
  const other = inputs.find(({ shape }) => !sameShape(shape, first.shape));
  if (other !== undefined) call.fail(`adds [${first.shape}] and [${other.shape}]; wanted the same shape`);
  return count === 1 ? first : call.add('add', inputs, {});
}

function affine(call: GraphCall, formula: Affine): Draft {
  const at = call.isConstant(0) ? 0 : 1;
  const constant = call.constant(at);
  const x = call.value(1 - at);
  call.text('data_format', 'NHWC');
  const C = x.shape.at(-1)!;
  const count = constant.data.length;
  if (x.shape.length < 2 || (count !== 1 && (count !== C || constant.shape.at(-1) !== C))) {
    call.fail(
      `its constant of [${constant.shape}] does not fit [${x.shape}]; wanted one number, or one for each channel`,
    );
  }
  const { attributes, weights } = affineNorm(C, constant.data, formula, call.charge);
  return call.add('batchNorm', [x], attributes, weights);
}

function pad(call: GraphCall, value: number): Draft {
  const x = call.value(0);
  const sides = call.numbers(1);
  const [beforeBatch, afterBatch, top, bottom, left, right, beforeChannels, afterChannels] = sides;
  if (sides.length !== 8 || beforeBatch || afterBatch || sides.some((size) => size < 0)) {
    call.fail(`pads [${x.shape}] by [${sides}]; wanted padding of height, width and channels only`);
  }
  const wide =
    beforeChannels || afterChannels
      ? call.addSteps(x, [paddedChannels(x.shape[3], beforeChannels, afterChannels, value)])
      : x;
  return wide !== x && !(top || bottom || left || right)
    ? wide
    : call.add('pad', [wide], { padding: { top, bottom, left, right }, value });
}

/** The batch stays the first axis: −1, or the batch that the input declares. */
function reshape(call: GraphCall, [batch, ...sizes]: readonly number[]): Draft {
  const x = call.value(0);
  const fits = batch === x.shape[0] || (batch === -1 && sizeOf(sizes) === sizeOf(x.shape.slice(1)));
  if (!fits) call.fail(`reshapes [${x.shape}] to [${[batch, ...sizes]}]; the batch has to stay the first axis`);
  return sizes.length === 1 ? call.add('flatten', [x], {}) : call.add('reshape', [x], { shape: sizes });
}

/** The layer keeps an axis of size 1 where the operator drops it. */
function argMax(call: GraphCall): Draft {
  const x = call.value(0);
  const [axis] = call.numbers(1);
  if (axis !== -1 && axis !== x.shape.length - 1)
    call.fail(`along axis ${axis} of [${x.shape}]; only the last is read`);
  return call.add('reshape', [call.add('argMax', [x], {})], { shape: x.shape.slice(1, -1) });
}
