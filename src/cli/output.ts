/** Writing: results to stdout, everything about them to stderr, files whole or not at all. */
import { constants } from 'node:fs';
import { access, mkdir, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { UsageError } from '../errors.js';
import { systemReason } from '../system-error.js';
import { readable } from './display.js';

/** The result of a command. */
export function print(text: string): void {
  process.stdout.write(readable(text.endsWith('\n') ? text : `${text}\n`));
}

export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, undefined, 2)}\n`);
}

/** A remark about the result, for people. */
export function note(text: string): void {
  process.stderr.write(readable(`${text}\n`, process.stderr));
}

/** The path's ending, once it is one of those wanted. */
export function expectEnding<Ending extends string>(flag: string, path: string, wanted: readonly Ending[]): Ending {
  const found = wanted.find((ending) => path.toLowerCase().endsWith(ending));
  if (found === undefined)
    throw new UsageError(`${flag}: wanted a name ending in ${wanted.join(' or ')}, found '${path}'`);
  return found;
}

/**
 * Checks, before the work starts, that a file can be written at `path`: its folder exists and is writable, and what may already
 * stand there is a regular file, which will be replaced. Returns the path to write, symbolic links followed.
 */
export async function expectWritable(flag: string, path: string): Promise<string> {
  const found = await stat(path).catch(() => undefined);
  if (found !== undefined && !found.isFile()) {
    throw new UsageError(`${flag}: '${path}' is not a regular file, and only regular files are overwritten`);
  }
  const target = found === undefined ? path : await realpath(path);
  await access(dirname(target), constants.W_OK).catch(() => {
    throw new UsageError(
      `${flag}: cannot write '${path}': folder '${dirname(target)}' does not exist or is not writable`,
    );
  });
  return target;
}

/** Makes a folder, and those that it lies in, where it is not there. */
export async function makeFolder(flag: string, path: string): Promise<void> {
  await mkdir(path, { recursive: true }).catch((cause) => {
    throw new UsageError(`${flag}: '${path}' cannot be made a folder: ${systemReason(cause)}`, { cause });
  });
}

/** Writes the whole file or, when interrupted or out of space, nothing: into a temporary file beside it, then renamed. */
export async function writeWhole(path: string, bytes: Uint8Array | string): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.tmp`);
  const interrupted = new AbortController();
  const interrupt = (): void => interrupted.abort();
  process.once('SIGINT', interrupt);
  try {
    await writeFile(temporary, bytes, { signal: interrupted.signal });
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    if (interrupted.signal.aborted) throw new Interruption();
    throw error;
  } finally {
    process.off('SIGINT', interrupt);
  }
}

/** Ctrl-C. While a file was being written, the temporary file is gone, the old one untouched. */
export class Interruption extends Error {
  constructor(message = 'interrupted; nothing written') {
    super(message);
  }
}

/** '1.9 MB', '475.5 kB', '12 B': decimal units. */
export function formatBytes(count: number): string {
  if (count < 1000) return `${count} B`;
  return count < 1e6 ? `${(count / 1e3).toFixed(1)} kB` : `${(count / 1e6).toFixed(1)} MB`;
}

/** 568740352 → '568,740,352'. */
export function formatCount(count: number): string {
  return count.toLocaleString('en-US');
}

/** '1 tensor', '91 tensors'. */
export function plural(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;
}
