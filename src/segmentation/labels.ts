/**
 * From a map of scores to the label of every pixel. The scores are resized and compared pixel by pixel: at the size of the picture
 * 21 of them would need a gigabyte for 12 megapixels.
 */
import { ShapeError, UsageError } from '../errors.js';
import { type Seen, uprightOf } from '../image/way-back.js';
import { type BilinearRule, type Mix, mixes } from '../layers/resizeBilinear.js';
import type { Tensor } from '../tensor.js';

export interface LabelMap {
  readonly width: number;
  readonly height: number;
  /** One for each pixel, row by row; 255 for those that the network did not see. */
  readonly labels: Uint8Array;
  /** Where it was asked for: the probability of each pixel's label, 0 for those that the network did not see. */
  readonly confidence?: Float32Array;
}

/** The probability of a label, from the scores of all classes at one place. */
export type Certainty = (scores: ArrayLike<number>, label: number) => number;

/** Of scores that go into a softmax. */
export const softmaxOf: Certainty = (scores, label) => {
  let sum = 0;
  for (let c = 0; c < scores.length; c++) sum += Math.exp(scores[c] - scores[label]);
  return 1 / sum;
};

export interface LabelMapOptions {
  /** [height, width] of the result. Default: of the map. */
  readonly size?: readonly [number, number];
  /** How scores between the map's positions are worked out. Default 'half-pixel'. */
  readonly rule?: BilinearRule;
  /** Unless stated, the result has no `confidence`. */
  readonly certainty?: Certainty;
}

/** Labels are bytes, of which 255 means "ignored" in every data set. */
export const IGNORED = 255;

/** The class with the highest score for each pixel; of equal scores the lowest. `scores` is [1, height, width, classes]. */
export function labelMap(scores: Tensor, options: LabelMapOptions = {}): LabelMap {
  const [, mapHeight, mapWidth] = expectMap(scores);
  const { size: [height, width] = [mapHeight, mapWidth], rule = 'half-pixel', certainty } = options;
  if (![height, width].every((side) => Number.isInteger(side) && side >= 1)) {
    throw new UsageError(`labelMap: the size must be [height, width] in whole pixels, found [${height}, ${width}]`);
  }
  return labelsAt(scores, mixes(rule, mapHeight, height), mixes(rule, mapWidth, width), certainty);
}

function expectMap({ shape }: Tensor): readonly number[] {
  if (shape.length !== 4 || shape[0] !== 1 || !(shape[3] >= 1 && shape[3] <= IGNORED)) {
    throw new ShapeError(
      `labelMap: scores must be [1, height, width, classes] of at most ${IGNORED} classes, found [${shape}]`,
    );
  }
  return shape;
}

/**
 * Rows and columns of the result, by the positions of the map that each mixes; undefined for those that the map does not show. Between positions
 * of one class every mix is of that class too: only elsewhere are scores mixed.
 */
function labelsAt(
  scores: Tensor,
  rows: readonly (Mix | undefined)[],
  columns: readonly (Mix | undefined)[],
  certainty?: Certainty,
): LabelMap {
  const { shape, data } = scores;
  const [, , mapWidth, classes] = shape;
  const [height, width] = [rows.length, columns.length];
  const labels = new Uint8Array(width * height).fill(IGNORED);
  const confidence = certainty && new Float32Array(width * height);
  const own = ownLabels(scores);
  const mixed = new Float32Array(classes);
  rows.forEach((row, y) => {
    if (row === undefined) return;
    const above = row.lower * mapWidth;
    const below = row.upper * mapWidth;
    for (let x = 0; x < width; x++) {
      const column = columns[x];
      if (column === undefined) continue;
      const { lower, upper, share } = column;
      const pixel = y * width + x;
      const label = own[above + lower];
      const isOfOne = label === own[above + upper] && label === own[below + lower] && label === own[below + upper];
      if (isOfOne) labels[pixel] = label;
      if (isOfOne && certainty === undefined) continue;
      for (let c = 0; c < classes; c++) {
        const left = between(data[(above + lower) * classes + c], data[(below + lower) * classes + c], row.share);
        const right = between(data[(above + upper) * classes + c], data[(below + upper) * classes + c], row.share);
        mixed[c] = between(left, right, share);
      }
      if (!isOfOne) labels[pixel] = best(mixed, 0, classes);
      if (certainty && confidence) confidence[pixel] = certainty(mixed, labels[pixel]);
    }
  });
  return { width, height, labels, ...(confidence && { confidence }) };
}

const between = (a: number, b: number, share: number): number => Math.fround((1 - share) * a + share * b);

/** Of each position of the map. */
function ownLabels({ shape, data }: Tensor): Uint8Array {
  const [, height, width, classes] = shape;
  const labels = new Uint8Array(height * width);
  for (let at = 0; at < labels.length; at++) labels[at] = best(data, at * classes, classes);
  return labels;
}

/** The class with the highest of the scores from `first` on; of equal ones the lowest. */
function best(scores: ArrayLike<number>, first: number, classes: number): number {
  let highest = -Infinity;
  let found = 0;
  for (let c = 0; c < classes; c++) {
    const score = scores[first + c];
    if (score > highest) {
      highest = score;
      found = c;
    }
  }
  return found;
}

/**
 * The labels of a picture's region, turned upright, from what the network answered to it: scores, which are resized before they are compared
 * (half-pixel), or labels, of which each pixel takes the nearest.
 */
export function labelsOfPicture(map: Tensor | LabelMap, seen: Seen, certainty?: Certainty): LabelMap {
  const { size, shown } = uprightOf(seen);
  const { part, whole, window } = shown;
  const [mapHeight, mapWidth] = 'labels' in map ? [map.height, map.width] : expectMap(map).slice(1);
  const rows = along(size[0], mapHeight, part.top, part.height, whole[0], window.top, window.height);
  const columns = along(size[1], mapWidth, part.left, part.width, whole[1], window.left, window.width);
  if ('labels' in map) return nearest(map, rows, columns);
  const mix = (length: number) => (place: number) => mixAtPlace(place, length);
  return labelsAt(map, rows.map(mix(mapHeight)), columns.map(mix(mapWidth)), certainty);
}

/**
 * For each pixel of an upright picture, the place of its centre along one side of the map, from 0 to `map`; NaN where the input does not show it.
 * The picture's `part` was resized to `whole`, and the input is its `window` from `first` on.
 */
function along(
  pixels: number,
  map: number,
  start: number,
  part: number,
  whole: number,
  first: number,
  window: number,
): number[] {
  return Array.from({ length: pixels }, (_, at) => {
    const place = (((at + 0.5 - start) * whole) / part - first) * (map / window);
    return place >= 0 && place <= map ? place : Number.NaN;
  });
}

function mixAtPlace(place: number, length: number): Mix | undefined {
  if (Number.isNaN(place)) return undefined;
  const position = Math.min(Math.max(place - 0.5, 0), length - 1);
  const lower = Math.floor(position);
  return { lower, upper: Math.ceil(position), share: position - lower };
}

function nearest(map: LabelMap, rows: readonly number[], columns: readonly number[]): LabelMap {
  const [height, width] = [rows.length, columns.length];
  const at = (place: number, length: number): number => Math.min(Math.floor(place), length - 1);
  const sources = columns.map((place) => at(place, map.width));
  const labels = new Uint8Array(width * height);
  const confidence = map.confidence && new Float32Array(width * height);
  rows.forEach((place, y) => {
    const first = at(place, map.height) * map.width;
    for (let x = 0; x < width; x++) {
      labels[y * width + x] = map.labels[first + sources[x]] ?? IGNORED;
      if (confidence) confidence[y * width + x] = map.confidence?.[first + sources[x]] ?? 0;
    }
  });
  return { width, height, labels, ...(confidence && { confidence }) };
}

export interface ClassShare {
  readonly classIndex: number;
  readonly pixels: number;
  /** Of the pixels that the network saw, from 0 to 1. */
  readonly share: number;
  /** The mean of its pixels' confidence, where the map has that. */
  readonly confidence?: number;
}

/** The classes that occur, the largest first, of equal ones the lowest. */
export function classShares({ labels, confidence }: LabelMap): ClassShare[] {
  const pixels = new Float64Array(256);
  for (const label of labels) pixels[label] += 1;
  const sums = new Float64Array(256);
  confidence?.forEach((one, pixel) => {
    sums[labels[pixel]] += one;
  });
  const seen = labels.length - pixels[IGNORED];
  return Array.from(pixels.subarray(0, IGNORED), (count, classIndex) => ({
    classIndex,
    pixels: count,
    share: count / seen,
    ...(confidence && { confidence: sums[classIndex] / count }),
  }))
    .filter((one) => one.pixels > 0)
    .sort((a, b) => b.pixels - a.pixels || a.classIndex - b.classIndex);
}
