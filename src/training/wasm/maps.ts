/** Feature maps as the training kernels see them: groups of eight channels, [C' / 8][images][rows][columns][8], with or without margins of zeros. */
import type { SlidingWindow } from '../../padding.js';
import { align, type Place } from '../../wasm/memory.js';
import { at } from '../../wasm/program.js';

/** Rows and columns of zeros around a map. */
export interface Margins {
  readonly top: number;
  readonly bottom: number;
  readonly left: number;
  readonly right: number;
}

export interface MapShape {
  readonly images: number;
  readonly rows: number;
  readonly columns: number;
  readonly channels: number;
}

/** How a map lies in memory, wherever that is. */
export interface MapLayout extends MapShape {
  readonly bytes: number;
  /** Groups of eight channels; the last may have channels that do not exist, and are zero. */
  readonly groups: number;
  /** All images' pixels, margins not counted. */
  readonly pixels: number;
  readonly margins: Margins | undefined;
  /** Distances in bytes from one group, image and row to the next. */
  readonly group: number;
  readonly image: number;
  readonly row: number;
  /** Bytes from the map's start to the first pixel that is no margin. */
  readonly first: number;
}

export interface FeatureMap extends MapLayout {
  readonly place: Place;
}

/** Bytes of one pixel's eight channels. */
const PIXEL = 32;

export const groupsOf = (channels: number): number => Math.ceil(channels / 8);

const NO_MARGINS: Margins = { top: 0, bottom: 0, left: 0, right: 0 };

export function mapLayout(shape: MapShape, margins?: Margins): MapLayout {
  const { images, rows, columns, channels } = shape;
  const groups = groupsOf(channels);
  const { top, bottom, left, right } = margins ?? NO_MARGINS;
  const row = (left + columns + right) * PIXEL;
  const image = (top + rows + bottom) * row;
  // The products read and write four pixels at a time.
  const group = align(images * image + 3 * PIXEL);
  return {
    ...{ images, rows, columns, channels, groups, margins, group, image, row },
    pixels: images * rows * columns,
    bytes: groups * group,
    first: top * row + left * PIXEL,
  };
}

/** The margins with which no window of these leaves the map. */
export function marginsOf(
  [rows, columns]: readonly [number, number],
  span: readonly [number, number],
  strides: readonly [number, number],
  { vertical, horizontal }: { vertical: SlidingWindow; horizontal: SlidingWindow },
): Margins {
  const after = (size: number, axis: 0 | 1, { out, before }: SlidingWindow) =>
    Math.max((out - 1) * strides[axis] + span[axis] - before - size, 0);
  return {
    top: vertical.before,
    bottom: after(rows, 0, vertical),
    left: horizontal.before,
    right: after(columns, 1, horizontal),
  };
}

export function sameMargins(a: Margins = NO_MARGINS, b: Margins = NO_MARGINS): boolean {
  return a.top === b.top && a.bottom === b.bottom && a.left === b.left && a.right === b.right;
}

/** A map without margins as kernels take it: address and distance of groups. */
export const flat = ({ place, group }: FeatureMap): [place: Place, group: number] => [place, group];

/** A map that may have margins: address of the first pixel and distances of groups, images and rows. */
export const strided = (map: FeatureMap): [place: Place, group: number, image: number, row: number] => [
  at(map.place, map.first),
  ...distances(map),
];

/** The same from the first number on, be it a margin. */
export const whole = (map: FeatureMap): [place: Place, group: number, image: number, row: number] => [
  map.place,
  ...distances(map),
];

const distances = ({ group, image, row }: FeatureMap): [group: number, image: number, row: number] => [
  group,
  image,
  row,
];
