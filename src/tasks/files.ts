/** Label files on disk. For Node alone: pages use `parseLabels`, which takes text. */
import { FormatError } from '../errors.js';
import { readWhole } from '../files/read-whole.js';
import { systemReason } from '../system-error.js';
import { parseLabels } from './labels.js';

/** Most bytes of a list of labels: 2²⁴. ImageNet's 21,841 names have 0.7 million. */
const LARGEST = 2 ** 24;

/** The labels in a file; see `parseLabels`. Throws a FormatError that names the path. */
export async function readLabels(path: string): Promise<string[]> {
  let bytes: Uint8Array;
  try {
    bytes = await readWhole(path, LARGEST);
  } catch (cause) {
    throw new FormatError(`${path}: ${systemReason(cause)}`, { cause });
  }
  return labelsIn(bytes, path);
}

/** The labels in a file's bytes. Throws a FormatError that names `name`. */
export function labelsIn(bytes: Uint8Array, name: string): string[] {
  const text = new TextDecoder().decode(bytes);
  if (text.includes('\0') || text.includes('\uFFFD'))
    throw new FormatError(`${name}: found binary data, wanted UTF-8 text`);
  return parseLabels(text, name);
}
