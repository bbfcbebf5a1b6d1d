/** The operators with weights. TensorFlow Lite's kernels are OHWI, [1, H, W, C·M] and [units, inputs]; this library's HWIO, HWCM and IO. */
import { type AnyTensor, type FloatArray, type IntegerArray, type Shape, sizeOf, tensor } from '../../tensor.js';
import { transposed } from '../strided.js';
import { integerBias, integerKernel, quantizedType, realBias, realValues } from './constants.js';
import type { FileOperator, FileTensor } from './model.js';
import { activationOf, computed, constant, optionsOf, slidingOf, type Translation } from './operands.js';
import { Conv2DOptions, DepthwiseConv2DOptions, FullyConnectedOptions } from './schema.js';

export function conv2d(op: FileOperator): Translation {
  const options = optionsOf(op, Conv2DOptions);
  const x = computed(op, 0);
  const [filters, KH, KW, I] = shapeOfRank(op, constant(op, 1), 4);
  if (x.shape[3] !== I) {
    op.fail(`has kernels for ${I} channels and an input of [${x.shape}]; convolutions in groups are not read`);
  }
  const { strides, padding, dilation } = slidingOf(op, options);
  const bias = op.inputs[2] !== undefined;
  const activation = activationOf(op, options);
  if (KH === 1 && KW === 1 && strides[0] === 1 && strides[1] === 1 && op.dilated === undefined) {
    const weights = weightsOf(op, x, { channels: 0, order: [1, 2, 3, 0], shape: [I, filters], axis: 1 });
    return { inputs: [x], steps: [{ kind: 'pointwiseConv2d', attributes: { filters, bias }, weights }], activation };
  }
  const attributes = {
    filters,
    kernelSize: [KH, KW] as const,
    strides,
    dilation,
    padding,
    bias,
  };
  const weights = weightsOf(op, x, { channels: 0, order: [1, 2, 3, 0], shape: [KH, KW, I, filters], axis: 3 });
  return { inputs: [x], steps: [{ kind: 'conv2d', attributes, weights }], activation };
}

/** Output channel c·M + m reads input channel c, here as there: only the shape is written differently. */
export function depthwiseConv2d(op: FileOperator): Translation {
  const options = optionsOf(op, DepthwiseConv2DOptions);
  const x = computed(op, 0);
  const [one, KH, KW, CM] = shapeOfRank(op, constant(op, 1), 4);
  const [, , , C] = shapeOfRank(op, x, 4);
  const depthMultiplier = CM / C;
  if (one !== 1 || !Number.isInteger(depthMultiplier)) {
    op.fail(
      `has a kernel of [${constant(op, 1).shape}] for ${C} channels, wanted [1, height, width, a multiple of ${C}]`,
    );
  }
  const attributes = {
    kernelSize: [KH, KW] as const,
    ...slidingOf(op, options),
    depthMultiplier,
    bias: op.inputs[2] !== undefined,
  };
  const weights = weightsOf(op, x, { channels: 3, shape: [KH, KW, C, depthMultiplier], axis: 2 });
  return {
    inputs: [x],
    steps: [{ kind: 'depthwiseConv2d', attributes, weights }],
    activation: activationOf(op, options),
  };
}

export function fullyConnected(op: FileOperator): Translation {
  const options = optionsOf(op, FullyConnectedOptions);
  if (options.int8('weights_format') !== 0) op.fail('shuffled weights are not read');
  const x = computed(op, 0);
  const [units, inputs] = shapeOfRank(op, constant(op, 1), 2);
  const flat = x.shape.length === 2 || options.bool('keep_num_dims');
  if ((flat ? x.shape.at(-1) : sizeOf(x.shape.slice(1))) !== inputs) {
    op.fail(`has weights for ${inputs} inputs, but reads a tensor of [${x.shape}]`);
  }
  const attributes = { units, bias: op.inputs[2] !== undefined };
  const weights = weightsOf(op, x, { channels: 0, order: [1, 0], shape: [inputs, units], axis: 1 });
  const dense = { kind: 'dense' as const, attributes, weights };
  const steps = flat ? [dense] : [{ kind: 'flatten' as const, attributes: {} }, dense];
  return { inputs: [x], steps, activation: activationOf(op, options) };
}

/** Where a kernel's scales lie, and how it becomes this library's. */
interface KernelForm {
  /** The file's axis of output channels. */
  readonly channels: number;
  readonly order?: readonly number[];
  readonly shape: Shape;
  /** This library's axis from which on the output channels lie. */
  readonly axis: number;
}

/** Kernel and bias: integers where input and result are integers, real numbers otherwise. */
function weightsOf(op: FileOperator, x: FileTensor, form: KernelForm): Record<string, AnyTensor> {
  const source = constant(op, 1);
  const bias = op.inputs[2] && constant(op, 2);
  const input = quantizedType(x);
  const stored =
    input && quantizedType(op.outputs[0]) && (bias === undefined || bias.type === 'INT32')
      ? integerKernel(op.file, source, form.channels, form.axis)
      : undefined;
  if (input === undefined || stored === undefined) {
    const kernel = tensor(form.shape, arranged(realValues(op.file, source), form));
    return { kernel, ...(bias && { bias: realBias(op.file, bias, x, source) }) };
  }
  const kernel = { ...stored, shape: form.shape, data: arranged(stored, form) };
  return { kernel, ...(bias && { bias: integerBias(op.file, bias, input, kernel) }) };
}

const arranged = <Data extends FloatArray | IntegerArray>(
  kernel: { readonly shape: Shape; readonly data: Data },
  { order }: KernelForm,
): Data => (order ? transposed(kernel, order).data : kernel.data);

function shapeOfRank(op: FileOperator, { name, shape }: FileTensor, rank: number): readonly number[] {
  if (shape.length !== rank) op.fail(`'${name}' has the shape [${shape}], wanted ${rank} sizes`);
  return shape;
}
