/** Tensors in files of their own. */
import { UsageError } from '../errors.js';
import type { Tensor } from '../tensor.js';
import { writeNpy } from './tensors/npy.js';
import { writeNpz } from './tensors/npz.js';
import type { TypeChoice } from './tensors/numbers.js';
import { writeSafetensors } from './tensors/safetensors.js';

export type TensorFormat = 'npz' | 'safetensors' | 'npy';

/**
 * A file of these tensors. Each is written in its own type unless `typeOf` chooses another. A .npy file holds one alone, and not its name: anything but
 * one is a UsageError.
 */
export async function writeTensors(
  tensors: ReadonlyMap<string, Tensor>,
  format: TensorFormat,
  typeOf?: TypeChoice,
): Promise<Uint8Array> {
  switch (format) {
    case 'npz':
      return writeNpz(tensors, typeOf);
    case 'safetensors':
      return writeSafetensors(tensors, undefined, typeOf);
    case 'npy': {
      if (tensors.size !== 1) throw new UsageError(`a .npy file holds a single tensor, found ${tensors.size}`);
      const [[name, only]] = tensors;
      return writeNpy(only, typeOf?.(name, only), name);
    }
    default:
      throw new UsageError(`writeTensors: wanted npz, safetensors or npy, found '${format}'`);
  }
}
