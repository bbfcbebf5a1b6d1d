/** Parts of a network, as networks. */
import { NetworkError } from '../../errors.js';
import { ancestors, nodesByName, partFor, weightsOfNodes } from '../graph.js';
import type { Network } from '../network.js';
import { inferShapes } from '../shapes.js';

/**
 * The network that ends at the named node (or input) and has only the nodes, inputs and weights that it needs. What it yields are
 * features: it keeps the conventions of the input, not those of the classes. Throws a NetworkError that lists similar names.
 */
export function upTo(network: Network, name: string): Network {
  const { source, preprocessing } = network.conventions;
  return {
    ...withOutputs(network, [name]),
    name: `${network.name} up to ${name}`,
    conventions: { source, output: 'features', ...(preprocessing && { preprocessing }) },
  };
}

/**
 * The network that yields the named tensors, and has only the nodes, inputs and weights that they need. Throws a NetworkError that lists
 * similar names.
 */
export function withOutputs(network: Network, names: readonly string[]): Network {
  expectTensors(network, names);
  return partFor(network, names);
}

/**
 * The network that ends at these tensors, in place of its own outputs. Where they are others than its own, what it yields are features.
 * Throws a NetworkError that lists similar names.
 */
export function endingAt(network: Network, outputs: readonly string[]): Network {
  const isThere = outputs.length === network.outputs.length && outputs.every((name) => network.outputs.includes(name));
  if (isThere) return network;
  if (outputs.length === 1) return upTo(network, outputs[0]);
  const { conventions } = upTo(network, outputs[0]);
  return { ...withOutputs(network, outputs), conventions };
}

/**
 * The rest of the network behind the named node: its output becomes the only input, under its name. With `upTo` of the same name it makes
 * up the whole. Throws a NetworkError where something behind it also reads a tensor before it, as across a residual block.
 */
export function behind(network: Network, name: string): Network {
  expectTensors(network, [name]);
  const before = ancestors(network.nodes, [name]);
  const nodes = network.nodes.filter((node) => !before.has(node.name));
  const known = new Set([name, ...nodes.map((node) => node.name)]);
  for (const node of nodes) {
    const foreign = node.inputs.find((input) => !known.has(input));
    if (foreign !== undefined) {
      throw new NetworkError(
        `${network.name}: cannot be cut at '${name}', since '${node.name}' behind it reads '${foreign}' before it`,
      );
    }
  }
  const { preprocessing: _, ...conventions } = network.conventions;
  return {
    name: `${network.name} behind ${name}`,
    inputs: [{ name, shape: inferShapes(network).get(name)! }],
    nodes,
    outputs: network.outputs,
    weights: weightsOfNodes(network.weights, nodesByName({ nodes })),
    conventions,
  };
}

function expectTensors(network: Network, names: readonly string[]): void {
  const known = new Set([...network.inputs, ...network.nodes].map((tensor) => tensor.name));
  const unknown = names.find((name) => !known.has(name));
  if (unknown !== undefined) {
    throw new NetworkError(
      `${network.name}: there is no layer '${unknown}'; similar names: ${similarNames(unknown, [...known]).join(', ')}`,
    );
  }
}

/** At most five of `names`, those first that become `name` by the fewest changes of a letter. */
export function similarNames(name: string, names: readonly string[]): string[] {
  return names
    .map((candidate) => ({ candidate, distance: editDistance(name.toLowerCase(), candidate.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance)
    .slice(0, 5)
    .map(({ candidate }) => candidate);
}

/** At most five of the labels: those first in which the text is a word, then those that have it otherwise, then those of similar letters. */
export function similarLabels(text: string, labels: readonly string[]): string[] {
  const words = (label: string) => ` ${label.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, ' ')} `;
  const wanted = words(text);
  const asWord = labels.filter((label) => words(label).includes(wanted));
  const inside = labels.filter((label) => words(label).includes(wanted.trim()));
  return [...new Set([...asWord, ...inside, ...similarNames(text, labels)])].slice(0, 5);
}

/** Levenshtein's distance: insertions, removals and replacements of one letter. */
export function editDistance(a: string, b: string): number {
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
