/** A layer with those before it of which the backend has shown nothing, as a network fed with what it has shown: what is judged together. */
import { ancestors, nodesByName, soleReaders, weightsOfNodes } from '../network/graph.js';
import { inferShapes, type Network, type NetworkNode } from '../network/index.js';
import type { Tensor } from '../tensor.js';
import { type Difference, difference } from './difference.js';
import type { Estimate } from './estimate.js';
import { estimates } from './estimate-network.js';
import type { Precision } from './precision.js';

export interface Segment {
  /** Its inputs are the tensors that are fed, its only output the layer. */
  readonly network: Network;
  readonly inputs: ReadonlyMap<string, Tensor>;
}

/** The nodes that are judged together with the named one: those between it and the names in `known`. In the network's order. */
export function nodesUpTo(network: Network, name: string, known: { has(name: string): boolean }): NetworkNode[] {
  const needed = ancestors(network.nodes, [name], known);
  return network.nodes.filter((node) => needed.has(node.name));
}

/** `fed`: the tensors that the layers were fed, inputs of the network among them. */
export function segmentOf(network: Network, name: string, fed: ReadonlyMap<string, Tensor>): Segment {
  const nodes = nodesUpTo(network, name, fed);
  return cutOut(network, nodes, name, fed);
}

/** The segment made longer by the next node, where that reads nothing else. */
export function withNext({ network, inputs }: Segment, whole: Network): Segment | undefined {
  const [last] = network.outputs;
  const next = soleReaders(whole.nodes, []).get(last);
  if (next?.inputs.length !== 1) return undefined;
  return cutOut(whole, [...network.nodes, next], next.name, inputs);
}

function cutOut(
  network: Network,
  nodes: readonly NetworkNode[],
  output: string,
  fed: ReadonlyMap<string, Tensor>,
): Segment {
  const own = nodesByName({ nodes });
  const names = [...new Set(nodes.flatMap((node) => node.inputs))].filter((input) => !own.has(input));
  const inputs = new Map(names.map((input) => [input, fed.get(input)!]));
  return {
    network: {
      name: network.name,
      inputs: [...inputs].map(([input, { shape }]) => ({ name: input, shape })),
      nodes,
      outputs: [output],
      weights: weightsOfNodes(network.weights, own),
      conventions: { source: network.conventions.source, output: 'features' },
    },
    inputs,
  };
}

/** What the segment's output is, from tensors that are off by the rounding of showing them. */
export function estimateOf({ network, inputs }: Segment, precision: Precision): Estimate {
  let last: Estimate | undefined;
  for (const { node, estimate } of estimates(network, inputs, { precision, shown: inputs })) {
    if (node.name === network.outputs[0]) last = estimate;
  }
  return last!;
}

export const outputShapeOf = ({ network }: Segment): readonly number[] => inferShapes(network).get(network.outputs[0])!;

export function judgeSegment(segment: Segment, theirs: Tensor, precision: Precision, allowance: number): Difference {
  const { value, error } = estimateOf(segment, precision);
  return difference(theirs, value, { shape: error.shape, data: error.data.map((e) => e * allowance) });
}
