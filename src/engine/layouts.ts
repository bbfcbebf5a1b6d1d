/**
 * The three ways in which activations lie in memory (see assembly/README.md):
 *
 *   NHWC    [pixels][C]                  pictures, results, layers without a kernel of their own
 *   quads   [pixels / 4][C'][4]          what a matrix product reads; C' is C rounded up to 8
 *   planes  [C' / 4][rows][columns][4]   what a depthwise convolution reads, with zero margins
 *
 * All sizes are in bytes unless they are called pixels, rows or columns.
 */
import type { ExplicitPadding, Pair } from '../padding.js';

export const roundUp = (size: number, multiple: number): number => Math.ceil(size / multiple) * multiple;

export const quadCount = (pixels: number): number => Math.ceil(pixels / 4);

/** From one quad of pixels to the next. */
export const quadStride = (channels: number): number => roundUp(channels, 8) * 16;

export const quadsBytes = (pixels: number, channels: number): number => quadCount(pixels) * quadStride(channels);

/** Planes of a feature map that a depthwise convolution reads. Only `rows` of the map's rows exist at a time: row r lies in slot r mod rows. */
export interface PlaneLayout {
  readonly height: number;
  readonly width: number;
  readonly padding: ExplicitPadding;
  readonly rows: number;
  /** One row with its margins. */
  readonly rowBytes: number;
  /** One plane: its rows, a row of zeros that stands for all rows outside the map, and a place for pixels that nobody reads. */
  readonly planeStride: number;
  /** After the last plane, since the kernel computes four columns at a time: what the windows of three columns too many reach. */
  readonly spare: number;
}

/** Four channels of a pixel. */
export const VECTOR = 16;

/** `stride` is the depthwise convolution's, horizontal. */
export function planeLayout(
  [height, width]: Pair,
  padding: ExplicitPadding,
  rows: number,
  stride: number,
): PlaneLayout {
  const rowBytes = (padding.left + width + padding.right) * VECTOR;
  const planeStride = (rows + 1) * rowBytes + VECTOR;
  return { height, width, padding, rows, rowBytes, planeStride, spare: 3 * stride * VECTOR };
}

export const planesBytes = (layout: PlaneLayout, channels: number): number =>
  layout.planeStride * (roundUp(channels, 8) / 4) + layout.spare;

/** Where each pixel of a map begins, in reading order, by where its row begins; filled up to whole quads with `rest`. */
export function quadOffsets(
  [height, width]: Pair,
  rowStart: (row: number) => number,
  columnBytes: number,
  rest: number,
): Uint32Array {
  const offsets = new Uint32Array(quadCount(height * width) * 4).fill(rest);
  for (let row = 0, pixel = 0; row < height; row++) {
    const start = rowStart(row);
    for (let column = 0; column < width; column++) offsets[pixel++] = start + column * columnBytes;
  }
  return offsets;
}

/** Where each pixel of the map lies in a plane; quads are filled up with the place that nobody reads. */
export function pixelOffsets({ height, width, rows, rowBytes, padding, planeStride }: PlaneLayout): Uint32Array {
  const rowStart = (row: number) => (row % rows) * rowBytes + padding.left * VECTOR;
  return quadOffsets([height, width], rowStart, VECTOR, planeStride - VECTOR);
}

/** Where each row that a kernel can touch begins in a plane, from the first padded one on. */
export function rowOffsets(layout: PlaneLayout): Uint32Array {
  const { height, rows, rowBytes, padding } = layout;
  const offsets = new Uint32Array(padding.top + height + padding.bottom).fill(rows * rowBytes);
  for (let row = 0; row < height; row++) offsets[padding.top + row] = (row % rows) * rowBytes;
  return offsets;
}
