/** Writes the files that `network-file.ts` reads. */
import { fromJson, type Network, toJson, type Weights, withWeights } from '../network/index.js';
import { METADATA_KEY, NPZ_ENTRY } from './network-file.js';
import { withInt8Kernels } from './tensors/int8.js';
import { writeNpz } from './tensors/npz.js';
import { ownType, type TypeChoice } from './tensors/numbers.js';
import { writeSafetensors } from './tensors/safetensors.js';
import type { WriteOptions } from './write-options.js';

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

/** Throws a NetworkError for what no reader would accept: a network without its weights, or an attribute that JSON cannot say, such as ∞. */
function describe(network: Network): string {
  const text = JSON.stringify(toJson(withWeights(network, network.weights)));
  fromJson(JSON.parse(text));
  return text;
}

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
