/** TensorFlow takes letters, digits and a few marks in the names of nodes; 'x:0' and '^x' mean something else to it. */
import { ownerOf, unusedName } from '../../network/graph.js';
import type { Network, NetworkNode } from '../../network/index.js';

/** The network by legal names, and what each of its tensors is called in it. */
export function legalNames(network: Network): { network: Network; legal: (name: string) => string } {
  const all = [...network.inputs, ...network.nodes].map(({ name }) => name);
  const names = new Map<string, string>();
  const used = new Set(all.filter(isLegal));
  for (const name of all) names.set(name, isLegal(name) ? name : unused(name, used));
  const legal = (name: string) => names.get(name)!;
  const renamed = {
    ...network,
    inputs: network.inputs.map((input) => ({ ...input, name: legal(input.name) })),
    nodes: network.nodes.map(
      (node) => ({ ...node, name: legal(node.name), inputs: node.inputs.map(legal) }) as NetworkNode,
    ),
    outputs: network.outputs.map(legal),
    weights: new Map([...network.weights].map(([weight, x]) => [legalWeight(weight, legal), x])),
  };
  return { network: renamed, legal };
}

/** Readers of ours take names of 1,000 characters; those of weights and of what a layer is made of are longer than the layer's. */
const LONGEST = 900;

const isLegal = (name: string): boolean => name.length <= LONGEST && /^[A-Za-z0-9.][\w./>-]*$/.test(name);

function unused(name: string, used: Set<string>): string {
  const bare = name
    .slice(0, LONGEST)
    .replaceAll(/[^\w./>-]/g, '_')
    .replace(/^(?![A-Za-z0-9.])/, 'x');
  const unique = unusedName(bare, used);
  used.add(unique);
  return unique;
}

function legalWeight(name: string, legal: (node: string) => string): string {
  const node = ownerOf(name);
  return legal(node) + name.slice(node.length);
}
