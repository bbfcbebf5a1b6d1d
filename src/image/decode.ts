/**
 * Picture files to pictures, in Node: JPEG, PNG, WebP and GIF (first frame) by sharp, BMP by `bmp.ts`. The bytes decide the format, never
 * the name. The EXIF orientation is applied, as browsers do; embedded colour profiles are not, as Pillow and TensorFlow do not. 16 bits
 * are reduced to 8, CMYK becomes RGB, palettes are looked up.
 */
import { PictureError } from '../errors.js';
import { systemReason } from '../system-error.js';
import { decodeBmp } from './bmp.js';
import type { Picture } from './picture.js';

export interface DecodeOptions {
  /** Pictures of more pixels are refused before they are decoded; 100 million unless stated. */
  readonly maxPixels?: number;
}

const MAX_PIXELS = 100_000_000;

/** The picture in a file's bytes, which stay as they are. `name` is what errors call it. Throws a PictureError. */
export async function decodePicture(
  bytes: Uint8Array,
  name = 'picture',
  options: DecodeOptions = {},
): Promise<Picture> {
  const { maxPixels = MAX_PIXELS } = options;
  const format = formatOf(bytes, name);
  return format === 'BMP' ? decodeBmp(bytes, name, maxPixels) : decodeWithSharp(bytes, name, format, maxPixels);
}

/** The picture in a file. Throws a PictureError that names the path, also where there is no such file. */
export async function readPicture(path: string, options: DecodeOptions = {}): Promise<Picture> {
  const { readFile } = await import('node:fs/promises');
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    throw new PictureError(`${path}: ${systemReason(cause)}`, { cause });
  }
  return decodePicture(bytes, path, options);
}

const WANTED = 'wanted JPEG, PNG, WebP, GIF or BMP';

/** First bytes of each format; null stands for any byte. */
const signatures: readonly (readonly [format: string, readonly (number | null)[]])[] = [
  ['JPEG', [0xff, 0xd8, 0xff]],
  ['PNG', [0x89, ...ascii('PNG\r\n'), 0x1a, 0x0a]],
  ['WebP', [...ascii('RIFF'), null, null, null, null, ...ascii('WEBP')]],
  ['GIF', ascii('GIF87a')],
  ['GIF', ascii('GIF89a')],
  ['BMP', ascii('BM')],
];

/** Formats that people try, to be named in the error. */
const refused: typeof signatures = [
  ['a TIFF picture', [...ascii('II'), 42, 0]],
  ['a TIFF picture', [...ascii('MM'), 0, 42]],
  ['an AVIF picture', [null, null, null, null, ...ascii('ftypavi')]],
  ['a HEIC picture', [null, null, null, null, ...ascii('ftyphei')]],
  ['a HEIC picture', [null, null, null, null, ...ascii('ftypmif1')]],
  ['a JPEG XL picture', [0xff, 0x0a]],
  ['a JPEG 2000 picture', [0, 0, 0, 12, ...ascii('jP')]],
  ['a Photoshop picture', ascii('8BPS')],
  ['a PDF document', ascii('%PDF')],
  ['a ZIP archive', ascii('PK\x03\x04')],
  ['an HDF5 file', [0x89, ...ascii('HDF')]],
  ['a NumPy file', [0x93, ...ascii('NUMPY')]],
  ['a TensorFlow Lite model', [null, null, null, null, ...ascii('TFL3')]],
];

/** 'JPEG', 'PNG', 'WebP', 'GIF' or 'BMP', by a file's first 12 bytes; undefined for any other file. */
export const pictureFormat = (bytes: Uint8Array): string | undefined => nameIn(signatures, bytes);

function formatOf(bytes: Uint8Array, name: string): string {
  const format = pictureFormat(bytes);
  if (format !== undefined) return format;
  throw new PictureError(`${name}: found ${nameIn(refused, bytes) ?? describe(bytes)}; ${WANTED}`);
}

function nameIn(table: typeof signatures, bytes: Uint8Array): string | undefined {
  const fits = ([, signature]: (typeof signatures)[number]): boolean =>
    signature.every((byte, at) => (byte === null ? at < bytes.length : bytes[at] === byte));
  return table.find(fits)?.[0];
}

function describe(bytes: Uint8Array): string {
  if (bytes.length === 0) return 'an empty file';
  const start = new TextDecoder('latin1').decode(bytes.subarray(0, 400)).replace(/^ï»¿/, '').trimStart();
  if (/^<(!doctype html|html|head|body)/i.test(start)) return 'an HTML page, as servers send for a wrong address';
  if (/^(<\?xml|<svg)/i.test(start)) return 'an SVG or XML text';
  if (/^version https:\/\/git-lfs/.test(start)) return 'a Git LFS pointer instead of the file itself';
  const hex = Array.from(bytes.subarray(0, 8), (byte) => byte.toString(16).padStart(2, '0')).join(' ');
  return `${bytes.length} bytes that begin with ${hex}`;
}

/** The characters' codes; a function declaration, so that the tables above may use it. */
function ascii(text: string): number[] {
  return Array.from(text, (character) => character.charCodeAt(0));
}

async function decodeWithSharp(bytes: Uint8Array, name: string, format: string, maxPixels: number): Promise<Picture> {
  const { default: sharp } = await import('sharp');
  try {
    const { data, info } = await sharp(bytes, {
      failOn: 'error',
      limitInputPixels: maxPixels,
      page: 0,
      pages: 1,
      ignoreIcc: true,
    })
      .autoOrient()
      .toColourspace('srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    const { width, height, channels } = info;
    const pixels = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    return channels === 2
      ? fromGreyAlpha(width, height, pixels)
      : { width, height, channels: channels as 1 | 3 | 4, data: pixels };
  } catch (cause) {
    throw new PictureError(`${name}: this ${format} of ${bytes.length} bytes ${complaint(cause, maxPixels)}`, {
      cause,
    });
  }
}

/** sharp's words, of several lines and with its own names for things, as the end of a sentence. */
function complaint(cause: unknown, maxPixels: number): string {
  const { message } = cause as Error;
  if (/pixel limit/.test(message)) return `has more than the ${maxPixels} pixels allowed`;
  const reason = message
    .replace('Input buffer has corrupt header:', '')
    .split('\n')
    .map((line) => line.trim());
  return `is cut off or damaged: ${reason.filter(Boolean).join(', ') || 'its header is not complete'}`;
}

function fromGreyAlpha(width: number, height: number, pixels: Uint8Array): Picture {
  const data = new Uint8Array(width * height * 4);
  for (let pixel = 0; pixel < width * height; pixel++) {
    data.fill(pixels[pixel * 2], pixel * 4, pixel * 4 + 3);
    data[pixel * 4 + 3] = pixels[pixel * 2 + 1];
  }
  return { width, height, channels: 4, data };
}
