/** Parts of a network, as networks. */
import { NetworkError } from '../errors.js';
import type { Network } from './network.js';

/**
 * The network that ends at the named node (or input) and has only the nodes, inputs and weights that it needs. What it yields are
 * features: it keeps the conventions of the input, not those of the classes. Throws a NetworkError that lists similar names.
 */
export function upTo(network: Network, name: string): Network {
  const needed = neededFor(network, name);
  const nodes = network.nodes.filter((node) => needed.has(node.name));
  const { source, preprocessing } = network.conventions;
  return {
    name: `${network.name} up to ${name}`,
    inputs: network.inputs.filter((input) => needed.has(input.name)),
    nodes,
    outputs: [name],
    weights: new Map([...network.weights].filter(([weight]) => needed.has(weight.slice(0, weight.lastIndexOf('/'))))),
    conventions: { source, output: 'features', ...(preprocessing && { preprocessing }) },
  };
}

/** The name itself and every node and input that leads to it. */
function neededFor(network: Network, name: string): Set<string> {
  const names = [...network.inputs, ...network.nodes].map((tensor) => tensor.name);
  if (!names.includes(name)) {
    throw new NetworkError(
      `${network.name}: there is no layer '${name}'; similar names: ${similarNames(name, names).join(', ')}`,
    );
  }
  const needed = new Set([name]);
  for (const node of network.nodes.toReversed()) {
    if (needed.has(node.name)) for (const input of node.inputs) needed.add(input);
  }
  return needed;
}

/** At most five of `names`, those first that become `name` by the fewest changes of a letter. */
export function similarNames(name: string, names: readonly string[]): string[] {
  return names
    .map((candidate) => ({ candidate, distance: editDistance(name.toLowerCase(), candidate.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance)
    .slice(0, 5)
    .map(({ candidate }) => candidate);
}

/** Levenshtein's distance: insertions, removals and replacements of one letter. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const above = row;
    row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = above[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(replaced, above[j] + 1, row[j - 1] + 1));
    }
  }
  return row[b.length];
}
