/** A graph model's nodes as a network. */

import { type Check, listOf, text } from '../../checks.js';
import { FormatError } from '../../errors.js';
import { ancestors, nodesByName, readersOf } from '../../network/graph.js';
import { conventionsByHead } from '../../network/heads.js';
import { type Network, withWeights } from '../../network/index.js';
import type { Pair } from '../../padding.js';
import type { Tensor } from '../../tensor.js';
import { type Draft, DraftGraph, inPlace } from '../drafts.js';
import type { Charge } from '../steps.js';
import { earlierOutputs } from '../unread-operator.js';
import { GraphCall, type GraphContext, type GraphNode } from './call.js';
import { operators } from './operators.js';
import { fields } from './weights.js';

const MOST_NODES = 10_000;

/** A network, and the nodes or inputs in it that yield the results of the model's own nodes or layers, by their names. */
export interface TfjsImport {
  readonly network: Network;
  readonly tensors: ReadonlyMap<string, string>;
}

interface GraphOptions {
  readonly fileName: string;
  readonly signature: unknown;
  /** For an input that leaves height and width open. */
  readonly resolution?: Pair;
  readonly outputs?: readonly string[];
  /** For weights that the files do not hold. */
  readonly charge: Charge;
}

const graphNode: Check<GraphNode> = (value, at) => {
  const { name, op, input = [], attr = {} } = fields(value, at);
  const attributes = Object.entries(fields(attr, `${at}.attr`)).map(
    ([key, found]) => [key, fields(found, `${at}.attr`)] as const,
  );
  return {
    name: text(name, `${at}.name`),
    op: text(op, `${at}.op`),
    // '^name' waits for a node and reads nothing of it; 'name:0' is its first result.
    inputs: listOf(
      text,
      0,
      MOST_NODES,
    )(input, `${at}.input`)
      .filter((source) => !source.startsWith('^'))
      .map((source) => source.replace(/:0$/, '')),
    attributes: new Map(attributes),
  };
};

/** A node for each result of a split: 'x', 'x:1', 'x:2', … */
function resultsOf(node: GraphNode): GraphNode[] {
  if (node.op !== 'Split' && node.op !== 'SplitV') return [node];
  const results = Math.min(Number(node.attributes.get('num_split')?.i ?? 1), MOST_NODES);
  if (!(results >= 1)) return [node];
  return Array.from({ length: results }, (_, part) => ({
    ...node,
    name: part === 0 ? node.name : `${node.name}:${part}`,
    part,
    results,
  }));
}

export function networkFromGraph(
  list: readonly unknown[],
  constants: ReadonlyMap<string, Tensor>,
  options: GraphOptions,
): TfjsImport {
  const { fileName: file } = options;
  const nodes = inOrder(listOf(graphNode, 1, MOST_NODES)(list, 'modelTopology.node').flatMap(resultsOf), file);
  const graph = new DraftGraph();
  const values = new Map<string, Draft>();
  const context: GraphContext = { file, graph, values, constants, charge: options.charge };
  const outputs = outputNames(nodes, options);
  const needed = ancestors(nodes, outputs);
  for (const node of nodes) {
    if (node.op === 'Const' && !constants.has(node.name))
      throw new FormatError(`${file}: node '${node.name}': the manifest has no weight of this name`);
    if (node.op === 'Const' || !needed.has(node.name)) continue;
    values.set(node.name, node.op === 'Placeholder' ? input(graph, node, options) : translate(node, context));
  }
  const results = graph.outputs(
    new Map(outputs.map((name) => [name, values.get(name) ?? fail(file, `output '${name}' is no computed tensor`)])),
  );
  const { nodes: layers, weights } = graph.finish(results);
  const name = file.replace(/^.*[\\/]/, '').replace(/\.json$/i, '');
  const network = {
    name,
    inputs: graph.inputs,
    nodes: layers,
    outputs: results.map((draft) => draft.name),
    weights,
  };
  const kept = new Set([...graph.inputs, ...layers].map((node) => node.name));
  return {
    network: withWeights({ ...network, conventions: conventionsByHead(layers, results) }, weights),
    tensors: new Map([...values].flatMap(([its, { name: node }]) => (kept.has(node) ? [[its, node] as const] : []))),
  };
}

function translate(node: GraphNode, context: GraphContext): Draft {
  const { file, graph, values } = context;
  const call = new GraphCall(node, context);
  if (!Object.hasOwn(operators, node.op)) {
    const before = node.inputs.filter((name) => values.has(name));
    const cut = before.length > 0 ? `; ${earlierOutputs(before)}` : '';
    call.fail(`the operator is not supported; these are: ${Object.keys(operators).join(', ')}${cut}`);
  }
  const before = graph.length;
  const value = inPlace(file, call.where, () => operators[node.op](call));
  call.expectNothingElse();
  if (graph.length > before) graph.rename(value, node.name);
  return value;
}

function input(
  graph: DraftGraph,
  { name, attributes }: GraphNode,
  { fileName: file, resolution }: GraphOptions,
): Draft {
  const { dim } = fields(fields(attributes.get('shape') ?? {}, `node '${name}'`).shape ?? {}, `node '${name}'.shape`);
  const stated = listOf<number>((item, at) => Number(fields(item, at).size), 1, 8)(dim, `node '${name}'.shape`);
  const [batch, ...sizes] = stated.map((size, axis) =>
    size > 0 ? size : stated.length === 4 && (axis === 1 || axis === 2) ? (resolution?.[axis - 1] ?? -1) : -1,
  );
  if (sizes.some((size) => !Number.isInteger(size) || size < 1)) {
    fail(file, `input '${name}' of [${stated}] leaves sizes open; say the resolution`);
  }
  return graph.input(name, [batch < 1 ? 1 : batch, ...sizes]);
}

/** The caller's outputs, those of the signature, or the nodes that no other reads. */
function outputNames(nodes: readonly GraphNode[], { signature, outputs, fileName: file }: GraphOptions): string[] {
  const names = new Set(nodes.map(({ name }) => name));
  const known = (name: string) => (names.has(name) ? name : fail(file, `there is no node '${name}' for an output`));
  if (outputs) return outputs.map(known);
  const stated = signature === undefined ? {} : fields(signature, 'signature').outputs;
  const tensors = Object.values(fields(stated ?? {}, 'signature.outputs'));
  if (tensors.length > 0) {
    return tensors.map((found) =>
      known(text(fields(found, 'signature.outputs').name, 'signature.outputs').replace(/:0$/, '')),
    );
  }
  const read = new Set(nodes.flatMap(({ inputs }) => inputs));
  const left = nodes.filter(({ name, op }) => !read.has(name) && op !== 'Const').map(({ name }) => name);
  return left.length > 0 ? left : fail(file, 'the graph has no outputs');
}

/** The nodes such that each stands behind those it reads. Graphs may be written in any order. */
function inOrder(nodes: readonly GraphNode[], file: string): GraphNode[] {
  const byName = nodesByName({ nodes });
  if (byName.size !== nodes.length) fail(file, 'two nodes have the same name');
  const readers = readersOf(nodes, ({ inputs }) => inputs);
  const sources = (node: GraphNode) => [...new Set(node.inputs)].filter((name) => byName.has(name));
  const waiting = new Map(nodes.map((node) => [node, sources(node).length]));
  const ordered = nodes.filter((node) => waiting.get(node) === 0);
  for (const node of ordered) {
    for (const reader of readers.get(node.name) ?? []) {
      const left = waiting.get(reader)! - 1;
      waiting.set(reader, left);
      if (left === 0) ordered.push(reader);
    }
  }
  if (ordered.length < nodes.length) fail(file, 'the graph has a cycle');
  return ordered;
}

function fail(file: string, what: string): never {
  throw new FormatError(`${file}: ${what}`);
}
