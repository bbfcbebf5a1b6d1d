/** Label files on disk. For Node alone: pages use `parseLabels`, which takes text. */
import { readFile } from 'node:fs/promises';
import { FormatError } from '../errors.js';
import { parseLabels } from './labels.js';

/** The labels in a file; see `parseLabels`. */
export async function readLabels(path: string): Promise<string[]> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw new FormatError(`${path}: cannot be read (${(cause as NodeJS.ErrnoException).code ?? cause})`, { cause });
  }
  if (text.includes('\0') || text.includes('\uFFFD'))
    throw new FormatError(`${path}: found binary data, wanted UTF-8 text`);
  return parseLabels(text, path);
}
