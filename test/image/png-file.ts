/** PNG files of every type, which no encoder at hand writes: made of random bytes by the format's own rules. */
import { deflateSync } from 'node:zlib';

export interface PngType {
  /** 0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGBA. */
  readonly colour: 0 | 2 | 3 | 4 | 6;
  readonly bits: 1 | 2 | 4 | 8 | 16;
  readonly interlaced: boolean;
  /** A transparent colour, or a palette's alphas. */
  readonly transparent: boolean;
}

const CHANNELS = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };
const BITS = { 0: [1, 2, 4, 8, 16], 2: [8, 16], 3: [1, 2, 4, 8], 4: [8, 16], 6: [8, 16] } as const;

/** First column and row of each pass, and their steps (Adam7). */
const WHOLE = [[0, 0, 1, 1]];
const ADAM7 = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
];

export const pngTypes: readonly PngType[] = ([0, 2, 3, 4, 6] as const).flatMap((colour) =>
  BITS[colour].flatMap((bits) =>
    [false, true].flatMap((interlaced) =>
      (colour < 4 ? [false, true] : [false]).map((transparent) => ({ colour, bits, interlaced, transparent })),
    ),
  ),
);

export function pngFile(type: PngType, width: number, height: number, random: () => number): Uint8Array {
  const { colour, bits, interlaced, transparent } = type;
  const bytes = (count: number) => Array.from({ length: count }, () => Math.floor(256 * random()));
  const rows = (interlaced ? ADAM7 : WHOLE).flatMap(([left, top, right, down]) => {
    const columns = Math.ceil((width - left) / right);
    const length = Math.ceil((columns * CHANNELS[colour] * bits) / 8);
    const count = columns > 0 ? Math.max(0, Math.ceil((height - top) / down)) : 0;
    return Array.from({ length: count }, (_, row) => [row % 5, ...bytes(length)]); // each of the five filters
  });
  const header = [...uint32(width), ...uint32(height), bits, colour, 0, 0, interlaced ? 1 : 0];
  return Uint8Array.from([
    ...[0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a],
    ...pngChunk('IHDR', header),
    ...(colour === 3 ? pngChunk('PLTE', bytes(3 * 2 ** bits)) : []),
    ...(transparent
      ? pngChunk('tRNS', colour === 3 ? bytes(2 ** bits - 1) : colour === 0 ? [0, 1] : [0, 1, 0, 2, 0, 3])
      : []),
    ...pngChunk('IDAT', deflateSync(Uint8Array.from(rows.flat()))),
    ...pngChunk('IEND', []),
  ]);
}

export function pngChunk(type: string, data: ArrayLike<number>): number[] {
  const body = [...Array.from(type, (character) => character.charCodeAt(0)), ...Array.from(data)];
  return [...uint32(data.length), ...body, ...uint32(crc32(body))];
}

function uint32(value: number): number[] {
  return [24, 16, 8, 0].map((shift) => (value >>> shift) & 255);
}

/** The checksum of ISO 3309, as the PNG specification's annex D defines it. */
function crc32(bytes: readonly number[]): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return ~crc >>> 0;
}
