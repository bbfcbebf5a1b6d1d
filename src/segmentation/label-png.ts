/**
 * Pictures as PNG files, and label maps as PNG files with a palette, as Pascal VOC's are: the byte of a pixel is its label, and the palette gives the colour that a viewer shows.
 * A file is 8 bytes and then chunks: length, type, data, checksum (PNG, third edition, 5.3).
 */
import { PictureError } from '../errors.js';
import { excess, type PictureLimits } from '../image/limits.js';
import { type Picture, toRgb } from '../image/picture.js';
import { openPng } from '../image/png.js';
import type { LabelMap } from './labels.js';
import { type Colour, vocPalette } from './palette.js';

const SIGNATURE = Uint8Array.of(137, 80, 78, 71, 13, 10, 26, 10);

const GREY = 0;
const PALETTE = 3;
/** By the number of channels: grey, RGB, RGBA. */
const COLOUR_TYPES = { 1: GREY, 3: 2, 4: 6 } as const;

/** A picture's rows from the top, some at a time. */
export interface PictureParts extends Pick<Picture, 'width' | 'height' | 'channels'> {
  readonly parts: Iterable<Picture['data']>;
}

/** The file of a picture, in pieces, of which the first is signature and header. Beside the rows that it is given it takes little memory. */
export function encodePng({ width, height, channels, parts }: PictureParts): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  return pngFile(width, height, COLOUR_TYPES[channels], [], rowsOf(parts, width * channels, channels));
}

/** The file of a label map, in pieces; `colours` by label. */
export function encodeLabelPng(
  { width, height, labels }: LabelMap,
  colours: readonly Colour[] = vocPalette(),
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const palette = Uint8Array.from({ length: 256 * 3 }, (_, at) => colours[Math.floor(at / 3)]?.[at % 3] ?? 0);
  return pngFile(width, height, PALETTE, [pngChunk('PLTE', palette)], rowsOf([labels], width, 0));
}

/** About so many pixels are drawn, or encoded, at once. */
const PIXELS_AT_ONCE = 2 ** 16;

/** What `draw` makes of the picture and its map, rows by rows: the whole of it is never in memory. */
export function drawnParts(
  { width, height, channels, data }: Picture,
  map: LabelMap,
  drawn: Picture['channels'],
  draw: (picture: Picture, map: LabelMap) => Picture,
): PictureParts {
  function* parts() {
    const rows = Math.ceil(PIXELS_AT_ONCE / width);
    for (let top = 0; top < height; top += rows) {
      const [from, to] = [top * width, Math.min(top + rows, height) * width];
      const part = { width, height: (to - from) / width };
      yield draw(
        { ...part, channels, data: data.subarray(from * channels, to * channels) },
        { ...part, labels: map.labels.subarray(from, to) },
      ).data;
    }
  }
  return { width, height, channels: drawn, parts: parts() };
}

async function* pngFile(
  width: number,
  height: number,
  colourType: number,
  chunks: readonly Uint8Array<ArrayBuffer>[],
  rows: Iterable<Uint8Array<ArrayBuffer>>,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const header = new Uint8Array(13);
  new DataView(header.buffer).setUint32(0, width);
  new DataView(header.buffer).setUint32(4, height);
  header.set([8, colourType], 8); // bits of a channel, and what they mean
  yield Uint8Array.of(...SIGNATURE, ...pngChunk('IHDR', header));
  yield* chunks;
  for await (const piece of compressed(rows)) yield pngChunk('IDAT', piece);
  yield pngChunk('IEND', new Uint8Array(0));
}

/**
 * Rows with their filters before them, some at a time: Sub (1), by which a byte says how it differs from that of the pixel on its left, `pixel`
 * bytes before it, or None (0) where `pixel` is 0 (PNG, third edition, 9.2).
 */
function* rowsOf(parts: Iterable<Picture['data']>, length: number, pixel: number): Generator<Uint8Array<ArrayBuffer>> {
  const most = Math.ceil((PIXELS_AT_ONCE * Math.max(pixel, 1)) / length) * length;
  for (const part of parts) {
    for (let first = 0; first < part.length; first += most) {
      const data = part.subarray(first, first + most);
      const rows = new Uint8Array(data.length + data.length / length);
      for (let from = 0, to = 0; from < data.length; from += length) {
        rows[to++] = pixel === 0 ? 0 : 1;
        for (let at = 0; at < length; at++) {
          const left = pixel > 0 && at >= pixel ? data[from + at - pixel] : 0;
          rows[to++] = data[from + at] - left;
        }
      }
      yield rows;
    }
  }
}

/** By zlib's format, as PNG has it. The next piece is made when the last is compressed: Node's `pipeThrough` lets all of them wait in memory. */
async function* compressed(pieces: Iterable<Uint8Array<ArrayBuffer>>): AsyncGenerator<Uint8Array> {
  const { readable, writable } = new CompressionStream('deflate');
  const writer = writable.getWriter();
  const write = async () => {
    for (const piece of pieces) await writer.write(piece);
    await writer.close();
  };
  const written = write().catch((error) => writer.abort(error)); // so that reading fails with it
  yield* readable;
  await written;
}

/** Length, type, data, checksum. */
export function pngChunk(type: string, data: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(12 + data.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, data.length);
  bytes.set(new TextEncoder().encode(type), 4);
  bytes.set(data, 8);
  view.setUint32(8 + data.length, crc32(bytes.subarray(4, 8 + data.length)));
  return bytes;
}

/** CRC-32 of ISO 3309, bit by bit. */
function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return ~crc >>> 0;
}

/** The label map in a file with a palette, or in a grey one, whose greys are the labels. Throws a PictureError for other files, and for one beyond the limits. */
export async function decodeLabelPng(bytes: Uint8Array, name: string, limits: PictureLimits = {}): Promise<LabelMap> {
  if (!SIGNATURE.every((byte, at) => bytes[at] === byte)) throw new PictureError(`${name}: wanted a PNG of labels`);
  const kind = bytes[25];
  if (kind !== GREY && kind !== PALETTE) {
    throw new PictureError(
      `${name}: wanted labels, which are a PNG with a palette or a grey one; found one of colours`,
    );
  }
  const { width, height, channels, data } = await decoded(bytes, name, limits);
  const labelOf = kind === PALETTE ? indexByColour(bytes, name) : (colour: number) => colour & 0xff;
  const labels = new Uint8Array(width * height);
  for (let pixel = 0; pixel < labels.length; pixel++) labels[pixel] = labelOf(colourAt(data, pixel * channels));
  return { width, height, labels };
}

async function decoded(bytes: Uint8Array, name: string, limits: PictureLimits): Promise<Picture> {
  try {
    const file = openPng(bytes);
    const { width, height, bytesPerPixel } = file;
    const tooLarge = excess(width, height, limits, width * height * bytesPerPixel + 2 * bytes.length);
    if (tooLarge !== undefined) throw new Error(tooLarge);
    const picture = await file.decode();
    return picture.channels === 1 ? toRgb(picture) : picture;
  } catch (cause) {
    throw new PictureError(`${name}: cannot be decoded: ${(cause as Error).message}`, { cause });
  }
}

const colourAt = (bytes: ArrayLike<number>, at: number): number =>
  (bytes[at] << 16) | (bytes[at + 1] << 8) | bytes[at + 2];

/** The decoder gives colours; the palette leads back to the bytes that stood in the file. */
function indexByColour(bytes: Uint8Array, name: string): (colour: number) => number {
  const at = paletteAt(bytes);
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(at - 8);
  const indices = new Map<number, number>();
  for (let index = 0; index < length / 3; index++) {
    const colour = colourAt(bytes, at + 3 * index);
    if (!indices.has(colour)) indices.set(colour, index);
    else if (colour !== 0) throw new PictureError(`${name}: its palette has one colour for two labels`);
  }
  return (colour) => indices.get(colour) ?? 0;
}

/** Where the palette's bytes begin. */
function paletteAt(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = SIGNATURE.length;
  while (String.fromCharCode(...bytes.subarray(at + 4, at + 8)) !== 'PLTE') at += 12 + view.getUint32(at);
  return at + 8;
}
