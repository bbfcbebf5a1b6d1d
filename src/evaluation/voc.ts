/**
 * Pascal VOC's average precision, by both of its rules. Unlike COCO's, a detection looks at the truth that it overlaps best, even if
 * another has taken that: then it is wrong. Boxes are as everywhere here: the corners that VOC counts as pixels of the box make its sides one
 * pixel longer than their difference, which `readVoc` has done.
 */
import { UsageError } from '../errors.js';
import { pixelOverlap } from './boxes.js';
import { type BoxedDetection, type BoxedTruth, groupBy } from './truth.js';

/** Average precision from 0 to 1. */
export interface VocPrecision {
  /** Until VOC 2009: the mean of eleven precisions, at recalls 0, 0.1 … 1. */
  readonly elevenPoint: number;
  /** From VOC 2010: the area under the monotone curve. */
  readonly everyPoint: number;
}

export interface VocEvaluation extends VocPrecision {
  /** Of each class that has a truth that is not difficult, by category. */
  readonly byCategory: ReadonlyMap<number, VocPrecision>;
}

/** Mean over the classes with a truth that is not difficult. `iouThreshold` is VOC's 0.5 unless stated. NaN without such a truth. */
export function evaluateVoc(
  truths: readonly BoxedTruth[],
  detections: readonly BoxedDetection[],
  iouThreshold = 0.5,
): VocEvaluation {
  if (!(iouThreshold > 0 && iouThreshold <= 1)) {
    throw new UsageError(`evaluateVoc: iouThreshold must be above 0 and at most 1, found ${iouThreshold}`);
  }
  const detectionsOf = groupBy(detections, ({ category }) => category);
  const byCategory = new Map<number, VocPrecision>();
  for (const [category, list] of [...groupBy(truths, (truth) => truth.category)].sort(([a], [b]) => a - b)) {
    const counted = list.filter(({ difficult }) => !difficult).length;
    if (counted > 0)
      byCategory.set(category, precisionOf(list, detectionsOf.get(category) ?? [], counted, iouThreshold));
  }
  const all = [...byCategory.values()];
  return {
    elevenPoint: mean(all.map(({ elevenPoint }) => elevenPoint)),
    everyPoint: mean(all.map(({ everyPoint }) => everyPoint)),
    byCategory,
  };
}

function precisionOf(
  truths: readonly BoxedTruth[],
  detections: readonly BoxedDetection[],
  counted: number,
  iouThreshold: number,
): VocPrecision {
  const truthsOf = groupBy(truths, ({ image }) => image);
  // By picture where scores are equal, so that the order of pictures does not matter.
  const sorted = [...detections].sort((a, b) => b.score - a.score || a.image - b.image);
  const taken = new Set<BoxedTruth>();
  let hits = 0;
  let misses = 0;
  const recalls: number[] = [];
  const precisions: number[] = [];
  for (const detection of sorted) {
    const truth = bestTruth(truthsOf.get(detection.image) ?? [], detection, iouThreshold);
    if (truth?.difficult) continue;
    if (truth !== undefined && !taken.has(truth)) {
      taken.add(truth);
      hits += 1;
    } else misses += 1;
    recalls.push(hits / counted);
    precisions.push(hits / (hits + misses));
  }
  return { elevenPoint: elevenPoint(recalls, precisions), everyPoint: everyPoint(recalls, precisions) };
}

/** The truth with the largest overlap, of equal ones the first, if it reaches the threshold. */
function bestTruth(
  truths: readonly BoxedTruth[],
  { box }: BoxedDetection,
  iouThreshold: number,
): BoxedTruth | undefined {
  let best = -1;
  let chosen: BoxedTruth | undefined;
  for (const truth of truths) {
    const overlap = pixelOverlap(box, truth.box);
    if (overlap <= best) continue;
    best = overlap;
    chosen = truth;
  }
  return best >= iouThreshold ? chosen : undefined;
}

/** With recalls k · 0.1 in floating point (0.30000000000000004), as VOC's own code has them: a recall of exactly 0.3 falls short. */
function elevenPoint(recalls: readonly number[], precisions: readonly number[]): number {
  let sum = 0;
  for (let k = 0; k <= 10; k++) {
    const reached = precisions.filter((_, i) => recalls[i] >= k * 0.1);
    sum += reached.reduce((most, precision) => Math.max(most, precision), 0);
  }
  return sum / 11;
}

function everyPoint(recalls: readonly number[], precisions: readonly number[]): number {
  let area = 0;
  let best = 0;
  for (let i = recalls.length - 1; i >= 0; i--) {
    best = Math.max(best, precisions[i]);
    area += best * (recalls[i] - (recalls[i - 1] ?? 0));
  }
  return area;
}

const mean = (numbers: readonly number[]): number => numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
