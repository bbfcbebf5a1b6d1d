/** Tensors in files of their own. */
import { expectOneOf } from '../checks.js';
import { UsageError } from '../errors.js';
import type { Tensor } from '../tensor.js';
import { writeNpy } from './tensors/npy.js';
import { writeNpz } from './tensors/npz.js';
import type { TypeChoice } from './tensors/numbers.js';
import { writeSafetensors } from './tensors/safetensors.js';

export type TensorFormat = 'npz' | 'safetensors' | 'npy';

/**
 * A file of these tensors. Each is written in its own type unless `typeOf` chooses another. A .npy file holds a single tensor, without its name. Throws a
 * UsageError for another number of them.
 */
export async function writeTensors(
  tensors: ReadonlyMap<string, Tensor>,
  format: TensorFormat,
  typeOf?: TypeChoice,
): Promise<Uint8Array> {
  expectOneOf(UsageError, 'writeTensors: format', ['npz', 'safetensors', 'npy'], format);
  if (format === 'npz') return writeNpz(tensors, typeOf);
  if (format === 'safetensors') return writeSafetensors(tensors, undefined, typeOf);
  if (tensors.size !== 1) throw new UsageError(`a .npy file holds a single tensor, found ${tensors.size}`);
  const [[name, only]] = tensors;
  return writeNpy(only, typeOf?.(name, only), name);
}
