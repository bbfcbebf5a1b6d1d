/**
 * The first frame of a GIF. Own code because the libraries (omggif 1.0.10, gifuct-js 2.1.2) fill a cut off frame up in silence or with a
 * line on the console.
 *
 *   'GIF87a' or 'GIF89a', size of the screen, flags, background, aspect     13 bytes
 *   global colours, R G B each
 *   blocks: '!' extension, ',' picture, ';' end; their data in sub-blocks: a length, that many bytes, …, length 0
 *
 * CompuServe, "Graphics Interchange Format, version 89a", 1990.
 */
import type { Picture } from './picture.js';
import type { PictureFile } from './picture-file.js';

interface GifFrame {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  readonly interlaced: boolean;
  /** R, G, B of each colour. */
  readonly colours: Uint8Array;
  /** The index that stands for no colour, if one does. */
  readonly transparent?: number;
  readonly codeSize: number;
  /** Where its sub-blocks begin. */
  readonly codes: number;
}

const EXTENSION = 0x21;
const IMAGE = 0x2c;
const GRAPHIC_CONTROL = 0xf9;
const LARGEST_CODE = 12; // bits

export function openGif(bytes: Uint8Array): PictureFile {
  if (bytes.length < 13) throw new Error('its header is not complete');
  const frame = readFirstFrame(bytes);
  // Some frames are larger than the screen: it grows.
  const width = Math.max(bytes[6] | (bytes[7] << 8), frame.left + frame.width);
  const height = Math.max(bytes[8] | (bytes[9] << 8), frame.top + frame.height);
  return {
    width,
    height,
    orientation: 1,
    bytesPerPixel: 5, // its index and RGBA
    decode: async () => drawn(frame, unpack(bytes, frame), width, height),
  };
}

/** RGB, or RGBA where a pixel is transparent or the frame leaves some of the screen free. */
function drawn(frame: GifFrame, indices: Uint8Array, width: number, height: number): Picture {
  const covers = frame.width === width && frame.height === height;
  const channels = covers && (frame.transparent === undefined || !indices.includes(frame.transparent)) ? 3 : 4;
  const data = new Uint8Array(width * height * channels);
  const rows = frame.interlaced ? interlacedRows(frame.height) : undefined;
  for (let i = 0; i < indices.length; i++) {
    if (indices[i] === frame.transparent) continue;
    if (3 * indices[i] >= frame.colours.length) {
      throw new Error(`it uses colour ${indices[i]} of a palette of ${frame.colours.length / 3}`);
    }
    const row = Math.floor(i / frame.width);
    const pixel = (frame.top + (rows ? rows[row] : row)) * width + frame.left + (i % frame.width);
    for (let c = 0; c < 3; c++) data[pixel * channels + c] = frame.colours[3 * indices[i] + c];
    if (channels === 4) data[pixel * 4 + 3] = 255;
  }
  return { width, height, channels, data };
}

function readFirstFrame(bytes: Uint8Array): GifFrame {
  const colourBytes = (flags: number) => (flags & 0x80 ? 3 * 2 ** ((flags & 7) + 1) : 0);
  const globalEnd = 13 + colourBytes(bytes[10]);
  let transparent: number | undefined;
  let at = globalEnd;
  while (bytes[at] === EXTENSION) {
    // Graphic control: its length 4, flags, two bytes of delay, the transparent colour
    if (bytes[at + 1] === GRAPHIC_CONTROL) transparent = bytes[at + 3] & 1 ? bytes[at + 6] : undefined;
    for (at += 2; bytes[at] > 0; ) at += 1 + bytes[at];
    at++;
  }
  if (at + 11 > bytes.length) throw new Error('it ends before its first frame');
  if (bytes[at] !== IMAGE) throw new Error(`it has a block of type ${bytes[at]} where its first frame should be`);
  const uint16 = (offset: number) => bytes[at + offset] | (bytes[at + offset + 1] << 8);
  const flags = bytes[at + 9];
  const local = at + 10;
  const codeSize = local + colourBytes(flags);
  if (codeSize >= bytes.length) throw new Error('it ends inside its colours');
  return {
    left: uint16(1),
    top: uint16(3),
    width: uint16(5),
    height: uint16(7),
    interlaced: (flags & 0x40) !== 0,
    colours: flags & 0x80 ? bytes.subarray(local, codeSize) : bytes.subarray(13, globalEnd),
    ...(transparent !== undefined && { transparent }),
    codeSize: bytes[codeSize],
    codes: codeSize + 1,
  };
}

/** The sub-blocks from `at` on, joined. Those that the file has: `unpack` sees whether they are enough. */
function subBlocks(bytes: Uint8Array, at: number): Uint8Array {
  const joined = new Uint8Array(bytes.length - at);
  let length = 0;
  while (bytes[at] > 0) {
    const block = bytes.subarray(at + 1, at + 1 + bytes[at]);
    joined.set(block, length);
    length += block.length;
    at += 1 + bytes[at];
  }
  return joined.subarray(0, length);
}

/**
 * LZW with codes that grow from `codeSize` + 1 to 12 bits, lowest bit first. A code below 2^codeSize is a colour, the next two clear the
 * table and end the picture; every other is a string that was seen: an earlier code and one more colour.
 */
function unpack(bytes: Uint8Array, { codes, codeSize, width, height }: GifFrame): Uint8Array {
  const packed = subBlocks(bytes, codes);
  const count = width * height;
  if (codeSize < 1 || codeSize > 8) throw new Error(`it has codes of ${codeSize} bits`);
  const clear = 2 ** codeSize;
  const end = clear + 1;
  const prefix = new Uint16Array(2 ** LARGEST_CODE);
  const last = new Uint8Array(2 ** LARGEST_CODE);
  const string = new Uint8Array(2 ** LARGEST_CODE);
  const indices = new Uint8Array(count);
  let written = 0;
  let size = codeSize + 1;
  let next = end + 1;
  let previous = -1;
  let first = 0; // of the previous string
  let bits = 0;
  let bitCount = 0;
  let at = 0;
  while (written < count) {
    while (bitCount < size) {
      if (at === packed.length) throw new Error(`its first frame ends after ${written} of ${count} pixels`);
      bits |= packed[at++] << bitCount;
      bitCount += 8;
    }
    const code = bits & (2 ** size - 1);
    bits >>>= size;
    bitCount -= size;
    if (code === clear) {
      size = codeSize + 1;
      next = end + 1;
      previous = -1;
      continue;
    }
    if (code === end) throw new Error(`its first frame ends after ${written} of ${count} pixels`);
    if (code > next || (code >= next && previous < 0)) throw new Error(`its code ${code} comes before it is defined`);

    // The string of `code`, from its end; a code that is about to be defined is the previous string and its own first colour.
    let length = 0;
    let rest = code;
    if (code === next) {
      string[length++] = first;
      rest = previous;
    }
    for (; rest > end; rest = prefix[rest]) string[length++] = last[rest];
    string[length++] = rest;
    first = rest;
    if (previous >= 0 && next < 2 ** LARGEST_CODE) {
      prefix[next] = previous;
      last[next] = first;
      next++;
      if (next === 2 ** size && size < LARGEST_CODE) size++;
    }
    previous = code;
    while (length > 0 && written < count) indices[written++] = string[--length];
  }
  return indices;
}

/** Rows in the order in which an interlaced frame stores them. */
function interlacedRows(height: number): number[] {
  const passes = [
    [0, 8],
    [4, 8],
    [2, 4],
    [1, 2],
  ];
  return passes.flatMap(([from, step]) =>
    Array.from({ length: Math.max(0, Math.ceil((height - from) / step)) }, (_, i) => from + i * step),
  );
}
