/** Every operator that is read, by its name in the schema. What is not in this list is an error that names it. */

import type { KernelWeights } from '../../layers/index.js';
import { type QuantizedTensor, type QuantizedType, type Shape, sizeOf, withSize } from '../../tensor.js';
import { type Arithmetic, formulaOf } from '../affine.js';
import {
  affine,
  copiedChannels,
  elu,
  gelu,
  geluByTanh,
  globalMax,
  leakyRelu,
  type Part,
  partOf,
  tanh,
} from '../steps.js';
import {
  affineStep,
  clampStep,
  endsOf,
  expectOverPicture,
  paddedSides,
  partsOf,
  resizeBilinearStep,
  resizeNearestSteps,
  slopesOf,
  stridedSlice,
  transposeStep,
} from '../tensorflow-operators.js';
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
  DIV: (op) => withConstant(op, DivOptions, 'divide'),
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
  STRIDED_SLICE: stridedSliced,
  SUB: (op) => withConstant(op, SubOptions, 'subtract'),
  TANH: (op) => composed(op, tanh),
  TILE: tile,
  TRANSPOSE: transposed,
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
  if (isConstant(op, 0) || isConstant(op, 1)) return withConstant(op, AddOptions, 'add');
  return { ...added(op), activation: activationOf(op, op.options(AddOptions)) };
}

/** Numbers are repeated along axes of size 1, as those of a gate for each channel are. */
function multiply(op: FileOperator): Translation {
  if (isConstant(op, 0) || isConstant(op, 1)) return withConstant(op, MulOptions, 'multiply');
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

function prelu(op: FileOperator): Translation {
  const x = computed(op, 0);
  return { inputs: [x], steps: leakyRelu(slopesOf(x.shape, realValues(op.file, constant(op, 1)), op)), real: true };
}

const isConstant = (op: FileOperator, index: number): boolean => op.inputs[index]?.data !== undefined;

/** A product or sum with a constant, one number or one for each channel. */
function withConstant(
  op: FileOperator,
  options: readonly ['fused_activation_function'],
  operation: Arithmetic,
): Translation {
  const constantFirst = isConstant(op, 0);
  const x = computed(op, constantFirst ? 1 : 0);
  const c = realValues(op.file, constant(op, constantFirst ? 0 : 1));
  const formula = formulaOf(operation, constantFirst, op);
  return {
    inputs: [x],
    steps: [affineStep(x.shape, c, formula, op)],
    activation: activationOf(op, op.options(options)),
    real: true,
  };
}

/** The larger or smaller of each number and a constant. */
function bounded(op: FileOperator, rangeOf: (bound: number) => { min: number; max: number }): Translation {
  const at = isConstant(op, 0) ? 0 : 1;
  const bound = realValues(op.file, constant(op, at));
  return { inputs: [computed(op, 1 - at)], steps: [clampStep(bound, rangeOf, op)] };
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
  expectOverPicture(x.shape, integers(op.file, constant(op, 1)), op);
  const keepDims = optionsOf(op, ReducerOptions).bool('keep_dims');
  return { inputs: [x], steps: steps(keepDims) };
}

/** Real zero, or a stated value, around the picture: zero's integer is the zero point. */
function pad(op: FileOperator, value: number): Translation {
  const x = computed(op, 0);
  const {
    picture,
    channels: [before, after],
  } = paddedSides(x.shape, integers(op.file, constant(op, 1)), op);
  const C = x.shape[3];
  const steps: Step[] = before || after ? [chosenChannels(op, C, -before, before + C + after, value)] : [];
  if (steps.length === 0 || Object.values(picture).some((side) => side !== 0)) {
    steps.push({ kind: 'pad', attributes: { padding: picture, value } });
  }
  return { inputs: [x], steps };
}

/** Integers are copied by integers that stand for 0 and 1. */
function chosenChannels(op: FileOperator, C: number, first: number, filters: number, value = 0): Step {
  const step = copiedChannels(C, first, filters, value);
  const input = op.inputs[0] && quantizedType(op.inputs[0]);
  if (input === undefined) return step;
  return { ...step, weights: (shape, zeros) => asIntegers(step.weights(shape, zeros), input) };
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
  const [begins, sizes] = [1, 2].map((index) => integers(op.file, constant(op, index)));
  return withParts(op, x, partsOf(x.shape, begins, endsOf(x.shape, begins, sizes), [], op));
}

function stridedSliced(op: FileOperator): Translation {
  const x = computed(op, 0);
  const options = optionsOf(op, StridedSliceOptions);
  const numbers = [1, 2, 3].map((index) => integers(op.file, constant(op, index)));
  const { parts, sizes } = stridedSlice(x.shape, numbers, (mask) => options.int32(mask), op);
  const cut = withParts(op, x, parts);
  return sizes ? { ...cut, steps: [...cut.steps, { kind: 'reshape', attributes: { shape: sizes } }] } : cut;
}

function withParts(op: FileOperator, x: FileTensor, parts: readonly Part[]): Translation {
  const ofChannels = ({ axis, step }: Part): boolean => x.shape.length === 4 && axis === 3 && step === 1;
  let { shape } = x;
  const steps = parts.flatMap((part): readonly Step[] => {
    const of = shape;
    shape = withSize(shape, part.axis, part.count);
    return ofChannels(part) ? [chosenChannels(op, of[3], part.from, part.count)] : partOf(of, part);
  });
  return { inputs: [x], steps, real: !parts.every(ofChannels) };
}

function transposed(op: FileOperator): Translation {
  const x = computed(op, 0);
  return { inputs: [x], steps: [transposeStep(x.shape, integers(op.file, constant(op, 1)), op)] };
}

function resizeNearest(op: FileOperator): Translation {
  const x = computed(op, 0);
  const size = integers(op.file, constant(op, 1));
  const alignCorners = optionsOf(op, ResizeNearestNeighborOptions).bool('align_corners');
  return { inputs: [x], steps: resizeNearestSteps(x.shape, size, alignCorners, op) };
}

/** The whole tensor so many times along each axis: joined with itself. */
function tile(op: FileOperator): Translation {
  const x = computed(op, 0);
  const times = integers(op.file, constant(op, 1));
  if (times.length !== x.shape.length || times[0] !== 1 || times.some((count) => count < 1)) {
    op.fail(`repeats [${x.shape}] by [${times}]; wanted the batch once, and each other axis once or more`);
  }
  op.charge(4 * times.reduce((sum, count) => sum + count));
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
  const switches = {
    alignCorners: options.bool('align_corners'),
    halfPixelCenters: options.bool('half_pixel_centers'),
  };
  const step = resizeBilinearStep(integers(op.file, constant(op, 1)), switches, op);
  return { inputs: [computed(op, 0)], steps: [step] };
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
