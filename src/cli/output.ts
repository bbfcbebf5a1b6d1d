/** Writing: results to stdout, everything about them to stderr, files whole or not at all. */
import { realpath, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { UsageError } from '../errors.js';
import { makeFolder } from '../files/make-folder.js';
import { saveWhole, tryToWrite } from '../files/save-whole.js';
import { systemReason } from '../system-error.js';
import { harmless, harmlessJson, readable } from './display.js';

/** The result of a command. Names and labels in it that may hold line breaks go through `harmless` before. */
export function print(text: string): void {
  printAsIs(readable(text.endsWith('\n') ? text : `${text}\n`));
}

/** JSON escapes some characters that a terminal obeys; the others are escaped here, which means the same. */
export function printJson(value: unknown): void {
  printAsIs(`${harmlessJson(JSON.stringify(value, undefined, 2))}\n`);
}

/** Text of our own. */
export function printAsIs(text: string): void {
  process.stdout.write(text);
}

/** A remark about the result, for people, in one line. */
export function note(text: string): void {
  process.stderr.write(`${readable(harmless(text), process.stderr)}\n`);
}

/** The names, of more than six the first five. */
export const listed = (names: readonly string[]): string =>
  names.length > 6 ? `${names.slice(0, 5).join(', ')} and ${names.length - 5} more` : names.join(', ');

/** The path's ending, once it is one of those wanted. */
export function expectEnding<Ending extends string>(flag: string, path: string, wanted: readonly Ending[]): Ending {
  const found = wanted.find((ending) => path.toLowerCase().endsWith(ending));
  if (found === undefined)
    throw new UsageError(`${flag}: wanted a name ending in ${wanted.join(' or ')}, found '${path}'`);
  return found;
}

/** Whatever the folder may be, no file can have such a name. */
const NAMES_NOTHING = ['ENAMETOOLONG', 'ELOOP'];

/**
 * Checks, before the work starts, that a file can be written at `path`, by writing an empty one beside it; what may already stand there is a
 * regular file, which will be replaced, and none of the `others`, which the command reads or writes otherwise. Returns the path to write,
 * symbolic links followed.
 */
export async function expectWritable(
  flag: string,
  path: string,
  others: readonly (string | undefined)[] = [],
): Promise<string> {
  const found = await stat(path).catch((cause) => {
    if (!NAMES_NOTHING.includes(cause.code)) return undefined; // the folder's, which is told below
    throw new UsageError(`${flag}: cannot write '${path}': ${systemReason(cause)}`, { cause });
  });
  if (found !== undefined && !found.isFile()) {
    throw new UsageError(`${flag}: '${path}' is not a regular file, and only regular files are overwritten`);
  }
  if ((await realNames(others.filter((other) => other !== undefined))).has(await realName(path))) {
    throw new UsageError(`${flag}: '${path}' is read or written by this command already; name another file`);
  }
  const target = found === undefined ? path : await realpath(path);
  const folder = dirname(target);
  await tryToWrite(folder).catch((cause) => {
    throw new UsageError(`${flag}: cannot write '${path}': folder '${folder}': ${systemReason(cause)}`, { cause });
  });
  return target;
}

export const realName = (path: string): Promise<string> => realpath(path).catch(() => resolve(path));

export const realNames = async (paths: readonly string[]): Promise<Set<string>> =>
  new Set(await Promise.all(paths.map(realName)));

/** Makes a folder, and those that it lies in, where it is not there, and checks that files can be written into it. */
export async function expectFolder(flag: string, path: string): Promise<void> {
  await makeFolder(path).catch((cause) => {
    throw new UsageError(`${flag}: '${path}' cannot be made a folder: ${systemReason(cause)}`, { cause });
  });
  await tryToWrite(path).catch((cause) => {
    throw new UsageError(`${flag}: cannot write into folder '${path}': ${systemReason(cause)}`, { cause });
  });
}

/** The signals that ask a process to end: Ctrl-C, `kill`, and a terminal that is closed. */
const endingSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
export type EndingSignal = (typeof endingSignals)[number];

/** Calls `react` at the first signal of each kind, in place of ending at once; the second ends. Returns how to listen no longer. */
export function onEndingSignal(react: (signal: EndingSignal) => void): () => void {
  const listeners = endingSignals.map((signal) => [signal, () => react(signal)] as const);
  for (const [signal, listener] of listeners) process.once(signal, listener);
  return () => {
    for (const [signal, listener] of listeners) process.off(signal, listener);
  };
}

/** Writes the whole file or, when interrupted or out of space, nothing; a signal that asks to end does so afterwards, with an error that says which. */
export async function writeWhole(path: string, bytes: Uint8Array | string | AsyncIterable<Uint8Array>): Promise<void> {
  const interrupted = new AbortController();
  let asked: EndingSignal | undefined;
  const forget = onEndingSignal((signal) => {
    asked = signal;
    interrupted.abort(new Interruption(`interrupted; '${path}' is not written`, signal));
  });
  try {
    await saveWhole(path, bytes, { signal: interrupted.signal });
    if (asked) throw new Interruption(`interrupted; '${path}' is written`, asked);
  } finally {
    forget();
  }
}

/** Ctrl-C, or another signal that asks to end. While a file was being written, the temporary file is gone. */
export class Interruption extends Error {
  readonly signal: EndingSignal;

  constructor(message: string, signal: EndingSignal) {
    super(message);
    this.signal = signal;
  }
}

/** '1.9 MB', '475.5 kB', '12 B': decimal units. */
export function formatBytes(count: number): string {
  if (count < 1000) return `${count} B`;
  return count < 1e6 ? `${(count / 1e3).toFixed(1)} kB` : `${(count / 1e6).toFixed(1)} MB`;
}

/** 0.256 → '25.6 %'. */
export const percent = (fraction: number, digits = 1): string => `${(100 * fraction).toFixed(digits)} %`;

/** 568740352 → '568,740,352'. */
export function formatCount(count: number): string {
  return count.toLocaleString('en-US');
}

/** '1 tensor', '91 tensors'. */
export function plural(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;
}
