/** Every operator of a TensorFlow graph that is read. Kernels have this library's own layouts, HWIO, HWCM and IO. */
import { type Shape, sameShape, sizeOf, type Tensor, tensor } from '../../tensor.js';
import { type Affine, affineNorm } from '../affine.js';
import type { Draft } from '../drafts.js';
import { tensorflowResizeRule } from '../tensorflow-resize.js';
import type { GraphCall } from './call.js';

export const operators: Readonly<Record<string, (call: GraphCall) => Draft>> = {
  _FusedConv2D: (call) => fused(call, conv2d),
  _FusedMatMul: (call) => fused(call, matMul),
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
  FusedBatchNorm: fusedBatchNorm,
  FusedBatchNormV2: fusedBatchNorm,
  FusedBatchNormV3: fusedBatchNorm,
  FusedDepthwiseConv2dNative: (call) => fused(call, depthwiseConv2d),
  Identity: (call) => call.value(0),
  MatMul: (call) => matMul(call, undefined),
  MaxPool: (call) => call.add('maxPool', [call.value(0)], { poolSize: call.pair('ksize'), ...call.window() }),
  Mean(call) {
    const x = call.value(0);
    const axes = call.numbers(1).map((axis) => (axis < 0 ? axis + x.shape.length : axis));
    if (x.shape.length !== 4 || axes.length !== 2 || !axes.includes(1) || !axes.includes(2)) {
      call.fail(`means over the axes [${axes}] of [${x.shape}]; wanted height and width, [1,2]`);
    }
    return call.add('globalAveragePool', [x], { keepDims: call.bool('keep_dims', false) });
  },
  Mul: (call) => affine(call, { scale: (c) => c }),
  Pad: (call) => pad(call, 0),
  PadV2: (call) => pad(call, call.numbers(2)[0]),
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
  Sigmoid: (call) => call.add('sigmoid', [call.value(0)], {}),
  Softmax: (call) => call.add('softmax', [call.value(0)], {}),
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
  Sub: (call) => affine(call, call.isConstant(0) ? { scale: () => -1, shift: (c) => c } : { shift: (c) => -c }),
};

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
  return call.fail(`attribute 'fused_ops' holds ${name}; wanted BiasAdd, Relu, Relu6 or Sigmoid`);
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
  const { attributes, weights } = affineNorm(C, constant, formula);
  return call.add('batchNorm', [x], attributes, weights);
}

function pad(call: GraphCall, value: number): Draft {
  const x = call.value(0);
  const sides = call.numbers(1);
  const [beforeBatch, afterBatch, top, bottom, left, right, beforeChannels, afterChannels] = sides;
  if (sides.length !== 8 || beforeBatch || afterBatch || beforeChannels || afterChannels) {
    call.fail(`pads [${x.shape}] by [${sides}]; wanted padding of height and width only`);
  }
  return call.add('pad', [x], { padding: { top, bottom, left, right }, value });
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
