/** Every operator that is read, by its name in the schema. What is not in this list is an error that names it. */

import type { KernelWeights } from '../../layers/index.js';
import { type QuantizedTensor, type QuantizedType, tensor } from '../../tensor.js';
import { type Affine, affineNorm } from '../affine.js';
import { tensorflowResizeRule } from '../tensorflow-resize.js';
import { LARGEST_FLOAT32 } from '../tensors/numbers.js';
import { integers, quantizedType, realValues } from './constants.js';
import { conv2d, depthwiseConv2d, fullyConnected } from './convolutions.js';
import type { FileOperator } from './model.js';
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
  MulOptions,
  Pool2DOptions,
  ReducerOptions,
  ReshapeOptions,
  ResizeBilinearOptions,
  SoftmaxOptions,
  SubOptions,
} from './schema.js';

export const operators: Readonly<Record<string, (op: FileOperator) => Translation>> = {
  ADD: add,
  ARG_MAX: argMax,
  AVERAGE_POOL_2D: averagePool,
  CAST: cast,
  CONCATENATION: concatenation,
  CONV_2D: conv2d,
  DEPTHWISE_CONV_2D: depthwiseConv2d,
  DEQUANTIZE: sameValues,
  FULLY_CONNECTED: fullyConnected,
  LOGISTIC: (op) => ({ inputs: [computed(op, 0)], steps: [{ kind: 'sigmoid', attributes: {} }] }),
  MAX_POOL_2D: maxPool,
  MAXIMUM: (op) => bounded(op, (min) => ({ min, max: LARGEST_FLOAT32 })),
  MEAN: mean,
  MINIMUM: (op) => bounded(op, (max) => ({ min: -LARGEST_FLOAT32, max })),
  MUL: (op) => withConstant(op, MulOptions, () => ({ scale: (c) => c })),
  PAD: (op) => pad(op, 0),
  PADV2: (op) => pad(op, realValues(op.file, constant(op, 2)).data[0]),
  QUANTIZE: sameValues,
  RELU: (op) => activation(op, 'RELU'),
  RELU6: (op) => activation(op, 'RELU6'),
  RELU_N1_TO_1: (op) => activation(op, 'RELU_N1_TO_1'),
  RESHAPE: reshape,
  RESIZE_BILINEAR: resizeBilinear,
  SLICE: sliced,
  SOFTMAX: softmax,
  SQUEEZE: squeeze,
  SUB: (op) =>
    withConstant(op, SubOptions, (first) => (first ? { scale: () => -1, shift: (c) => c } : { shift: (c) => -c })),
  TILE: tile,
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
  const inputs = op.inputs.map((_, index) => computed(op, index));
  return { inputs, steps: [{ kind: 'add', attributes: {} }], activation: activationOf(op, op.options(AddOptions)) };
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
  const norm = affineNorm(channels, c, formulaOf(constantFirst));
  return { inputs: [x], steps: [{ kind: 'batchNorm', ...norm }], activation: activationOf(op, op.options(options)) };
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
  const x = computed(op, 0);
  const rank = x.shape.length;
  const axes = integers(op.file, constant(op, 1)).map((axis) => (axis < 0 ? axis + rank : axis));
  if (rank !== 4 || axes.length !== 2 || !axes.includes(1) || !axes.includes(2)) {
    op.fail(`means over the axes [${axes}] of [${x.shape}] are not read; wanted height and width, [1,2]`);
  }
  const keepDims = optionsOf(op, ReducerOptions).bool('keep_dims');
  return { inputs: [x], steps: [{ kind: 'globalAveragePool', attributes: { keepDims } }] };
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

/** Of a picture's channels, or of nothing. */
function sliced(op: FileOperator): Translation {
  const x = computed(op, 0);
  const begin = integers(op.file, constant(op, 1));
  const stated = integers(op.file, constant(op, 2));
  const size = stated.map((count, axis) => (count === -1 ? x.shape[axis] - begin[axis] : count));
  const changed = x.shape.flatMap((side, axis) => (begin[axis] === 0 && size[axis] === side ? [] : [axis]));
  if (changed.length === 0) return sameValues(op);
  const [axis] = changed;
  const fits = begin[axis] >= 0 && size[axis] > 0 && begin[axis] + size[axis] <= x.shape[axis];
  if (changed.length > 1 || axis !== 3 || x.shape.length !== 4 || !fits) {
    op.fail(`takes [${size}] of [${x.shape}] from [${begin}]; wanted a part of a picture's channels, or all of it`);
  }
  return { inputs: [x], steps: [chosenChannels(op, x.shape[3], begin[3], size[3])] };
}

function tile(op: FileOperator): Translation {
  const times = integers(op.file, constant(op, 1));
  if (times.some((count) => count !== 1)) {
    op.fail(`repeats [${computed(op, 0).shape}] by [${times}]; wanted once along each axis`);
  }
  return sameValues(op);
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

function squeeze(op: FileOperator): Translation {
  const x = computed(op, 0);
  const [batch, ...sizes] = op.outputs[0].shape;
  if (batch !== x.shape[0]) op.fail(`squeezes [${x.shape}] to [${op.outputs[0].shape}]; the batch has to stay`);
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
