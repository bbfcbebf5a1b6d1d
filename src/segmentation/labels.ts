/**
 * From a map of scores to the label of every pixel. The scores are resized and compared one row at a time: at the size of the picture
 * 21 of them would need a gigabyte for 12 megapixels.
 */
import { ShapeError, UsageError } from '../errors.js';
import { type BilinearRule, type Mix, mixes } from '../layers/resizeBilinear.js';
import type { Tensor } from '../tensor.js';

export interface LabelMap {
  readonly width: number;
  readonly height: number;
  /** One for each pixel, row by row. */
  readonly labels: Uint8Array;
}

/** A part of the score map, in its own pixels. */
export interface MapRegion {
  readonly top: number;
  readonly left: number;
  readonly height: number;
  readonly width: number;
}

export interface LabelMapOptions {
  /** [height, width] of the result. Default: of the map. */
  readonly size?: readonly [number, number];
  /** What of the map shows the picture; the rest is padding. Default: all of it. */
  readonly region?: MapRegion;
  /** How scores between the map's positions are worked out. Default 'half-pixel'. */
  readonly rule?: BilinearRule;
}

/** Labels are bytes, of which 255 means "ignored" in every data set. */
const MOST_CLASSES = 255;

/** The class with the highest score for each pixel; of equal scores the lowest. `scores` is [1, height, width, classes]. */
export function labelMap(scores: Tensor, options: LabelMapOptions = {}): LabelMap {
  const [, mapHeight, mapWidth, classes] = expectMap(scores);
  const region = options.region ?? { top: 0, left: 0, height: mapHeight, width: mapWidth };
  checkRegion(region, mapHeight, mapWidth);
  const [height, width] = options.size ?? [region.height, region.width];
  if (![height, width].every((side) => Number.isInteger(side) && side >= 1)) {
    throw new UsageError(`labelMap: the size must be [height, width] in whole pixels, found [${height}, ${width}]`);
  }
  const rule = options.rule ?? 'half-pixel';
  const rows = mixes(rule, region.height, height);
  const columns = mixes(rule, region.width, width);
  const labels = new Uint8Array(width * height);
  const mixed = new Float32Array(region.width * classes);
  for (let y = 0; y < height; y++) {
    mixRows(scores, region, rows[y], mixed);
    labelRow(mixed, columns, classes, labels.subarray(y * width, (y + 1) * width));
  }
  return { width, height, labels };
}

function expectMap({ shape }: Tensor): readonly number[] {
  if (shape.length !== 4 || shape[0] !== 1 || !(shape[3] >= 1 && shape[3] <= MOST_CLASSES)) {
    throw new ShapeError(
      `labelMap: scores must be [1, height, width, classes] of at most ${MOST_CLASSES} classes, found [${shape}]`,
    );
  }
  return shape;
}

function checkRegion({ top, left, height, width }: MapRegion, mapHeight: number, mapWidth: number): void {
  const whole = [top, left, height, width].every(Number.isInteger);
  const inside =
    top >= 0 && left >= 0 && height >= 1 && width >= 1 && top + height <= mapHeight && left + width <= mapWidth;
  if (whole && inside) return;
  throw new UsageError(
    `labelMap: the region of ${height} × ${width} at (${top}, ${left}) does not lie within the map of ${mapHeight} × ${mapWidth}`,
  );
}

/** The scores of one row of the result, at the columns of the map. */
function mixRows({ shape, data }: Tensor, region: MapRegion, { lower, upper, share }: Mix, mixed: Float32Array): void {
  const [, , mapWidth, classes] = shape;
  const above = ((region.top + lower) * mapWidth + region.left) * classes;
  const below = ((region.top + upper) * mapWidth + region.left) * classes;
  for (let i = 0; i < mixed.length; i++) mixed[i] = (1 - share) * data[above + i] + share * data[below + i];
}

function labelRow(mixed: Float32Array, columns: readonly Mix[], classes: number, labels: Uint8Array): void {
  for (let x = 0; x < labels.length; x++) {
    const { lower, upper, share } = columns[x];
    const left = lower * classes;
    const right = upper * classes;
    let best = -Infinity;
    for (let c = 0; c < classes; c++) {
      const score = Math.fround((1 - share) * mixed[left + c] + share * mixed[right + c]);
      if (score > best) {
        best = score;
        labels[x] = c;
      }
    }
  }
}

/** Labels at another size, each the nearest one (half-pixel): for networks that yield labels and no scores. */
export function resizeLabels(map: LabelMap, [height, width]: readonly [number, number]): LabelMap {
  const nearest = (at: number, size: number, out: number): number => Math.floor(((at + 0.5) * size) / out);
  const labels = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    const row = nearest(y, map.height, height) * map.width;
    for (let x = 0; x < width; x++) labels[y * width + x] = map.labels[row + nearest(x, map.width, width)];
  }
  return { width, height, labels };
}

export interface ClassShare {
  readonly classIndex: number;
  readonly pixels: number;
  /** Of the picture, from 0 to 1. */
  readonly share: number;
}

/** The classes that occur, the largest first, of equal ones the lowest. */
export function classShares({ labels }: LabelMap): ClassShare[] {
  const pixels = new Float64Array(256);
  for (const label of labels) pixels[label] += 1;
  return Array.from(pixels, (count, classIndex) => ({ classIndex, pixels: count, share: count / labels.length }))
    .filter((one) => one.pixels > 0)
    .sort((a, b) => b.pixels - a.pixels || a.classIndex - b.classIndex);
}
