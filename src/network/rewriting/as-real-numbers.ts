/**
 * A quantised network as one of real numbers. Weights become scale · (q − zero point), a bias counts in input scale · kernel scale, and behind each
 * layer a clamp keeps the result in the range that its integers can express, together with the activation that follows it:
 *
 *   [(q_min − zero point) · scale, (q_max − zero point) · scale]
 *
 * What is not done is the rounding of each result to one of the 256 values in between. The network computes what the integers approximate, so its
 * outputs differ from an integer runtime's by a few steps of the grid.
 */
import {
  lateTensor,
  type PerChannelType,
  type QuantizedTensor,
  type QuantizedType,
  type Tensor,
  type TensorType,
} from '../../tensor.js';
import { ownerOf, soleReaders, unusedName } from '../graph.js';
import { rememberIntegers } from '../integers-of.js';
import { type Network, type NetworkNode, weightName } from '../network.js';
import {
  hasIntegers,
  isConversion,
  isQuantizedTensor,
  isQuantizedType,
  type QuantizedNetwork,
  type QuantizedNode,
  sameType,
} from '../quantized-network.js';
import { biasScales, integerRanges } from '../quantized-types.js';
import { layerOf } from '../shapes.js';

/** The network of real numbers. Its layers keep their names; a layer before a clamp of ours is called 'x/linear', or 'x/pad' by its kind. */
export function asRealNumbers(network: QuantizedNetwork): Network {
  return realNumbers(network).network;
}

export interface RealNumbers {
  readonly network: Network;
  /** By each name of the quantised network, the tensor here with its values: quantize and dequantize may leave none of their own. */
  readonly names: ReadonlyMap<string, string>;
}

/** `asRealNumbers`, and where the quantised network's tensors are. */
export function realNumbers(network: QuantizedNetwork): RealNumbers {
  const nodes = new RealNodes(network);
  for (const node of network.nodes) nodes.add(node);
  const outputs = nodes.outputs(network.outputs);
  const { names } = nodes;
  const { detection, ...conventions } = network.conventions;
  const nameOf = (name: string) => names.get(name)!;
  const real = {
    name: network.name,
    inputs: network.inputs.map(({ name, shape }) => ({ name, shape })),
    nodes: nodes.nodes,
    outputs,
    weights: realWeights(network, nodes.owners),
    conventions: {
      ...conventions,
      ...(detection && {
        detection: { ...detection, codes: nameOf(detection.codes), scores: nameOf(detection.scores) },
      }),
    },
  };
  if (hasIntegers(network)) rememberIntegers(real, network);
  return { network: real, names };
}

interface Range {
  readonly min: number;
  readonly max: number;
}

/** Least and greatest real number that integers of 8 bits can express; undefined for real numbers, and for indices. */
export function expressibleRange(type: TensorType): Range | undefined {
  if (!isQuantizedType(type) || type.type === 'int32') return undefined;
  const [least, greatest] = integerRanges[type.type];
  return { min: type.scale * (least - type.zeroPoint), max: type.scale * (greatest - type.zeroPoint) };
}

/** Between which numbers an activation keeps its input; undefined for other layers. */
function activationRange(node: QuantizedNode): Range | undefined {
  if (node.kind === 'relu') return { min: 0, max: Infinity };
  if (node.kind === 'relu6') return { min: 0, max: 6 };
  return node.kind === 'clamp' ? node.attributes : undefined;
}

/** Layers that sum terms. The sum before its clamp is called 'linear'. */
const sums = (kind: string): boolean => kind === 'add' || layerOf({ name: kind, kind }).kernel !== undefined;

class RealNodes {
  readonly nodes: NetworkNode[] = [];
  readonly names = new Map<string, string>();
  /** By the name of a quantised node with weights, that of the node here that has them. */
  readonly owners = new Map<string, string>();
  readonly #network: QuantizedNetwork;
  readonly #taken: Set<string>;
  readonly #types: ReadonlyMap<string, TensorType>;
  readonly #readers: ReadonlyMap<string, QuantizedNode | undefined>;

  constructor(network: QuantizedNetwork) {
    this.#network = network;
    const tensors = [...network.inputs, ...network.nodes];
    this.#taken = new Set(tensors.map(({ name }) => name));
    this.#types = new Map(tensors.map(({ name, type }) => [name, type]));
    this.#readers = soleReaders(network.nodes, network.outputs);
    for (const { name } of network.inputs) this.names.set(name, name);
  }

  add(node: QuantizedNode): void {
    const made = this.#realNodes(
      node,
      node.inputs.map((input) => this.names.get(input)!),
    );
    this.nodes.push(...made);
    this.owners.set(node.name, made[0]?.name);
    this.names.set(node.name, made[made.length - 1]?.name ?? this.names.get(node.inputs[0])!);
  }

  /** Where two outputs have become one tensor, a node hands it on under the second name. */
  outputs(wanted: readonly string[]): string[] {
    const keeper = new Map<string, string>();
    for (const name of wanted) {
      const value = this.names.get(name)!;
      if (!keeper.has(value) || name === value) keeper.set(value, name);
    }
    return wanted.map((name) => {
      const value = this.names.get(name)!;
      if (keeper.get(value) === name) return value;
      this.nodes.push({ name, kind: 'dropout', inputs: [value], attributes: { rate: 0 } });
      this.names.set(name, name);
      return name;
    });
  }

  /** The nodes that stand for one; none where its values are its input's. */
  #realNodes(node: QuantizedNode, inputs: readonly string[]): NetworkNode[] {
    const { name } = node;
    const range = expressibleRange(node.type);
    const inside = range !== undefined && this.#isInside(node, range);
    if (isConversion(node)) return range === undefined || inside ? [] : [clamp(name, inputs, range)];
    const { type: _, ...plain } = node;
    const layer: NetworkNode = { ...plain, inputs };
    const activation = activationRange(node);
    if (range !== undefined && activation) return [clamp(name, inputs, bounded(activation, range))];
    const keepsRange = this.#keepsRange(node) && inside;
    if (range === undefined || keepsRange || this.#isClampedNext(node)) return [layer];
    const before = unusedName(`${name}/${sums(node.kind) ? 'linear' : node.kind}`, this.#taken);
    this.#taken.add(before);
    return [{ ...layer, name: before }, clamp(name, [before], range)];
  }

  /** All inputs' ranges lie in this one. */
  #isInside({ inputs }: QuantizedNode, range: Range): boolean {
    return inputs.every((input) => {
      const found = expressibleRange(this.#types.get(input)!);
      return found !== undefined && found.min >= range.min && found.max <= range.max;
    });
  }

  /** Results lie between the least and the greatest number of the inputs. */
  #keepsRange(node: QuantizedNode): boolean {
    const { copies, pools } = layerOf(node);
    return copies || pools || node.kind === 'concat' || node.kind === 'resizeBilinear' || this.#choosesChannels(node);
  }

  /** A matrix of integers that stands for real 0 and 1, with a single 1 for each output. */
  #choosesChannels({ name, kind }: QuantizedNode): boolean {
    const kernel = this.#network.weights.get(weightName(name, 'kernel'));
    if (kind !== 'pointwiseConv2d' || kernel === undefined || !isQuantizedTensor(kernel)) return false;
    if (!('scale' in kernel.type) || kernel.type.scale !== 1 || this.#network.weights.has(weightName(name, 'bias'))) {
      return false;
    }
    const { zeroPoint } = kernel.type;
    const ones = new Int32Array(kernel.shape[1]);
    return (
      kernel.data.every((q, at) => {
        ones[at % ones.length] += q - zeroPoint;
        return q === zeroPoint || q === zeroPoint + 1;
      }) && ones.every((count) => count === 1)
    );
  }

  /** An activation of this layer follows, whose clamp is for both: it is the only reader, has the same type, and is called 'x' behind 'x/linear'. */
  #isClampedNext({ name, type }: QuantizedNode): boolean {
    const reader = this.#readers.get(name);
    return (
      reader !== undefined &&
      activationRange(reader) !== undefined &&
      sameType(reader.type, type) &&
      name.startsWith(`${reader.name}/`)
    );
  }
}

const clamp = (name: string, inputs: readonly string[], attributes: Range): NetworkNode => ({
  name,
  kind: 'clamp',
  inputs,
  attributes,
});

/** The activation's range, as far as it can be expressed. */
const bounded = (activation: Range, range: Range): Range => ({
  min: Math.min(Math.max(activation.min, range.min), range.max),
  max: Math.max(Math.min(activation.max, range.max), range.min),
});

function realWeights(network: QuantizedNetwork, owners: ReadonlyMap<string, string>): Map<string, Tensor> {
  const types = new Map(network.inputs.map(({ name, type }): [string, TensorType] => [name, type]));
  const nodes = new Map(network.nodes.map((node) => [node.name, node]));
  for (const { name, type } of network.nodes) types.set(name, type);
  return new Map(
    [...network.weights].map(([name, weight]) => {
      const owner = ownerOf(name);
      const own = name.slice(owner.length + 1);
      const input = types.get(nodes.get(owner)!.inputs[0])!;
      const kernel = network.weights.get(weightName(owner, 'kernel'));
      const inUnits = own === 'bias' && isQuantizedType(input) && kernel !== undefined && isQuantizedTensor(kernel);
      const scales = (type: QuantizedTensor['type']) => (inUnits ? biasScales(input, kernel) : scalesOf(type));
      const real = isQuantizedTensor(weight)
        ? lateTensor(weight.shape, () => realNumbersOf(weight, scales(weight.type)))
        : weight;
      return [weightName(owners.get(owner)!, own), real];
    }),
  );
}

const scalesOf = (type: QuantizedType | PerChannelType): readonly number[] =>
  'scales' in type ? type.scales : [type.scale];

/** scale · (q − zero point), computed in float64 and rounded once to float32. The scales are those of the last axes. */
function realNumbersOf({ data, type }: QuantizedTensor, scales: readonly number[]): Float32Array<ArrayBuffer> {
  const zeroPoint = 'scale' in type ? type.zeroPoint : 0;
  const real = new Float32Array(data.length);
  for (let channel = 0; channel < scales.length; channel++) {
    const scale = scales[channel];
    for (let i = channel; i < real.length; i += scales.length) real[i] = scale * (data[i] - zeroPoint);
  }
  return real;
}
