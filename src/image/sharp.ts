/** What the package's own decoders leave to sharp, which users install where they need it: `npm install sharp`. */
import { PictureError } from '../errors.js';
import { excess, type PictureLimits } from './limits.js';
import type { Picture } from './picture.js';

/** `kind` is what the file holds: 'a TIFF picture'. Throws a PictureError, also where sharp is not installed. */
export async function decodeWithSharp(
  bytes: Uint8Array,
  name: string,
  kind: string,
  limits: PictureLimits,
): Promise<Picture> {
  const sharp = await loadSharp(name, kind);
  try {
    const given = { failOn: 'error', limitInputPixels: false, page: 0, pages: 1, ignoreIcc: true } as const;
    const header = await sharp(bytes, given).metadata();
    const tooLarge = excess(header.width, header.height, limits);
    if (tooLarge !== undefined) throw new PictureError(`${name}: ${kind} of ${bytes.length} bytes ${tooLarge}`);
    const { data, info } = await sharp(bytes, given)
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
    if (cause instanceof PictureError) throw cause;
    throw new PictureError(`${name}: found ${kind} of ${bytes.length} bytes that ${complaint(cause)}`, { cause });
  }
}

async function loadSharp(name: string, kind: string) {
  try {
    return (await import('sharp')).default;
  } catch (cause) {
    throw new PictureError(`${name}: found ${kind}, which takes the package sharp: npm install sharp`, {
      cause,
    });
  }
}

/** sharp's words, of several lines and with its own names for things, as the end of a sentence. */
function complaint(cause: unknown): string {
  const reason = (cause as Error).message
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
