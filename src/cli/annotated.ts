/** Pictures that a command has drawn into, as files. */
import { basename, extname, join } from 'node:path';
import { UsageError } from '../errors.js';
import { pngChunk } from '../segmentation/label-png.js';
import { expectFolder, expectWritable, realName, realNames, writeWhole } from './output.js';
import { expectOwnFiles, type OwnKind } from './own-files.js';

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

/** A text in each file (PNG, third edition, 11.3.3.2): whose file it is, so that a later run may replace it. */
const TEXT = 'Software\0depthwise';

const DRAWN: OwnKind = { lacking: 'no picture that depthwise wrote', mark: `tEXt${TEXT}` };

/**
 * Makes the folder, and checks that each of the files can be written. Throws a UsageError where one of the pictures that are read would be
 * replaced and, without `overwrite`, where another file of somebody's would.
 */
export async function claimAnnotated(
  folder: string,
  files: readonly string[],
  pictures: readonly string[],
  overwrite = false,
): Promise<void> {
  await expectFolder('--out', folder);
  const read = await realNames(pictures);
  for (const file of files) {
    if (read.has(await realName(file)))
      throw new UsageError(`--out: '${file}' is one of the pictures that are read; name another folder`);
  }
  if (!overwrite) await expectOwnFiles('--out', files, DRAWN);
  for (const file of files) await expectWritable('--out', file);
}

/** Writes a PNG file that says whose it is, behind the signature and header that the first piece is. */
export const writeAnnotated = (path: string, png: AsyncIterable<Uint8Array>): Promise<void> =>
  writeWhole(path, marked(png));

async function* marked(png: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let mark: Uint8Array | undefined = pngChunk('tEXt', new TextEncoder().encode(TEXT));
  for await (const piece of png) {
    yield piece;
    if (mark) yield mark;
    mark = undefined;
  }
}
