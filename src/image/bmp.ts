/**
 * Windows and OS/2 bitmaps: 1, 2, 4, 8 bits with a palette, 16, 24, 32 bits with or without masks, bottom-up and top-down, RLE4 and
 * RLE8. Own code because the small libraries tried against Pillow (bmp-ts 1.0.9, decode-bmp 0.2.1,
 * @vingle/bmp-js 0.2.5) each misread several of these.
 *
 *   offset  0  'BM', file size, reserved, offset of the pixels      14 bytes
 *          14  header: its size, width, height (below 0: top-down), planes, bits, compression, …
 *          …   masks, palette of B, G, R, 0; the pixels, each row filled up to 4 bytes
 *
 * Layout: Microsoft, "Bitmap Header Types" and "Bitmap Compression" (wingdi.h).
 */
import { PictureError } from '../errors.js';
import { excess, type PictureLimits } from './limits.js';
import type { Picture } from './picture.js';

const CORE_HEADER = 12; // OS/2 1.x: 16-bit sizes, palette entries of 3 bytes
const INFO_HEADER = 40;
const HEADER_SIZES = [CORE_HEADER, INFO_HEADER, 52, 56, 64, 108, 124];

const UNCOMPRESSED = 0;
const RLE8 = 1;
const RLE4 = 2;
const BIT_FIELDS = 3;
const ALPHA_BIT_FIELDS = 6;

interface Header {
  readonly width: number;
  readonly height: number;
  readonly topDown: boolean;
  readonly bits: number;
  readonly compression: number;
  /** Red, green, blue and, where there is one, alpha: which bits of a pixel of 16, 24 or 32 bits hold it. */
  readonly masks: readonly number[];
  /** B, G, R of each colour. */
  readonly palette: readonly Uint8Array[];
  /** Where the pixels begin. */
  readonly pixels: number;
}

/** The bitmap as RGB, or RGBA where it has an alpha mask. Throws a PictureError that names the file. */
export function decodeBmp(bytes: Uint8Array, name: string, limits: PictureLimits): Picture {
  const header = readHeader(bytes, name);
  const { width, height, bits, compression } = header;
  const tooLarge = excess(width, height, limits, width * height * (bits <= 8 ? 4 : 3) + bytes.length);
  if (tooLarge !== undefined) throw new PictureError(`${name}: this BMP of ${bytes.length} bytes ${tooLarge}`);
  if (compression === RLE4 || compression === RLE8) return fromPalette(header, unpackRuns(bytes, header, name), name);
  const rowBytes = Math.ceil((width * bits) / 8);
  const stride = Math.ceil(rowBytes / 4) * 4;
  const wanted = header.pixels + stride * (height - 1) + rowBytes;
  if (bytes.length < wanted) {
    throw new PictureError(`${name}: this BMP is cut off: wanted ${wanted} bytes, found ${bytes.length}`);
  }
  return bits <= 8 ? fromPalette(header, unpackIndices(bytes, header, stride), name) : fromMasks(bytes, header, stride);
}

function readHeader(bytes: Uint8Array, name: string): Header {
  const fail = (what: string): never => {
    throw new PictureError(`${name}: this BMP ${what}`);
  };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 18) fail(`is cut off: wanted a header, found ${bytes.length} bytes`);
  const size = view.getUint32(14, true);
  if (!HEADER_SIZES.includes(size)) fail(`has a header of ${size} bytes; wanted ${HEADER_SIZES.join(', ')}`);
  if (bytes.length < 14 + size) fail(`is cut off: wanted ${14 + size} bytes of header, found ${bytes.length}`);
  const core = size === CORE_HEADER;
  const bits = view.getUint16(core ? 24 : 28, true);
  const compression = core ? UNCOMPRESSED : view.getUint32(30, true);
  const maskCount = compression === BIT_FIELDS ? 3 : compression === ALPHA_BIT_FIELDS ? 4 : 0;
  const tables = 14 + (size === INFO_HEADER ? INFO_HEADER + 4 * maskCount : size);
  const entry = core ? 3 : 4;
  const colours = bits > 8 ? 0 : Math.min((core ? 0 : view.getUint32(46, true)) || 2 ** bits, 2 ** bits);
  if (bytes.length < tables + colours * entry) {
    fail(`is cut off: wanted ${tables + colours * entry} bytes of header and palette, found ${bytes.length}`);
  }

  const width = core ? view.getUint16(18, true) : view.getInt32(18, true);
  const height = core ? view.getUint16(20, true) : view.getInt32(22, true);
  if (width < 1 || height === 0) fail(`has ${width}×${height} pixels`);
  checkCompression(bits, compression, size, height, fail);
  const pixels = view.getUint32(10, true);
  if (pixels < tables + colours * entry) fail(`has its pixels at byte ${pixels}, inside its header and palette`);
  return {
    width,
    height: Math.abs(height),
    topDown: height < 0,
    bits,
    compression,
    masks: readMasks(),
    palette: Array.from({ length: colours }, (_, at) => bytes.subarray(tables + at * entry, tables + at * entry + 3)),
    pixels,
  };

  function readMasks(): number[] {
    if (bits === 16 && maskCount === 0) return [0x7c00, 0x3e0, 0x1f];
    if (maskCount === 0) return [0xff0000, 0xff00, 0xff];
    const hasAlpha = maskCount === 4 || (size >= 56 && view.getUint32(66, true) !== 0);
    const masks = Array.from({ length: hasAlpha ? 4 : 3 }, (_, c) => view.getUint32(54 + 4 * c, true));
    if (masks.some((mask) => mask === 0)) fail(`has an empty colour mask: ${masks.map((mask) => mask.toString(16))}`);
    return masks;
  }
}

function checkCompression(bits: number, compression: number, size: number, height: number, fail: (s: string) => never) {
  const fits = {
    [UNCOMPRESSED]: [1, 2, 4, 8, 16, 24, 32],
    [RLE8]: [8],
    [RLE4]: [4],
    [BIT_FIELDS]: size === 64 ? [] : [16, 32], // in OS/2 2.x the number 3 means Huffman coding
    [ALPHA_BIT_FIELDS]: [16, 32],
  }[compression];
  if (!fits?.includes(bits)) {
    fail(`has ${bits} bits a pixel with compression ${compression}; wanted 1 to 32 bits, plain, RLE or bit fields`);
  }
  if (height < 0 && (compression === RLE4 || compression === RLE8))
    fail('is top-down and RLE, which excludes each other');
}

/** Palette index of each pixel, rows from the top. */
function unpackIndices(
  bytes: Uint8Array,
  { width, height, topDown, bits, pixels }: Header,
  stride: number,
): Uint8Array {
  const indices = new Uint8Array(width * height);
  const perByte = 8 / bits;
  const mask = 2 ** bits - 1;
  for (let y = 0; y < height; y++) {
    const row = pixels + (topDown ? y : height - 1 - y) * stride;
    for (let x = 0; x < width; x++) {
      const shift = 8 - bits * ((x % perByte) + 1);
      indices[y * width + x] = (bytes[row + Math.floor(x / perByte)] >> shift) & mask;
    }
  }
  return indices;
}

/**
 * Run-length coding, in pairs of bytes: (n, v) is n pixels of v, in RLE4 alternately v's high and low half; (0, 0) ends a row, (0, 1) the
 * picture; (0, 2) is followed by steps right and up; (0, n) by n pixels as they are, filled up to 2 bytes. What is skipped is colour 0.
 */
function unpackRuns(bytes: Uint8Array, { width, height, compression, pixels }: Header, name: string): Uint8Array {
  const indices = new Uint8Array(width * height);
  const perByte = compression === RLE4 ? 2 : 1;
  const nibble = (value: number, odd: boolean) => (perByte === 1 ? value : odd ? value & 15 : value >> 4);
  let at = pixels;
  let x = 0;
  let y = height - 1;
  const next = (): number => {
    if (at >= bytes.length) {
      throw new PictureError(
        `${name}: this BMP is cut off: its runs end after ${bytes.length} bytes at row ${height - y}`,
      );
    }
    return bytes[at++];
  };
  const put = (index: number) => {
    if (x < width) indices[y * width + x] = index;
    x++;
  };

  while (y >= 0) {
    const count = next();
    const value = next();
    if (count > 0) {
      for (let i = 0; i < count; i++) put(nibble(value, i % 2 === 1));
    } else if (value === 0) {
      x = 0;
      y--;
    } else if (value === 1) {
      break;
    } else if (value === 2) {
      x += next();
      y -= next();
    } else {
      const literal = Array.from({ length: Math.ceil(value / perByte) }, next);
      for (let i = 0; i < value; i++) put(nibble(literal[Math.floor(i / perByte)], i % 2 === 1));
      if (literal.length % 2 === 1) next();
    }
  }
  return indices;
}

function fromPalette({ width, height, palette }: Header, indices: Uint8Array, name: string): Picture {
  const data = new Uint8Array(width * height * 3);
  for (let pixel = 0; pixel < indices.length; pixel++) {
    const colour = palette[indices[pixel]];
    if (colour === undefined) {
      throw new PictureError(`${name}: this BMP uses colour ${indices[pixel]} of a palette of ${palette.length}`);
    }
    data[pixel * 3] = colour[2];
    data[pixel * 3 + 1] = colour[1];
    data[pixel * 3 + 2] = colour[0];
  }
  return { width, height, channels: 3, data };
}

function fromMasks(
  bytes: Uint8Array,
  { width, height, topDown, bits, masks, pixels }: Header,
  stride: number,
): Picture {
  const channels = masks.length as 3 | 4;
  const shifts = masks.map((mask) => 31 - Math.clz32(mask & -mask));
  const largest = masks.map((mask, c) => mask >>> shifts[c]);
  const data = new Uint8Array(width * height * channels);
  const perPixel = bits / 8;
  for (let y = 0; y < height; y++) {
    const row = pixels + (topDown ? y : height - 1 - y) * stride;
    for (let x = 0; x < width; x++) {
      let value = 0;
      for (let i = 0; i < perPixel; i++) value |= bytes[row + x * perPixel + i] << (8 * i);
      for (let c = 0; c < channels; c++) {
        const part = (value & masks[c]) >>> shifts[c];
        data[(y * width + x) * channels + c] = (part * 255) / largest[c];
      }
    }
  }
  return { width, height, channels, data };
}
