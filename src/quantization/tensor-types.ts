/**
 * The type of every tensor of a network that is to compute with integers, from the ranges that its numbers have.
 *
 * Tensors that must have one type form a group: what a layer only moves about (pad, reshape, pools, resize), what is joined along an axis, and a
 * layer with the activation behind it. The group's range covers all of its tensors but those that an activation clamps anyway, so that relu6's
 * group has [0, 6] at most.
 */
import { integerLayers } from '../layers/int8/index.js';
import { nodesByName, rootsOf, soleReaders } from '../network/graph.js';
import type { Network, NetworkNode } from '../network/network.js';
import { keepsType } from '../network/quantized-types.js';
import { inferShapes, layerOf } from '../network/shapes.js';
import type { QuantizedType, TensorType } from '../tensor.js';
import { type Range, typeOfRange, union } from './ranges.js';

/** Results of softmax and sigmoid lie from 0 to 1. */
const SHARES: QuantizedType = { type: 'int8', scale: 1 / 256, zeroPoint: -128 };

/** argMax gives indices. */
const INDICES: QuantizedType = { type: 'int32', scale: 1, zeroPoint: 0 };

const activations: readonly string[] = ['relu', 'relu6', 'clamp'];

export const isActivation = (node: { readonly kind: string } | undefined): boolean =>
  node !== undefined && activations.includes(node.kind);

/** Whether a layer has an integer form. The others compute with real numbers in between. */
function computesIntegers({ kind, inputs, attributes }: NetworkNode): boolean {
  if (!Object.hasOwn(integerLayers, kind)) return false;
  if (kind === 'add') return inputs.length === 2;
  return !(kind === 'averagePool' && 'includePadding' in attributes && attributes.includePadding === true);
}

/**
 * Layers that compute with real numbers in between: those without an integer form, and what else belongs to the same function of one number each, such
 * as the layers of a leaky ReLU. The integer kernels make a table of the whole.
 */
function realNodes(network: Network): Set<string> {
  const sole = soleReaders(network.nodes, network.outputs);
  const makers = nodesByName(network);
  const isFused = (node: NetworkNode): boolean => {
    const maker = makers.get(node.inputs[0]);
    const sums = maker !== undefined && (maker.kind === 'add' || layerOf(maker).kernel !== undefined);
    return sums && isActivation(node) && sole.get(maker.name) === node;
  };
  const roots = rootsOf(
    network.nodes,
    inferShapes(network),
    (node) => layerOf(node).elementwise === true && !isFused(node),
  );
  const lacking = network.nodes.filter((node) => !computesIntegers(node)).map(({ name }) => name);
  const ofTables = new Set(lacking.map((name) => roots.get(name)));
  const inTables = [...roots].filter(([, root]) => ofTables.has(root)).map(([name]) => name);
  return new Set([...lacking, ...inTables]);
}

/** By tensor: the type of its integers, or 'float32' for a layer that stays real. `input` is that of the network's input as integers. */
export function tensorTypes(
  network: Network,
  ranges: ReadonlyMap<string, Range>,
  input: QuantizedType | undefined,
): Map<string, TensorType> {
  const fixed = fixedTypes(network, input);
  const real = realNodes(network);
  const groups = groupsOf(network, fixed, real);
  const types = new Map<string, TensorType>();
  for (const group of groups) {
    const stated = group.names.flatMap((name) => fixed.get(name) ?? [])[0];
    const type = stated ?? typeOfRange(group.names.flatMap((name) => rangeIn(group, name, ranges)).reduce(union));
    for (const name of group.names) types.set(name, fixed.get(name) ?? type);
  }
  for (const name of real) types.set(name, 'float32');
  return types;
}

interface Group {
  readonly names: readonly string[];
  /** Tensors that only an activation of the group reads. */
  readonly clamped: ReadonlySet<string>;
}

const rangeIn = ({ clamped }: Group, name: string, ranges: ReadonlyMap<string, Range>): Range[] =>
  clamped.has(name) ? [] : [ranges.get(name)!];

function fixedTypes({ inputs, nodes }: Network, input: QuantizedType | undefined): Map<string, QuantizedType> {
  const fixed = new Map<string, QuantizedType>();
  if (input) for (const { name } of inputs) fixed.set(name, input);
  for (const { name, kind } of nodes) {
    if (kind === 'softmax' || kind === 'sigmoid') fixed.set(name, SHARES);
    if (kind === 'argMax') fixed.set(name, INDICES);
  }
  return fixed;
}

function groupsOf(network: Network, fixed: ReadonlyMap<string, QuantizedType>, real: ReadonlySet<string>): Group[] {
  const sole = soleReaders(network.nodes, network.outputs);
  const groupOf = new Map<string, string[]>();
  const clamped = new Set<string>();
  for (const { name } of [...network.inputs, ...network.nodes]) groupOf.set(name, [name]);
  const join = (a: string, b: string): void => {
    const [small, large] = [groupOf.get(a)!, groupOf.get(b)!].sort((one, other) => one.length - other.length);
    if (small === large) return;
    for (const name of small) {
      large.push(name);
      groupOf.set(name, large);
    }
  };
  for (const node of network.nodes) {
    if (real.has(node.name) || !(isActivation(node) || node.kind === 'concat' || keepsType.includes(node.kind)))
      continue;
    for (const input of node.inputs) {
      // What is joined with shares may be larger than 1: the shares are requantised instead.
      if (real.has(input) || (node.kind === 'concat' && fixed.has(input))) continue;
      join(node.name, input);
      if (isActivation(node) && sole.get(input) === node) clamped.add(input);
    }
  }
  return [...new Set(groupOf.values())].map((names) => ({ names, clamped }));
}
