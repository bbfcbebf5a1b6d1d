/** Feature maps as the training kernels see them: groups of eight channels, [C' / 8][images][rows][columns][8], with or without margins of zeros. */
import { align, type Buffer } from '../../engine/memory.js';
import type { SlidingWindow } from '../../padding.js';

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

export interface FeatureMap extends MapShape {
  readonly buffer: Buffer;
  /** Groups of eight channels; the last may have channels that do not exist, and are zero. */
  readonly groups: number;
  /** All images' pixels, margins not counted. */
  readonly pixels: number;
  readonly margins: Margins | undefined;
  /** Distances in bytes from one group, image and row to the next. */
  readonly group: number;
  readonly image: number;
  readonly row: number;
  /** Bytes from the buffer's start to the first pixel that is no margin. */
  readonly first: number;
}

/** Bytes of one pixel's eight channels. */
const PIXEL = 32;

/** A buffer that no step has touched yet. */
export const newBuffer = (bytes: number): Buffer => ({ bytes, first: Infinity, last: -Infinity, offset: 0 });

export const groupsOf = (channels: number): number => Math.ceil(channels / 8);

const NO_MARGINS: Margins = { top: 0, bottom: 0, left: 0, right: 0 };

export function featureMap(shape: MapShape, margins?: Margins): FeatureMap {
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
    buffer: newBuffer(groups * group),
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
