/**
 * From nodes to operations: what the kernels do in one pass. A convolution takes in the zero padding before it and the clamp after it; a
 * 1×1 or general convolution also takes in the residual addition that follows, and its clamp. Nothing is computed here.
 */
import { soleReaders } from '../network/graph.js';
import type { Network, NetworkNode } from '../network/network.js';
import { layerOf } from '../network/shapes.js';
import { type ExplicitPadding, type Pair, slideWindows } from '../padding.js';
import type { Shape } from '../tensor.js';

/** min(max(x, lo), hi). */
export interface Clamp {
  readonly lo: number;
  readonly hi: number;
}

export const UNCLAMPED: Clamp = { lo: -Infinity, hi: Infinity };

export interface Operation {
  /** The node that computes; the kernels see its attributes. */
  readonly node: NetworkNode;
  readonly inputs: readonly string[];
  /** Name of the tensor that it makes: the last of the nodes it stands for. */
  output: string;
  /** Names of all nodes that it stands for. */
  readonly nodes: string[];
  clamp: Clamp;
  /** clamp(clamp(result) + input): the inverted residual's addition. */
  residual?: { readonly input: string; clamp: Clamp };
  /** Convolutions only: rows and columns of zeros around the input. */
  readonly padding?: ExplicitPadding;
}

export type PadNode = NetworkNode & { kind: 'pad' };

/** The network's operations in order; `shapes` are its tensors'. With `fuse` false every node stays an operation of its own, so that each tensor exists. */
export function operationsOf(network: Network, shapes: ReadonlyMap<string, Shape>, fuse: boolean): Operation[] {
  const { nodes, outputs } = network;
  const readers = soleReaders(nodes, outputs);
  const made = new Map<string, Operation>();
  const pads = new Map<string, PadNode>();
  const operations: Operation[] = [];
  const positions = new Map<Operation, number>();
  const soleProducer = (tensor: string) => readers.get(tensor) && made.get(tensor);

  for (const node of nodes) {
    if (fuse && node.kind === 'pad' && padsAConvolution(node, readers)) {
      pads.set(node.name, node);
      continue;
    }
    const taker = fuse
      ? (clampTaker(node, soleProducer) ?? residualTaker(node, soleProducer, positions, made))
      : undefined;
    if (taker) {
      taker.output = node.name;
      taker.nodes.push(node.name);
    } else {
      const clamp = clampOf(node) ?? UNCLAMPED;
      const operation = { node, output: node.name, clamp, ...paddedInput(node, pads, shapes) };
      positions.set(operation, operations.push(operation));
    }
    made.set(node.name, taker ?? operations[operations.length - 1]);
  }
  return operations;
}

/** What a node reads, and the nodes that it stands for: a convolution takes in the zeros around its input. */
export function paddedInput(
  node: NetworkNode,
  pads: ReadonlyMap<string, PadNode>,
  shapes: ReadonlyMap<string, Shape>,
): Pick<Operation, 'inputs' | 'nodes' | 'padding'> {
  if (node.kind !== 'conv2d' && node.kind !== 'depthwiseConv2d') return { inputs: node.inputs, nodes: [node.name] };
  const [input] = node.inputs;
  const pad = pads.get(input);
  const [, height, width] = shapes.get(input) as Shape;
  const own = explicitPadding(node, [height, width]);
  if (!pad) return { inputs: node.inputs, nodes: [node.name], padding: own };
  const outer = pad.attributes.padding;
  const padding = {
    top: own.top + outer.top,
    bottom: own.bottom + outer.bottom,
    left: own.left + outer.left,
    right: own.right + outer.right,
  };
  return { inputs: pad.inputs, nodes: [pad.name, node.name], padding };
}

/** Rows and columns that the windows really touch; 'same' and 'valid' are resolved for this size. */
function explicitPadding(
  { attributes }: NetworkNode & { kind: 'conv2d' | 'depthwiseConv2d' },
  size: Pair,
): ExplicitPadding {
  const { kernelSize, strides, dilation, padding } = attributes;
  const { vertical, horizontal } = slideWindows('engine', size, kernelSize, strides, dilation, padding);
  return { top: vertical.before, bottom: vertical.after, left: horizontal.before, right: horizontal.after };
}

/** A zero border that one convolution alone reads, so that it can be that convolution's own padding. */
export function padsAConvolution(
  { name, attributes }: PadNode,
  readers: ReadonlyMap<string, { readonly kind: string } | undefined>,
): boolean {
  const kind = readers.get(name)?.kind;
  return attributes.value === 0 && (kind === 'conv2d' || kind === 'depthwiseConv2d');
}

/** The clamp that a node is, if it is one. */
function clampOf(node: NetworkNode): Clamp | undefined {
  if (node.kind === 'relu') return { lo: 0, hi: Infinity };
  if (node.kind === 'relu6') return { lo: 0, hi: 6 };
  if (node.kind === 'clamp') return { lo: node.attributes.min, hi: node.attributes.max };
  return undefined;
}

/** Gives the clamp that `node` is to the operation before it, if that can take it, and returns that operation. */
function clampTaker(node: NetworkNode, soleProducer: (tensor: string) => Operation | undefined): Operation | undefined {
  const clamp = clampOf(node);
  const producer = clamp && soleProducer(node.inputs[0]);
  if (!producer || !takesClamp(producer.node)) return undefined;
  if (producer.residual) producer.residual.clamp = both(producer.residual.clamp, clamp);
  else producer.clamp = both(producer.clamp, clamp);
  return producer;
}

const takesClamp = (node: NetworkNode): boolean =>
  layerOf(node).kernel !== undefined || node.kind === 'add' || clampOf(node) !== undefined;

/** One clamp for clamp(clamp(x, first), second). */
function both(first: Clamp, second: Clamp): Clamp {
  const limit = (x: number) => Math.min(Math.max(x, second.lo), second.hi);
  return { lo: limit(first.lo), hi: limit(first.hi) };
}

/**
 * Gives the addition that `node` is to the later of the two convolutions that make its terms (the other term is then ready when it runs),
 * and returns that operation.
 */
function residualTaker(
  node: NetworkNode,
  soleProducer: (tensor: string) => Operation | undefined,
  positions: ReadonlyMap<Operation | undefined, number>,
  made: ReadonlyMap<string, Operation>,
): Operation | undefined {
  if (node.kind !== 'add' || node.inputs.length !== 2) return undefined;
  const position = (tensor: string) => positions.get(made.get(tensor)) ?? 0;
  const [earlier, later] = [...node.inputs].sort((a, b) => position(a) - position(b));
  const producer = soleProducer(later);
  const fits = producer?.node.kind === 'pointwiseConv2d' || producer?.node.kind === 'conv2d';
  if (!producer || !fits || producer.residual) return undefined;
  producer.residual = { input: earlier, clamp: UNCLAMPED };
  return producer;
}
