/**
 * Suppression: of boxes that overlap much, only the one with the best score is kept.
 *
 * TensorFlow's own graph does it class by class (`batch_multiclass_non_max_suppression` of core/post_processing.py). TensorFlow Lite's
 * operator TFLite_Detection_PostProcess does it once for all classes ("fast"), or class by class ("regular"). Class by class is
 * more accurate: a cup on a table does not hide the table.
 */
import { ShapeError, UsageError } from '../errors.js';
import type { DetectionConventions, StatedSuppression } from '../network/index.js';
import { type FloatArray, sizeOf, type Tensor } from '../tensor.js';
import { type Corners, clip, hasArea, overlap } from './boxes.js';

export interface Suppression extends StatedSuppression {
  /** Whether a score equal to the threshold stays: in TensorFlow Lite it does, in TensorFlow it does not. */
  readonly atThreshold: 'kept' | 'dropped';
  /** Whether boxes end at the picture's edges; those that lie outside are dropped: per class after suppression. */
  readonly clip: boolean;
}

export type Background = DetectionConventions['background'];

export interface Found {
  readonly box: Corners;
  /** Index of the box among those given. */
  readonly anchor: number;
  /** From 0, background not counted. */
  readonly classIndex: number;
  readonly score: number;
}

/**
 * The boxes that remain, best score first; equal scores in the order of classes, then of boxes. `boxes` is [N, 4], `scores` [N, slots] or
 * [1, N, slots], after sigmoid. A NaN among the scores counts as no score.
 */
export function suppress(boxes: Tensor, scores: Tensor, background: Background, options: Suppression): Found[] {
  checkOptions(options);
  const count = boxes.shape[0];
  const slots = scores.shape.at(-1) ?? 0;
  if (boxes.shape.length !== 2 || boxes.shape[1] !== 4) {
    throw new ShapeError(`suppress: boxes must be [N, 4], found [${boxes.shape}]`);
  }
  if (sizeOf(scores.shape) !== count * slots) {
    throw new ShapeError(
      `suppress: ${count} boxes want scores [${count}, slots] or [1, ${count}, slots], found [${scores.shape}]`,
    );
  }
  const table: ScoreTable = { data: scores.data, count, slots, first: background === 'slot 0' ? 1 : 0 };
  if (table.first >= slots)
    throw new ShapeError(`suppress: scores [${scores.shape}] leave no class beside the background`);
  return options.kind === 'per-class' ? perClass(boxes, table, options) : classAgnostic(boxes, table, options);
}

interface ScoreTable {
  readonly data: FloatArray;
  readonly count: number;
  readonly slots: number;
  /** Slot of class 0. */
  readonly first: number;
}

function checkOptions(options: Suppression): void {
  const { scoreThreshold, iouThreshold } = options;
  if (Number.isNaN(scoreThreshold)) throw new UsageError('suppress: scoreThreshold must be a number, found NaN');
  if (!(iouThreshold > 0 && iouThreshold <= 1)) {
    throw new UsageError(`suppress: iouThreshold must be above 0 and at most 1, found ${iouThreshold}`);
  }
  for (const name of ['maxPerClass', 'maxResults', 'classesPerBox'] as const) {
    const found = options[name];
    if (found !== Infinity && !(Number.isInteger(found) && found >= 1)) {
      throw new UsageError(`suppress: ${name} must be a whole number of 1 or more, found ${found}`);
    }
  }
}

const passes = (score: number, { scoreThreshold, atThreshold }: Suppression): boolean =>
  score > scoreThreshold || (score === scoreThreshold && atThreshold === 'kept');

function perClass(boxes: Tensor, table: ScoreTable, options: Suppression): Found[] {
  const { data, count, slots, first } = table;
  const candidates: number[][] = Array.from({ length: slots - first }, () => []);
  for (let box = 0; box < count; box++) {
    for (let slot = first; slot < slots; slot++) {
      if (passes(data[box * slots + slot], options)) candidates[slot - first].push(box);
    }
  }
  const found = candidates.flatMap((list, classIndex) => {
    const score = (box: number): number => data[box * slots + first + classIndex];
    const kept = keepBest(boxes.data, bestFirst(list, score), options.iouThreshold, options.maxPerClass);
    return kept.map((box) => foundAt(boxes, box, classIndex, score(box)));
  });
  return finish(found, options);
}

/** Each box stands for its best class, and hides boxes of every class. */
function classAgnostic(boxes: Tensor, table: ScoreTable, options: Suppression): Found[] {
  const best = new Float64Array(table.count);
  const candidates: number[] = [];
  for (let box = 0; box < table.count; box++) {
    best[box] = bestScore(table, box);
    if (passes(best[box], options) && (!options.clip || hasArea(clip(cornersAt(boxes, box))))) candidates.push(box);
  }
  const sorted = bestFirst(candidates, (box) => best[box]);
  const kept = keepBest(boxes.data, sorted, options.iouThreshold, options.maxResults);
  const whole = kept.map((box) => foundAt(boxes, box, 0, best[box]));
  return finish(whole, options).flatMap(({ box, anchor }) =>
    bestClasses(table, anchor, options.classesPerBox).map((classIndex) => ({
      box,
      anchor,
      classIndex,
      score: table.data[anchor * table.slots + table.first + classIndex],
    })),
  );
}

function bestScore({ data, slots, first }: ScoreTable, box: number): number {
  let best = -Infinity;
  for (let at = box * slots + first; at < (box + 1) * slots; at++) if (data[at] > best) best = data[at];
  return best;
}

/** Indices of the classes with the highest scores; of equal ones the lowest first. */
function bestClasses({ data, slots, first }: ScoreTable, box: number, limit: number): number[] {
  const classes = Array.from({ length: slots - first }, (_, classIndex) => classIndex);
  const score = (classIndex: number): number => data[box * slots + first + classIndex];
  return bestFirst(
    classes.filter((classIndex) => !Number.isNaN(score(classIndex))),
    score,
  ).slice(0, limit);
}

/** Stable; equal infinities are equal, though their difference is NaN. */
function bestFirst(indices: readonly number[], score: (index: number) => number): number[] {
  return [...indices].sort((a, b) => score(b) - score(a) || a - b);
}

/** Greedy: a box stays unless it overlaps one that stays already. */
function keepBest(boxes: FloatArray, sorted: readonly number[], iouThreshold: number, limit: number): number[] {
  // The threshold of the kernels is a float32, and so is the overlap.
  const threshold = Math.fround(iouThreshold);
  if (threshold === 1) return sorted.slice(0, limit); // nothing overlaps by more
  const kept: number[] = [];
  for (const box of sorted) {
    if (kept.length >= limit) break;
    if (!kept.some((better) => overlap(boxes, better, box) > threshold)) kept.push(box);
  }
  return kept;
}

function foundAt(boxes: Tensor, anchor: number, classIndex: number, score: number): Found {
  return { box: cornersAt(boxes, anchor), anchor, classIndex, score };
}

function cornersAt({ data }: Tensor, box: number): Corners {
  const at = box * 4;
  return [data[at], data[at + 1], data[at + 2], data[at + 3]];
}

function finish(found: readonly Found[], options: Suppression): Found[] {
  const inside = options.clip
    ? found.map((one) => ({ ...one, box: clip(one.box) })).filter(({ box }) => hasArea(box))
    : [...found];
  return inside.sort((a, b) => b.score - a.score || 0).slice(0, options.maxResults);
}
