/** NumPy's .npz files: a zip archive with one .npy file for each array, named by it. */
import { FormatError } from '../../errors.js';
import type { Tensor } from '../../tensor.js';
import { readNpy, writeNpy } from './npy.js';
import { ownType, type TypeChoice } from './numbers.js';

const SUFFIX = '.npy';

export interface Npz {
  /** By name, without the `.npy` of the archive. */
  readonly tensors: Map<string, Tensor>;
  /** Entries that are no arrays, as bytes: NumPy allows them, and a network's description is one. */
  readonly others: Map<string, Uint8Array>;
}

export async function readNpz(bytes: Uint8Array, file = 'npz file'): Promise<Npz> {
  const { unzip } = await import('../zip.js');
  return npzOf(await unzip(bytes, file), file);
}

/** The arrays among an archive's entries, and the others. */
export function npzOf(archive: ReadonlyMap<string, Uint8Array>, file: string): Npz {
  const tensors = new Map<string, Tensor>();
  const others = new Map<string, Uint8Array>();
  for (const [entry, content] of archive) {
    if (!entry.endsWith(SUFFIX)) others.set(entry, content);
    else tensors.set(entry.slice(0, -SUFFIX.length), readNpy(content, `${file}: ${entry}`));
  }
  return { tensors, others };
}

/** A .npz file of these tensors. Each is written in its own type unless `typeOf` chooses another. */
export function writeNpz(
  tensors: ReadonlyMap<string, Tensor>,
  typeOf: TypeChoice = (_, x) => ownType(x),
  others: ReadonlyMap<string, Uint8Array> = new Map(),
): Promise<Uint8Array> {
  const entries = new Map(others);
  for (const [name, x] of tensors) {
    if (entries.has(name + SUFFIX)) throw new FormatError(`npz: there are two entries '${name}${SUFFIX}'`);
    entries.set(name + SUFFIX, writeNpy(x, typeOf(name, x), name));
  }
  return import('../zip.js').then(({ zip }) => zip(entries));
}
