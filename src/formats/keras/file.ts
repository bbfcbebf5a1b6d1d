/**
 * Keras' HDF5 files (.h5, .hdf5). A whole model, `model.save('x.h5')`, carries its architecture as JSON in the attribute `model_config`
 * and its weights in the group `model_weights`. A weights file, `model.save_weights('x.h5')`, as keras-applications publishes them,
 * holds the weights alone, and so does a `.weights.h5` of Keras 3 (`keras3-weights.ts`).
 */
import { FormatError } from '../../errors.js';
import { type Network, withWeights } from '../../network/index.js';
import type { ReadOptions } from '../architecture.js';
import { type Hdf5Group, openHdf5 } from '../hdf5/hdf5.js';
import { inFile } from '../in-file.js';
import { parseJson } from '../json.js';
import { isKeras3, keras3Weights, numberedLayers } from '../keras3-weights.js';
import { withOwnScaling } from '../own-scaling.js';
import { allowanceOf } from '../steps.js';
import { architectureOf } from '../weights-alone.js';
import { importKerasConfig } from './config.js';
import { nameWeights, readKerasWeights } from './weights.js';

/**
 * The network of a Keras file, with its weights. Throws a FormatError for a damaged file, an unsupported layer or weights that do not
 * fit, a UsageError for a weights file whose network neither `options` nor its name say.
 */
export async function readKerasH5(bytes: Uint8Array, options: ReadOptions = {}): Promise<Network> {
  const file = options.fileName ?? 'Keras file';
  return inFile(file, () => {
    const root = openHdf5(bytes, file);
    const config = root.text('model_config');
    const described =
      config === undefined || options.architecture !== undefined
        ? undefined
        : importKerasConfig(
            parseJson(config, `${file}: model_config`),
            options.resolution,
            root.text('keras_version'),
            allowanceOf([bytes]),
          );
    const network = described?.network ?? architectureOf(options, file);
    const paths = described?.paths ?? new Map(network.nodes.map(({ name }) => [name, [name]]));
    const layers = isKeras3(root)
      ? keras3Weights(numberedLayers(network, root, file), root, file)
      : readKerasWeights(weightsGroup(root, file), file, paths);
    const complete = withWeights(network, nameWeights(network, layers, file));
    return withOwnScaling(complete, described?.scalings ?? new Set());
  });
}

function weightsGroup(root: Hdf5Group, file: string): Hdf5Group {
  if (root.has('model_weights')) return root.group('model_weights');
  if (root.text('model_config') !== undefined) throw new FormatError(`${file}: the group 'model_weights' is missing`);
  return root;
}
