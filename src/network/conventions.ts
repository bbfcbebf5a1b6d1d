/**
 * What the numbers of a weights file silently assume. Padding and epsilon are attributes of the nodes; the rest stands here and
 * travels with the weights, since a network fed the wrong range, crop or label list answers wrongly without any error.
 */
import type { Pair } from '../padding.js';

/**
 * The rules in use; `image/resize.ts` draws them. Four are bilinear; `bicubic-antialias` is Pillow's bicubic, with which timm's
 * networks were measured.
 */
export const resizeRules = [
  'tf1-legacy',
  'tf1-align-corners',
  'half-pixel',
  'half-pixel-antialias',
  'bicubic-antialias',
] as const;
export type ResizeRule = (typeof resizeRules)[number];

/**
 * Which part of the picture is used. `stretch`: all of it; `central`: the central fraction of each side; `shorter-side`: resize the shorter side, then
 * cut out the centre; `pad`: all of it, as large as fits without a change of shape, with bytes of `value` below or to the right of it;
 * with `enlarge: false`, a picture that fits stays as it is.
 */
export type CropRule =
  | { readonly kind: 'stretch' }
  | { readonly kind: 'central'; readonly fraction: number }
  | { readonly kind: 'shorter-side'; readonly side: number }
  | { readonly kind: 'pad'; readonly value: number; readonly enlarge?: boolean };

/** From picture bytes 0…255 to the input tensor: (byte · scale − mean) / deviation, channel by channel. */
export interface Preprocessing {
  readonly crop: CropRule;
  readonly resize: ResizeRule;
  /** [height, width] of the input tensor. */
  readonly size: Pair;
  readonly channels: 'rgb' | 'bgr' | 'grey';
  readonly scale: number;
  /** One number for each channel, in the order of `channels`. */
  readonly mean: readonly number[];
  readonly deviation: readonly number[];
  /** Which of these rules no file stated: its reader took the usual ones. Absent where all are stated. */
  readonly assumed?: readonly ('crop' | 'resize' | 'scale')[];
}

/** Which of a detector's overlapping boxes stay. */
export interface StatedSuppression {
  /** Class by class, or all classes together. */
  readonly kind: 'per-class' | 'class-agnostic';
  /** Lower scores are left out. */
  readonly scoreThreshold: number;
  /** A box goes if it overlaps a better one by more than this intersection over union, in (0, 1]. */
  readonly iouThreshold: number;
  /** Boxes of one class. Only per class. */
  readonly maxPerClass: number;
  /** Boxes in all. */
  readonly maxResults: number;
  /** How many of its best classes each box is reported with. Only class-agnostic. */
  readonly classesPerBox: number;
}

/** What stands behind a detector's last layers. */
export interface DetectionConventions {
  /** Output [1, N, 4 or more]: ty, tx, th, tw of each anchor. */
  readonly codes: string;
  /** Output [1, N, slots]. */
  readonly scores: string;
  /** Probabilities unless stated: logits become so by a sigmoid. */
  readonly scoresAre?: 'logits';
  /** Whether slot 0 of the scores stands for "no object". */
  readonly background: 'slot 0' | 'none';
  /** Centre y, centre x, height and width of each of the N anchors, one after the other. */
  readonly anchors: readonly number[];
  /** Divisors of the codes ty, tx, th, tw. */
  readonly scales: readonly [number, number, number, number];
  readonly suppression: StatedSuppression;
}

export interface Conventions {
  /** Whose rules the network follows: padding, epsilon, rounding of channels, head, names. */
  readonly source: 'slim' | 'keras' | 'torchvision' | 'tflite' | 'other';
  /** What the last node yields. */
  readonly output: 'logits' | 'probabilities' | 'features';
  /** 1 when output 0 is 'background' and class c is output c + 1; otherwise 0. Absent when the network does not classify. */
  readonly labelOffset?: 0 | 1;
  /** What no file stated and its reader took to be so. What is assumed of pictures stands in `preprocessing`. */
  readonly assumed?: readonly ('labelOffset' | 'anchors')[];
  /** The network's own label list, one for each output, where it carries one. */
  readonly labels?: readonly string[];
  /** Absent when a file does not state it: tasks then ask the caller. */
  readonly preprocessing?: Preprocessing;
  /** The network's first layers scale its pictures. The values of `preprocessing` are then those that its file implies, and no preset's. */
  readonly scalesInput?: boolean;
  /** Why what was read as integers is computed with real numbers, without their rounding. */
  readonly inRealNumbers?: string;
  /** Present when the network detects objects. */
  readonly detection?: DetectionConventions;
}

/** What of the conventions is assumed, in words: 'crop: the central 87.5 % of each side'. Empty where all is stated. A network with labels needs no label offset. */
export function assumptionsOf({ preprocessing, labelOffset, labels, assumed, inRealNumbers }: Conventions): string[] {
  const ofPictures = preprocessing?.assumed?.map((rule) => ofPicture(rule, preprocessing));
  const others = assumed?.flatMap((one) => {
    if (one === 'anchors') return ["anchors: those of Google's SSD, since their number fits"];
    if (labels) return [];
    const offset = labelOffset === 1 ? '1, since output 0 is the background' : '0, without a background';
    return [`label offset: ${offset}`];
  });
  const rounding = inRealNumbers ? [`real numbers for its integers: ${inRealNumbers}`] : [];
  return [...(ofPictures ?? []), ...(others ?? []), ...rounding];
}

function ofPicture(rule: 'crop' | 'resize' | 'scale', { crop, resize, mean, scale }: Preprocessing): string {
  if (rule === 'crop') return `crop: ${cropInWords(crop)}`;
  return rule === 'resize' ? `resize: ${resize}` : `values: from ${-mean[0]} to ${255 * scale - mean[0]}`;
}

function cropInWords(crop: CropRule): string {
  switch (crop.kind) {
    case 'stretch':
      return 'none, the whole picture';
    case 'central':
      return `the central ${100 * crop.fraction} % of each side`;
    case 'shorter-side':
      return `the centre, after the shorter side is resized to ${crop.side}`;
    case 'pad':
      return `none, the whole picture and bytes of ${crop.value} beside it`;
  }
}

/** The label offset that 1000 or 1001 outputs imply, which are ImageNet's classes without and with a background. */
export function assumedLabelOffset(outputs: number | undefined): Pick<Conventions, 'labelOffset' | 'assumed'> {
  if (outputs !== 1000 && outputs !== 1001) return {};
  return { labelOffset: outputs === 1001 ? 1 : 0, assumed: ['labelOffset'] };
}
