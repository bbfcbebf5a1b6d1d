/** Mistakes in activations. */
import { readersOf } from '../../network/graph.js';
import type { NetworkNode } from '../../network/index.js';
import type { Segment } from '../segment.js';
import { type Mistake, named, withNodes, without } from './mistake.js';

export function* ofActivations(segment: Segment): Generator<Mistake> {
  const instead = (from: string, kind: NetworkNode['kind'], attributes: object = {}) =>
    withNodes(segment, (node) => (node.kind === from ? { kind, attributes } : undefined));
  yield* named('not clamped at 6: ReLU in place of ReLU6', instead('relu6', 'relu'));
  yield* named('clamped at 6: ReLU6 in place of ReLU', instead('relu', 'relu6'));
  yield* named('the activation left out', without(segment, ['relu', 'relu6', 'clamp', 'sigmoid', 'softmax']));
  yield* named('followed by ReLU6', followedBy(segment, 'relu6'));
  yield* named('followed by ReLU', followedBy(segment, 'relu'));
  yield* named('sigmoid in place of softmax', instead('softmax', 'sigmoid'));
  yield* named('softmax in place of sigmoid', instead('sigmoid', 'softmax'));
  if (segment.network.nodes.at(-1)!.kind === 'softmax') yield* named('softmax twice', followedBy(segment, 'softmax'));
}

const activations: readonly string[] = ['relu', 'relu6', 'clamp', 'sigmoid', 'softmax'];

/** After every batch norm that no activation follows, as after the linear bottlenecks of V2; or after the last layer. */
function followedBy(segment: Segment, kind: 'relu' | 'relu6' | 'softmax'): Segment | undefined {
  const { nodes, outputs } = segment.network;
  const last = nodes.at(-1)!;
  const readers = readersOf(nodes, ({ inputs }) => inputs);
  const isActivated = ({ name }: NetworkNode): boolean =>
    readers.get(name)?.some(({ kind }) => activations.includes(kind)) ?? false;
  const bare = nodes.filter((node) => node.kind === 'batchNorm' && !isActivated(node));
  const followed = new Set((bare.length > 0 && kind !== 'softmax' ? bare : [last]).map(({ name }) => name));
  if (last.kind === kind && kind !== 'softmax' && followed.has(last.name)) return undefined;
  const after = (name: string): string => (followed.has(name) ? `${name} followed by ${kind}` : name);
  const longer = nodes.flatMap((node): NetworkNode[] => {
    const own = { ...node, inputs: node.inputs.map(after) } as NetworkNode;
    return followed.has(node.name)
      ? [own, { name: after(node.name), kind, inputs: [node.name], attributes: {} }]
      : [own];
  });
  return { ...segment, network: { ...segment.network, nodes: longer, outputs: outputs.map(after) } };
}
