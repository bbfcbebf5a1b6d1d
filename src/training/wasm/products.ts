/** 1×1 convolutions, dense layers and, by way of patches, all other convolutions but depthwise ones: matrix products. */
import type { NodeOf } from '../../network/index.js';
import { type Padding, slideWindows } from '../../padding.js';
import type { Place } from '../../wasm/memory.js';
import { at } from '../../wasm/program.js';
import type { Slot } from '../step/parameters.js';
import type { Backward, Lowering } from './lowering.js';
import { type FeatureMap, flat, groupsOf, mapLayout } from './maps.js';

/** Weights [K, O] in the layouts of the two products, and the place of their gradient. */
interface PackedMatrix {
  readonly panels: number;
  readonly weights: Place;
  readonly transposed: Place;
  readonly gradient: Place;
  /** Writes the step that hands the gradient out. */
  store(): void;
}

/** Writes dX = dY · Wᵀ, and what follows from it, where the input's gradient is wanted. */
type InputGradient = (dy: FeatureMap, matrix: PackedMatrix) => void;

export function lowerMatrixProduct(lowering: Lowering, node: NodeOf<'pointwiseConv2d' | 'dense'>): Backward {
  const [input] = node.inputs;
  const backward = lowerProduct(lowering, node, lowering.mapOf(input));
  const inputGradient: InputGradient = (dy, { transposed }) => {
    const { map: dx, accumulate } = lowering.gradientTarget(input);
    const from = [...flat(dy), dy.pixels, dy.groups, transposed] as const;
    lowering.program.step('product', ...from, dx.groups, ...flat(dx), Number(accumulate));
  };
  return () => backward(lowering.needsGradient(input) ? inputGradient : undefined);
}

export function lowerConv2d(lowering: Lowering, node: NodeOf<'conv2d'>, input: string, padding: Padding): Backward {
  const { program } = lowering;
  const { kernelSize, strides, dilation } = node.attributes;
  const x = lowering.mapOf(input);
  const { vertical, horizontal } = slideWindows(node.name, [x.rows, x.columns], kernelSize, strides, dilation, padding);
  const layout = mapLayout({
    images: x.images,
    rows: vertical.out,
    columns: horizontal.out,
    channels: kernelSize[0] * kernelSize[1] * x.channels,
  });
  const windows = [
    ...([x.images, x.rows, x.columns, x.channels] as const),
    ...([...kernelSize, ...strides, ...dilation] as const),
    ...([vertical.before, horizontal.before, vertical.out, horizontal.out] as const),
  ] as const;
  const patches = lowering.place(layout);
  program.step('toPatches', ...flat(x), ...windows, ...flat(patches));
  const backward = lowerProduct(lowering, node, patches);
  const inputGradient: InputGradient = (dy, { transposed }) => {
    const gradients = lowering.place(layout);
    const { map: dx, accumulate } = lowering.gradientTarget(input);
    const from = [...flat(dy), dy.pixels, dy.groups, transposed] as const;
    program.step('product', ...from, gradients.groups, ...flat(gradients), 0);
    if (!accumulate) program.step('zeroBytes', dx.place, dx.bytes);
    program.step('addPatches', ...flat(gradients), ...windows, ...flat(dx));
  };
  return () => backward(lowering.needsGradient(input) ? inputGradient : undefined);
}

/** y = x · W + b for a map `x` of K channels. The result writes its backward steps. */
function lowerProduct(
  lowering: Lowering,
  node: NodeOf<'pointwiseConv2d' | 'dense' | 'conv2d'>,
  x: FeatureMap,
): (inputGradient: InputGradient | undefined) => void {
  const { program } = lowering;
  const y = lowering.define(node.name);
  const matrix = packMatrix(lowering, lowering.slot(node, 'kernel'));
  const bias = node.attributes.bias ? lowering.vector(lowering.slot(node, 'bias')) : undefined;
  const { panels, weights, gradient } = matrix;
  if (bias) program.step('biasForward', bias.vector, y.groups, y.pixels, ...flat(y));
  program.step('product', ...flat(x), x.pixels, x.groups, weights, panels, ...flat(y), bias ? 1 : 0);
  return (inputGradient) => {
    const dy = lowering.gradientOf(node.name);
    program.step('weightGradient', ...flat(x), x.pixels, x.groups, ...flat(dy), dy.groups, gradient);
    matrix.store();
    if (bias) program.step('biasGradient', ...flat(dy), dy.groups, dy.pixels, bias.gradient);
    bias?.store();
    inputGradient?.(dy, matrix);
  };
}

/** A kernel whose last axis is O; the others are K. */
function packMatrix({ program, values, gradients }: Lowering, { offset, size, shape }: Slot): PackedMatrix {
  const columns = shape[shape.length - 1];
  const rows = size / columns;
  const panels = groupsOf(columns);
  const [weights, transposed, gradient] = [0, 1, 2].map(() => program.constant(groupsOf(rows) * panels * 256));
  program.step('packWeights', at(values, offset * 4), rows, columns, weights);
  program.step('packTransposedWeights', at(values, offset * 4), rows, columns, transposed);
  const store = () => program.step('unpackWeights', gradient, rows, columns, at(gradients, offset * 4));
  return { panels, weights, transposed, gradient, store };
}
