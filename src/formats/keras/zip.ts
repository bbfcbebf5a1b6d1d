/** Keras 3's .keras files: a zip archive of config.json, the architecture, and model.weights.h5, whose groups are named after the layers' classes. */
import { FormatError } from '../../errors.js';
import { type Network, withWeights } from '../../network/index.js';
import { expectNoArchitecture, type ReadOptions } from '../architecture.js';
import { openHdf5 } from '../hdf5/hdf5.js';
import { inFile } from '../in-file.js';
import { parseJson } from '../json.js';
import { keras3Weights } from '../keras3-weights.js';
import { withOwnScaling } from '../own-scaling.js';
import { allowanceOf } from '../steps.js';
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
  const folder =
    [...archive.keys()].map((name) => /^(.*\/)?(config\.json|model\.weights\.h5)$/.exec(name)).find(Boolean)?.[1] ?? '';
  const missing = [CONFIG, WEIGHTS].find((name) => !archive.has(folder + name));
  if (missing) throw new FormatError(`${file}: is a Keras archive without its ${missing}`);
  return inFile(file, () => {
    const config = parseJson(new TextDecoder().decode(archive.get(folder + CONFIG)), `${file}: ${CONFIG}`);
    const { network, layers, scalings } = importKerasConfig(
      config,
      options.resolution,
      versionIn(archive.get(folder + METADATA), file),
      allowanceOf(archive.values()),
    );
    const root = openHdf5(archive.get(folder + WEIGHTS)!, `${file}: ${WEIGHTS}`);
    const weights = keras3Weights(layers, root, file);
    return withOwnScaling(withWeights(network, nameWeights(network, weights, file)), scalings);
  });
}

/** 'metadata.json' says which Keras wrote the file. */
function versionIn(bytes: Uint8Array | undefined, file: string): string | undefined {
  const metadata = bytes && parseJson(new TextDecoder().decode(bytes), `${file}: ${METADATA}`);
  const version = (metadata as { keras_version?: unknown } | null | undefined)?.keras_version;
  return typeof version === 'string' ? version : undefined;
}
