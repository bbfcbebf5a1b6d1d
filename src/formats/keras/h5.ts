/**
 * Keras' HDF5 files (.h5, .hdf5). A whole model, `model.save('x.h5')`, carries its architecture as JSON in the attribute `model_config`
 * and its weights in the group `model_weights`. A weights file, `model.save_weights('x.h5')`, as keras-applications publishes them,
 * holds the weights alone, and so does a `.weights.h5` of Keras 3 (`keras3-weights.ts`).
 */
import type { Network } from '../../network/index.js';
import type { ReadOptions } from '../architecture.js';

/**
 * The network of a Keras file, with its weights. Throws a FormatError for a damaged file, an unsupported layer or weights that do not
 * fit, a UsageError for a weights file whose network neither `options` nor its name say.
 */
export async function readKerasH5(bytes: Uint8Array, options: ReadOptions = {}): Promise<Network> {
  const { readKerasH5 } = await import('./file.js');
  return readKerasH5(bytes, options);
}
