/**
 * A network of integers, as data. It is a `Network` whose inputs and nodes also state the type of their result, and whose weights are integers.
 *
 * Executors of real numbers take a `Network` and no `QuantizedNetwork`: `asRealNumbers` turns the one into the other. Parts of a quantised
 * network may be real numbers; 'quantize' and 'dequantize' lead there and back. Types are stated, since a scale is a choice and does not
 * follow from the inputs; `inferTypes` (quantized-types.ts) checks that they fit each other.
 *
 * An activation is a node of its own, also where a file fuses it. Behind the layer that it belongs to it has the layer's type, and clamps
 * integers to [q(min), q(max)], which gives the same bits as the fused form.
 */
import type { NoAttributes } from '../layers/index.js';
import type { AnyTensor, QuantizedTensor, QuantizedType, Shape, Tensor, TensorType } from '../tensor.js';
import { type LayerKind, type Network, type NetworkInput, type NetworkNode, weightName } from './network.js';
import { inferShapes, wantedWeights, weightShapesOf } from './shapes.js';

/** Every layer, and the two ways between real numbers and integers. 'quantize' also leads from one integer type to another. */
export type QuantizedKind = LayerKind | ConversionNode['kind'];

interface ConversionNode {
  readonly name: string;
  readonly kind: 'quantize' | 'dequantize';
  readonly inputs: readonly string[];
  readonly attributes: NoAttributes;
}

/** A node, and the type of the tensor it produces. */
export type QuantizedNode = (NetworkNode | ConversionNode) & { readonly type: TensorType };

export interface QuantizedInput extends NetworkInput {
  readonly type: TensorType;
}

/**
 * Weights by `node name/weight name`, in the layouts of this library. A bias is int32. Nodes of real numbers have real weights, and so have
 * the layers without an integer form (batch norm).
 */
export type QuantizedWeights = ReadonlyMap<string, AnyTensor>;

export interface QuantizedNetwork extends Omit<Network, 'inputs' | 'nodes' | 'weights'> {
  readonly inputs: readonly QuantizedInput[];
  readonly nodes: readonly QuantizedNode[];
  readonly weights: QuantizedWeights;
}

/** Types by the names of tensors, and weights. */
export interface TypedTensors {
  readonly types: ReadonlyMap<string, TensorType>;
  readonly weights: QuantizedWeights;
}

/** What is known of every network. */
type AnyNetwork = Network | QuantizedNetwork;

/** Integers, and not real numbers. */
export const isQuantizedType = (type: TensorType): type is QuantizedType => typeof type === 'object';

export const isQuantizedTensor = (tensor: AnyTensor): tensor is QuantizedTensor => 'type' in tensor;

/** Whether the network states types. */
export const isQuantizedNetwork = (network: AnyNetwork): network is QuantizedNetwork =>
  network.inputs.some((input) => 'type' in input);

/** Whether any of its tensors is one of integers. */
export const hasIntegers = ({ inputs, nodes }: QuantizedNetwork): boolean =>
  [...inputs, ...nodes].some(({ type }) => isQuantizedType(type));

/** The type of every tensor. */
export const typesByName = ({ inputs, nodes }: Pick<QuantizedNetwork, 'inputs' | 'nodes'>): Map<string, TensorType> =>
  new Map([...inputs, ...nodes].map(({ name, type }) => [name, type]));

/** A way between real numbers and integers, and no layer. */
export const isConversion = <Node extends { readonly kind: string }>(
  node: Node,
): node is Node & { readonly kind: ConversionNode['kind'] } => node.kind === 'quantize' || node.kind === 'dequantize';

export const sameType = (a: TensorType, b: TensorType): boolean =>
  isQuantizedType(a) && isQuantizedType(b)
    ? a.type === b.type && a.scale === b.scale && a.zeroPoint === b.zeroPoint
    : a === b;

/** 'int8 (0.0235, 3)', or the name of a float type. Scales have 6 digits. */
export function showType(type: TensorType | QuantizedTensor['type']): string {
  if (typeof type === 'string') return type;
  if ('scales' in type) return `${type.type} with ${type.scales.length} scales`;
  return `${type.type} (${Number(type.scale.toPrecision(6))}, ${type.zeroPoint})`;
}

/** The network as shapes see it: quantize and dequantize leave the shape as it is, and so does dropout. It has no weights and computes nothing. */
export function shapesAlone(network: QuantizedNetwork): Network {
  const nodes = network.nodes.map(
    (node): NetworkNode => (isConversion(node) ? { ...node, kind: 'dropout', attributes: { rate: 0 } } : node),
  );
  return { ...network, nodes, weights: new Map() };
}

/** `shapesAlone` with the weights that are real numbers, of layers that stay real. */
export function withRealWeights(network: QuantizedNetwork): Network {
  const weights = [...network.weights].filter((entry): entry is [string, Tensor] => !isQuantizedTensor(entry[1]));
  return { ...shapesAlone(network), weights: new Map(weights) };
}

/** `inferShapes` of a quantised network, with its errors. */
export function inferQuantizedShapes(
  network: QuantizedNetwork,
  inputShapes?: ReadonlyMap<string, Shape>,
): Map<string, Shape> {
  return inferShapes(shapesAlone(network), inputShapes);
}

/** Shape of every weight that the network's nodes need, by full name. */
export function wantedQuantizedWeights(
  network: QuantizedNetwork,
  shapes = inferQuantizedShapes(network),
): Map<string, Shape> {
  return wantedWeights(shapesAlone(network), shapes);
}

/** The weights of one node, by the names its layer gives them. */
export function quantizedWeightsOf(
  network: QuantizedNetwork,
  node: QuantizedNode,
  shapes: ReadonlyMap<string, Shape>,
): Readonly<Record<string, AnyTensor>> {
  if (isConversion(node)) return {};
  const names = Object.keys(weightShapesOf(node, shapes));
  return Object.fromEntries(names.map((name) => [name, network.weights.get(weightName(node.name, name))!]));
}
