/**
 * Keras' HDF5 files (.h5, .hdf5). A whole model, `model.save('x.h5')`, carries its architecture as JSON in the attribute `model_config`
 * and its weights in the group `model_weights`. A weights file, `model.save_weights('x.h5')`, as keras-applications publishes them,
 * holds the weights alone.
 */
import { FormatError } from '../errors.js';
import { type Network, withWeights } from '../network/index.js';
import { architectureOf, type ReadOptions } from './architecture.js';
import type { Hdf5Group } from './hdf5.js';
import { inFile } from './in-file.js';
import { parseJson } from './json.js';

/**
 * The network of a Keras file, with its weights. Throws a FormatError for a damaged file, an unsupported layer or weights that do not
 * fit, a UsageError for a weights file whose network neither `options` nor its name say.
 */
export async function readKerasH5(bytes: Uint8Array, options: ReadOptions = {}): Promise<Network> {
  const file = options.fileName ?? 'Keras file';
  const [{ openHdf5 }, { networkFromKerasConfig }, { nameWeights, readKerasWeights }] = await Promise.all([
    import('./hdf5.js'),
    import('./keras-config.js'),
    import('./keras-weights.js'),
  ]);
  return inFile(file, async () => {
    const root = await openHdf5(bytes, file);
    const config = root.text('model_config');
    const described =
      config === undefined || options.architecture !== undefined
        ? undefined
        : networkFromKerasConfig(parseJson(config, `${file}: model_config`), options.resolution);
    const network = described ?? (await architectureOf(options, file));
    const layers = readKerasWeights(weightsGroup(root, file), file);
    return withWeights(network, nameWeights(network, layers, file));
  });
}

function weightsGroup(root: Hdf5Group, file: string): Hdf5Group {
  if (root.has('model_weights')) return root.group('model_weights');
  if (root.text('model_config') !== undefined) throw new FormatError(`${file}: the group 'model_weights' is missing`);
  return root;
}
