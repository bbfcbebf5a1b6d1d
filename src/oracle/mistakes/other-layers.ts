/** Mistakes in additions, pools, resizing and padding. */
import { inferShapes, type NetworkNode, type NodeOf } from '../../network/index.js';
import { inputShapesOf } from '../../network/shapes.js';
import type { Pair } from '../../padding.js';
import type { Tensor } from '../../tensor.js';
import { mapTensor } from '../estimate.js';
import type { Segment } from '../segment.js';
import { type Mistake, named, withNodes } from './mistake.js';

export function* ofAdditions(segment: Segment): Generator<Mistake> {
  const widest = Math.max(0, ...segment.network.nodes.map(({ kind, inputs }) => (kind === 'add' ? inputs.length : 0)));
  for (let left = 0; left < widest; left++) {
    const names: string[] = [];
    const changed = withNodes(segment, (node) => {
      if (node.kind !== 'add' || left >= node.inputs.length) return undefined;
      names.push(node.inputs[left]);
      return {
        inputs: node.inputs.filter((_, i) => i !== left),
        ...(node.inputs.length === 2 && { kind: 'dropout', attributes: { rate: 0 } }),
      };
    });
    yield* named(`the addition of ${names[0]} left out`, changed);
  }
  yield* named(
    'the inputs concatenated in the other order',
    withNodes(segment, (node) => (node.kind === 'concat' ? { inputs: [...node.inputs].reverse() } : undefined)),
  );
}

export function* ofPools(segment: Segment): Generator<Mistake> {
  yield* named(
    'padding counted the other way in the mean',
    withNodes(segment, (node) =>
      node.kind === 'averagePool'
        ? { attributes: { ...node.attributes, includePadding: !node.attributes.includePadding } }
        : undefined,
    ),
  );
  yield* named(
    'the maximum in place of the mean',
    withNodes(segment, (node) => {
      if (node.kind !== 'averagePool') return undefined;
      const { includePadding: _, ...attributes } = node.attributes;
      return { kind: 'maxPool', attributes };
    }),
  );
  yield* named(
    'the mean in place of the maximum',
    withNodes(segment, (node) =>
      node.kind === 'maxPool'
        ? { kind: 'averagePool', attributes: { ...node.attributes, includePadding: false } }
        : undefined,
    ),
  );
  const [last] = segment.network.nodes.slice(-1);
  if (last.kind === 'globalAveragePool') {
    const [, H, W] = inputShapesOf(last, inferShapes(segment.network))[0];
    yield { what: 'the maximum over the map in place of the mean', segment: withMaximum(segment, last, [H, W]) };
    yield { what: 'the sum in place of the mean', segment, undo: (x) => mapTensor(x, (value) => value / (H * W)) };
  }
}

/** The segment that ends with a pool of the whole map. */
function withMaximum({ network, inputs }: Segment, last: NodeOf<'globalAveragePool'>, poolSize: Pair): Segment {
  const name = `${last.name}, before`;
  const attributes = { poolSize, strides: [1, 1] as Pair, padding: 'valid' as const };
  const pool: NetworkNode = { name, kind: 'maxPool', inputs: last.inputs, attributes };
  const end: NetworkNode = last.attributes.keepDims
    ? { name: last.name, kind: 'dropout', inputs: [name], attributes: { rate: 0 } }
    : { name: last.name, kind: 'flatten', inputs: [name], attributes: {} };
  return { network: { ...network, nodes: [...network.nodes.slice(0, -1), pool, end] }, inputs };
}

/** Loops over all of the input that end one too early. */
export function* ofReductions(segment: Segment): Generator<Mistake> {
  const { network, inputs } = segment;
  if (network.nodes.length > 1) return;
  const [{ kind, inputs: names }] = network.nodes;
  const x = inputs.get(names[0])!;
  const C = x.shape[x.shape.length - 1];
  const fed = (change: (value: number, i: number) => number): Segment => ({
    network,
    inputs: new Map([...inputs, [names[0], mapTensor(x, change)]]),
  });
  if (kind === 'softmax') {
    const isLast = (i: number): boolean => i % C === C - 1;
    let largest = -Infinity;
    for (const value of x.data) largest = Math.max(largest, value);
    yield {
      what: 'the last class left out',
      segment: fed((value, i) => (isLast(i) ? largest - 120 : value)), // e^−120 is 0 beside 1
      undo: (y) => mapTensor(y, (p, i) => (isLast(i) ? 0 : p)),
    };
  }
  if (kind === 'globalAveragePool') {
    const pixels = x.shape[1] * x.shape[2];
    const withoutLast = fed((value, i) => (Math.floor(i / C) % pixels === pixels - 1 ? 0 : value));
    yield { what: 'the last pixel left out of the sum', segment: withoutLast };
    const undo = (y: Tensor): Tensor => mapTensor(y, (mean) => (mean * (pixels - 1)) / pixels);
    yield { what: 'the last pixel left out of the mean', segment: withoutLast, undo };
  }
}

export function* ofOtherLayers(segment: Segment): Generator<Mistake> {
  for (const rule of ['half-pixel', 'tf1-legacy', 'tf1-align-corners'] as const) {
    yield* named(
      `resized by the rule ${rule}`,
      withNodes(segment, (node) =>
        node.kind === 'resizeBilinear' && node.attributes.rule !== rule
          ? { attributes: { ...node.attributes, rule } }
          : undefined,
      ),
    );
  }
  yield* named(
    'padded on the other sides',
    withNodes(segment, (node) => {
      if (node.kind !== 'pad') return undefined;
      const { top, bottom, left, right } = node.attributes.padding;
      const padding = { top: bottom, bottom: top, left: right, right: left };
      return { attributes: { ...node.attributes, padding } };
    }),
  );
}
