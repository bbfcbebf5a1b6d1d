/** Keras 3's .keras files: a zip archive of config.json, the architecture, and model.weights.h5, whose groups are named after the layers' classes. */
import { type Network, withWeights } from '../../network/index.js';
import { expectNoArchitecture, type ReadOptions } from '../architecture.js';
import { openHdf5 } from '../hdf5/hdf5.js';
import { inFile } from '../in-file.js';
import { parseJson } from '../json.js';
import { keras3Weights } from '../keras3-weights.js';
import { withOwnScaling } from '../own-scaling.js';
import { importKerasConfig } from './config.js';
import { nameWeights } from './weights.js';

const CONFIG = 'config.json';
const METADATA = 'metadata.json';
const WEIGHTS = 'model.weights.h5';

export async function readKerasZip(
  archive: ReadonlyMap<string, Uint8Array>,
  file: string,
  options: ReadOptions,
): Promise<Network> {
  expectNoArchitecture(options, file);
  return inFile(file, () => {
    const config = parseJson(new TextDecoder().decode(archive.get(CONFIG)), `${file}: ${CONFIG}`);
    const { network, layers, scalings } = importKerasConfig(config, options.resolution, versionIn(archive, file));
    const root = openHdf5(archive.get(WEIGHTS)!, `${file}: ${WEIGHTS}`);
    const weights = keras3Weights(layers, root, file);
    return withOwnScaling(withWeights(network, nameWeights(network, weights, file)), scalings);
  });
}

/** 'metadata.json' says which Keras wrote the file. */
function versionIn(archive: ReadonlyMap<string, Uint8Array>, file: string): string | undefined {
  const bytes = archive.get(METADATA);
  const metadata = bytes && parseJson(new TextDecoder().decode(bytes), `${file}: ${METADATA}`);
  const version = (metadata as { keras_version?: unknown } | null | undefined)?.keras_version;
  return typeof version === 'string' ? version : undefined;
}
