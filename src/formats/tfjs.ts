/**
 * TensorFlow.js models: a model.json and the shards of its weights. Layers models are Keras models, whose description and names they share
 * (`keras/config.ts`); graph models are TensorFlow graphs, in which convolutions, biases and activations may be fused.
 */
import { type Network, withWeights } from '../network/index.js';
import { asStated, type ReadOptions } from './architecture.js';
import type { TfjsImport } from './tfjs/graph.js';
import type { FilesBeside, TfjsFiles } from './tfjs/read.js';
import type { WriteOptions } from './write-options.js';

export type { FilesBeside, TfjsFiles, TfjsImport };

/**
 * The network of a TensorFlow.js model; of one of Teachable Machine's with the labels and the preprocessing that its metadata.json implies. Throws a
 * FormatError that names the layer or node, what was found and what was wanted.
 */
export async function readTfjs(files: TfjsFiles, options: ReadOptions = {}): Promise<Network> {
  const file = options.fileName ?? 'TensorFlow.js model';
  return asStated((await importTfjs(files, options)).network, options, file);
}

/** As `readTfjs`, with the place of each of the model's nodes or layers. */
export async function importTfjs(files: TfjsFiles, options: ReadOptions = {}): Promise<TfjsImport> {
  const { importTfjs } = await import('./tfjs/read.js');
  return importTfjs(files, options);
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

/** A model.json with the files that belong to it and lie in its folder, for `readTfjs`. */
export async function tfjsFiles(
  modelJson: Uint8Array,
  beside: FilesBeside,
  fileName = 'model.json',
): Promise<TfjsFiles> {
  const { tfjsFiles } = await import('./tfjs/read.js');
  return tfjsFiles(modelJson, beside, fileName);
}

/** Paths of the files that hold the weights of a model.json, relative to it. */
export async function tfjsShards(modelJson: Uint8Array, fileName = 'model.json'): Promise<string[]> {
  const { tfjsShards } = await import('./tfjs/read.js');
  return tfjsShards(modelJson, fileName);
}
