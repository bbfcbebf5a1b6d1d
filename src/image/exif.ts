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

/** The picture as it is to be shown. */
export function oriented(picture: Picture, orientation: Orientation): Picture {
  if (orientation === 1) return picture;
  const { channels, data } = picture;
  const swapped = orientation >= 5;
  const width = swapped ? picture.height : picture.width;
  const height = swapped ? picture.width : picture.height;
  // Where the pixel that is shown at (x, y) is stored: orientation 6 shows the stored left column as its upper row, and so on.
  const fromRight = [2, 3, 7, 8].includes(orientation);
  const fromBottom = [3, 4, 6, 7].includes(orientation);
  const shown = new Uint8Array(data.length);
  let to = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const column = swapped ? y : x;
      const row = swapped ? x : y;
      const storedX = fromRight ? picture.width - 1 - column : column;
      const storedY = fromBottom ? picture.height - 1 - row : row;
      const from = (storedY * picture.width + storedX) * channels;
      for (let c = 0; c < channels; c++) shown[to++] = data[from + c];
    }
  }
  return { width, height, channels, data: shown };
}
