/**
 * A problem with smaller tensors: fewer pictures, rows, columns or channels, smaller kernels. Channels are cut through all layers that hand
 * them on, with their weights.
 */
import { ownerOf } from '../../network/graph.js';
import { type NetworkNode, withWeights } from '../../network/index.js';
import type { Pair } from '../../padding.js';
import { type Shape, sizeOf, type Tensor, tensorLike, withSize } from '../../tensor.js';
import type { Segment } from '../segment.js';

/** Something that has a size, and of which a part may be enough. */
export interface Axis {
  readonly size: number;
  /** From the place `from` up to, not including, `to`. Throws where the layers do not fit that. */
  readonly part: (from: number, to: number) => Segment;
}

export function axesOf(problem: Segment): Axis[] {
  return [...inputAxes(problem), ...channelGroups(problem), ...kernelAxes(problem)];
}

/** The smallest parts first, of each size the first and the last one. */
export function* partsOf({ size, part }: Axis): Generator<Segment> {
  const shares = [16, 8, 4, 2].map((share) => Math.ceil(size / share));
  const sizes = [...new Set([1, 2, 3, 4, ...shares, size - 1])].filter((its) => its < size).sort((a, b) => a - b);
  for (const its of sizes) {
    for (const from of [0, size - its]) {
      const found = orNone(() => part(from, from + its));
      if (found) yield found;
    }
  }
}

/** Undefined where no such network can be. */
export function orNone(make: () => Segment): Segment | undefined {
  try {
    return make();
  } catch {
    return undefined;
  }
}

interface Change {
  readonly input?: (name: string, x: Tensor) => Tensor;
  readonly weight?: (node: NetworkNode, name: string, x: Tensor) => Tensor | undefined;
  readonly attributes?: (node: NetworkNode) => object;
}

/** The problem with other inputs, weights or attributes; a weight that becomes undefined is left out. Throws where they do not fit together. */
export function changed({ network, inputs }: Segment, { input, weight, attributes }: Change): Segment {
  const fed = new Map([...inputs].map(([name, x]) => [name, input ? input(name, x) : x]));
  const nodes = network.nodes.map(
    (node) => ({ ...node, attributes: { ...node.attributes, ...attributes?.(node) } }) as NetworkNode,
  );
  const weights = network.nodes.flatMap((node) => {
    const own = [...network.weights].filter(([name]) => ownerOf(name) === node.name);
    return own.flatMap(([name, x]) => {
      const its = weight ? weight(node, name.slice(node.name.length + 1), x) : x;
      return its ? [[name, its] as const] : [];
    });
  });
  const described = {
    ...network,
    inputs: [...fed].map(([name, { shape }]) => ({ name, shape })),
    nodes,
    weights: new Map(),
  };
  return { network: withWeights(described, new Map(weights)), inputs: fed };
}

/** The tensor from place `from` up to `to` along an axis. */
export function sliced(x: Tensor, axis: number, from: number, to: number): Tensor {
  const { shape, data } = x;
  const inner = sizeOf(shape.slice(axis + 1));
  const length = (to - from) * inner;
  const smaller = withSize(shape, axis, to - from);
  const kept = tensorLike(x, smaller, new Float64Array(sizeOf(smaller)));
  for (let outer = 0; outer * length < kept.data.length; outer++) {
    const start = (outer * shape[axis] + from) * inner;
    kept.data.set(data.subarray(start, start + length), outer * length);
  }
  return kept;
}

/** Pictures, rows and columns: the inputs that are equally long are cut together. */
function inputAxes(problem: Segment): Axis[] {
  const cuttable = (shape: Shape): number[] => (shape.length === 4 ? [0, 1, 2] : shape.length > 1 ? [0] : []);
  const keyOf = (shape: Shape, axis: number): string => `${axis} ${shape[axis]}`;
  const keys = new Map(
    [...problem.inputs.values()].flatMap(({ shape }) =>
      cuttable(shape).map((axis) => [keyOf(shape, axis), { axis, size: shape[axis] }] as const),
    ),
  );
  return [...keys].map(([key, { axis, size }]) => ({
    size,
    part: (from, to) =>
      changed(problem, {
        input: (_, x) =>
          cuttable(x.shape).includes(axis) && keyOf(x.shape, axis) === key ? sliced(x, axis, from, to) : x,
      }),
  }));
}

/** Channels that are the same in several tensors: each is `repeat` channels of such a tensor. */
interface Group {
  readonly size: number;
  readonly repeats: Map<string, number>;
}

/** Of each weight whose size goes with the channels of its layer: the axis, and whether they are the input's or the output's. */
const channelAxes: Readonly<
  Record<string, Readonly<Record<string, readonly [axis: number, of: 'input' | 'output'][]>>>
> = {
  conv2d: {
    kernel: [
      [2, 'input'],
      [3, 'output'],
    ],
    bias: [[0, 'output']],
  },
  depthwiseConv2d: { kernel: [[2, 'input']], bias: [[0, 'output']] },
  pointwiseConv2d: {
    kernel: [
      [0, 'input'],
      [1, 'output'],
    ],
    bias: [[0, 'output']],
  },
  dense: {
    kernel: [
      [0, 'input'],
      [1, 'output'],
    ],
    bias: [[0, 'output']],
  },
  batchNorm: {
    gamma: [[0, 'input']],
    beta: [[0, 'input']],
    movingMean: [[0, 'input']],
    movingVariance: [[0, 'input']],
  },
};

/** Layers whose number of output channels is an attribute. */
const counted: Readonly<Record<string, string>> = { conv2d: 'filters', pointwiseConv2d: 'filters', dense: 'units' };
/** Layers that put channels together in another way: theirs cannot be chosen. */
const mixing: readonly string[] = ['concat', 'flatten', 'reshape', 'argMax'];

function channelGroups(problem: Segment): Axis[] {
  const groups = new Map<string, Group>();
  const add = (name: string, size: number): void => {
    groups.set(name, { size, repeats: new Map([[name, 1]]) });
  };
  /** `name` has the channels of `like`, `repeat` times. */
  const addTo = (like: string, name: string, repeat: number): void => {
    const group = groups.get(like);
    if (group === undefined) return;
    group.repeats.set(name, group.repeats.get(like)! * repeat);
    groups.set(name, group);
  };
  const merge = (a: string, b: string): void => {
    const [into, from] = [groups.get(a), groups.get(b)];
    if (into === undefined || from === undefined || into === from) return;
    const fits = into.size === from.size && into.repeats.get(a) === from.repeats.get(b);
    for (const [name, repeat] of from.repeats) {
      into.repeats.set(name, repeat);
      if (fits) groups.set(name, into);
    }
    if (!fits) for (const name of into.repeats.keys()) groups.delete(name);
  };
  for (const [name, { shape }] of problem.inputs) if (shape.length > 0) add(name, shape[shape.length - 1]);
  for (const node of problem.network.nodes) {
    const { name, kind, inputs } = node;
    if (kind in counted) add(name, (node.attributes as unknown as Record<string, number>)[counted[kind]]);
    else if (!mixing.includes(kind)) {
      for (const other of inputs.slice(1)) merge(inputs[0], other);
      addTo(inputs[0], name, node.kind === 'depthwiseConv2d' ? node.attributes.depthMultiplier : 1);
    }
  }
  return [...new Set(groups.values())].map((group) => ({
    size: group.size,
    part: (from, to) => cutChannels(problem, group, from, to),
  }));
}

function cutChannels(problem: Segment, { repeats }: Group, from: number, to: number): Segment {
  const cut = (x: Tensor, axis: number, repeat: number): Tensor => sliced(x, axis, from * repeat, to * repeat);
  return changed(problem, {
    input: (name, x) => (repeats.has(name) ? cut(x, x.shape.length - 1, repeats.get(name)!) : x),
    weight: (node, weight, x) => {
      const axes = channelAxes[node.kind]?.[weight] ?? [];
      return axes.reduce((part, [axis, of]) => {
        const repeat = repeats.get(of === 'input' ? node.inputs[0] : node.name);
        return repeat === undefined ? part : cut(part, axis, repeat);
      }, x);
    },
    attributes: ({ kind, name }) => (kind in counted && repeats.has(name) ? { [counted[kind]]: to - from } : {}),
  });
}

/** Rows and columns of kernels and pools. */
function kernelAxes(problem: Segment): Axis[] {
  return problem.network.nodes.flatMap(({ name, attributes = {} }) => {
    const field = 'kernelSize' in attributes ? 'kernelSize' : 'poolSize';
    const size = (attributes as { readonly [field: string]: Pair })[field];
    if (size === undefined) return [];
    return [0, 1].map((axis) => ({
      size: size[axis],
      part: (from: number, to: number) =>
        changed(problem, {
          weight: (node, weight, x) => (node.name === name && weight === 'kernel' ? sliced(x, axis, from, to) : x),
          attributes: (node) => (node.name === name ? { [field]: withSize(size, axis, to - from) } : {}),
        }),
    }));
  });
}
