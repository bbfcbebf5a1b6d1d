/**
 * TensorFlow.js models: a model.json and the shards of its weights. Layers models are Keras models, whose description and names they share
 * (`keras-config.ts`); graph models are TensorFlow graphs, in which convolutions, biases and activations may be fused.
 */
import { FormatError } from '../errors.js';
import { type Network, withWeights } from '../network/index.js';
import { expectNoArchitecture, type ReadOptions } from './architecture.js';
import { inFile } from './in-file.js';
import { parseJson } from './json.js';
import { importKerasConfig } from './keras-config.js';
import { byLayer, nameWeights } from './keras-weights.js';
import type { WriteOptions } from './network-file.js';
import { CONVENTIONS_KEY, checkedConventions } from './stated-conventions.js';
import type { TfjsImport } from './tfjs/graph.js';
import { withoutInnerModels } from './tfjs/nested.js';
import { fields, readWeights, shardPaths } from './tfjs/weights.js';

export type { TfjsImport };

/** Files by name: model.json, and the shards under the names that it gives them. */
export type TfjsFiles = ReadonlyMap<string, Uint8Array>;

/**
 * The network of a TensorFlow.js model. Throws a FormatError that names the layer or node, what was found and what was wanted.
 */
export async function readTfjs(files: TfjsFiles, options: ReadOptions = {}): Promise<Network> {
  return (await importTfjs(files, options)).network;
}

/** As `readTfjs`, with the place of each of the model's nodes or layers. */
export async function importTfjs(files: TfjsFiles, options: ReadOptions = {}): Promise<TfjsImport> {
  const modelFile = [...files.keys()].filter((name) => name.endsWith('.json'));
  const file = options.fileName ?? modelFile[0] ?? 'TensorFlow.js model';
  if (modelFile.length !== 1) {
    throw new FormatError(
      `${file}: wanted one .json file that describes the model, found ${modelFile.join(', ') || 'none'}`,
    );
  }
  expectNoArchitecture(options, file);
  const model = parseModel(files.get(modelFile[0])!, file);
  const folder = modelFile[0].slice(0, modelFile[0].lastIndexOf('/') + 1);
  const shard = (path: string) => {
    const bytes = files.get(folder + path);
    if (bytes === undefined) throw new FormatError(`${file}: the weights file '${path}' is missing`);
    return bytes;
  };
  const { networkFromGraph } = await import('./tfjs/graph.js');
  return inFile(file, () => {
    const weights = readWeights(model.weightsManifest, shard, file);
    const topology = fields(model.modelTopology, 'modelTopology');
    if (Array.isArray(topology.node)) {
      const found = networkFromGraph(topology.node, weights, {
        signature: model.signature,
        fileName: file,
        ...options,
      });
      const stated = fields(model.userDefinedMetadata ?? {}, 'userDefinedMetadata')[CONVENTIONS_KEY];
      if (stated === undefined || options.outputs !== undefined) return found;
      return { ...found, network: { ...found.network, conventions: checkedConventions(stated, found.network) } };
    }
    const config = withoutInnerModels(topology.model_config ?? topology);
    const { network, results } = importKerasConfig(config, options.resolution);
    return { network: withWeights(network, nameWeights(network, byLayer(weights, file), file)), tensors: results };
  });
}

/**
 * The network as a TensorFlow.js graph model of float32, its kernels perhaps stored as float16: model.json and the shards of its weights,
 * the batch left open. Inputs and outputs keep their names and shapes; nodes whose names TensorFlow does not take have similar ones. Throws a
 * NetworkError for a network without its weights, and for a layer that TensorFlow has no operator for.
 */
export async function writeTfjs(network: Network, options: WriteOptions = {}): Promise<Map<string, Uint8Array>> {
  const { graphModel } = await import('./tfjs/write.js');
  return graphModel(withWeights(network, network.weights), options);
}

/** Paths of the files that hold the weights of a model.json, relative to it. */
export function tfjsShards(modelJson: Uint8Array, fileName = 'model.json'): Promise<string[]> {
  return inFile(fileName, () => shardPaths(parseModel(modelJson, fileName).weightsManifest, 'weightsManifest'));
}

function parseModel(bytes: Uint8Array, file: string): Readonly<Record<string, unknown>> {
  const found = fields(parseJson(new TextDecoder().decode(bytes), `${file}: the description`), file);
  if (!Object.hasOwn(found, 'modelTopology') || !Object.hasOwn(found, 'weightsManifest')) {
    throw new FormatError(`${file}: not a TensorFlow.js model: wanted modelTopology and weightsManifest`);
  }
  return found;
}
