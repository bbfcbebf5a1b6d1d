/** The EXIF orientation: which way up a picture is to be shown. Exif 2.32, 4.6.4 (tag 274), which is TIFF 6.0's. */
import type { Picture } from './picture.js';

/** 1 is as stored. 2 to 4 mirror or turn by 180°; 5 to 8 swap the sides. */
export type Orientation = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8;

const ORIENTATION_TAG = 274;
const SHORT = 3; // type of a tag's value: 16 bits

/** The orientation in an EXIF block, which is a TIFF file without pictures: 'II' or 'MM', 42, offset of its first directory of tags. */
export function orientationOf(exif: Uint8Array): Orientation {
  const view = new DataView(exif.buffer, exif.byteOffset, exif.byteLength);
  if (exif.length < 8) return 1;
  const littleEndian = view.getUint16(0) === 0x4949;
  const directory = view.getUint32(4, littleEndian);
  if (directory + 2 > exif.length) return 1;
  const count = view.getUint16(directory, littleEndian);
  for (let i = 0; i < count; i++) {
    const entry = directory + 2 + 12 * i; // tag, type, count, value
    if (entry + 12 > exif.length) return 1;
    if (view.getUint16(entry, littleEndian) !== ORIENTATION_TAG) continue;
    const value = view.getUint16(entry + 8, littleEndian);
    return view.getUint16(entry + 2, littleEndian) === SHORT && value >= 1 && value <= 8 ? (value as Orientation) : 1;
  }
  return 1;
}

/** The picture as it is to be shown, in the same bytes: a large one has no room beside itself. */
export function oriented(picture: Picture, orientation: Orientation): Picture {
  const { channels, data } = picture;
  const [width, height] = orientation >= 5 ? [picture.height, picture.width] : [picture.width, picture.height];
  if (orientation >= 5) transpose(picture);
  // Reversing all pixels exchanges both left and right, top and bottom.
  if ([3, 4, 7, 8].includes(orientation)) reverse(data, channels, 0, width * height);
  if ([2, 4, 6, 8].includes(orientation)) {
    for (let row = 0; row < height; row++) reverse(data, channels, row * width, (row + 1) * width);
  }
  return { width, height, channels, data };
}

/** Exchanges the pixels `first` and `end` - 1, those next to them, and so on. */
function reverse(data: Picture['data'], channels: number, first: number, end: number): void {
  for (let a = first * channels, b = (end - 1) * channels; a < b; a += channels, b -= channels) {
    for (let c = 0; c < channels; c++) {
      const value = data[a + c];
      data[a + c] = data[b + c];
      data[b + c] = value;
    }
  }
}

/** Rows of a picture that are transposed at once. */
const BAND = 64;

/**
 * Rows become columns, in place: of each band of rows first, so that it holds runs of as many pixels as it has rows, one for each column. Then
 * the bands' runs are put into the order of the columns. The rows that make no band are laid aside until then.
 *
 *   a b c       a d  b e  c f       a d g j
 *   d e f   →   g j  h k  i l   →   b e h k     bands of two rows
 *   g h i                           c f i l
 *   j k l
 */
function transpose({ data, width, height, channels }: Picture): void {
  const bands = Math.floor(height / BAND);
  const banded = bands * BAND;
  const aside = data.slice(width * banded * channels);
  const bandBytes = BAND * width * channels;
  const band = new Uint8Array(bandBytes);
  for (let i = 0; i < bands; i++) {
    const part = data.subarray(i * bandBytes, (i + 1) * bandBytes);
    band.set(part);
    putColumns(band, width, channels, part, 0, BAND);
  }
  transposeRuns(data, bands, width, BAND * channels);
  for (let x = width - 1; x >= 0; x--) {
    data.copyWithin(x * height * channels, x * banded * channels, (x + 1) * banded * channels);
  }
  putColumns(aside, width, channels, data, banded, height);
}

/** Writes column x of the rows to pixel `first` and the next ones of row x, where a row has `length` pixels. */
function putColumns(
  rows: Picture['data'],
  width: number,
  channels: number,
  to: Picture['data'],
  first: number,
  length: number,
): void {
  const rowBytes = width * channels;
  for (let x = 0; x < width; x++) {
    let at = (x * length + first) * channels;
    for (let from = x * channels; from < rows.length; from += rowBytes) {
      for (let c = 0; c < channels; c++) to[at++] = rows[from + c];
    }
  }
}

/** Transposes a matrix whose elements are runs of bytes, in place, cycle by cycle. */
function transposeRuns(data: Picture['data'], rows: number, columns: number, bytes: number): void {
  const isDone = new Uint8Array(rows * columns);
  for (let start = 0; start < isDone.length; start++) {
    const held = isDone[start] ? undefined : data.slice(start * bytes, (start + 1) * bytes);
    for (let to = start; held !== undefined && !isDone[to]; ) {
      isDone[to] = 1;
      const from = (to % rows) * columns + Math.floor(to / rows);
      if (from === start) data.set(held, to * bytes);
      else data.copyWithin(to * bytes, from * bytes, (from + 1) * bytes);
      to = from;
    }
  }
}
