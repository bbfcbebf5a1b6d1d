/** Reads Keras' HDF5 files: see `keras-h5.ts`. */
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
