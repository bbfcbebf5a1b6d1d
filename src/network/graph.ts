/**
 * A network as a graph: which node makes a tensor, which nodes read it, what stands before or behind it. Every other file asks here.
 * The functions know nodes by `name` and `inputs` alone, so that they also serve operations of the engine and operators of files.
 */
import { type Shape, sameShape } from '../tensor.js';
import type { Network, NetworkNode } from './network.js';

/** What makes one tensor, called by its own name, from others. */
interface Vertex {
  readonly name: string;
  readonly inputs: readonly string[];
}

interface Named {
  readonly name: string;
}

/** The node that makes each tensor, by the tensor's name. Network inputs have none. */
export function nodesByName<Node extends Named>({ nodes }: { readonly nodes: readonly Node[] }): Map<string, Node> {
  return new Map(nodes.map((node) => [node.name, node]));
}

/** The node that makes the tensor; undefined for an input of the network. For many tensors of one network, take `nodesByName`. */
export function nodeNamed<Node extends Named>(
  { nodes }: { readonly nodes: readonly Node[] },
  name: string | undefined,
): Node | undefined {
  return nodes.find((node) => node.name === name);
}

/** All readers of each tensor, in their order, each once. Tensors that nobody reads are left out. */
export function readersOf<Reader, Key = string>(
  readers: readonly Reader[],
  inputsOf: (reader: Reader) => Iterable<Key>,
): Map<Key, Reader[]> {
  const found = new Map<Key, Reader[]>();
  for (const reader of readers) {
    for (const input of new Set(inputsOf(reader))) {
      const others = found.get(input);
      if (others) others.push(reader);
      else found.set(input, [reader]);
    }
  }
  return found;
}

/**
 * The only reader of each tensor, by the tensor's name. It is undefined for a tensor that is read twice, by one node or by two, and for an
 * output, which must exist as it is. `inputsOf` is for readers that are no nodes.
 */
export function soleReaders<Reader extends { readonly inputs: readonly string[] }>(
  readers: readonly Reader[],
  outputs: readonly string[],
): Map<string, Reader | undefined>;
export function soleReaders<Reader, Key>(
  readers: readonly Reader[],
  outputs: readonly Key[],
  inputsOf: (reader: Reader) => readonly Key[],
): Map<Key, Reader | undefined>;
export function soleReaders<Reader extends { readonly inputs: readonly string[] }>(
  readers: readonly Reader[],
  outputs: readonly string[],
  inputsOf = ({ inputs }: Reader): readonly string[] => inputs,
): Map<string, Reader | undefined> {
  const sole = new Map<string, Reader | undefined>();
  for (const reader of readers) {
    for (const input of inputsOf(reader)) sole.set(input, sole.has(input) ? undefined : reader);
  }
  for (const output of outputs) sole.set(output, undefined);
  return sole;
}

/** Index of the last node that needs each tensor, by name. Outputs are needed to the end and have none. */
export function lastUses({
  nodes,
  outputs,
}: {
  readonly nodes: readonly Vertex[];
  readonly outputs: readonly string[];
}): Map<string, number> {
  const last = new Map<string, number>();
  nodes.forEach((node, index) => {
    for (const name of [...node.inputs, node.name]) last.set(name, index);
  });
  for (const output of outputs) last.delete(output);
  return last;
}

/** The names themselves and every tensor that leads to them. The walk does not go beyond those in `known`. */
export function ancestors(
  nodes: readonly Vertex[],
  names: Iterable<string>,
  known: { has(name: string): boolean } = new Set(),
): Set<string> {
  const needed = new Set(names);
  for (const node of [...nodes].reverse()) {
    if (needed.has(node.name)) for (const input of node.inputs) if (!known.has(input)) needed.add(input);
  }
  return needed;
}

/**
 * The node that makes the tensor, or the first one before it that is not skipped; undefined for an input of the network. Of a node with
 * several inputs the first is followed.
 */
export function nodeBehind(
  { nodes }: Pick<Network, 'nodes'>,
  name: string,
  isSkipped: (node: NetworkNode) => boolean,
): NetworkNode | undefined {
  const byName = nodesByName({ nodes });
  let node = byName.get(name);
  while (node && isSkipped(node)) node = byName.get(node.inputs[0]);
  return node;
}

/** The node whose weight this is: 'conv1_bn' of 'conv1_bn/gamma'. */
export const ownerOf = (weight: string): string => weight.slice(0, weight.lastIndexOf('/'));

/** The weights of these nodes. */
export function weightsOfNodes<Weight>(
  weights: ReadonlyMap<string, Weight>,
  nodes: { has(name: string): boolean },
): Map<string, Weight> {
  return new Map([...weights].filter(([weight]) => nodes.has(ownerOf(weight))));
}

/** What a network of real numbers and one of integers have in common. */
interface Whole {
  readonly inputs: readonly Named[];
  readonly nodes: readonly Vertex[];
  readonly weights: ReadonlyMap<string, unknown>;
}

/** The network that yields these of its tensors, and has only the nodes, inputs and weights that they need. */
export function partFor<Any extends Whole>(network: Any, outputs: readonly string[]): Any {
  const needed = ancestors(network.nodes, outputs);
  return {
    ...network,
    inputs: network.inputs.filter((input) => needed.has(input.name)),
    nodes: network.nodes.filter((node) => needed.has(node.name)),
    outputs,
    weights: weightsOfNodes(network.weights, needed),
  };
}

/** The name, or the first of 'name_2', 'name_3', … that is not taken. */
export function unusedName(name: string, taken: { has(name: string): boolean }): string {
  let unused = name;
  for (let copy = 2; taken.has(unused); copy++) unused = `${name}_${copy}`;
  return unused;
}

/** The network with one more node behind its outputs, which becomes its only output. The name gets a number where it is taken. */
export function append(network: Network, wanted: string, node: Pick<NetworkNode, 'kind' | 'attributes'>): Network {
  const name = unusedName(wanted, new Set([...network.inputs, ...network.nodes].map((tensor) => tensor.name)));
  const nodes = [...network.nodes, { name, inputs: network.outputs, ...node } as NetworkNode];
  return { ...network, nodes, outputs: [name] };
}

/**
 * The network that `front` and the one behind it make up; the tail reads the front's outputs by their names. It classifies as the tail does
 * and prepares pictures as the front does.
 */
export function join(front: Network, tail: Network): Network {
  const { source, preprocessing } = front.conventions;
  return {
    ...front,
    nodes: [...front.nodes, ...tail.nodes],
    outputs: tail.outputs,
    weights: new Map([...front.weights, ...tail.weights]),
    conventions: { ...tail.conventions, source, ...(preprocessing && { preprocessing }) },
  };
}

/**
 * By node: the tensor whose numbers, each by itself, decide the node's. Nodes that compute otherwise, or of several tensors, are not in the map, and
 * neither is what `computesEach` denies.
 */
export function rootsOf<Node extends Vertex>(
  nodes: readonly Node[],
  shapes: ReadonlyMap<string, Shape>,
  computesEach: (node: Node) => boolean,
): Map<string, string> {
  const roots = new Map<string, string>();
  const rootOf = (name: string) => roots.get(name) ?? name;
  for (const node of nodes) {
    const shape = shapes.get(node.name)!;
    const root = rootOf(node.inputs[0]);
    const isAlike = node.inputs.every((input) => rootOf(input) === root && sameShape(shapes.get(input)!, shape));
    if (isAlike && computesEach(node)) roots.set(node.name, root);
  }
  return roots;
}

/** The nodes on the ways from `root` to these tensors, in order. */
export function nodesBetween<Node extends Vertex>(
  nodes: readonly Node[],
  root: string,
  names: readonly string[],
): Node[] {
  const wanted = new Set(names);
  return [...nodes]
    .reverse()
    .filter(({ name, inputs }) => {
      const isBetween = name !== root && wanted.has(name);
      if (isBetween) for (const input of inputs) wanted.add(input);
      return isBetween;
    })
    .reverse();
}
