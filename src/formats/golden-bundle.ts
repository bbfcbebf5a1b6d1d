/** Golden bundles of the oracle (`oracle/golden.ts`) as models: the network of the manifest, with the tensors under 'weights/'. */
import { FormatError, UsageError } from '../errors.js';
import { fromJson, type Network, type NetworkJson, type Weights, withWeights } from '../network/index.js';
import { type QuantizedNetworkJson, quantizedFromJson } from '../network/quantized-json.js';
import { wantedQuantizedWeights } from '../network/quantized-network.js';
import { asRealNumbers } from '../network/rewriting/as-real-numbers.js';
import { wantedWeights } from '../network/shapes.js';
import type { ReadOptions } from './architecture.js';
import { parseJson } from './json.js';
import { quantizedNetworkOf } from './quantized-file.js';

const PREFIX = 'weights/';

/** A quantised network as real numbers, as readers give it. Throws a FormatError for a bundle without the weights that its network wants. */
export function networkOfGolden(
  tensors: Weights,
  manifest: string,
  { architecture }: ReadOptions,
  file: string,
): Network {
  if (architecture !== undefined) {
    throw new UsageError(
      `${file}: a golden bundle describes its own network; an architecture is for files of weights alone`,
    );
  }
  const { network } = (parseJson(manifest, `${file}: the manifest`) ?? {}) as {
    network?: NetworkJson | QuantizedNetworkJson;
  };
  if (!network) throw new FormatError(`${file}: the manifest of the golden bundle has no network`);
  const weights = new Map(
    [...tensors].flatMap(([name, x]) => (name.startsWith(PREFIX) ? [[name.slice(PREFIX.length), x] as const] : [])),
  );
  const isQuantized = network.version === 2;
  const wanted = isQuantized ? wantedQuantizedWeights(quantizedFromJson(network)) : wantedWeights(fromJson(network));
  if (weights.size === 0 && wanted.size > 0) {
    throw new FormatError(
      `${file}: a golden bundle without weights is no model; make it with depthwise golden --weights`,
    );
  }
  return isQuantized
    ? asRealNumbers(quantizedNetworkOf(network, weights, file))
    : withWeights(fromJson(network), weights);
}
