/**
 * Mistakes that backends make, each as the network that such a backend computes in place of the right one. `cause.ts` computes a wrong layer
 * again under each and sees which one gives the backend's numbers.
 */
import { inferShapes, inputShapesOf, type NetworkNode, type NodeOf, trace, weightName } from '../network/index.js';
import { type ExplicitPadding, type Padding, type Pair, slideWindows } from '../padding.js';
import { type Shape, sizeOf, type Tensor, toFloat64 } from '../tensor.js';
import { mapTensor } from './estimate.js';
import type { Segment } from './segment.js';

export interface Mistake {
  /** 'padded (1, 1) in place of (0, 1)' */
  readonly what: string;
  readonly segment: Segment;
  /** What brings the backend's tensor to where the segment's output would be: for outputs that are right but in another order. */
  readonly undo?: (theirs: Tensor) => Tensor;
}

/** All mistakes that these layers allow, each made in every layer of the segment that allows it. */
export function* mistakesOf(segment: Segment): Generator<Mistake> {
  yield* ofWindows(segment);
  yield* ofKernels(segment);
  yield* ofBiases(segment);
  yield* ofBatchNorms(segment);
  yield* ofActivations(segment);
  yield* ofAdditions(segment);
  yield* ofPools(segment);
  yield* ofOtherLayers(segment);
  yield* ofOutputs(segment);
}

type Change = Partial<Pick<NetworkNode, 'kind' | 'inputs'>> & { readonly attributes?: object };

/** The segment with some nodes changed; undefined where none is. */
function withNodes(segment: Segment, change: (node: NetworkNode) => Change | undefined): Segment | undefined {
  const changes = segment.network.nodes.map(change);
  if (changes.every((each) => each === undefined)) return undefined;
  const nodes = segment.network.nodes.map((node, i) => ({ ...node, ...changes[i] }) as NetworkNode);
  return { ...segment, network: { ...segment.network, nodes } };
}

/** The segment with some weights changed; undefined where none is. */
function withWeight(
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

function* named(what: string, segment: Segment | undefined): Generator<Mistake> {
  if (segment !== undefined) yield { what, segment };
}

// Windows

type Windowed = NodeOf<'conv2d' | 'depthwiseConv2d' | 'averagePool' | 'maxPool'>;
const windowKinds: readonly string[] = ['conv2d', 'depthwiseConv2d', 'averagePool', 'maxPool'];
const isWindowed = (node: NetworkNode): node is Windowed => windowKinds.includes(node.kind);

interface Window {
  readonly kernelSize: Pair;
  readonly strides: Pair;
  readonly dilation: Pair;
  readonly padding: Padding;
}

function windowOf({ attributes }: Windowed): Window {
  if ('poolSize' in attributes) {
    return { ...attributes, kernelSize: attributes.poolSize, dilation: [1, 1] };
  }
  return attributes;
}

function* ofWindows(segment: Segment): Generator<Mistake> {
  const shapes = inferShapes(segment.network);
  /** Undefined where not even one window fits. */
  const windows = (node: Windowed): Windows | undefined => {
    const [, H, W] = inputShapesOf(node, shapes)[0];
    const { kernelSize, strides, dilation, padding } = windowOf(node);
    try {
      return slideWindows(node.name, [H, W], kernelSize, strides, dilation, padding);
    } catch {
      return undefined;
    }
  };
  const explicit = (node: Windowed): ExplicitPadding => {
    const { vertical, horizontal } = windows(node)!;
    return { top: vertical.before, bottom: vertical.after, left: horizontal.before, right: horizontal.after };
  };
  const paddings: Readonly<Record<string, (node: Windowed) => Padding>> = {
    symmetric: (node) => {
      const { kernelSize, dilation } = windowOf(node);
      const [rows, columns] = [0, 1].map((axis) => Math.floor(((kernelSize[axis] - 1) * dilation[axis]) / 2));
      return { top: rows, bottom: rows, left: columns, right: columns };
    },
    otherSide: (node) => {
      const { top, bottom, left, right } = explicit(node);
      return { top: bottom, bottom: top, left: right, right: left };
    },
    after: (node) => {
      const { top, bottom, left, right } = explicit(node);
      return { top: 0, bottom: top + bottom, left: 0, right: left + right };
    },
    same: () => 'same',
    none: () => 'valid',
  };
  // Padding behind the last window is read by nobody: what counts is where windows begin and how many there are.
  const tried = new Set<string>();
  for (const paddingOf of Object.values(paddings)) {
    const words: string[] = [];
    const effects: string[] = [];
    const changed = withNodes(segment, (node) => {
      if (!isWindowed(node)) return undefined;
      const wrong = { ...node, attributes: { ...node.attributes, padding: paddingOf(node) } } as Windowed;
      const [right, its] = [node, wrong].map(windows);
      if (its === undefined || effectOf(right!) === effectOf(its)) return undefined;
      words.push(`padded ${inWords(its)} in place of ${inWords(right!)}`);
      effects.push(effectOf(its));
      return { attributes: wrong.attributes };
    });
    if (changed === undefined || tried.has(effects.join())) continue;
    tried.add(effects.join());
    yield* named(words[0], changed);
  }
  yield* named(
    'strides of height and width swapped',
    withNodes(segment, (node) => {
      if (!isWindowed(node) || node.attributes.strides[0] === node.attributes.strides[1]) return undefined;
      const [rows, columns] = node.attributes.strides;
      return { attributes: { ...node.attributes, strides: [columns, rows] } };
    }),
  );
  yield* named(
    'dilation left out',
    withNodes(segment, (node) => {
      if (!('dilation' in node.attributes!) || node.attributes.dilation.every((step) => step === 1)) return undefined;
      return { attributes: { ...node.attributes, dilation: [1, 1] } };
    }),
  );
}

type Windows = ReturnType<typeof slideWindows>;

const effectOf = ({ vertical, horizontal }: Windows): string =>
  [vertical.before, vertical.out, horizontal.before, horizontal.out].join(' ');

/** '(0, 1)', before and after, where rows and columns agree. */
function inWords({ vertical, horizontal }: Windows): string {
  const [rows, columns] = [vertical, horizontal].map(({ before, after }) => `(${before}, ${after})`);
  return rows === columns ? rows : `${rows} above and below, ${columns} left and right`;
}

// Kernels

function* ofKernels(segment: Segment): Generator<Mistake> {
  const kernel = (change: (x: Tensor, node: NetworkNode) => Tensor | undefined) =>
    withWeight(segment, 'kernel', change);
  yield* named(
    "the kernel's height and width swapped",
    kernel((x) =>
      x.shape.length === 4 && x.shape[0] === x.shape[1] && x.shape[0] > 1
        ? permuted(x, ([i, j, c, o]) => [j, i, c, o])
        : undefined,
    ),
  );
  yield* named(
    'the kernel turned by 180°, as in a convolution of signals',
    kernel((x) => {
      if (x.shape.length !== 4 || x.shape[0] * x.shape[1] === 1) return undefined;
      const [KH, KW] = x.shape;
      return permuted(x, ([i, j, c, o]) => [KH - 1 - i, KW - 1 - j, c, o]);
    }),
  );
  yield* named(
    'red and blue swapped',
    kernel((x, { kind }) =>
      x.shape.length === 4 && kind === 'conv2d' && x.shape[2] === 3
        ? permuted(x, ([i, j, c, o]) => [i, j, 2 - c, o])
        : undefined,
    ),
  );
  for (const order of ['OIHW', 'OHWI', 'IHWO', 'IOHW', 'HWOI', 'OI']) {
    yield* named(
      `the kernel's numbers read in the order ${order}`,
      kernel((x, { kind }) => {
        const own = x.shape.length === 2 ? 'IO' : 'HWIO';
        if (kind === 'depthwiseConv2d' || order.length !== own.length) return undefined;
        return readAs(
          x,
          [...order].map((axis) => own.indexOf(axis)),
        );
      }),
    );
  }
  for (const order of ['CMHW', 'CHWM', 'HWMC']) {
    yield* named(
      `the depthwise kernel's numbers read in the order ${order}`,
      kernel((x, { kind }) =>
        kind === 'depthwiseConv2d'
          ? readAs(
              x,
              [...order].map((axis) => 'HWCM'.indexOf(axis)),
            )
          : undefined,
      ),
    );
  }
}

/** The tensor whose element at a coordinate is that of `x` at `from` it. */
function permuted(x: Tensor, from: (at: readonly number[]) => readonly number[]): Tensor {
  return {
    shape: x.shape,
    data: Float64Array.from(x.data, (_, i) => x.data[flat(x.shape, from(coordinate(x.shape, i)))]),
  };
}

/** The same numbers in a row, taken to be in another order of the axes. */
function readAs(x: Tensor, order: readonly number[]): Tensor {
  const sizes = order.map((axis) => x.shape[axis]);
  return permutedFlat(x, (at) =>
    flat(
      sizes,
      order.map((axis) => at[axis]),
    ),
  );
}

function permutedFlat(x: Tensor, from: (at: readonly number[]) => number): Tensor {
  return { shape: x.shape, data: Float64Array.from(x.data, (_, i) => x.data[from(coordinate(x.shape, i))]) };
}

function coordinate(shape: Shape, index: number): number[] {
  const at = new Array<number>(shape.length);
  let rest = index;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    at[axis] = rest % shape[axis];
    rest = Math.floor(rest / shape[axis]);
  }
  return at;
}

const flat = (shape: Shape, at: readonly number[]): number =>
  at.reduce((sum, value, axis) => sum * shape[axis] + value, 0);

function* ofBiases(segment: Segment): Generator<Mistake> {
  yield* named(
    'the bias left out',
    withWeight(segment, 'bias', (x) => mapTensor(x, () => 0)),
  );
  yield* named(
    'the bias added twice',
    withWeight(segment, 'bias', (x) => mapTensor(x, (value) => 2 * value)),
  );
}

// Batch norm

const EPSILONS = [1e-3, 1e-5, 1e-6, 1e-4, 1e-2, 1e-7, 1e-8, 0];

function* ofBatchNorms(segment: Segment): Generator<Mistake> {
  const norm = (change: (attributes: { epsilon: number }) => object | undefined) =>
    withNodes(segment, (node) => {
      const attributes = node.kind === 'batchNorm' ? change(node.attributes) : undefined;
      return attributes && { attributes: { ...node.attributes, ...attributes } };
    });
  for (const epsilon of EPSILONS) {
    const stated = segment.network.nodes.find((node) => node.kind === 'batchNorm')?.attributes as { epsilon: number };
    yield* named(
      `epsilon ${epsilon} in place of ${stated?.epsilon}`,
      norm((own) => (own.epsilon === epsilon ? undefined : { epsilon })),
    );
  }
  const parts: Readonly<Record<string, number>> = { gamma: 1, beta: 0, movingMean: 0, movingVariance: 1 };
  for (const [part, neutral] of Object.entries(parts)) {
    yield* named(
      `${part} left out`,
      withWeight(segment, part, (x) => mapTensor(x, () => neutral)),
    );
  }
  yield* named(
    'movingMean added, not subtracted',
    withWeight(segment, 'movingMean', (x) => mapTensor(x, (m) => -m)),
  );
  const variance = (wanted: (v: number, epsilon: number) => number) =>
    withWeight(segment, 'movingVariance', (x, node) => {
      const { epsilon } = node.attributes as { epsilon: number };
      return mapTensor(x, (v) => wanted(v, epsilon));
    });
  // Such that √(v' + ε) is what the mistaken backend divides by.
  yield* named(
    'divided by the variance in place of the deviation',
    variance((v, e) => (v + e) ** 2 - e),
  );
  yield* named(
    'epsilon added to the deviation in place of the variance',
    variance((v, e) => (Math.sqrt(v) + e) ** 2 - e),
  );
  yield* named(
    'movingVariance taken for a deviation',
    variance((v, e) => v ** 2 - e),
  );
  yield* named('the mean and variance of this batch in place of the stored ones', withBatchStatistics(segment));
  yield* named('the batch norm left out', without(segment, ['batchNorm']));
}

/** As in training mode: from the tensors that the batch norms read. */
function withBatchStatistics(segment: Segment): Segment | undefined {
  const { network, inputs } = segment;
  const norms = network.nodes.filter(({ kind }) => kind === 'batchNorm');
  if (norms.length === 0) return undefined;
  const read = trace(network, new Map([...inputs].map(([name, x]) => [name, toFloat64(x)])));
  const weights = new Map(network.weights);
  for (const { name, inputs: sources } of norms) {
    const x = inputs.get(sources[0]) ?? read.get(sources[0])!;
    const C = x.shape[x.shape.length - 1];
    const count = x.data.length / C;
    const mean = new Float64Array(C);
    const variance = new Float64Array(C);
    for (const [i, value] of x.data.entries()) mean[i % C] += value / count;
    for (const [i, value] of x.data.entries()) variance[i % C] += (value - mean[i % C]) ** 2 / count;
    weights.set(weightName(name, 'movingMean'), { shape: [C], data: mean });
    weights.set(weightName(name, 'movingVariance'), { shape: [C], data: variance });
  }
  return { ...segment, network: { ...network, weights } };
}

/** The layers of these kinds handing on what they get. */
function without(segment: Segment, kinds: readonly string[]): Segment | undefined {
  const weights = new Map(segment.network.weights);
  const changed = withNodes(segment, (node) => {
    if (!kinds.includes(node.kind)) return undefined;
    for (const name of weights.keys()) {
      if (name.slice(0, name.lastIndexOf('/')) === node.name) weights.delete(name);
    }
    return { kind: 'dropout', attributes: { rate: 0 } };
  });
  return changed && { ...changed, network: { ...changed.network, weights } };
}

// Activations

function* ofActivations(segment: Segment): Generator<Mistake> {
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
  const isActivated = ({ name }: NetworkNode): boolean =>
    nodes.some((node) => node.inputs.includes(name) && activations.includes(node.kind));
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

// Additions, pools and others

function* ofAdditions(segment: Segment): Generator<Mistake> {
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

function* ofPools(segment: Segment): Generator<Mistake> {
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
    yield { what: 'the sum in place of the mean', segment, undo: (x) => mapTensor(x, (value) => value / (H * W)) };
  }
}

function* ofOtherLayers(segment: Segment): Generator<Mistake> {
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

/** The right numbers in another order, or of another size. */
function* ofOutputs(segment: Segment): Generator<Mistake> {
  const last = segment.network.nodes.at(-1)!;
  const shapes = inferShapes(segment.network);
  const shape = shapes.get(last.name)!;
  const C = shape[shape.length - 1];
  const reordered = (what: string, from: (at: readonly number[]) => readonly number[]): Mistake => ({
    what,
    segment,
    undo: (x) => (sizeOf(x.shape) === sizeOf(shape) ? permuted({ shape, data: x.data }, from) : x),
  });
  if (shape.length === 2 && C > 2) {
    yield reordered('the classes shifted by one: class c at c + 1', ([n, c]) => [n, (c + 1) % C]);
    yield reordered('the classes shifted by one: class c + 1 at c', ([n, c]) => [n, (c + C - 1) % C]);
    yield reordered('the classes in reverse order', ([n, c]) => [n, C - 1 - c]);
    yield {
      what: 'one class more, at the front',
      segment,
      undo: ({ shape: found, data }) =>
        sizeOf(found) === sizeOf(shape) + shape[0]
          ? { shape, data: data.filter((_, i) => i % (C + 1) > 0) }
          : { shape: found, data },
    };
  }
  if (shape.length === 4) {
    const [, H, W] = shape;
    const inOrder = (what: string, order: readonly number[]): Mistake => ({
      what: `the output's numbers in the order ${what}`,
      segment,
      undo: (x) => (sizeOf(x.shape) === sizeOf(shape) ? readAs({ shape, data: x.data }, order) : x),
    });
    if (C > 1 && H * W > 1) yield inOrder('NCHW', [0, 3, 1, 2]);
    if (H > 1 && W > 1) yield inOrder('NWHC', [0, 2, 1, 3]);
    if (C > 1) yield reordered('the channels of the output in reverse order', ([n, y, x, c]) => [n, y, x, C - 1 - c]);
  }
  if (last.kind === 'flatten') {
    const source = inputShapesOf(last, shapes)[0];
    if (source.length === 4) {
      const undo = (x: Tensor): Tensor =>
        sizeOf(x.shape) === sizeOf(shape)
          ? { shape, data: readAs({ shape: source, data: x.data }, [0, 3, 1, 2]).data }
          : x;
      yield { what: 'flattened in the order NCHW', segment, undo };
    }
  }
  for (const factor of [-1, 2, 0.5, 255, 1 / 255]) {
    const what = `multiplied by ${factor === 1 / 255 ? '1/255' : factor}`;
    yield { what, segment, undo: (x) => mapTensor(x, (value) => value / factor) };
  }
}
