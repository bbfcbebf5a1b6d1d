/**
 * Picture files to pictures, in Node: JPEG, PNG, WebP, GIF (first frame) and BMP by decoders that the package holds, TIFF, AVIF and rare
 * kinds of JPEG by sharp, where it is installed. The bytes decide the format, never the name. The EXIF orientation is applied, as browsers
 * do; embedded colour profiles are not, as Pillow and TensorFlow do not. 16 bits are reduced to 8, CMYK becomes RGB, palettes are looked up.
 */
import { PictureError } from '../errors.js';
import { found, tagOf } from '../found.js';
import { systemReason } from '../system-error.js';
import { decodeBmp } from './bmp.js';
import { oriented } from './exif.js';
import { openGif } from './gif.js';
import { openJpeg } from './jpeg.js';
import { excess, type PictureLimits } from './limits.js';
import type { Picture } from './picture.js';
import type { PictureFile } from './picture-file.js';
import { openPng } from './png.js';
import { decodeWithSharp } from './sharp.js';
import { openWebp } from './webp.js';

/** What is refused before it is decoded. */
export interface DecodeOptions extends PictureLimits {}

/** The picture in a file's bytes, which stay as they are. `name` is what errors call it. Throws a PictureError. */
export async function decodePicture(
  bytes: Uint8Array,
  name = 'picture',
  options: DecodeOptions = {},
): Promise<Picture> {
  const format = formatOf(bytes, name);
  if (format === 'BMP') return decodeBmp(bytes, name, options);
  if (format === 'TIFF' || format === 'AVIF')
    return decodeWithSharp(bytes, name, `${format === 'TIFF' ? 'a TIFF' : 'an AVIF'} picture`, options);
  const fail = (what: string, cause?: unknown): never => {
    throw new PictureError(`${name}: this ${format} of ${bytes.length} bytes ${what}`, { cause });
  };
  try {
    const file = openers[format](bytes);
    const { width, height, orientation, rare, bytesPerPixel } = file;
    if (width < 1 || height < 1) return fail(`has ${width}×${height} pixels`);
    const tooLarge = excess(width, height, options, width * height * bytesPerPixel + 2 * bytes.length);
    if (tooLarge !== undefined) return fail(tooLarge);
    if (rare !== undefined) return await decodeWithSharp(bytes, name, rare, options);
    return oriented(await file.decode(), orientation);
  } catch (cause) {
    if (cause instanceof PictureError) throw cause;
    return fail(`is cut off or damaged: ${(cause as Error).message || 'its decoder does not say where'}`, cause);
  }
}

const openers: Record<'JPEG' | 'PNG' | 'WebP' | 'GIF', (bytes: Uint8Array) => PictureFile> = {
  JPEG: openJpeg,
  PNG: openPng,
  WebP: openWebp,
  GIF: openGif,
};

type Format = keyof typeof openers | 'BMP' | 'TIFF' | 'AVIF';

/** Most bytes of a picture's file: 2²⁸. */
const LARGEST_FILE = 2 ** 28;

/** The picture in a file, or in its bytes. Throws a PictureError that names the path, also where there is no regular file. */
export async function readPicture(path: string | Uint8Array, options: DecodeOptions = {}): Promise<Picture> {
  if (tagOf(path) === 'Uint8Array') return decodePicture(path as Uint8Array, undefined, options);
  if (typeof path !== 'string') {
    throw new PictureError(`readPicture: wanted a file's path or its bytes, found ${found(path)}`);
  }
  const { readWhole } = await import('../files/read-whole.js');
  let bytes: Uint8Array;
  try {
    bytes = await readWhole(path, LARGEST_FILE);
  } catch (cause) {
    throw new PictureError(`${path}: ${systemReason(cause)}`, { cause });
  }
  return decodePicture(bytes, path, options);
}

const WANTED = 'wanted JPEG, PNG, WebP, GIF or BMP';

/** First bytes of a format; null stands for any byte. */
type Signature<F> = readonly [format: F, readonly (number | null)[]];

const signatures: readonly Signature<Format>[] = [
  ['JPEG', [0xff, 0xd8, 0xff]],
  ['PNG', [0x89, ...ascii('PNG\r\n'), 0x1a, 0x0a]],
  ['WebP', [...ascii('RIFF'), null, null, null, null, ...ascii('WEBP')]],
  ['GIF', ascii('GIF87a')],
  ['GIF', ascii('GIF89a')],
  ['BMP', ascii('BM')],
  ['TIFF', [...ascii('II'), 42, 0]],
  ['TIFF', [...ascii('MM'), 0, 42]],
  ['AVIF', [null, null, null, null, ...ascii('ftypavi')]],
];

/** Formats that people try, to be named in the error. */
const refused: readonly Signature<string>[] = [
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

/** By a file's first 12 bytes; undefined for what is no picture. */
export const pictureFormat = (bytes: Uint8Array): Format | undefined => nameIn(signatures, bytes);

function formatOf(bytes: Uint8Array, name: string): Format {
  const format = pictureFormat(bytes);
  if (format !== undefined) return format;
  throw new PictureError(`${name}: found ${nameIn(refused, bytes) ?? describe(bytes)}; ${WANTED}`);
}

function nameIn<Name>(table: readonly Signature<Name>[], bytes: Uint8Array): Name | undefined {
  const fits = ([, signature]: Signature<Name>): boolean =>
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
