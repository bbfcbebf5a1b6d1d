/**
 * COCO's evaluation of boxes, by the rules of pycocotools' cocoeval.py: average precision over ten overlaps, 101 recalls and the classes,
 * and average recall. Its details decide the third digit, so they are kept: which truth a box takes, what is ignored, how ties are sorted.
 */
import type { PixelBox } from './boxes.js';
import { crowdOverlap, pixelOverlap } from './boxes.js';
import { type BoxedDetection, type BoxedTruth, groupBy } from './truth.js';

/** pycocotools' twelve numbers, in its order, from 0 to 1. −1 where no class has a truth of that size. */
export interface CocoNumbers {
  readonly AP: number;
  readonly AP50: number;
  readonly AP75: number;
  readonly APsmall: number;
  readonly APmedium: number;
  readonly APlarge: number;
  readonly AR1: number;
  readonly AR10: number;
  readonly AR100: number;
  readonly ARsmall: number;
  readonly ARmedium: number;
  readonly ARlarge: number;
}

export interface CocoEvaluation {
  readonly numbers: CocoNumbers;
  /** AP of each class that has a truth, by category id. */
  readonly apByCategory: ReadonlyMap<number, number>;
}

/** .50, .55 … .95, as NumPy's linspace gives them. */
const OVERLAPS = Array.from({ length: 10 }, (_, i) => 0.5 + i * ((0.95 - 0.5) / 9));
/** 0, .01 … 1 as NumPy's linspace gives them: 35 · 0.01 is a little more than 0.35. */
const RECALLS = Array.from({ length: 101 }, (_, i) => i * 0.01);
const LIMITS = [1, 10, 100] as const;

/** Square pixels, both ends included. */
const AREAS = {
  all: [0, 1e10],
  small: [0, 32 ** 2],
  medium: [32 ** 2, 96 ** 2],
  large: [96 ** 2, 1e10],
} as const;
type Area = keyof typeof AREAS;

/** One class on one picture: what is matched with what at each overlap. */
interface Matching {
  readonly scores: readonly number[];
  /** [overlap][detection] */
  readonly hits: readonly (readonly boolean[])[];
  /** [overlap][detection]: counts neither as hit nor as miss. */
  readonly ignored: readonly (readonly boolean[])[];
  /** Truths that count. */
  readonly truths: number;
}

/** precision[overlap][recall] and recall[overlap] of one class, area and limit; undefined without truths. */
interface Curve {
  readonly precision: readonly Float64Array[];
  readonly recall: readonly number[];
}

/**
 * Evaluates detections on the pictures of `images`; those on other pictures are left out. The order of pictures, truths and
 * detections does not matter but among detections of equal score on one picture.
 */
export function evaluateCoco(
  images: readonly number[],
  truths: readonly BoxedTruth[],
  detections: readonly BoxedDetection[],
): CocoEvaluation {
  const sortedImages = [...new Set(images)].sort((a, b) => a - b);
  const truthsOf = groupBy(truths, keyOf);
  const detectionsOf = groupBy(detections, keyOf);
  const categories = [...new Set(truths.map(({ category }) => category))].sort((a, b) => a - b);

  const curves = new Map<string, Curve[]>();
  const byCategory = new Map<number, number>();
  for (const area of Object.keys(AREAS) as Area[]) {
    for (const category of categories) {
      const matchings = sortedImages.map((image) => {
        const key = keyOf({ image, category });
        return match(truthsOf.get(key) ?? [], detectionsOf.get(key) ?? [], area);
      });
      for (const limit of area === 'all' ? LIMITS : [100]) {
        const curve = accumulate(matchings, limit);
        if (curve === undefined) continue;
        append(curves, `${area} ${limit}`, curve);
        if (area === 'all' && limit === 100) byCategory.set(category, meanPrecision([curve]));
      }
    }
  }
  const found = (area: Area, limit: number): Curve[] => curves.get(`${area} ${limit}`) ?? [];
  const numbers: CocoNumbers = {
    AP: meanPrecision(found('all', 100)),
    AP50: meanPrecision(found('all', 100), 0),
    AP75: meanPrecision(found('all', 100), 5),
    APsmall: meanPrecision(found('small', 100)),
    APmedium: meanPrecision(found('medium', 100)),
    APlarge: meanPrecision(found('large', 100)),
    AR1: meanRecall(found('all', 1)),
    AR10: meanRecall(found('all', 10)),
    AR100: meanRecall(found('all', 100)),
    ARsmall: meanRecall(found('small', 100)),
    ARmedium: meanRecall(found('medium', 100)),
    ARlarge: meanRecall(found('large', 100)),
  };
  return { numbers, apByCategory: byCategory };
}

const keyOf = ({ image, category }: { image: number; category: number }): string => `${image} ${category}`;

function append<Value>(lists: Map<string, Value[]>, key: string, value: Value): void {
  const list = lists.get(key);
  if (list) list.push(value);
  else lists.set(key, [value]);
}

/** `evaluateImg`: the best 100 detections, best first, each take the best truth that is still free. */
function match(truths: readonly BoxedTruth[], detections: readonly BoxedDetection[], area: Area): Matching {
  const [least, most] = AREAS[area];
  const outside = (size: number): boolean => size < least || size > most;
  const ignoredTruth = ({ crowd, difficult, area: size }: BoxedTruth): boolean =>
    Boolean(crowd || difficult) || outside(size);
  // Truths that count come first: a box prefers them.
  const sorted = [...truths].sort((a, b) => Number(ignoredTruth(a)) - Number(ignoredTruth(b)));
  const ignores = sorted.map(ignoredTruth);
  const best = [...detections].sort((a, b) => b.score - a.score).slice(0, LIMITS[2]);
  const overlaps = best.map(({ box }) =>
    sorted.map((truth) => (truth.crowd ? crowdOverlap(box, truth.box) : pixelOverlap(box, truth.box))),
  );

  const hits: boolean[][] = [];
  const ignored: boolean[][] = [];
  for (const threshold of OVERLAPS) {
    const taken = new Array<boolean>(sorted.length).fill(false);
    const results = best.map(({ box }, index) => {
      const truth = chooseTruth(overlaps[index], threshold, ignores, (i) => taken[i] && !sorted[i].crowd);
      if (truth >= 0) taken[truth] = true;
      return { hit: truth >= 0, ignored: truth >= 0 ? ignores[truth] : outside(areaOf(box)) };
    });
    hits.push(results.map(({ hit }) => hit));
    ignored.push(results.map((result) => result.ignored));
  }
  const counted = ignores.filter((ignore) => !ignore).length;
  return { scores: best.map(({ score }) => score), hits, ignored, truths: counted };
}

const areaOf = ({ width, height }: PixelBox): number => width * height;

/** Index of the truth that a detection takes, or −1. Of equal overlaps the later one. */
function chooseTruth(
  overlaps: readonly number[],
  threshold: number,
  ignores: readonly boolean[],
  isTaken: (truth: number) => boolean,
): number {
  let best = Math.min(threshold, 1 - 1e-10);
  let chosen = -1;
  for (let truth = 0; truth < overlaps.length; truth++) {
    if (isTaken(truth)) continue;
    if (chosen >= 0 && !ignores[chosen] && ignores[truth]) break;
    if (overlaps[truth] < best) continue;
    best = overlaps[truth];
    chosen = truth;
  }
  return chosen;
}

/** `accumulate`: the pictures' matchings in one list by score, and the precision at 101 recalls. */
function accumulate(matchings: readonly Matching[], limit: number): Curve | undefined {
  const truths = matchings.reduce((sum, matching) => sum + matching.truths, 0);
  if (truths === 0) return undefined;
  const all = matchings.flatMap((matching) =>
    matching.scores.slice(0, limit).map((score, index) => ({ score, matching, index })),
  );
  all.sort((a, b) => b.score - a.score);
  const precision: Float64Array[] = [];
  const recall: number[] = [];
  OVERLAPS.forEach((_, overlap) => {
    let hits = 0;
    let misses = 0;
    const recalls: number[] = [];
    const precisions: number[] = [];
    for (const { matching, index } of all) {
      if (!matching.ignored[overlap][index]) {
        if (matching.hits[overlap][index]) hits += 1;
        else misses += 1;
      }
      recalls.push(hits / truths);
      precisions.push(hits / (hits + misses + Number.EPSILON));
    }
    recall.push(recalls.at(-1) ?? 0);
    precision.push(atRecalls(recalls, precisions));
  });
  return { precision, recall };
}

/** The precision made monotone from the right, at the first point that reaches each recall; 0 beyond. */
function atRecalls(recalls: readonly number[], precisions: number[]): Float64Array {
  for (let i = precisions.length - 1; i > 0; i--) precisions[i - 1] = Math.max(precisions[i - 1], precisions[i]);
  const values = new Float64Array(RECALLS.length);
  let at = 0;
  RECALLS.forEach((wanted, index) => {
    while (at < recalls.length && recalls[at] < wanted) at += 1;
    values[index] = precisions[at] ?? 0;
  });
  return values;
}

function meanPrecision(curves: readonly Curve[], overlap?: number): number {
  const rows = curves.flatMap(({ precision }) => (overlap === undefined ? precision : [precision[overlap]]));
  return mean(rows.flatMap((row) => [...row]));
}

function meanRecall(curves: readonly Curve[]): number {
  return mean(curves.flatMap(({ recall }) => recall));
}

const mean = (numbers: readonly number[]): number =>
  numbers.length === 0 ? -1 : numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
