/** A mistake, and how the network that makes it comes about from the right one. */
import { ownerOf } from '../../network/graph.js';
import type { NetworkNode } from '../../network/index.js';
import { weightName } from '../../network/network.js';
import type { Tensor } from '../../tensor.js';
import type { Segment } from '../segment.js';

export interface Mistake {
  /** 'padded (1, 1) in place of (0, 1)' */
  readonly what: string;
  readonly segment: Segment;
  /** What brings the backend's tensor to where the segment's output would be: for outputs that are right but in another order. */
  readonly undo?: (theirs: Tensor) => Tensor;
}

type Change = Partial<Pick<NetworkNode, 'kind' | 'inputs'>> & { readonly attributes?: object };

/** The segment with some nodes changed; undefined where none is. */
export function withNodes(segment: Segment, change: (node: NetworkNode) => Change | undefined): Segment | undefined {
  const changes = segment.network.nodes.map(change);
  if (changes.every((each) => each === undefined)) return undefined;
  const nodes = segment.network.nodes.map((node, i) => ({ ...node, ...changes[i] }) as NetworkNode);
  return { ...segment, network: { ...segment.network, nodes } };
}

/** The segment with some weights changed; undefined where none is. */
export function withWeight(
  segment: Segment,
  name: string,
  change: (x: Tensor, node: NetworkNode) => Tensor | undefined,
): Segment | undefined {
  const weights = new Map(segment.network.weights);
  let changed = false;
  for (const node of segment.network.nodes) {
    const full = weightName(node.name, name);
    const x = weights.get(full);
    const other = x && change(x, node);
    if (other === undefined) continue;
    weights.set(full, other);
    changed = true;
  }
  return changed ? { ...segment, network: { ...segment.network, weights } } : undefined;
}

export function* named(what: string, segment: Segment | undefined): Generator<Mistake> {
  if (segment !== undefined) yield { what, segment };
}

/** The layers of these kinds handing on what they get. */
export function without(segment: Segment, kinds: readonly string[]): Segment | undefined {
  const weights = new Map(segment.network.weights);
  const changed = withNodes(segment, (node) => {
    if (!kinds.includes(node.kind)) return undefined;
    for (const name of weights.keys()) if (ownerOf(name) === node.name) weights.delete(name);
    return { kind: 'dropout', attributes: { rate: 0 } };
  });
  return changed && { ...changed, network: { ...changed.network, weights } };
}
