/** From a segmenter's answer to the class of every pixel of the picture. */
import { NetworkError, UsageError } from '../errors.js';
import { fromUpright, type Seen } from '../image/way-back.js';
import { nodeBehind } from '../network/graph.js';
import type { Network, NetworkNode } from '../network/index.js';
import { inferShapes, layerOf } from '../network/shapes.js';
import { sizeOf, type Tensor, tensor } from '../tensor.js';
import {
  type Certainty,
  type ClassShare,
  classShares,
  IGNORED,
  type LabelMap,
  labelMap,
  labelsOfPicture,
  softmaxOf,
} from './labels.js';

/** What is said of the pixels, once the network has answered. `from: 'scores'`, `confidence` and `smooth` want a network that yields scores. */
export interface PixelOptions {
  /** 'picture': a label for each pixel of the picture; 'network': for each position of the network's output. Default 'picture'. */
  readonly size?: 'picture' | 'network';
  /** By class; the network's own unless stated. */
  readonly labels?: readonly string[];
  /**
   * 'scores': they are resized to the picture and then compared. 'labels': scores are compared where the network has them, and each pixel takes the
   * nearest label, as TensorFlow's own programs do. Default 'scores', for networks that yield labels 'labels'.
   */
  readonly from?: 'scores' | 'labels';
  /** Whether the answer has the probability of each pixel's label. Default false. */
  readonly confidence?: boolean;
  /**
   * For the frames of a video, whose labels flicker: how much of the scores comes from the frames before, from 0 up to, not including, 1. The mean is
   * taken of `previous` and this picture's scores; of a list, each picture follows the one before.
   */
  readonly smooth?: number;
  /** With `smooth`: the answer to the frame before. Unless stated, this picture is the first. */
  readonly previous?: Pick<Segmentation, 'scores'>;
}

export interface NamedShare extends ClassShare {
  /** 'class 7' where nothing names it. */
  readonly label: string;
}

export interface Segmentation extends LabelMap {
  /** The classes that occur, the largest first. */
  readonly classes: readonly NamedShare[];
  /** With `smooth`: the smoothed scores [1, height, width, classes], as the network has them. */
  readonly scores?: Tensor;
}

/** The class of each pixel, by what the network answered to the picture: the part of `segment` behind the network. */
export function segmentation(network: Network, output: Tensor, seen: Seen, options: PixelOptions = {}): Segmentation {
  const { size = 'picture', labels: names = network.conventions.labels, smooth } = options;
  checkOptions(options);
  if (options.labels) expectLabels(network, options.labels);
  const { shape } = output;
  if (shape.length !== 4 && shape.length !== 3) {
    throw new NetworkError(
      `${network.name}: does not segment pictures; wanted scores [1, height, width, classes] or labels [1, height, width], found [${shape}]`,
    );
  }
  const answer = yieldsLabels(output) ? labelsOf(network, output, options) : smoothed(output, options);
  const certainty = options.confidence ? certaintyOf(network) : undefined;
  const compared = options.from === 'labels' || size === 'network' ? rawMap(answer, certainty) : answer;
  const map = size === 'picture' ? inPicture(labelsOfPicture(compared, seen, certainty), seen) : rawMap(compared);
  const classes = classShares(map).map((one) => ({
    ...one,
    label: names?.[one.classIndex] ?? `class ${one.classIndex}`,
  }));
  return { ...map, classes, ...(smooth !== undefined && { scores: answer as Tensor }) };
}

function checkOptions({ size, from, smooth, previous }: PixelOptions): void {
  if (size !== undefined && size !== 'picture' && size !== 'network') {
    throw new UsageError(`segment: size must be 'picture' or 'network', found '${size}'`);
  }
  if (from !== undefined && from !== 'scores' && from !== 'labels') {
    throw new UsageError(`segment: from must be 'scores' or 'labels', found '${from}'`);
  }
  if (smooth !== undefined && !(smooth >= 0 && smooth < 1)) {
    throw new UsageError(`segment: smooth must be a number from 0 up to, not including, 1, found ${smooth}`);
  }
  if (previous === undefined) return;
  if (smooth === undefined)
    throw new UsageError('segment: previous is the frame before, for smooth, which was not given');
  if (previous.scores === undefined)
    throw new UsageError('segment: previous has no scores, since it was asked for without smooth');
}

/** How many classes a segmenter tells apart; undefined where its labels come from elsewhere than scores. */
export function segmentClasses(network: Network): number | undefined {
  const shapes = inferShapes(network);
  const last = nodeBehind(network, network.outputs[0], copies);
  const shape = shapes.get(last?.kind === 'argMax' ? last.inputs[0] : network.outputs[0]);
  return shape?.length === 4 && shape[3] > 1 ? shape[3] : undefined;
}

function expectLabels(network: Network, labels: readonly string[]): void {
  const classes = segmentClasses(network);
  if (classes === undefined || labels.length === classes) return;
  throw new UsageError(
    `labels: ${network.name} has ${classes} classes and wants as many labels, that of the background included; found ${labels.length}`,
  );
}

const rawMap = (answer: Tensor | LabelMap, certainty?: Certainty): LabelMap =>
  'labels' in answer ? answer : labelMap(answer, { ...(certainty && { certainty }) });

/** [1, h, w] or [1, h, w, 1]. */
const yieldsLabels = ({ shape }: Tensor): boolean => shape.length === 3 || (shape.length === 4 && shape[3] === 1);

function labelsOf(network: Network, { shape, data }: Tensor, options: PixelOptions): LabelMap {
  const { from, confidence, smooth } = options;
  const wanting = from === 'scores' ? "from 'scores'" : confidence ? 'confidence' : smooth !== undefined && 'smooth';
  if (wanting)
    throw new UsageError(`segment: ${wanting} wants scores, and ${network.name} yields labels${scoresOf(network)}`);
  const [batch, height, width] = shape;
  const wrong = data.find((label) => !(Number.isInteger(label) && label >= 0 && label <= IGNORED));
  if (batch !== 1 || sizeOf(shape) !== height * width || wrong !== undefined) {
    throw new NetworkError(
      `${network.name}: wanted labels [1, height, width] from 0 to 255, found [${shape}]${wrong === undefined ? '' : ` with ${wrong}`}`,
    );
  }
  return { width, height, labels: Uint8Array.from(data) };
}

const copies = (node: NetworkNode): boolean => layerOf(node).copies === true;

/** Where the scores are that labels were made of, as advice. */
function scoresOf(network: Network): string {
  const last = nodeBehind(network, network.outputs[0], copies);
  return last?.kind === 'argMax' ? `; end it at its scores, with outputs '${last.inputs[0]}'` : '';
}

/** Scores that come from a softmax are probabilities, also where they were resized or clamped. */
function certaintyOf(network: Network): Certainty {
  const keepsSum = (node: NetworkNode) => copies(node) || /^(resize|clamp)/.test(node.kind);
  const last = nodeBehind(network, network.outputs[0], keepsSum);
  return last?.kind === 'softmax' ? (scores, label) => scores[label] : softmaxOf;
}

/** The mean of these scores and those before, which are a mean already. */
function smoothed(scores: Tensor, { smooth = 0, previous }: PixelOptions): Tensor {
  const before = previous?.scores;
  if (before === undefined) return scores;
  if (String(before.shape) !== String(scores.shape)) {
    throw new UsageError(`segment: previous has scores [${before.shape}], this picture [${scores.shape}]`);
  }
  const data = new Float32Array(scores.data.length);
  for (let at = 0; at < data.length; at++) data[at] = (1 - smooth) * scores.data[at] + smooth * before.data[at];
  return tensor(scores.shape, data);
}

/** The map of the region, as it was turned, at its place in the picture. */
function inPicture(map: LabelMap, seen: Seen): LabelMap {
  const { region, rotation = 0, mirror = false } = seen.options ?? {};
  if (region === undefined && rotation === 0 && !mirror) return map;
  const { width, height } = seen.picture;
  const lying = fromUpright(seen);
  const place = <Numbers extends Uint8Array | Float32Array>(upright: Numbers, whole: Numbers): Numbers => {
    upright.forEach((value, pixel) => {
      const [y, x] = lying([Math.floor(pixel / map.width) + 0.5, (pixel % map.width) + 0.5]); // of the pixel's centre
      whole[Math.floor(y) * width + Math.floor(x)] = value;
    });
    return whole;
  };
  return {
    width,
    height,
    labels: place(map.labels, new Uint8Array(width * height).fill(IGNORED)),
    ...(map.confidence && { confidence: place(map.confidence, new Float32Array(width * height)) }),
  };
}
