/** From a detector's answer to the objects in the picture: where they are, what they are, and how sure the network is. */
import { NetworkError, UsageError } from '../errors.js';
import { type Seen, wayBack } from '../image/way-back.js';
import type { DetectionConventions, Network } from '../network/index.js';
import { similarLabels } from '../network/rewriting/subnetwork.js';
import { type Tensor, tensor } from '../tensor.js';
import { decodeBoxes } from './boxes.js';
import { cocoIds, labelsByClass } from './labels.js';
import { type Found, type Suppression, suppress } from './suppression.js';

/** In pixels of the picture as it was given, from its upper left corner; not rounded. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface Detection {
  /** 'class 7' where nothing names it. */
  readonly label: string;
  /** From 0, background not counted. */
  readonly classIndex: number;
  /** COCO's id of the class, for networks of its 90. */
  readonly id?: number;
  /** From 0 to 1. */
  readonly score: number;
  readonly box: Box;
}

/** What is said of the boxes, once the network has answered. */
export interface BoxOptions {
  /** Less sure ones are left out. Default 0.3; of 'as-file' the network's own. */
  readonly scoreThreshold?: number;
  /** Of two boxes that overlap by more, the less sure one is left out. Default the network's own. */
  readonly iouThreshold?: number;
  /** Default 100; of 'as-file' the network's own. */
  readonly maxResults?: number;
  /**
   * Among which boxes the best is kept. 'per-class': those of one class. 'class-agnostic': all, each with its best class. 'none': every
   * box stays. 'as-file': what the network's file says, and boxes are not clipped to the picture. Default 'per-class'.
   */
  readonly nms?: 'per-class' | 'class-agnostic' | 'none' | 'as-file';
  /** Labels or class indices that alone count. Other classes are left out before a box gets its best one. */
  readonly only?: readonly (string | number)[];
  /** Labels or class indices that do not count. */
  readonly except?: readonly (string | number)[];
  /** The network's own unless stated: one for each class, with or without background, or COCO's 80. */
  readonly labels?: readonly string[];
}

/** The objects in a picture, by what the network answered to it: the part of `detect` behind the network. */
export function detections(
  network: Network,
  outputs: ReadonlyMap<string, Tensor>,
  seen: Seen,
  options: BoxOptions = {},
): Detection[] {
  const detection = detectionOf(network);
  const codes = outputOf(network, outputs, detection.codes);
  const scores = outputOf(network, outputs, detection.scores);
  const slots = scores.shape.at(-1) ?? 0;
  const classes = detection.background === 'slot 0' ? slots - 1 : slots;
  const named = labelsOf(network, slots, detection, options);
  const count = detection.anchors.length / 4;
  if (codes.shape[1] !== count) {
    throw new NetworkError(
      `${network.name}: has ${count} anchors, but codes [${codes.shape}]; anchors belong to one size of its input`,
    );
  }
  const anchors = tensor([count, 4], Float32Array.from(detection.anchors));
  const boxes = decodeBoxes(codes, anchors, detection.scales);
  const counted = onlyClasses(probabilities(scores, detection), classes, slots - classes, named, options);
  const found = suppress(boxes, counted, detection.background, suppressionFor(detection, options));
  const ids = classes === 90 ? cocoIds(classes) : undefined;
  const back = wayBack(seen);
  return found.filter(isFiniteBox).map(({ box, classIndex, score }) => ({
    label: named[classIndex] ?? `class ${classIndex}`,
    classIndex,
    ...(ids && { id: ids[classIndex] }),
    score,
    box: boxBetween(back([box[0], box[1]]), back([box[2], box[3]])),
  }));
}

function probabilities(scores: Tensor, { scoresAre }: DetectionConventions): Tensor {
  return scoresAre === 'logits'
    ? tensor(
        scores.shape,
        scores.data.map((z) => 1 / (1 + Math.exp(-z))),
      )
    : scores;
}

function detectionOf({ name, conventions }: Network): DetectionConventions {
  if (conventions.detection !== undefined) return conventions.detection;
  throw new UsageError(
    `${name}: does not detect objects, or its file does not state how: anchors, scales of the codes and suppression are unknown`,
  );
}

function outputOf({ name }: Network, outputs: ReadonlyMap<string, Tensor>, wanted: string): Tensor {
  const output = outputs.get(wanted);
  if (output !== undefined) return output;
  throw new UsageError(
    `${name}: run answered with ${[...outputs.keys()].join(', ') || 'nothing'}, wanted ${wanted}: it must compute the network that it is given`,
  );
}

function labelsOf(
  { conventions }: Network,
  slots: number,
  { background }: DetectionConventions,
  options: Pick<BoxOptions, 'labels'>,
): readonly (string | undefined)[] {
  const lines = options.labels ?? conventions.labels;
  return lines === undefined ? [] : labelsByClass(lines, slots, background).labels;
}

function suppressionFor({ suppression: own }: DetectionConventions, options: BoxOptions): Suppression {
  const { nms = 'per-class', iouThreshold = own.iouThreshold } = options;
  if (!['per-class', 'class-agnostic', 'none', 'as-file'].includes(nms)) {
    throw new UsageError(`detect: nms must be 'per-class', 'class-agnostic', 'none' or 'as-file', found '${nms}'`);
  }
  const asFile = nms === 'as-file';
  const { scoreThreshold = asFile ? own.scoreThreshold : 0.3, maxResults = asFile ? own.maxResults : 100 } = options;
  const common = { scoreThreshold, maxResults, atThreshold: 'kept', classesPerBox: 1 } as const;
  if (asFile) {
    const maxPerClass = Math.min(own.maxPerClass, maxResults);
    return { ...own, ...common, classesPerBox: own.classesPerBox, iouThreshold, maxPerClass, clip: false };
  }
  if (nms === 'none') return { ...common, kind: 'per-class', iouThreshold: 1, maxPerClass: Infinity, clip: true };
  return { ...common, kind: nms, iouThreshold, maxPerClass: maxResults, clip: true };
}

/** The scores, NaN for classes that are not to count. */
function onlyClasses(
  scores: Tensor,
  classes: number,
  first: number,
  named: readonly (string | undefined)[],
  { only, except }: BoxOptions,
): Tensor {
  if (only === undefined && except === undefined) return scores;
  if (only !== undefined && except !== undefined)
    throw new UsageError('detect: wanted one of only and except, found both');
  const chosen = new Set((only ?? except ?? []).flatMap((one) => classesNamed(one, classes, named)));
  const slots = classes + first;
  const data = scores.data.slice();
  for (let at = 0; at < data.length; at++) {
    if (chosen.has((at % slots) - first) !== (only !== undefined)) data[at] = Number.NaN;
  }
  return { shape: scores.shape, data };
}

function classesNamed(wanted: string | number, classes: number, named: readonly (string | undefined)[]): number[] {
  if (typeof wanted === 'number') {
    if (Number.isInteger(wanted) && wanted >= 0 && wanted < classes) return [wanted];
    throw new UsageError(`detect: there is no class ${wanted}; classes are numbered from 0 to ${classes - 1}`);
  }
  const found = named.flatMap((label, classIndex) => (label === wanted ? [classIndex] : []));
  if (found.length > 0) return found;
  const labels = named.filter((label) => label !== undefined);
  throw new UsageError(
    labels.length === 0
      ? `detect: there is no label '${wanted}', since nothing names the classes; give labels, or numbers of classes`
      : `detect: there is no label '${wanted}'; similar labels: ${similarLabels(wanted, labels).join(', ')}`,
  );
}

const isFiniteBox = ({ box }: Found): boolean => box.every(Number.isFinite);

function boxBetween([y1, x1]: readonly [number, number], [y2, x2]: readonly [number, number]): Box {
  return { x: Math.min(x1, x2), y: Math.min(y1, y2), width: Math.abs(x2 - x1), height: Math.abs(y2 - y1) };
}
