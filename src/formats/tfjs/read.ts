/** Reads TensorFlow.js models: see `../tfjs.ts`. */
import { FormatError } from '../../errors.js';
import { withWeights } from '../../network/index.js';
import { expectNoArchitecture, type ReadOptions } from '../architecture.js';
import { inFile } from '../in-file.js';
import { parseJson } from '../json.js';
import { importKerasConfig } from '../keras/config.js';
import { byLayer, nameWeights } from '../keras/weights.js';
import { withOwnScaling } from '../own-scaling.js';
import { CONVENTIONS_KEY, checkedConventions, NAME_KEY } from '../stated-conventions.js';
import { allowanceOf } from '../steps.js';
import { METADATA_FILE, withTeachableMetadata } from '../teachable-machine.js';
import { networkFromGraph, type TfjsImport } from './graph.js';
import { fields, readWeights, shardPaths } from './weights.js';

/** Files by name: model.json, the shards under the names that it gives them, and Teachable Machine's metadata.json where there is one. */
export type TfjsFiles = ReadonlyMap<string, Uint8Array>;

export async function importTfjs(files: TfjsFiles, options: ReadOptions = {}): Promise<TfjsImport> {
  const modelFile = [...files.keys()].filter((name) => name.endsWith('.json') && !isBesideModel(name));
  const file = options.fileName ?? modelFile[0] ?? 'TensorFlow.js model';
  if (modelFile.length !== 1) {
    throw new FormatError(
      `${file}: wanted one .json file that describes the model, found ${modelFile.join(', ') || 'none'}`,
    );
  }
  expectNoArchitecture(options, file);
  const folder = modelFile[0].slice(0, modelFile[0].lastIndexOf('/') + 1);
  const shard = (path: string) => {
    const bytes = files.get(folder + path);
    if (bytes === undefined) throw new FormatError(`${file}: the weights file '${path}' is missing`);
    return bytes;
  };
  const charge = allowanceOf(files.values());
  return inFile(file, () => {
    const model = parseModel(files.get(modelFile[0])!, file);
    const weights = readWeights(model.weightsManifest, shard, file);
    const topology = fields(model.modelTopology, 'modelTopology');
    if (Array.isArray(topology.node)) {
      const found = networkFromGraph(topology.node, weights, {
        signature: model.signature,
        fileName: file,
        charge,
        ...options,
      });
      const metadata = fields(model.userDefinedMetadata ?? {}, 'userDefinedMetadata');
      const { [CONVENTIONS_KEY]: stated, [NAME_KEY]: name } = metadata;
      const network = typeof name === 'string' ? { ...found.network, name } : found.network;
      if (stated === undefined || options.outputs !== undefined) return { ...found, network };
      return { ...found, network: { ...network, conventions: checkedConventions(stated, network) } };
    }
    const { network, results, paths, scalings } = importKerasConfig(
      topology.model_config ?? topology,
      options.resolution,
      typeof topology.keras_version === 'string' ? topology.keras_version : undefined,
      charge,
    );
    const named = withWeights(network, nameWeights(network, byLayer(weights, file, paths), file));
    const complete = withOwnScaling(named, scalings);
    const metadata = files.get(folder + METADATA_FILE);
    return {
      network: metadata ? withTeachableMetadata(complete, metadata, file) : complete,
      tensors: results,
    };
  });
}

/** Archives made on a Macintosh have a '._model.json' beside each 'model.json'. */
const isBesideModel = (path: string): boolean => {
  const name = path.slice(path.lastIndexOf('/') + 1);
  return name === METADATA_FILE || name.startsWith('._');
};

/** How the files of a model.json's folder are had, by their paths in it. */
export interface FilesBeside {
  /** Throws where there is no such file. */
  readonly read: (path: string) => Promise<Uint8Array>;
  /** undefined where there is no such file. */
  readonly find: (path: string) => Promise<Uint8Array | undefined>;
}

export async function tfjsFiles(json: Uint8Array, { read, find }: FilesBeside, fileName: string): Promise<TfjsFiles> {
  const files = new Map([['model.json', json]]);
  for (const path of await tfjsShards(json, fileName)) files.set(path, await read(path));
  for (const path of await tfjsNotes(json, fileName)) {
    const found = await find(path);
    if (found) files.set(path, found);
  }
  return files;
}

/** Paths of the files that hold the weights. */
export function tfjsShards(json: Uint8Array, fileName: string): Promise<string[]> {
  return inFile(fileName, () => shardPaths(parseModel(json, fileName).weightsManifest, 'weightsManifest'));
}

/**
 * Paths of files that may lie beside the model and say more of it. A layers model may be Teachable Machine's, with a metadata.json; TensorFlow's
 * converter, which makes graph models, writes none.
 */
export function tfjsNotes(json: Uint8Array, fileName: string): Promise<string[]> {
  return inFile(fileName, () => {
    const { node } = fields(parseModel(json, fileName).modelTopology, 'modelTopology');
    return Array.isArray(node) ? [] : [METADATA_FILE];
  });
}

function parseModel(bytes: Uint8Array, file: string): Readonly<Record<string, unknown>> {
  const found = fields(parseJson(new TextDecoder().decode(bytes), `${file}: the description`), 'the description');
  if (!Object.hasOwn(found, 'modelTopology') || !Object.hasOwn(found, 'weightsManifest')) {
    throw new FormatError(`${file}: not a TensorFlow.js model: wanted modelTopology and weightsManifest`);
  }
  return found;
}
