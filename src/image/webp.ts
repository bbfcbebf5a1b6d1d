/**
 * WebP, by libwebp: lossy, lossless, with alpha; of an animation the first frame, on a transparent canvas. A file is RIFF: chunks of type,
 * length, data and a byte of filling after odd lengths (RFC 9649, 2.3 to 2.7).
 */
import { type EmscriptenFactory, emscriptenDecoder } from './emscripten.js';
import { orientationOf } from './exif.js';
import type { Picture } from './picture.js';
import type { PictureFile } from './picture-file.js';
import { decodingWith, moduleOf } from './wasm-decoder.js';

interface Chunk {
  readonly type: string;
  readonly data: Uint8Array;
  /** False where the file ends first. */
  readonly complete: boolean;
}

interface Canvas {
  readonly width: number;
  readonly height: number;
  readonly hasAlpha: boolean;
}

const ALPHA_FLAG = 0x10;
const FRAME_HEADER = 16; // bytes of an ANMF chunk before the frame's own chunks

export function openWebp(bytes: Uint8Array): PictureFile {
  const chunks = chunksOf(bytes, 12);
  const canvas = chunks.length > 0 ? canvasOf(chunks[0]) : undefined;
  if (canvas === undefined) throw new Error('its header is not complete');
  const cutOff = chunks.find(({ complete }) => !complete);
  if (cutOff) throw new Error(`it ends inside its chunk ${JSON.stringify(cutOff.type)}`);
  const dataOf = (type: string) => chunks.find((chunk) => chunk.type === type)?.data;
  const exif = dataOf('EXIF');
  const frame = dataOf('ANMF');
  const hasAlpha = canvas.hasAlpha || (frame === undefined && dataOf('ALPH') !== undefined);
  return {
    width: canvas.width,
    height: canvas.height,
    orientation: exif ? orientationOf(withoutName(exif)) : 1,
    // RGBA. Lossless files are unpacked beside it, frames placed on a canvas.
    bytesPerPixel: frame !== undefined || dataOf('VP8L') !== undefined ? 8 : 4,
    async decode() {
      if (frame === undefined) return decode(bytes, hasAlpha);
      expectInside(canvas, frame);
      return placed(await decode(stillOf(frame), hasAlpha), canvas, frame);
    },
  };
}

const decode = decodingWith(async () => {
  const [{ default: create }, { WASM }] = await Promise.all([
    import('@jsquash/webp/codec/dec/webp_dec.js'),
    import('./generated/webp.js'),
  ]);
  return emscriptenDecoder(create as EmscriptenFactory, moduleOf(WASM));
});

function chunksOf(bytes: Uint8Array, from: number): Chunk[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const chunks: Chunk[] = [];
  for (let at = from; at + 8 <= bytes.length; ) {
    const length = view.getUint32(at + 4, true);
    const data = bytes.subarray(at + 8, at + 8 + length);
    chunks.push({ type: ascii(bytes, at), data, complete: data.length === length });
    at += 8 + length + (length % 2);
  }
  return chunks;
}

function ascii(bytes: Uint8Array, at: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + 4));
}

/** The canvas of an extended file, or the picture of a simple one. */
function canvasOf({ type, data }: Chunk): Canvas | undefined {
  if (data.length < 10) return undefined;
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  if (type === 'VP8X') {
    return { width: uint24(data, 4) + 1, height: uint24(data, 7) + 1, hasAlpha: (data[0] & ALPHA_FLAG) !== 0 };
  }
  if (type === 'VP8L') {
    const bits = view.getUint32(1, true); // 14 bits of width - 1, 14 of height - 1, 1 of alpha
    return { width: (bits & 0x3fff) + 1, height: ((bits >> 14) & 0x3fff) + 1, hasAlpha: ((bits >> 28) & 1) === 1 };
  }
  if (type === 'VP8 ') {
    return { width: view.getUint16(6, true) & 0x3fff, height: view.getUint16(8, true) & 0x3fff, hasAlpha: false };
  }
  return undefined;
}

function uint24(bytes: Uint8Array, at: number): number {
  return bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16);
}

/** Some writers put JPEG's 'Exif\0\0' before the block. */
function withoutName(exif: Uint8Array): Uint8Array {
  return ascii(exif, 0) === 'Exif' ? exif.subarray(6) : exif;
}

/** A frame's chunks as a file of their own. */
function stillOf(frame: Uint8Array): Uint8Array {
  const chunks = frame.subarray(FRAME_HEADER);
  const hasAlpha = chunksOf(frame, FRAME_HEADER).some(({ type }) => type === 'ALPH');
  const extension = hasAlpha ? [...chars('VP8X'), 10, 0, 0, 0, ALPHA_FLAG, 0, 0, 0, ...frame.subarray(6, 12)] : [];
  const file = new Uint8Array(12 + extension.length + chunks.length);
  file.set([...chars('RIFF'), 0, 0, 0, 0, ...chars('WEBP'), ...extension]);
  new DataView(file.buffer).setUint32(4, file.length - 8, true);
  file.set(chunks, 12 + extension.length);
  return file;
}

function chars(text: string): number[] {
  return Array.from(text, (character) => character.charCodeAt(0));
}

/** Before it is decoded: the canvas is what the file was admitted for. A frame's own chunk may say another size than the frame. */
function expectInside({ width, height }: Canvas, frame: Uint8Array): void {
  const pixels = chunksOf(frame, FRAME_HEADER).find(({ type }) => type === 'VP8 ' || type === 'VP8L');
  const size = pixels && canvasOf(pixels);
  if (size === undefined) throw new Error('its first frame has no pixels');
  const right = 2 * uint24(frame, 0) + size.width;
  const bottom = 2 * uint24(frame, 3) + size.height;
  if (right > width || bottom > height) throw new Error('its first frame leaves the canvas');
}

/** The frame where it belongs on the canvas, which is black elsewhere, and transparent where there is alpha. */
function placed(picture: Picture, { width, height }: Canvas, frame: Uint8Array): Picture {
  const { channels } = picture;
  const left = 2 * uint24(frame, 0);
  const top = 2 * uint24(frame, 3);
  const data = new Uint8Array(width * height * channels);
  const rowBytes = picture.width * channels;
  for (let row = 0; row < picture.height; row++) {
    data.set(picture.data.subarray(row * rowBytes, (row + 1) * rowBytes), ((top + row) * width + left) * channels);
  }
  return { width, height, channels, data };
}
