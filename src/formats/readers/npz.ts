/** The reader of .npz files, without `import()`: for service workers and single scripts. */
import { FormatError } from '../../errors.js';
import type { Network } from '../../network/network.js';
import type { ReadOptions } from '../architecture.js';
import {
  isKerasArchive,
  isTfjsArchive,
  networkInNpz,
  type OfIntegers,
  pickleIn,
  refuseIntegers,
} from '../network-file.js';
import type { Reader } from '../reader.js';
import { npzOf } from '../tensors/npz.js';
import { ofWeightsAlone } from '../weights-alone.js';
import { unzip } from '../zip.js';

export const npz: Reader = {
  format: 'zip',
  read: (bytes, options) => readArchive(bytes, options, refuseIntegers('quantizedNpz')),
};

export async function readArchive(bytes: Uint8Array, options: ReadOptions, ofIntegers: OfIntegers): Promise<Network> {
  const file = options.fileName ?? 'npz file';
  const archive = unzip(bytes, file);
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
