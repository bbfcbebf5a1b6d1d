/** 1×1 convolutions, dense layers and, by way of patches, all other convolutions but depthwise ones: matrix products. */
import type { Buffer } from '../../engine/memory.js';
import type { NodeOf } from '../../network/index.js';
import { type Padding, slideWindows } from '../../padding.js';
import type { Slot } from '../step/parameters.js';
import type { Lowering, Unit } from './lowering.js';
import { type FeatureMap, featureMap, groupsOf } from './maps.js';

/** Weights [K, O] in the layouts of the two products, and the place of their gradient. */
interface PackedMatrix {
  readonly panels: number;
  readonly weights: Buffer;
  readonly transposed: Buffer;
  readonly gradient: Buffer;
}

/** Writes dX = dY · Wᵀ, and what follows from it, where the input's gradient is wanted. */
type InputGradient = (dy: FeatureMap, matrix: PackedMatrix) => void;

export function lowerMatrixProduct(lowering: Lowering, node: NodeOf<'pointwiseConv2d' | 'dense'>): Unit {
  const [input] = node.inputs;
  const backward = lowerProduct(lowering, node, lowering.mapOf(input));
  const inputGradient: InputGradient = (dy, { transposed }) => {
    const { map: dx, accumulate } = lowering.gradientTarget(input);
    lowering.step([dy, dx], ({ kernels, at, flat }) => {
      kernels.product(...flat(dy), dy.pixels, dy.groups, at(transposed), dx.groups, ...flat(dx), Number(accumulate));
    });
  };
  return { backward: () => backward(lowering.needsGradient(input) ? inputGradient : undefined) };
}

export function lowerConv2d(lowering: Lowering, node: NodeOf<'conv2d'>, input: string, padding: Padding): Unit {
  const { kernelSize, strides, dilation } = node.attributes;
  const x = lowering.mapOf(input);
  const { vertical, horizontal } = slideWindows(node.name, [x.rows, x.columns], kernelSize, strides, dilation, padding);
  const patches = featureMap({
    images: x.images,
    rows: vertical.out,
    columns: horizontal.out,
    channels: kernelSize[0] * kernelSize[1] * x.channels,
  });
  const windows = [
    ...[x.images, x.rows, x.columns, x.channels],
    ...[...kernelSize, ...strides, ...dilation],
    ...[vertical.before, horizontal.before, vertical.out, horizontal.out],
  ];
  lowering.step([x, patches], ({ kernels, flat }) => kernels.toPatches(...flat(x), ...windows, ...flat(patches)));
  const backward = lowerProduct(lowering, node, patches);
  const inputGradient: InputGradient = (dy, { transposed }) => {
    const gradients = featureMap(patches);
    const { map: dx, accumulate } = lowering.gradientTarget(input);
    lowering.step([dy, gradients, dx], ({ kernels, memory, at, flat }) => {
      kernels.product(...flat(dy), dy.pixels, dy.groups, at(transposed), gradients.groups, ...flat(gradients), 0);
      if (!accumulate) memory.fill(0, at(dx.buffer) / 4, (at(dx.buffer) + dx.buffer.bytes) / 4);
      kernels.addPatches(...flat(gradients), ...windows, ...flat(dx));
    });
  };
  return { backward: () => backward(lowering.needsGradient(input) ? inputGradient : undefined) };
}

/** y = x · W + b for a map `x` of K channels. The result writes its backward steps. */
function lowerProduct(
  lowering: Lowering,
  node: NodeOf<'pointwiseConv2d' | 'dense' | 'conv2d'>,
  x: FeatureMap,
): (inputGradient: InputGradient | undefined) => void {
  const y = lowering.define(node.name);
  const matrix = packMatrix(lowering, lowering.slot(node, 'kernel'));
  const bias = node.attributes.bias ? lowering.vector(lowering.slot(node, 'bias')) : undefined;
  lowering.step([x, y], ({ kernels, at, flat }) => {
    if (bias) kernels.biasForward(at(bias.vector), y.groups, y.pixels, ...flat(y));
    kernels.product(...flat(x), x.pixels, x.groups, at(matrix.weights), matrix.panels, ...flat(y), bias ? 1 : 0);
  });
  return (inputGradient) => {
    const dy = lowering.gradientOf(node.name);
    lowering.step([x, dy], ({ kernels, at, flat }) => {
      kernels.weightGradient(...flat(x), x.pixels, x.groups, ...flat(dy), dy.groups, at(matrix.gradient));
      if (bias) kernels.biasGradient(...flat(dy), dy.groups, dy.pixels, at(bias.gradient));
    });
    inputGradient?.(dy, matrix);
  };
}

/** A kernel whose last axis is O; the others are K. */
function packMatrix(lowering: Lowering, { offset, size, shape }: Slot): PackedMatrix {
  const columns = shape[shape.length - 1];
  const rows = size / columns;
  const bytes = groupsOf(rows) * groupsOf(columns) * 256;
  const weights = lowering.constant(bytes);
  const transposed = lowering.constant(bytes);
  const gradient = lowering.constant(bytes);
  lowering.load.push(({ kernels, at }) => {
    kernels.packPanels(at(lowering.values) + offset * 4, rows, columns, at(weights));
    kernels.packTransposed(at(lowering.values) + offset * 4, rows, columns, at(transposed));
  });
  lowering.unload.push(({ kernels, at }) => {
    kernels.unpackPanels(at(gradient), rows, columns, at(lowering.gradients) + offset * 4);
  });
  return { panels: groupsOf(columns), weights, transposed, gradient };
}
