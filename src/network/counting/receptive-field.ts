/**
 * Receptive field: the patch of the input that one position of a feature map sees. For each axis, with the layer's k taps, stride s,
 * dilation d and p samples of padding before (Araujo, Norris, Sim, "Computing Receptive Fields of Convolutional Neural Networks",
 * Distill 2019, eqs. 2-4, run from the input on):
 *
 *   size′ = size + (k − 1) · d · stride        padding′ = padding + p · stride        stride′ = stride · s
 */
import { type Padding, type Pair, slideWindow } from '../../padding.js';
import type { Shape } from '../../tensor.js';
import type { Network, NetworkNode } from '../network.js';
import { inferShapes, layerOf } from '../shapes.js';

export interface ReceptiveField {
  /** [height, width] in input pixels. */
  readonly size: Pair;
  /** Input pixels between neighbouring positions of the map. */
  readonly stride: Pair;
  /** How far the first position's field reaches above and to the left of the input. */
  readonly padding: Pair;
}

/** How a node slides a kernel over its input; undefined for a layer that works position by position or on everything at once. */
export interface NodeWindow {
  readonly kernelSize: Pair;
  readonly strides: Pair;
  readonly dilation: Pair;
  readonly padding: Padding;
}

const POINT: Pair = [1, 1];

export function windowOf(node: NetworkNode): NodeWindow | undefined {
  const { window } = layerOf(node);
  if (window === undefined || window === 'map') return undefined;
  const attributes = node.attributes as Partial<NodeWindow> & { readonly poolSize?: Pair };
  const kernelSize = window === 'point' ? POINT : attributes[window]!;
  return { strides: POINT, dilation: POINT, padding: 'valid', ...attributes, kernelSize };
}

/**
 * Receptive field of every tensor that has one, by name: none for what lost its positions (global pooling, flatten, reshape) or was
 * made from such. Where paths meet (add, concat) the largest field counts, and the padding of that path.
 */
export function receptiveFields(network: Network, shapes = inferShapes(network)): Map<string, ReceptiveField> {
  const fields = new Map<string, ReceptiveField>();
  for (const { name, shape } of network.inputs) {
    if (shape.length === 4) fields.set(name, { size: POINT, stride: POINT, padding: [0, 0] });
  }
  for (const node of network.nodes) {
    const inputs = node.inputs.map((input) => fields.get(input));
    if (!inputs.every((field) => field !== undefined)) continue;
    const field = through(node, shapes, widest(inputs));
    if (field !== undefined) fields.set(node.name, field);
  }
  return fields;
}

function widest(fields: readonly ReceptiveField[]): ReceptiveField {
  return fields.reduce((a, b) => (b.size[0] * b.size[1] > a.size[0] * a.size[1] ? b : a));
}

function through(
  node: NetworkNode,
  shapes: ReadonlyMap<string, Shape>,
  field: ReceptiveField,
): ReceptiveField | undefined {
  const layer = layerOf(node);
  const input = shapes.get(node.inputs[0])!;
  const losesPositions = layer.window === 'map' || (layer.copies && !layer.elementwise);
  if (losesPositions) return undefined;
  if (node.kind === 'pad') {
    const { top, left } = node.attributes.padding;
    return { ...field, padding: eachAxis((axis) => field.padding[axis] + [top, left][axis] * field.stride[axis]) };
  }
  if (node.kind === 'resizeBilinear') return resized(input, node.attributes.size, field);
  const window = windowOf(node);
  return window === undefined ? field : slid(window, input, field);
}

function slid(
  { kernelSize, strides, dilation, padding }: NodeWindow,
  input: Shape,
  field: ReceptiveField,
): ReceptiveField {
  return {
    size: eachAxis((axis) => field.size[axis] + (kernelSize[axis] - 1) * dilation[axis] * field.stride[axis]),
    padding: eachAxis((axis) => field.padding[axis] + before(axis) * field.stride[axis]),
    stride: eachAxis((axis) => field.stride[axis] * strides[axis]),
  };

  function before(axis: 0 | 1): number {
    if (typeof padding === 'object') return axis === 0 ? padding.top : padding.left;
    return slideWindow('receptive field', input[axis + 1], kernelSize[axis], strides[axis], dilation[axis], padding)
      .before;
  }
}

/** Bilinear resizing reads two neighbours an axis, and changes the distance between positions by in / out. */
function resized(input: Shape, size: Pair, field: ReceptiveField): ReceptiveField {
  return {
    ...field,
    size: eachAxis((axis) =>
      input[axis + 1] === size[axis] ? field.size[axis] : field.size[axis] + field.stride[axis],
    ),
    stride: eachAxis((axis) => (field.stride[axis] * input[axis + 1]) / size[axis]),
  };
}

function eachAxis(compute: (axis: 0 | 1) => number): Pair {
  return [compute(0), compute(1)];
}
