/** .npz files by readers that the caller brings along; other archives are named. */
import { FormatError } from '../errors.js';
import type { Network } from '../network/network.js';
import type { ReadOptions } from './architecture.js';
import { isKerasArchive, isTfjsArchive, networkInNpz, type OfIntegers, pickleIn } from './network-file.js';
import { npzOf } from './tensors/npz.js';
import { ofWeightsAlone } from './weights-alone.js';
import { unzip } from './zip.js';

export async function readArchive(bytes: Uint8Array, options: ReadOptions, ofIntegers: OfIntegers): Promise<Network> {
  const file = options.fileName ?? 'npz file';
  const archive = await unzip(bytes, file);
  if (isTfjsArchive(archive)) {
    throw new FormatError(
      `${file}: is a TensorFlow.js model in a zip archive, which only readNetwork unpacks; unpack it`,
    );
  }
  if (isKerasArchive(archive)) {
    throw new FormatError(
      `${file}: is a Keras 3 file, whose reader was not given: import { kerasZip } from 'depthwise/formats/keras-zip', and load(…, { readers: [kerasZip] })`,
    );
  }
  if (pickleIn(archive) !== undefined) {
    throw new FormatError(`${file}: is a PyTorch file, which only readNetwork reads; convert it: depthwise convert`);
  }
  return networkInNpz(npzOf(archive, file), options, ofWeightsAlone, ofIntegers);
}
