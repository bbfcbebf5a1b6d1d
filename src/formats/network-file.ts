/**
 * The project's own network files: weights under their full names (`conv1/kernel`) and the network's description as JSON beside them,
 * in a .safetensors file's metadata under `depthwise.network` or in a .npz file's entry `depthwise.network.json`. Any reader of these
 * formats reads the weights; ours reads the network. Files of weights alone may have ours or other libraries' names (`state-dict.ts`).
 */
import { fromJson, type Network, toJson, type Weights, wantedWeights, withWeights } from '../network/index.js';
import { architectureOf, type ReadOptions } from './architecture.js';
import { inFile } from './in-file.js';
import { withInt8Kernels, withoutScales } from './int8.js';
import { parseJson } from './json.js';
import { readNpz, writeNpz } from './npz.js';
import { ownType, type TypeChoice } from './numbers.js';
import { readSafetensors, writeSafetensors } from './safetensors.js';
import { readTfjs } from './tfjs.js';
import type { WriteOptions } from './write-options.js';

const METADATA_KEY = 'depthwise.network';
const NPZ_ENTRY = 'depthwise.network.json';

export async function readNetworkSafetensors(bytes: Uint8Array, options: ReadOptions = {}): Promise<Network> {
  const file = options.fileName ?? 'safetensors file';
  return inFile(file, () => {
    const { tensors, metadata } = readSafetensors(bytes, file);
    return assemble(tensors, metadata.get(METADATA_KEY), options, file);
  });
}

export async function readNetworkNpz(bytes: Uint8Array, options: ReadOptions = {}): Promise<Network> {
  const file = options.fileName ?? 'npz file';
  return inFile(file, async () => {
    const { tensors, others } = await readNpz(bytes, file);
    if (tensors.size === 0 && [...others.keys()].some(isTfjsModel))
      return readTfjs(others, { fileName: file, ...options });
    const description = others.get(NPZ_ENTRY);
    return assemble(tensors, description && new TextDecoder().decode(description), options, file);
  });
}

/** Teachable Machine's downloads are a TensorFlow.js model in a zip archive. */
const isTfjsModel = (name: string): boolean => /^(.*\/)?model\.json$/.test(name);

export function writeNetworkSafetensors(network: Network, options: WriteOptions = {}): Uint8Array {
  const metadata = new Map([
    ['format', 'depthwise'],
    [METADATA_KEY, describe(network)],
  ]);
  const { weights, typeOf } = written(network, options);
  return writeSafetensors(weights, metadata, typeOf);
}

export function writeNetworkNpz(network: Network, options: WriteOptions = {}): Promise<Uint8Array> {
  const description = new TextEncoder().encode(describe(network));
  const { weights, typeOf } = written(network, options);
  return writeNpz(weights, typeOf, new Map([[NPZ_ENTRY, description]]));
}

/** Throws a NetworkError for a network without its weights, which no reader would accept. */
const describe = (network: Network): string => JSON.stringify(toJson(withWeights(network, network.weights)));

function written(network: Network, { kernels }: WriteOptions): { weights: Weights; typeOf: TypeChoice } {
  if (kernels === 'int8') {
    const { weights, kernels: names } = withInt8Kernels(network);
    return { weights, typeOf: (name, x) => (names.has(name) ? 'int8' : ownType(x)) };
  }
  return {
    weights: network.weights,
    typeOf: (_, x) => (kernels === 'float16' && x.shape.length > 1 ? 'float16' : ownType(x)),
  };
}

async function assemble(
  tensors: Weights,
  description: string | undefined,
  options: ReadOptions,
  file: string,
): Promise<Network> {
  const weights = withoutScales(tensors, file);
  if (options.architecture === undefined && description !== undefined) {
    return withWeights(fromJson(parseJson(description, `${file}: the network's description`)), weights);
  }
  const network = await architectureOf(options, file);
  const isOurs = [...wantedWeights(network).keys()].every((name) => weights.has(name));
  if (isOurs) return withWeights(network, weights);
  const { withStateDict } = await import('./state-dict.js');
  return withStateDict(network, weights, file);
}
