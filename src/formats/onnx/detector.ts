/**
 * Detectors whose operators decode boxes and suppress those that overlap. Behind the heads nothing is a layer: the network ends with codes and
 * scores, and what the operators do with them becomes data beside it.
 *
 * Exporters write the same decoding in many ways: corners or centres, x or y first, shares or pixels. So the operators are not matched one by one.
 * They are computed, as constants are: for codes of 0 they answer with the anchors, for other codes with what the codes were divided by.
 */
import { SSD_SUPPRESSION } from '../../network/anchors.js';
import type { DetectionConventions, StatedSuppression } from '../../network/conventions.js';
import { inferShapes, type Network } from '../../network/index.js';
import { weightName } from '../../network/network.js';
import { type Shape, tensor } from '../../tensor.js';
import { earlierOutputs } from '../unread-operator.js';
import { decodingOf } from './detector-decoding.js';
import type { Heads } from './detector-heads.js';
import { Tail } from './detector-tail.js';
import type { FileModel } from './model.js';

/** A detection, and whether its codes say x before y, which ours do not. */
interface FoundDetection {
  readonly detection: DetectionConventions;
  readonly xFirst: boolean;
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
      detection: { ...detection, codes: first },
    },
  };
}

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
  if (slots.size < scores[2] - 1) {
    return fail(`of ${scores[2]} scores of a box it takes ${slots.size}`);
  }
  const background = !slots.has(0) ? 'slot 0' : 'none';
  const suppression = suppressionOf(new Tail(model, heads), count, scores[2] - (background === 'slot 0' ? 1 : 0));
  return { detection: { codes: heads.codes, scores: heads.scores, background, ...rest, suppression }, xFirst };
}

/** What the suppressing operators say; the usual rules where there are none, or where their numbers are computed. */
function suppressionOf(tail: Tail, count: number, classes: number): StatedSuppression {
  tail.run();
  const suppressing = tail.nodes.filter(({ op }) => op === 'NonMaxSuppression');
  const [first] = suppressing;
  if (first === undefined) return SSD_SUPPRESSION;
  const bestAlone =
    classes > 1 && tail.nodes.some((node) => /^(ReduceMax|ArgMax)$/.test(node.op) && tail.readsScoresAlone(node));
  const bounds = tail.nodes.filter(({ op }) => /^Greater(OrEqual)?$/.test(op)).map((node) => tail.numberAt(node, 1));
  const scoreThreshold = tail.numberAt(first, 4) ?? bounds.find((bound) => bound !== undefined);
  // An operator without a number of boxes yields none; exporters write the largest integer for all.
  const maxPerClass = Math.min(tail.numberAt(first, 2) || count, count);
  const behind = tail.nodes.slice(tail.nodes.indexOf(first));
  // The best of what stays by TopK, or the first of it.
  const best = behind.map((node) => {
    if (node.op === 'TopK') return tail.numberAt(node, 1);
    const isFirst = node.op === 'Slice' && tail.numberAt(node, 1) === 0 && !tail.numberAt(node, 3);
    return isFirst ? tail.numberAt(node, 2) : undefined;
  });
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
