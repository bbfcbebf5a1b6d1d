/** The operators with weights. TensorFlow Lite's kernels are OHWI, [1, H, W, C·M] and [units, inputs]; this library's HWIO, HWCM and IO. */
import { sizeOf, type Tensor, tensor } from '../../tensor.js';
import { transposedTensor } from '../transposed.js';
import { realBias, realValues } from './constants.js';
import type { FileOperator, FileTensor } from './model.js';
import { activationOf, computed, constant, optionsOf, slidingOf, type Translation } from './operands.js';
import { Conv2DOptions, DepthwiseConv2DOptions, FullyConnectedOptions } from './schema.js';

export function conv2d(op: FileOperator): Translation {
  const options = optionsOf(op, Conv2DOptions);
  const x = computed(op, 0);
  const [, KH, KW, I] = shapeOfRank(op, constant(op, 1), 4);
  if (x.shape[3] !== I) {
    op.fail(`has kernels for ${I} channels and an input of [${x.shape}]; convolutions in groups are not read`);
  }
  const { strides, padding, dilation } = slidingOf(op, options);
  const kernel = transposedTensor(realValues(op.file, constant(op, 1)), [1, 2, 3, 0]);
  const filters = kernel.shape[3];
  const bias = biasOf(op, x);
  const activation = activationOf(op, options);
  if (KH === 1 && KW === 1 && strides[0] === 1 && strides[1] === 1 && op.dilated === undefined) {
    const attributes = { filters, bias: bias !== undefined };
    const weights = { kernel: tensor([I, filters], kernel.data), ...(bias && { bias }) };
    return { inputs: [x], steps: [{ kind: 'pointwiseConv2d', attributes, weights }], activation };
  }
  const attributes = {
    filters,
    kernelSize: [KH, KW] as const,
    strides,
    dilation,
    padding,
    bias: bias !== undefined,
  };
  return {
    inputs: [x],
    steps: [{ kind: 'conv2d', attributes, weights: { kernel, ...(bias && { bias }) } }],
    activation,
  };
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
  const bias = biasOf(op, x);
  const attributes = {
    kernelSize: [KH, KW] as const,
    ...slidingOf(op, options),
    depthMultiplier,
    bias: bias !== undefined,
  };
  const kernel = tensor([KH, KW, C, depthMultiplier], realValues(op.file, constant(op, 1)).data);
  const weights = { kernel, ...(bias && { bias }) };
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
  const bias = biasOf(op, x);
  const kernel = transposedTensor(realValues(op.file, constant(op, 1)), [1, 0]);
  const attributes = { units, bias: bias !== undefined };
  const dense = { kind: 'dense' as const, attributes, weights: { kernel, ...(bias && { bias }) } };
  const steps = flat ? [dense] : [{ kind: 'flatten' as const, attributes: {} }, dense];
  return { inputs: [x], steps, activation: activationOf(op, options) };
}

function biasOf(op: FileOperator, x: FileTensor): Tensor | undefined {
  return op.inputs[2] === undefined ? undefined : realBias(op.file, constant(op, 2), x, constant(op, 1));
}

function shapeOfRank(op: FileOperator, { name, shape }: FileTensor, rank: number): readonly number[] {
  if (shape.length !== rank) op.fail(`'${name}' has the shape [${shape}], wanted ${rank} sizes`);
  return shape;
}
