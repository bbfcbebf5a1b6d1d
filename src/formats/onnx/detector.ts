/**
 * Detectors whose operators decode boxes and suppress those that overlap. Behind the heads nothing is a layer: the network ends with codes and
 * scores, and what the operators do with them becomes data beside it.
 *
 * Exporters write the same decoding in many ways: corners or centres, x or y first, shares or pixels. So the operators are not matched one by one.
 * They are computed, as constants are: for codes of 0 they answer with the anchors, for other codes with what the codes were divided by.
 */
import { SSD_SUPPRESSION } from '../../network/anchors.js';
import type { DetectionConventions, Preprocessing, StatedSuppression } from '../../network/conventions.js';
import { inferShapes, type Network } from '../../network/index.js';
import { weightName } from '../../network/network.js';
import { uniformRandom } from '../../random.js';
import { type Shape, type Tensor, tensor } from '../../tensor.js';
import { earlierOutputs } from '../unread-operator.js';
import { Call } from './call.js';
import { folds } from './folding.js';
import type { Constant, FileModel, FileNode } from './model.js';

/** Names of the tensors with which the network is to end. */
export interface Heads {
  readonly codes: string;
  readonly scores: string;
  /** Whether the scores come from a softmax, which has a slot for "no object". */
  readonly softmax: boolean;
  /** What leads to the file's outputs. */
  readonly nodes: readonly FileNode[];
}

/** A detection, and whether its codes say x before y, which ours do not. */
interface FoundDetection {
  readonly detection: DetectionConventions;
  readonly xFirst: boolean;
}

/** Operators that move numbers, or scale and bound each by itself. */
const PASSES =
  /^(Slice|Split|Gather|Squeeze|Unsqueeze|Transpose|Identity|Cast|Reshape|Mul|Div|Clip|Min|Max|QuantizeLinear|DequantizeLinear)$/;

/** The heads of a detector that decodes its boxes; undefined for other networks. `nodes` are what the file's outputs need. */
export function headsOf(model: FileModel, nodes: readonly FileNode[]): Heads | undefined {
  const graph = new Graph(model, nodes);
  const exponentials = nodes.filter(({ op }) => op === 'Exp');
  if (exponentials.length === 0) return undefined;
  const codes = graph.commonSource(exponentials.flatMap(({ inputs }) => inputs));
  if (codes === undefined) return undefined;
  const before = graph.ancestors([codes]);
  const certain = nodes.filter(({ op, outputs }) => {
    const isScore = /^(Sigmoid|Softmax)$/.test(op) && !before.has(outputs[0]);
    return isScore && !graph.ancestors(outputs).has(codes);
  });
  const scores = graph.joined(certain.map(({ outputs }) => outputs[0]));
  const softmax = certain.some(({ op }) => op === 'Softmax');
  return scores === undefined ? undefined : { codes, scores, softmax, nodes };
}

/** The network of these heads, with what the operators behind them say. Its first output are the codes, y first. */
export function asDetector(model: FileModel, heads: Heads, network: Network): Network {
  const shapes = inferShapes(network);
  const [codes, scores] = [heads.codes, heads.scores].map((name) => shapes.get(name)!);
  const { detection, xFirst } = detectionOf(model, heads, codes, scores, network.inputs[0].shape);
  const named = xFirst ? withSwappedCodes(network, heads.codes, codes[1]) : network;
  const [first] = named.outputs;
  return {
    ...named,
    conventions: {
      ...named.conventions,
      ...(model.inputs[0].bytes && { preprocessing: wholeBytes(network.inputs[0].shape) }),
      detection: { ...detection, codes: first },
    },
  };
}

/** What a network that wants bytes is given: the picture as it is. */
const wholeBytes = ([, height, width]: Shape): Preprocessing => ({
  crop: { kind: 'stretch' },
  resize: 'half-pixel',
  size: [height, width],
  channels: 'rgb',
  scale: 1,
  mean: [0, 0, 0],
  deviation: [1, 1, 1],
  assumed: ['crop', 'resize'],
});

/** The network with tx, ty, tw, th as ty, tx, th, tw. */
function withSwappedCodes(network: Network, codes: string, count: number): Network {
  const [columns, swapped, rows] = ['columns', 'swapped', 'yx'].map((end) => `${codes}/${end}`);
  const nodes = [
    { name: columns, kind: 'reshape', inputs: [codes], attributes: { shape: [count, 1, 4] } },
    { name: swapped, kind: 'pointwiseConv2d', inputs: [columns], attributes: { filters: 4, bias: false } },
    { name: rows, kind: 'reshape', inputs: [swapped], attributes: { shape: [count, 4] } },
  ] as const;
  const kernel = tensor([4, 4], [0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0]);
  return {
    ...network,
    nodes: [...network.nodes, ...nodes],
    outputs: network.outputs.map((name) => (name === codes ? rows : name)),
    weights: new Map([...network.weights, [weightName(swapped, 'kernel'), kernel]]),
  };
}

/** What the file's operators do with codes [1, N, 4] and scores [1, N, slots] of the given shapes. Throws for what is no SSD's. */
function detectionOf(model: FileModel, heads: Heads, codes: Shape, scores: Shape, size: Shape): FoundDetection {
  const last = heads.nodes.find(({ op }) => op === 'NonMaxSuppression') ?? heads.nodes.find(({ op }) => op === 'Exp')!;
  const fail = (what: string): never =>
    model.file.fail(last.where, `${what}; ${earlierOutputs([heads.codes, heads.scores])}`);
  const [, count, four] = codes;
  if (codes.length !== 3 || four !== 4 || scores.length !== 3 || scores[1] !== count) {
    return fail(`wanted codes [1, N, 4] and scores [1, N, slots] before it, found [${codes}] and [${scores}]`);
  }
  const decoding = decodingOf(new Tail(model, heads), count, size);
  if (decoding === undefined) return fail('the boxes before it are not decoded as those of SSD are');
  const { xFirst, ...rest } = decoding;
  const slots = new Tail(model, heads).slots(count, scores[2]);
  if (slots.size > 0 && slots.size < scores[2] - 1) {
    return fail(`of ${scores[2]} scores of a box it takes ${slots.size}`);
  }
  const background = (slots.size === 0 ? heads.softmax : !slots.has(0)) ? 'slot 0' : 'none';
  const suppression = suppressionOf(new Tail(model, heads), count, scores[2] - (background === 'slot 0' ? 1 : 0));
  return { detection: { codes: heads.codes, scores: heads.scores, background, ...rest, suppression }, xFirst };
}

/** The file's nodes by what they yield. */
class Graph {
  readonly #producers: ReadonlyMap<string, FileNode>;
  readonly #places: ReadonlyMap<FileNode, number>;
  readonly #constants = new Map<string, boolean>();
  readonly #model: FileModel;

  constructor(model: FileModel, nodes: readonly FileNode[]) {
    this.#model = model;
    this.#producers = new Map(nodes.flatMap((node) => node.outputs.map((name) => [name, node])));
    this.#places = new Map(nodes.map((node, place) => [node, place]));
    // In the file's order, a node's inputs are known before it.
    for (const { op, inputs, outputs } of nodes) {
      const constant = op === 'Shape' || inputs.every((name) => name === '' || this.#isConstant(name));
      for (const name of outputs) this.#constants.set(name, constant);
    }
  }

  #isConstant(name: string): boolean {
    return this.#constants.get(name) ?? this.#model.isConstant(name);
  }

  #computed(node: FileNode): string[] {
    return node.inputs.filter((name) => name !== '' && !this.#isConstant(name));
  }

  ancestors(names: readonly string[]): Set<string> {
    const found = new Set<string>();
    const open = [...names];
    for (let name = open.pop(); name !== undefined; name = open.pop()) {
      if (found.has(name)) continue;
      found.add(name);
      open.push(...(this.#producers.get(name)?.inputs ?? []));
    }
    return found;
  }

  /** What all of these are parts of: the tensor that joins all maps or, of a single map, what its first reshape yields. */
  commonSource(names: readonly string[]): string | undefined {
    const open = new Set(names);
    let shaped: string | undefined;
    for (;;) {
      const [last] = [...open].sort((a, b) => this.#place(b) - this.#place(a));
      const node = this.#producers.get(last);
      if (open.size === 1 && node?.op === 'Concat') return last;
      if (node === undefined || !PASSES.test(node.op)) return open.size === 1 ? shaped : undefined;
      if (node.op === 'Reshape' && open.size === 1) shaped = last;
      for (const name of node.outputs) open.delete(name);
      for (const name of this.#computed(node)) open.add(name);
    }
  }

  #place(name: string): number {
    const node = this.#producers.get(name);
    return node === undefined ? -1 : this.#places.get(node)!;
  }

  /** The tensor itself where there is one; of several the one that joins them. */
  joined(names: readonly string[]): string | undefined {
    if (names.length < 2) return names[0];
    for (const [name, { op, inputs }] of this.#producers) {
      if (op !== 'Concat') continue;
      const before = this.ancestors(inputs);
      if (names.every((one) => before.has(one))) return name;
    }
    return undefined;
  }
}

/** The operators behind the heads, computed for numbers that stand in for the heads'. */
class Tail {
  readonly #model: FileModel;
  readonly #heads: Heads;
  readonly #known = new Map<string, Constant>();

  constructor(model: FileModel, heads: Heads) {
    this.#model = model;
    this.#heads = heads;
  }

  constant(name: string): Constant | undefined {
    return this.#known.get(name) ?? (this.#model.isConstant(name) ? this.#model.constant(name) : undefined);
  }

  numberAt(node: FileNode, index: number): number | undefined {
    const found = this.constant(node.inputs[index] ?? '')?.tensor.data;
    return found?.length === 1 ? found[0] : undefined;
  }

  get nodes(): readonly FileNode[] {
    return this.#heads.nodes;
  }

  /** What follows from constants and, if given, from a tensor of this name. The names are those that follow from it. */
  run(name?: string, x?: Tensor): string[] {
    if (name !== undefined && x !== undefined) this.#known.set(name, { tensor: x, whole: false });
    const followed = new Set([name]);
    for (const node of this.#heads.nodes) {
      const results = node.outputs.includes(name ?? '') ? undefined : this.#compute(node);
      results?.forEach((result, index) => {
        this.#known.set(node.outputs[index], result);
        if (node.inputs.some((input) => followed.has(input))) followed.add(node.outputs[index]);
      });
    }
    return [...followed].filter((one) => one !== undefined);
  }

  #compute(node: FileNode): Constant[] | undefined {
    const { op, inputs } = node;
    if (!Object.hasOwn(folds, op) || !inputs.every((name) => name === '' || this.constant(name))) return undefined;
    const operands = { value: () => undefined, constant: (name: string) => this.constant(name) };
    const call = new Call(this.#model, node, undefined as never, operands);
    const { attributes, compute } = folds[op];
    return [compute(call, call.attributes(attributes) as never)].flat();
  }

  /** Those tensors that have the four numbers of each of N boxes, the exponential among what they follow from. */
  boxes(codes: Tensor): Boxes[] {
    const followed = this.run(this.#heads.codes, codes);
    const first = this.nodes.findIndex(({ op }) => op === 'Exp');
    const behind = new Set(this.nodes.slice(first).flatMap(({ outputs }) => outputs));
    return followed.flatMap((name) => {
      const { shape, data } = this.constant(name)!.tensor;
      const count = codes.shape[1];
      if (!behind.has(name) || data.length !== 4 * count) return [];
      if (shape.at(-1) === 4) return [{ name, at: (i: number, column: number) => data[4 * i + column] }];
      return shape.at(-1) === count && shape.at(-2) === 4
        ? [{ name, at: (i: number, column: number) => data[column * count + i] }]
        : [];
    });
  }

  /** Slots of the scores that are read by what cannot be computed beforehand, such as suppression, or that the file's outputs have. */
  slots(count: number, slots: number): Set<number> {
    const numbers = Float32Array.from({ length: count * slots }, (_, at) => at % slots);
    const followed = new Set(this.run(this.#heads.scores, tensor([1, count, slots], numbers)));
    const uncomputed = this.nodes.filter(({ op, outputs }) => op !== 'Shape' && !this.#known.has(outputs[0]));
    const last = [...uncomputed.flatMap(({ inputs }) => inputs), ...this.#model.outputs];
    const read = last.filter((name) => followed.has(name));
    return new Set(read.flatMap((name) => [...new Set(this.constant(name)!.tensor.data)]));
  }
}

interface Boxes {
  readonly name: string;
  readonly at: (index: number, column: number) => number;
}

/** Centre and size of a box along both axes, in the order of its columns. */
type Placed = readonly [centreA: number, centreB: number, sizeA: number, sizeB: number];

const FORMS: readonly ((a: number, b: number, c: number, d: number) => Placed)[] = [
  (a, b, c, d) => [(a + c) / 2, (b + d) / 2, c - a, d - b],
  (a, b, c, d) => [a, b, c, d],
];

type Decoding = Pick<DetectionConventions, 'anchors' | 'scales'> & { readonly xFirst: boolean };

/** Anchors and scales, if the boxes are those of SSD's codes. */
function decodingOf(tail: Tail, count: number, [, height, width]: Shape): Decoding | undefined {
  const zero = tail.boxes(tensor([1, count, 4], new Float32Array(4 * count)));
  const random = uniformRandom(1);
  // Far from 0, by which nothing can be divided, and from what exporters bound codes to.
  const codes = Float32Array.from({ length: 4 * count }, () => (random() < 0.5 ? -1 : 1) * (1 + random()));
  const other = new Map(tail.boxes(tensor([1, count, 4], codes)).map(({ name, at }) => [name, at]));
  for (const { name, at } of zero) {
    const moved = other.get(name);
    if (moved === undefined) continue;
    for (const form of FORMS) {
      const anchors = placed(at, form, count);
      const boxes = placed(moved, form, count);
      // Columns of the codes that move the boxes' first and second axis.
      for (const [first, second] of [
        [0, 1],
        [1, 0],
      ]) {
        const columns = [first, second, first + 2, second + 2];
        const scales = columns.map((column, k) => scaleOf(anchors, boxes, codes, k, column));
        const xFirst = xComesFirst(anchors);
        if (xFirst === undefined || !scales.every((scale) => scale !== undefined)) continue;
        const pixels = anchors.some(([, , a, b]) => a > 4 || b > 4);
        const [a, b] = pixels ? (xFirst ? [width, height] : [height, width]) : [1, 1];
        const order = xFirst ? [1, 0, 3, 2] : [0, 1, 2, 3];
        const units = [a, b, a, b];
        return {
          anchors: anchors.flatMap((anchor) => order.map((k) => Math.fround(anchor[k] / units[k]))),
          scales: order.map((k) => scales[k]!) as unknown as DetectionConventions['scales'],
          xFirst: xFirst === (first === 0),
        };
      }
    }
  }
  return undefined;
}

function placed(at: Boxes['at'], form: (typeof FORMS)[number], count: number): Placed[] {
  return Array.from({ length: count }, (_, i) => form(at(i, 0), at(i, 1), at(i, 2), at(i, 3)));
}

/** How far float32 may take two boxes' scales apart. */
const TOLERANCE = 1e-3;

/** What the codes of a column are divided by, if it is the same for all boxes; to four digits, as configurations have it. */
function scaleOf(
  anchors: readonly Placed[],
  boxes: readonly Placed[],
  codes: ArrayLike<number>,
  k: number,
  column: number,
): number | undefined {
  const found = anchors.map((anchor, i) => {
    const size = anchor[k % 2 === 0 ? 2 : 3];
    const code = codes[4 * i + column];
    return k < 2 ? (code * size) / (boxes[i][k] - anchor[k]) : code / Math.log(boxes[i][k] / size);
  });
  const middle = [...found].sort((a, b) => a - b)[found.length >> 1];
  const agrees = (scale: number, i: number) =>
    Math.abs(1 / scale - 1 / middle) * Math.abs(codes[4 * i + column]) <= TOLERANCE / middle;
  return middle > 0 && found.every(agrees) ? Number(middle.toPrecision(4)) : undefined;
}

/** Anchors run along the rows of a map, so that x is what changes first. Undefined where nothing, or both, does. */
function xComesFirst(anchors: readonly Placed[]): boolean | undefined {
  const [a, b] = anchors[0];
  const near = (x: number, y: number) => Math.abs(x - y) <= TOLERANCE * Math.abs(y);
  const next = anchors.find((anchor) => !near(anchor[0], a) || !near(anchor[1], b));
  if (next === undefined || (!near(next[0], a) && !near(next[1], b))) return undefined;
  return !near(next[0], a);
}

/** What the suppressing operators say; the usual rules where there are none, or where their numbers are computed. */
function suppressionOf(tail: Tail, count: number, classes: number): StatedSuppression {
  tail.run();
  const suppressing = tail.nodes.filter(({ op }) => op === 'NonMaxSuppression');
  const [first] = suppressing;
  if (first === undefined) return SSD_SUPPRESSION;
  const bestAlone = classes > 1 && tail.nodes.some(({ op }) => op === 'ReduceMax' || op === 'ArgMax');
  const bounds = tail.nodes.filter(({ op }) => /^Greater(OrEqual)?$/.test(op)).map((node) => tail.numberAt(node, 1));
  const scoreThreshold = tail.numberAt(first, 4) ?? bounds.find((bound) => bound !== undefined);
  // An operator without a number of boxes yields none; exporters write the largest integer for all.
  const maxPerClass = Math.min(tail.numberAt(first, 2) || count, count);
  const behind = tail.nodes.slice(tail.nodes.indexOf(first));
  const best = behind.filter(({ op }) => op === 'TopK').map((node) => tail.numberAt(node, 1));
  const maxResults =
    best.filter((number) => number !== undefined && number > 0).at(-1) ?? maxPerClass * (bestAlone ? 1 : classes);
  return {
    kind: bestAlone ? 'class-agnostic' : 'per-class',
    scoreThreshold: scoreThreshold ?? SSD_SUPPRESSION.scoreThreshold,
    iouThreshold: tail.numberAt(first, 3) || SSD_SUPPRESSION.iouThreshold,
    maxPerClass,
    maxResults,
    classesPerBox: 1,
  };
}
