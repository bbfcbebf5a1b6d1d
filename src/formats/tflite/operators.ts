/** Every operator that is read, by its name in the schema. What is not in this list is an error that names it. */

import type { KernelWeights } from '../../layers/index.js';
import { type QuantizedTensor, type QuantizedType, type Shape, sizeOf, tensor, withSize } from '../../tensor.js';
import { type Affine, affineNorm } from '../affine.js';
import { affine, elu, gelu, geluByTanh, globalMax, leakyRelu, type Part, partOf, repeated, tanh } from '../steps.js';
import { tensorflowResizeRule } from '../tensorflow-resize.js';
import { LARGEST_FLOAT32 } from '../tensors/numbers.js';
import { integers, quantizedType, realValues } from './constants.js';
import { conv2d, depthwiseConv2d, fullyConnected } from './convolutions.js';
import type { FileOperator, FileTensor } from './model.js';
import {
  type Activation,
  activationOf,
  computed,
  constant,
  optionsOf,
  type Step,
  type Translation,
  windowOf,
} from './operands.js';
import {
  AddOptions,
  ConcatenationOptions,
  DivOptions,
  GeluOptions,
  LeakyReluOptions,
  MulOptions,
  Pool2DOptions,
  ReducerOptions,
  ReshapeOptions,
  ResizeBilinearOptions,
  ResizeNearestNeighborOptions,
  SoftmaxOptions,
  StridedSliceOptions,
  SubOptions,
} from './schema.js';

export const operators: Readonly<Record<string, (op: FileOperator) => Translation>> = {
  ABS: (op) => composed(op, () => leakyRelu([-1])),
  ADD: add,
  ADD_N: added,
  ARG_MAX: argMax,
  AVERAGE_POOL_2D: averagePool,
  CAST: cast,
  CONCATENATION: concatenation,
  CONV_2D: conv2d,
  DEPTHWISE_CONV_2D: depthwiseConv2d,
  DEQUANTIZE: sameValues,
  DIV: (op) =>
    withConstant(op, DivOptions, (first) =>
      first ? op.fail('divides a constant by a computed tensor') : { scale: (c) => 1 / c },
    ),
  ELU: (op) => composed(op, () => elu(1)),
  EXPAND_DIMS: reshapedToOutput,
  FULLY_CONNECTED: fullyConnected,
  GELU: (op) => composed(op, () => (optionsOf(op, GeluOptions).bool('approximate') ? geluByTanh() : gelu())),
  HARD_SWISH: (op) => ({ inputs: [computed(op, 0)], steps: [{ kind: 'hardSwish', attributes: {} }] }),
  LEAKY_RELU: (op) => composed(op, () => leakyRelu([optionsOf(op, LeakyReluOptions).float32('alpha')])),
  LOGISTIC: (op) => ({ inputs: [computed(op, 0)], steps: [{ kind: 'sigmoid', attributes: {} }] }),
  MAX_POOL_2D: maxPool,
  MAXIMUM: (op) => bounded(op, (min) => ({ min, max: LARGEST_FLOAT32 })),
  MEAN: mean,
  MINIMUM: (op) => bounded(op, (max) => ({ min: -LARGEST_FLOAT32, max })),
  MUL: multiply,
  NEG: (op) => composed(op, () => [affine('', [-1], [0])]),
  PAD: (op) => pad(op, 0),
  PADV2: (op) => pad(op, realValues(op.file, constant(op, 2)).data[0]),
  PRELU: prelu,
  QUANTIZE: sameValues,
  REDUCE_MAX: (op) => overPicture(op, globalMax),
  RELU: (op) => activation(op, 'RELU'),
  RELU6: (op) => activation(op, 'RELU6'),
  RELU_0_TO_1: (op) => ({ inputs: [computed(op, 0)], steps: [{ kind: 'clamp', attributes: { min: 0, max: 1 } }] }),
  RELU_N1_TO_1: (op) => activation(op, 'RELU_N1_TO_1'),
  RESHAPE: reshape,
  RESIZE_BILINEAR: resizeBilinear,
  RESIZE_NEAREST_NEIGHBOR: resizeNearest,
  SLICE: sliced,
  SOFTMAX: softmax,
  SQUEEZE: reshapedToOutput,
  STRIDED_SLICE: stridedSlice,
  SUB: (op) =>
    withConstant(op, SubOptions, (first) => (first ? { scale: () => -1, shift: (c) => c } : { shift: (c) => -c })),
  TANH: (op) => composed(op, tanh),
  TILE: tile,
  TRANSPOSE: transpose,
};

/** The same real numbers in another representation: at most the range changes. */
function sameValues(op: FileOperator): Translation {
  return { inputs: [computed(op, 0)], steps: [] };
}

function activation(op: FileOperator, name: Activation): Translation {
  return { inputs: [computed(op, 0)], steps: [], activation: name };
}

/** To real numbers, as which integers are computed already. */
function cast(op: FileOperator): Translation {
  const [{ type }] = op.outputs;
  if (type !== 'FLOAT32') op.fail(`yields ${type}; only casts to FLOAT32 are read`);
  return sameValues(op);
}

function add(op: FileOperator): Translation {
  if (isConstant(op, 0) || isConstant(op, 1)) return withConstant(op, AddOptions, () => ({ shift: (c) => c }));
  return { ...added(op), activation: activationOf(op, op.options(AddOptions)) };
}

/** Numbers are repeated along axes of size 1, as those of a gate for each channel are. */
function multiply(op: FileOperator): Translation {
  if (isConstant(op, 0) || isConstant(op, 1)) return withConstant(op, MulOptions, () => ({ scale: (c) => c }));
  const inputs = [computed(op, 0), computed(op, 1)].sort((a, b) => sizeOf(b.shape) - sizeOf(a.shape));
  return {
    inputs,
    steps: [{ kind: 'multiply', attributes: {} }],
    activation: activationOf(op, op.options(MulOptions)),
  };
}

function added(op: FileOperator): Translation {
  const inputs = op.inputs.map((_, index) => computed(op, index));
  return { inputs, steps: inputs.length === 1 ? [] : [{ kind: 'add', attributes: {} }] };
}

/** What is composed of several layers, whose results may lie outside of the whole's range. */
function composed(op: FileOperator, steps: (shape: Shape) => readonly Step[]): Translation {
  const x = computed(op, 0);
  return { inputs: [x], steps: steps(x.shape), real: true };
}

/** One slope for each channel. */
function prelu(op: FileOperator): Translation {
  const x = computed(op, 0);
  const { shape, data } = realValues(op.file, constant(op, 1));
  const channels = x.shape.at(-1)!;
  if (data.length !== 1 && (data.length !== channels || shape.at(-1) !== channels)) {
    op.fail(`its slopes [${shape}] do not fit [${x.shape}]; wanted one, or one for each channel`);
  }
  return { inputs: [x], steps: leakyRelu(Array.from(data)), real: true };
}

const isConstant = (op: FileOperator, index: number): boolean => op.inputs[index]?.data !== undefined;

/** A product or sum with a constant, one number or one for each channel. `formulaOf` is told whether the constant is the first of the two. */
function withConstant(
  op: FileOperator,
  options: readonly ['fused_activation_function'],
  formulaOf: (constantFirst: boolean) => Affine,
): Translation {
  const constantFirst = isConstant(op, 0);
  const x = computed(op, constantFirst ? 1 : 0);
  const c = realValues(op.file, constant(op, constantFirst ? 0 : 1));
  const channels = x.shape.at(-1) ?? 1;
  if (x.shape.length < 2 || (c.data.length !== 1 && (c.data.length !== channels || c.shape.at(-1) !== channels))) {
    op.fail(`its constant of [${c.shape}] does not fit [${x.shape}]; wanted one number, or one for each channel`);
  }
  const norm = affineNorm(channels, c.data, formulaOf(constantFirst), (bytes) => op.file.charge(bytes, op.where));
  return {
    inputs: [x],
    steps: [{ kind: 'batchNorm', ...norm }],
    activation: activationOf(op, op.options(options)),
    real: true,
  };
}

/** The larger or smaller of each number and a constant. */
function bounded(op: FileOperator, rangeOf: (bound: number) => { min: number; max: number }): Translation {
  const at = isConstant(op, 0) ? 0 : 1;
  const { shape, data } = realValues(op.file, constant(op, at));
  if (data.length !== 1) op.fail(`compares with a constant of [${shape}]; wanted one number`);
  return { inputs: [computed(op, 1 - at)], steps: [{ kind: 'clamp', attributes: rangeOf(data[0]) }] };
}

function concatenation(op: FileOperator): Translation {
  const options = optionsOf(op, ConcatenationOptions);
  const inputs = op.inputs.map((_, index) => computed(op, index));
  return {
    inputs,
    steps: [{ kind: 'concat', attributes: { axis: options.int32('axis') } }],
    activation: activationOf(op, options),
  };
}

/** TensorFlow averages over the samples inside the picture only. */
function averagePool(op: FileOperator): Translation {
  const { step, ...rest } = pool(op);
  return { ...rest, steps: [{ kind: 'averagePool', attributes: { ...step, includePadding: false } }] };
}

function maxPool(op: FileOperator): Translation {
  const { step, ...rest } = pool(op);
  return { ...rest, steps: [{ kind: 'maxPool', attributes: step }] };
}

function pool(op: FileOperator) {
  const options = optionsOf(op, Pool2DOptions);
  const poolSize = [options.int32('filter_height'), options.int32('filter_width')] as const;
  return {
    inputs: [computed(op, 0)],
    step: { poolSize, ...windowOf(op, options) },
    activation: activationOf(op, options),
  };
}

/** The mean over height and width is the one that the networks of this family take. */
function mean(op: FileOperator): Translation {
  return overPicture(op, (keepDims) => [{ kind: 'globalAveragePool', attributes: { keepDims } }]);
}

function overPicture(op: FileOperator, steps: (keepDims: boolean) => readonly Step[]): Translation {
  const x = computed(op, 0);
  const rank = x.shape.length;
  const axes = integers(op.file, constant(op, 1)).map((axis) => (axis < 0 ? axis + rank : axis));
  if (rank !== 4 || axes.length !== 2 || !axes.includes(1) || !axes.includes(2)) {
    op.fail(`reduces the axes [${axes}] of [${x.shape}]; wanted height and width, [1,2]`);
  }
  const keepDims = optionsOf(op, ReducerOptions).bool('keep_dims');
  return { inputs: [x], steps: steps(keepDims) };
}

/** Real zero, or a stated value, around the picture: zero's integer is the zero point. */
function pad(op: FileOperator, value: number): Translation {
  const x = computed(op, 0);
  const sizes = integers(op.file, constant(op, 1));
  const [beforeBatch, afterBatch, top, bottom, left, right, beforeChannels, afterChannels] = sizes;
  if (sizes.length !== 8 || sizes.some((size) => size < 0) || beforeBatch || afterBatch) {
    op.fail(`pads [${x.shape}] by [${sizes}]; wanted padding of height, width and channels only`);
  }
  const steps: Step[] = [];
  if (beforeChannels || afterChannels) {
    const [, , , C] = x.shape;
    steps.push(chosenChannels(op, C, -beforeChannels, beforeChannels + C + afterChannels, value));
  }
  if (steps.length === 0 || top || bottom || left || right) {
    steps.push({ kind: 'pad', attributes: { padding: { top, bottom, left, right }, value } });
  }
  return { inputs: [x], steps };
}

/**
 * The channels from `first` on as a 1 × 1 convolution that copies; those that the input does not have are `value`. There is no layer that only moves
 * channels. Integers are copied by integers that stand for 0 and 1.
 */
function chosenChannels(op: FileOperator, C: number, first: number, filters: number, value = 0): Step {
  op.file.charge(4 * C * filters, op.where);
  const kernel = new Float32Array(C * filters);
  const bias = new Float32Array(filters);
  for (let channel = 0; channel < filters; channel++) {
    const source = first + channel;
    if (source >= 0 && source < C) kernel[source * filters + channel] = 1;
    else bias[channel] = value;
  }
  const weights = { kernel: tensor([C, filters], kernel), ...(value !== 0 && { bias: tensor([filters], bias) }) };
  const input = op.inputs[0] && quantizedType(op.inputs[0]);
  return {
    kind: 'pointwiseConv2d',
    attributes: { filters, bias: value !== 0 },
    weights: input === undefined ? weights : asIntegers(weights, input),
  };
}

function asIntegers({ kernel, bias }: KernelWeights, { type, scale }: QuantizedType): Record<string, QuantizedTensor> {
  const data = type === 'int8' ? Int8Array.from(kernel.data) : Uint8Array.from(kernel.data);
  const steps = bias && Int32Array.from(bias.data, (value) => Math.round(value / scale));
  return {
    kernel: { shape: kernel.shape, data, type: { type, scale: 1, zeroPoint: 0 } },
    ...(bias && steps && { bias: { shape: bias.shape, data: steps, type: { type: 'int32', scale, zeroPoint: 0 } } }),
  };
}

function sliced(op: FileOperator): Translation {
  const x = computed(op, 0);
  const begin = integers(op.file, constant(op, 1));
  const stated = integers(op.file, constant(op, 2));
  const ends = x.shape.map((side, axis) => (stated[axis] === -1 ? side : begin[axis] + stated[axis]));
  return partsOf(
    op,
    x,
    begin,
    ends,
    x.shape.map(() => 1),
  );
}

/** As Python's x[begin:end:stride], with bits that say of which axes begin or end is to be ignored, and which axes go. */
function stridedSlice(op: FileOperator): Translation {
  const x = computed(op, 0);
  const options = optionsOf(op, StridedSliceOptions);
  const [begin, end, strides] = [1, 2, 3].map((index) => integers(op.file, constant(op, index)));
  const has = (mask: 'begin_mask' | 'end_mask' | 'shrink_axis_mask', axis: number): boolean =>
    (options.int32(mask) & (1 << axis)) !== 0;
  if (
    options.int32('ellipsis_mask') !== 0 ||
    options.int32('new_axis_mask') !== 0 ||
    strides.some((step) => step < 1)
  ) {
    op.fail(
      `slices [${x.shape}] in steps of [${strides}], with an ellipsis or a new axis; wanted steps of 1 or more alone`,
    );
  }
  const bound = (at: number, side: number): number => Math.min(Math.max(at < 0 ? at + side : at, 0), side);
  const begins = x.shape.map((side, axis) => (has('begin_mask', axis) ? 0 : bound(begin[axis] ?? 0, side)));
  const ends = x.shape.map((side, axis) => {
    if (has('shrink_axis_mask', axis)) return begins[axis] + 1;
    return has('end_mask', axis) ? side : bound(end[axis] ?? side, side);
  });
  const cut = partsOf(
    op,
    x,
    begins,
    ends,
    x.shape.map((_, axis) => strides[axis] ?? 1),
  );
  const kept = x.shape.flatMap((_, axis) => (has('shrink_axis_mask', axis) ? [] : [axis]));
  if (kept.length === x.shape.length) return cut;
  if (kept[0] !== 0) op.fail(`takes one of a batch of ${x.shape[0]}; the batch has to stay`);
  const shape = kept.slice(1).map((axis) => Math.ceil((ends[axis] - begins[axis]) / (strides[axis] ?? 1)));
  return { ...cut, steps: [...cut.steps, { kind: 'reshape', attributes: { shape } }] };
}

/** The numbers from `begins` up to `ends`, without these, every `strides`-th. */
function partsOf(
  op: FileOperator,
  x: FileTensor,
  begins: readonly number[],
  ends: readonly number[],
  strides: readonly number[],
): Translation {
  const steps: Step[] = [];
  const ofChannels = ({ axis, step }: Part): boolean => x.shape.length === 4 && axis === 3 && step === 1;
  let { shape } = x;
  let real = false;
  for (const [axis, side] of x.shape.entries()) {
    const [from, end, step] = [begins[axis], ends[axis], strides[axis]];
    if (!(from >= 0 && from < end && end <= side)) {
      op.fail(`takes [${begins}] to [${ends}] of [${x.shape}]; wanted a part that lies inside and is not empty`);
    }
    const part: Part = { axis, from, count: Math.ceil((end - from) / step), step };
    if (part.count === side) continue;
    if (axis === 0) op.fail(`takes [${begins}] to [${ends}] of [${x.shape}]; the batch has to stay`);
    steps.push(...(ofChannels(part) ? [chosenChannels(op, side, from, part.count)] : partOf(shape, part)));
    real ||= !ofChannels(part);
    shape = withSize(shape, axis, part.count);
  }
  return { inputs: [x], steps, real };
}

/** Axes of size 1 may change places. */
function transpose(op: FileOperator): Translation {
  const x = computed(op, 0);
  const order = integers(op.file, constant(op, 1));
  const moved = order.filter((axis) => x.shape[axis] !== 1);
  const stays = order[0] === 0 && moved.every((axis, index) => index === 0 || axis > moved[index - 1]);
  if (!stays) op.fail(`reorders the axes of [${x.shape}] to [${order}]; no layer moves numbers so`);
  const shape = order.slice(1).map((axis) => x.shape[axis]);
  return { inputs: [x], steps: [{ kind: 'reshape', attributes: { shape } }] };
}

/** Enlarged by whole numbers: each pixel several times. */
function resizeNearest(op: FileOperator): Translation {
  const x = computed(op, 0);
  const options = optionsOf(op, ResizeNearestNeighborOptions);
  const size = integers(op.file, constant(op, 1));
  const [, H, W] = x.shape;
  const times = [size[0] / H, size[1] / W] as const;
  const whole = x.shape.length === 4 && times.every((n) => Number.isInteger(n) && n >= 1);
  if (!whole || options.bool('align_corners')) {
    op.fail(
      `resizes [${x.shape}] to [${size}] by the nearest pixel${options.bool('align_corners') ? ' with align_corners' : ''}; wanted whole multiples of its height and width`,
    );
  }
  op.file.charge(4 * (times[0] + times[1]), op.where);
  return { inputs: [x], steps: repeated(times) };
}

/** The whole tensor so many times along each axis: joined with itself. */
function tile(op: FileOperator): Translation {
  const x = computed(op, 0);
  const times = integers(op.file, constant(op, 1));
  if (times.length !== x.shape.length || times[0] !== 1 || times.some((count) => count < 1)) {
    op.fail(`repeats [${x.shape}] by [${times}]; wanted the batch once, and each other axis once or more`);
  }
  op.file.charge(4 * times.reduce((sum, count) => sum + count), op.where);
  const repeats = [...times.entries()].filter(([, count]) => count > 1);
  const steps = repeats.map(([axis, count], index) => ({
    kind: 'concat' as const,
    attributes: { axis },
    reads: Array.from({ length: count }, () => index - 1),
  }));
  return { inputs: [x], steps };
}

function reshape(op: FileOperator): Translation {
  const x = computed(op, 0);
  const shape = op.inputs[1] ? integers(op.file, constant(op, 1)) : op.options(ReshapeOptions)?.int32s('new_shape');
  const [batch, ...sizes] = shape ?? op.fail('has no shape to reshape to');
  if (batch !== -1 && batch !== x.shape[0]) {
    op.fail(`reshapes [${x.shape}] to [${shape}]; the batch of ${x.shape[0]} has to stay the first axis`);
  }
  return { inputs: [x], steps: [{ kind: 'reshape', attributes: { shape: sizes } }] };
}

/** Axes of size 1 that come or go: the file says with which result. */
function reshapedToOutput(op: FileOperator): Translation {
  const x = computed(op, 0);
  const [batch, ...sizes] = op.outputs[0].shape;
  if (batch !== x.shape[0]) op.fail(`reshapes [${x.shape}] to [${op.outputs[0].shape}]; the batch has to stay`);
  return { inputs: [x], steps: [{ kind: 'reshape', attributes: { shape: sizes } }] };
}

function resizeBilinear(op: FileOperator): Translation {
  const options = optionsOf(op, ResizeBilinearOptions);
  const size = integers(op.file, constant(op, 1));
  if (size.length !== 2) op.fail(`wanted a size of [height, width], found [${size}]`);
  const rule =
    tensorflowResizeRule(options.bool('align_corners'), options.bool('half_pixel_centers')) ??
    op.fail('has both align_corners and half_pixel_centers, which exclude each other');
  const attributes = { size: [size[0], size[1]] as const, rule } as const;
  return { inputs: [computed(op, 0)], steps: [{ kind: 'resizeBilinear', attributes }] };
}

function softmax(op: FileOperator): Translation {
  const beta = optionsOf(op, SoftmaxOptions).float32('beta');
  if (beta !== 1) op.fail(`beta is ${beta}; only 1 is read`);
  return { inputs: [computed(op, 0)], steps: [{ kind: 'softmax', attributes: {} }] };
}

/** The layer keeps an axis of size 1 where the file's operator drops it. */
function argMax(op: FileOperator): Translation {
  const x = computed(op, 0);
  const [axis] = integers(op.file, constant(op, 1));
  if (axis !== -1 && axis !== x.shape.length - 1) op.fail(`along axis ${axis} of [${x.shape}]; only the last is read`);
  const shape = x.shape.slice(1, -1);
  return {
    inputs: [x],
    steps: [
      { kind: 'argMax', attributes: {} },
      { kind: 'reshape', attributes: { shape } },
    ],
  };
}
