/**
 * From nodes of a quantised network to operations: what the kernels do in one pass. A convolution takes in the zero padding before it; a
 * convolution, dense layer, addition or product takes in the activations after it that have its result's scale and zero point, as clamps between
 * integers. What is computed with real numbers of one integer each becomes a table with an entry for every integer.
 */
import { nearestInteger, rangeOf } from '../../layers/int8/layer.js';
import { nodesBetween, rootsOf, soleReaders } from '../../network/graph.js';
import type { NetworkNode } from '../../network/network.js';
import {
  isConversion,
  isQuantizedType,
  type QuantizedNetwork,
  type QuantizedNode,
  sameType,
} from '../../network/quantized-network.js';
import { layerOf } from '../../network/shapes.js';
import type { ExplicitPadding } from '../../padding.js';
import type { Shape, TensorType } from '../../tensor.js';
import { type PadNode, paddedInput, padsAConvolution } from '../operations.js';

/** Between integers of the result's type: min(max(q, lo), hi). */
export interface IntegerClamp {
  readonly lo: number;
  readonly hi: number;
}

export interface IntegerOperation {
  /** The node that computes; the kernels see its attributes. */
  readonly node: QuantizedNode;
  readonly inputs: readonly string[];
  /** Name of the tensor that it makes: the last of the nodes it stands for. */
  output: string;
  /** Names of all nodes that it stands for. */
  readonly nodes: string[];
  /** Operations whose result has 8 bits. */
  clamp: IntegerClamp;
  /** Of a 'quantize' that ends a table: the nodes before it, the first of which read the operation's input. */
  readonly through?: readonly QuantizedNode[];
  /** Convolutions only: rows and columns of zeros around the input. */
  readonly padding?: ExplicitPadding;
}

export type OperationOf<Kind extends QuantizedNode['kind']> = IntegerOperation & {
  node: Extract<QuantizedNode, { kind: Kind }>;
};

const TAKES_CLAMP = new Set(['conv2d', 'depthwiseConv2d', 'pointwiseConv2d', 'dense', 'add', 'multiply']);

/** The network's operations in order. With `fuse` false every node stays an operation of its own, so that each tensor exists. */
export function operationsOf(
  network: QuantizedNetwork,
  shapes: ReadonlyMap<string, Shape>,
  types: ReadonlyMap<string, TensorType>,
  fuse: boolean,
): IntegerOperation[] {
  const readers = soleReaders(network.nodes, network.outputs);
  const tables = fuse ? tablesOf(network, shapes, types) : new Map<string, Table>();
  const made = new Map<string, IntegerOperation>();
  const pads = new Map<string, PadNode>();
  const operations: IntegerOperation[] = [];
  for (const node of network.nodes) {
    if (fuse && node.kind === 'pad' && padsAConvolution(node, readers)) {
      pads.set(node.name, node);
      continue;
    }
    const taker = fuse && readers.get(node.inputs[0]) ? clampTaker(node, made.get(node.inputs[0])) : undefined;
    if (taker) {
      taker.output = node.name;
      taker.nodes.push(node.name);
      made.set(node.name, taker);
    } else {
      const operation = { ...newOperation(node, pads, shapes, types), ...tables.get(node.name) };
      operations.push(operation);
      made.set(node.name, operation);
    }
  }
  return tables.size > 0 ? neededFor(operations, network.outputs) : operations;
}

type Table = Required<Pick<IntegerOperation, 'through' | 'inputs' | 'nodes'>>;

/** By the name of each 'quantize' whose integers follow from those of one tensor, each from one. */
function tablesOf(
  { nodes }: QuantizedNetwork,
  shapes: ReadonlyMap<string, Shape>,
  types: ReadonlyMap<string, TensorType>,
): Map<string, Table> {
  const isReal = (name: string) => !isQuantizedType(types.get(name) as TensorType);
  const roots = rootsOf(nodes, shapes, (node) =>
    isConversion(node) ? isReal(node.name) : isReal(node.name) && layerOf(node).elementwise === true,
  );
  const tables = new Map<string, Table>();
  for (const { kind, name, inputs } of nodes) {
    const root = roots.get(inputs[0]);
    if (kind !== 'quantize' || root === undefined || isReal(root)) continue;
    const through = nodesBetween(nodes, root, [inputs[0]]);
    tables.set(name, { through, inputs: [root], nodes: [...through.map((node) => node.name), name] });
  }
  return tables;
}

/** Without the operations whose results nobody reads now. */
function neededFor(operations: readonly IntegerOperation[], outputs: readonly string[]): IntegerOperation[] {
  const needed = new Set(outputs);
  return [...operations]
    .reverse()
    .filter(({ inputs, output }) => {
      if (needed.has(output)) for (const input of inputs) needed.add(input);
      return needed.has(output);
    })
    .reverse();
}

function newOperation(
  node: QuantizedNode,
  pads: ReadonlyMap<string, PadNode>,
  shapes: ReadonlyMap<string, Shape>,
  types: ReadonlyMap<string, TensorType>,
): IntegerOperation {
  const type = types.get(node.name) as TensorType;
  const [lo, hi] = isQuantizedType(type) ? rangeOf(type) : [0, 0];
  return { node, output: node.name, clamp: { lo, hi }, ...paddedInput(node as NetworkNode, pads, shapes) };
}

/** Gives the clamp that `node` is to the operation before it, if that can take it, and returns that operation. */
function clampTaker(node: QuantizedNode, producer: IntegerOperation | undefined): IntegerOperation | undefined {
  const bounds = boundsOf(node);
  if (!bounds || !producer || !TAKES_CLAMP.has(producer.node.kind)) return undefined;
  const { type } = producer.node;
  if (!isQuantizedType(type) || !isQuantizedType(node.type) || !sameType(type, node.type)) return undefined;
  const [least, greatest] = rangeOf(type);
  const between = (q: number) => Math.min(Math.max(q, least), greatest);
  const [lo, hi] = bounds.map((bound) => between(nearestInteger(bound, type)));
  const limit = (q: number) => Math.min(Math.max(q, lo), hi);
  producer.clamp = { lo: limit(producer.clamp.lo), hi: limit(producer.clamp.hi) };
  return producer;
}

/** The real numbers between which an activation keeps its input, if it is one of those. */
function boundsOf(node: QuantizedNode): readonly [number, number] | undefined {
  if (node.kind === 'relu') return [0, Number.POSITIVE_INFINITY];
  if (node.kind === 'relu6') return [0, 6];
  if (node.kind === 'clamp') return [node.attributes.min, node.attributes.max];
  return undefined;
}
