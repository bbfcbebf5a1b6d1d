/** Every operator of a TensorFlow graph that is read. Kernels have this library's own layouts, HWIO, HWCM and IO. */
import { type Shape, sameShape, sizeOf, type Tensor, tensor } from '../../tensor.js';
import { type Arithmetic, formulaOf } from '../affine.js';
import type { Draft } from '../drafts.js';
import {
  affine as affineLayer,
  copiedChannels,
  elu,
  erf,
  globalMax,
  leakyRelu,
  type Part,
  partOf,
  type Step,
  selu,
  tanh,
} from '../steps.js';
import { transposed } from '../strided.js';
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
  BiasAdd: (call) => affine(call, 'add'),
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
      ? affine(call, 'multiply')
      : call.add(
          'multiply',
          [call.value(0), call.value(1)].sort((a, b) => sizeOf(b.shape) - sizeOf(a.shape)),
          {},
        ),
  Neg: (call) => call.addSteps(call.value(0), [affineLayer('', [-1], [0])]),
  Pad: (call) => pad(call, 0),
  PadV2: (call) => pad(call, call.numbers(2)[0]),
  Prelu(call) {
    const x = call.value(0);
    return call.addSteps(x, leakyRelu(slopesOf(x.shape, call.constant(1), call)));
  },
  RealDiv: (call) => affine(call, 'divide'),
  Relu: (call) => call.add('relu', [call.value(0)], {}),
  Relu6: (call) => call.add('relu6', [call.value(0)], {}),
  Reshape: (call) => reshape(call, call.numbers(1)),
  ResizeBilinear(call) {
    const switches = {
      alignCorners: call.bool('align_corners', false),
      halfPixelCenters: call.bool('half_pixel_centers', false),
    };
    return call.addSteps(call.value(0), [resizeBilinearStep(call.numbers(1), switches, call)]);
  },
  ResizeNearestNeighbor(call) {
    const x = call.value(0);
    call.bool('half_pixel_centers', false);
    return call.addSteps(x, resizeNearestSteps(x.shape, call.numbers(1), call.bool('align_corners', false), call));
  },
  Selu: (call) => call.addSteps(call.value(0), selu()),
  Sigmoid: (call) => call.add('sigmoid', [call.value(0)], {}),
  Slice(call) {
    const x = call.value(0);
    const [begins, sizes] = [call.numbers(1), call.numbers(2)];
    return withParts(call, x, partsOf(x.shape, begins, endsOf(x.shape, begins, sizes), [], call));
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
  StridedSlice(call) {
    const x = call.value(0);
    const numbers = [1, 2, 3].map((index) => call.numbers(index));
    const { parts, sizes } = stridedSlice(x.shape, numbers, (mask) => call.int(mask, 0), call);
    const cut = withParts(call, x, parts);
    return sizes ? call.add('reshape', [cut], { shape: sizes }) : cut;
  },
  Sub: (call) => affine(call, 'subtract'),
  Tanh: (call) => call.addSteps(call.value(0), tanh()),
  Transpose(call) {
    const x = call.value(0);
    return call.addSteps(x, [transposeStep(x.shape, call.numbers(1), call)]);
  },
};

/** Over height and width, [1, 2]. */
function overPicture(call: GraphCall, steps: (keepDims: boolean) => readonly Step[]): Draft {
  const x = call.value(0);
  expectOverPicture(x.shape, call.numbers(1), call);
  return call.addSteps(x, steps(call.bool('keep_dims', false)));
}

/** The larger or smaller of each number and a constant. */
function bounded(call: GraphCall, rangeOf: (bound: number) => { min: number; max: number }): Draft {
  const at = call.isConstant(0) ? 0 : 1;
  return call.addSteps(call.value(1 - at), [clampStep(call.constant(at), rangeOf, call)]);
}

const withParts = (call: GraphCall, x: Draft, parts: readonly Part[]): Draft =>
  parts.reduce((cut, part) => call.addSteps(cut, partOf(cut.shape, part)), x);

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
  if (name === 'Prelu')
    return call.addSteps(x, leakyRelu(slopesOf(x.shape, call.constant(call.node.inputs.length - 1), call)));
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
  const kernel = call.bool('transpose_b', false) ? transposed(stated, [1, 0]) : stated;
  const attributes = { units: kernel.shape[1], bias: bias !== undefined };
  return call.add('dense', [call.value(0)], attributes, { kernel, ...(bias && { bias }) });
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
  if (call.isConstant(0) || call.isConstant(1)) return affine(call, 'add');
  return sum(call, 2);
}

function sum(call: GraphCall, count: number): Draft {
  const inputs = Array.from({ length: count }, (_, index) => call.value(index));
  const [first] = inputs;
  const other = inputs.find(({ shape }) => !sameShape(shape, first.shape));
  if (other !== undefined) call.fail(`adds [${first.shape}] and [${other.shape}]; wanted the same shape`);
  return count === 1 ? first : call.add('add', inputs, {});
}

function affine(call: GraphCall, operation: Arithmetic): Draft {
  const at = call.isConstant(0) ? 0 : 1;
  const formula = formulaOf(operation, at === 0, call);
  const x = call.value(1 - at);
  call.text('data_format', 'NHWC');
  return call.addSteps(x, [affineStep(x.shape, call.constant(at), formula, call)]);
}

function pad(call: GraphCall, value: number): Draft {
  const x = call.value(0);
  const {
    picture,
    channels: [before, after],
  } = paddedSides(x.shape, call.numbers(1), call);
  const C = x.shape[3];
  const wide = before || after ? call.addSteps(x, [copiedChannels(C, -before, before + C + after, value)]) : x;
  const isDone = wide !== x && Object.values(picture).every((side) => side === 0);
  return isDone ? wide : call.add('pad', [wide], { padding: picture, value });
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
