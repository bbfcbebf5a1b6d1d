/** The pictures that a command is given: files, folders of them, '-' for standard input. One that cannot be read does not lose the others. */
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { type DepthwiseError, PictureError, UsageError } from '../errors.js';
import { isFolder } from '../files/is-there.js';
import { isPictureName } from '../files/picture-name.js';
import { isFile } from '../files/read-whole.js';
import { decodePicture, pictureFormat } from '../image/decode.js';
import { type Picture, type DecodeOptions as PictureLimits, readPicture } from '../image/index.js';
import { systemReason } from '../system-error.js';
import { listed, note, plural } from './output.js';
import { readFileOrInput } from './standard-input.js';
import { wholeNumber } from './values.js';

/** The help of such an argument. */
export const PICTURES = "JPEG, PNG, WebP, GIF or BMP files; a folder is its pictures, '-' is standard input";

/** `--max-pixels` and `--max-side`. */
export function addLimitOptions(command: Command): Command {
  return command
    .option(
      '--max-pixels <count>',
      'larger pictures are refused; unless given: 50000000, and what takes more than 240 MB',
      wholeNumber(1),
    )
    .option('--max-side <pixels>', 'wider and higher pictures are refused; 32768 unless given', wholeNumber(1));
}

/** What has become of a picture. */
export type Outcome<Result> =
  | { readonly picture: string; readonly result: Result }
  | { readonly picture: string; readonly error: DepthwiseError };

/**
 * The paths with folders replaced by the pictures in them, by name. What else lies there is said on stderr. A path alone that is an address is a
 * UsageError, and a folder alone without pictures a PictureError; among others both stay, for `openPicture` to say so.
 */
export async function withoutFolders(paths: readonly string[]): Promise<string[]> {
  if (paths.length === 1) expectNoAddress(paths[0]);
  const found: string[] = [];
  for (const path of paths) {
    const pictures = (await isFolder(path)) ? await picturesIn(path).catch(onlyIf(paths.length > 1, path)) : [path];
    found.push(...pictures);
  }
  return found;
}

const onlyIf = (others: boolean, path: string) => (error: unknown) => {
  if (others && error instanceof PictureError) return [path];
  throw error;
};

async function picturesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((cause) => {
    throw new PictureError(`${folder}: ${systemReason(cause)}`, { cause });
  });
  const pictures: string[] = [];
  const others: string[] = [];
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    if (entry.name.startsWith('.')) continue;
    if (await isPicture(path)) pictures.push(path);
    else others.push(entry.isDirectory() ? `${entry.name}/` : entry.name);
  }
  const leftOut = listed(others);
  if (pictures.length === 0) {
    const inside = leftOut.includes('/') ? `; those of its folders are ${folder}/*/*` : '';
    throw new PictureError(`${folder}: there is no picture in this folder${leftOut && `, only ${leftOut}${inside}`}`);
  }
  if (leftOut) note(`${folder}: ${plural(pictures.length, 'picture')}; left out: ${leftOut}`);
  return pictures;
}

/** By its name, though it may turn out to be damaged or closed to us, or by its first bytes. What is no file is not opened. */
async function isPicture(path: string): Promise<boolean> {
  if (!(await isFile(path))) return false;
  if (isPictureName(path)) return true;
  const file = await open(path).catch(() => undefined);
  try {
    const { buffer, bytesRead } = (await file?.read(new Uint8Array(16))) ?? { buffer: new Uint8Array(0), bytesRead: 0 };
    return pictureFormat(buffer.subarray(0, bytesRead)) !== undefined;
  } catch {
    return false; // a folder that took its place, a disk that fails
  } finally {
    await file?.close();
  }
}

/** Of a folder of classes. */
export const noteSkipped = (path: string): void => note(`${path}: left out, since it is no file`);

/** The picture in a file, or on standard input. Throws a PictureError, and a UsageError for an address. */
export async function openPicture(path: string, limits: PictureLimits = {}): Promise<Picture> {
  expectNoAddress(path);
  if (await isFolder(path)) await picturesIn(path); // says what lies there in place of a picture
  if (path !== '-') return readPicture(path, limits);
  const { name, bytes } = await readFileOrInput(path, 'a picture');
  return decodePicture(bytes, name, limits);
}

export const isAddress = (path: string): boolean => /^(https?|ftp|data):/i.test(path);

export function expectNoAddress(path: string): void {
  if (!isAddress(path)) return;
  throw new UsageError(`${path}: addresses are not fetched; save it as a file first, as with curl -LO`);
}

/** The result for each picture, in their order; where there is only one, its error is thrown. */
export async function eachPicture<Result>(
  paths: readonly string[],
  limits: PictureLimits,
  work: (picture: Picture, path: string) => Promise<Result>,
): Promise<Outcome<Result>[]> {
  const outcomes: Outcome<Result>[] = [];
  for (const picture of paths) {
    try {
      const opened = await openPicture(picture, limits);
      const result = await work(opened, picture).catch((cause) => {
        throw cause instanceof PictureError ? new PictureError(`${picture}: ${cause.message}`, { cause }) : cause;
      });
      outcomes.push({ picture, result });
    } catch (error) {
      const isOfPicture = error instanceof PictureError || (error instanceof UsageError && isAddress(picture));
      if (!isOfPicture || paths.length === 1) throw error;
      outcomes.push({ picture, error });
    }
  }
  return outcomes;
}

/** After the other answers: throws a PictureError where some pictures have none. */
export function expectAllRead(outcomes: readonly Outcome<unknown>[]): void {
  const failed = outcomes.flatMap((outcome) => ('error' in outcome ? [outcome.error.message] : []));
  if (failed.length === 0) return;
  throw new PictureError(
    `${failed.length} of ${plural(outcomes.length, 'picture')} cannot be read:\n  ${failed.join('\n  ')}`,
  );
}

/** The error as in the JSON of a command that fails as a whole. */
export const errorJson = ({ code, message }: DepthwiseError): { code: string; message: string } => ({ code, message });

/** For the JSON of a command with one answer about all pictures: those that cannot be read, if there are any. */
export function errorsIn(outcomes: readonly Outcome<unknown>[]) {
  const errors = outcomes.flatMap((one) =>
    'error' in one ? [{ picture: one.picture, error: errorJson(one.error) }] : [],
  );
  return errors.length > 0 ? { errors } : {};
}
