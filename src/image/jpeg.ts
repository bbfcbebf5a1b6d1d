/**
 * JPEG, by mozjpeg: baseline and progressive, grey or in three colours, 8 bits. A file is a row of segments: FF, the marker, and, for most,
 * two bytes of length and as many of data (ITU-T T.81, annex B).
 */
import { type EmscriptenFactory, emscriptenDecoder } from './emscripten.js';
import { type Orientation, orientationOf } from './exif.js';
import type { PictureFile } from './picture-file.js';
import { decodingWith, moduleOf } from './wasm-decoder.js';

interface Frame {
  readonly width: number;
  readonly height: number;
  readonly components: number;
  /** Coefficients for each pixel: 1 for grey, 3 for colours, 1.5 for colours at half the resolution. */
  readonly coefficients: number;
  readonly progressive: boolean;
  /** What mozjpeg makes no RGB of. */
  readonly rare?: string;
}

interface Header extends Frame {
  readonly orientation: Orientation;
  /** Where the first scan begins. */
  readonly scan: number;
}

/** mozjpeg_dec could do what exif.ts does for all formats. */
const APPLY_ORIENTATION = false;

const START_OF_SCAN = 0xda;
const END_OF_IMAGE = 0xd9;
const APP1 = 0xe1;
const PROGRESSIVE = 0xc2;
const BASELINE_TO_PROGRESSIVE = [0xc0, 0xc1, PROGRESSIVE];
/** DHT, JPG and DAC lie among the frame headers, SOF0 to SOF15. */
const NO_FRAME = [0xc4, 0xc8, 0xcc];

export function openJpeg(bytes: Uint8Array): PictureFile {
  const { scan, width, height, orientation, rare, ...frame } = readHeader(bytes);
  // RGBA. Where a pixel's numbers are spread over several scans, all coefficients are collected first, 16 bits each.
  const isSpread = frame.progressive || bytes[scan + 4] < frame.components;
  return {
    width,
    height,
    orientation,
    ...(rare !== undefined && { rare }),
    bytesPerPixel: 4 + (isSpread ? 2 * frame.coefficients : 0),
    async decode() {
      // libjpeg would say so too, but it prints its first warning only.
      if (!hasEnd(bytes, scan)) throw new Error('it ends inside its pixels');
      return decode(bytes, false);
    },
  };
}

/** What stands before the first scan. */
function readHeader(bytes: Uint8Array): Header {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let frame: Frame | undefined;
  let orientation: Orientation = 1;
  for (let at = 2; at + 4 <= bytes.length; ) {
    if (bytes[at] !== 0xff || bytes[at + 1] === 0xff) {
      at++; // fill bytes, or bytes between segments, which decoders skip too
      continue;
    }
    const marker = bytes[at + 1];
    if (marker === START_OF_SCAN && frame) return { ...frame, orientation, scan: at };
    if (isAlone(marker)) {
      at += 2;
      continue;
    }
    const length = view.getUint16(at + 2);
    const data = bytes.subarray(at + 4, at + 2 + length);
    if (isFrame(marker) && data.length >= 6) frame = readFrame(marker, data);
    if (marker === APP1 && startsWithExif(data)) orientation = orientationOf(data.subarray(6));
    at += 2 + length;
  }
  throw new Error('its header is not complete');
}

/** A frame header: bits, height, width, number of components, and three bytes for each, of which the second is its two sampling factors. */
function readFrame(marker: number, data: Uint8Array): Frame {
  const [bits, high, low, left, right, components] = data;
  const samples = Array.from({ length: components }, (_, i) => (data[7 + 3 * i] >> 4) * (data[7 + 3 * i] & 15));
  const size = {
    width: (left << 8) | right,
    height: (high << 8) | low,
    components,
    coefficients: samples.reduce((sum, count) => sum + count, 0) / Math.max(...samples, 1),
    progressive: marker === PROGRESSIVE,
  };
  if (bits !== 8) return { ...size, rare: `a JPEG of ${bits} bits` };
  if (components !== 1 && components !== 3)
    return { ...size, rare: components === 4 ? 'a JPEG in CMYK' : `a JPEG of ${components} channels` };
  return BASELINE_TO_PROGRESSIVE.includes(marker)
    ? size
    : { ...size, rare: 'a lossless, hierarchical or arithmetic JPEG' };
}

/** Whether the end of the image comes after its scans. */
function hasEnd(bytes: Uint8Array, scan: number): boolean {
  let at = scan;
  while (at >= 0 && at + 3 < bytes.length) {
    const marker = bytes[at + 1];
    if (marker === END_OF_IMAGE) return true;
    const length = isAlone(marker) ? 0 : (bytes[at + 2] << 8) | bytes[at + 3];
    at = bytes.indexOf(0xff, marker === 0xff ? at + 1 : at + 2 + length);
  }
  return at >= 0 && bytes[at + 1] === END_OF_IMAGE;
}

const decode = decodingWith(async () => {
  const [{ default: create }, { WASM }] = await Promise.all([
    import('@jsquash/jpeg/codec/dec/mozjpeg_dec.js'),
    import('./generated/jpeg.js'),
  ]);
  return emscriptenDecoder(create as EmscriptenFactory, moduleOf(WASM), {
    options: [APPLY_ORIENTATION],
    accepts: isHarmless,
  });
});

/** libjpeg's warnings after which the picture is whole all the same. */
function isHarmless(warning: string): boolean {
  return /extraneous bytes before marker|Unknown Adobe color transform|unknown JFIF revision|Invalid SOS parameters/.test(
    warning,
  );
}

function isFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && !NO_FRAME.includes(marker);
}

/** Markers without length and data: SOI, EOI, RSTn, TEM; and 00, which makes an FF inside a scan a plain byte. */
function isAlone(marker: number): boolean {
  return (marker >= 0xd0 && marker <= END_OF_IMAGE) || marker === 0x01 || marker === 0x00;
}

function startsWithExif(data: Uint8Array): boolean {
  return String.fromCharCode(...data.subarray(0, 6)) === 'Exif\0\0';
}
