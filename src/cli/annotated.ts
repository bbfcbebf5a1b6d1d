/** Pictures that a command has drawn into, as files. */
import { basename, extname, join } from 'node:path';
import { UsageError } from '../errors.js';
import type { Picture } from '../image/index.js';

/** A picture's file in the folder, by the picture; the name ends in `end`. Throws a UsageError where two would have one name. */
export function annotatedNames(pictures: readonly string[], folder: string, end = '.png'): Map<string, string> {
  const owners = new Map<string, string>();
  for (const picture of pictures) {
    const name = `${picture === '-' ? 'picture' : basename(picture, extname(picture))}${end}`;
    const other = owners.get(name);
    if (other !== undefined)
      throw new UsageError(`--out: '${other}' and '${picture}' would both be written as '${name}'`);
    owners.set(name, picture);
  }
  return new Map([...owners].map(([name, picture]) => [picture, join(folder, name)]));
}

/** The bytes of a PNG file of an RGB or RGBA picture. */
export async function asPng({ width, height, channels, data }: Picture): Promise<Uint8Array> {
  const { encodePng } = await import('../image/png.js');
  if (channels === 4) return encodePng({ width, height, data: Uint8ClampedArray.from(data) });
  const rgba = new Uint8ClampedArray(width * height * 4).fill(255);
  for (let pixel = 0; pixel < width * height; pixel++) rgba.set(data.subarray(pixel * 3, pixel * 3 + 3), pixel * 4);
  return encodePng({ width, height, data: rgba });
}
