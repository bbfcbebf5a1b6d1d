/** Golden bundles of the oracle (`oracle/golden.ts`) as models: the network of the manifest, with the tensors under 'weights/'. */
import { FormatError, UsageError } from '../errors.js';
import {
  fromJson,
  type Network,
  type NetworkJson,
  type Weights,
  wantedWeights,
  withWeights,
} from '../network/index.js';
import type { ReadOptions } from './architecture.js';
import { parseJson } from './json.js';

const PREFIX = 'weights/';

/** Throws a FormatError for a bundle without the weights that its network wants. */
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
  const found = parseJson(manifest, `${file}: the manifest`) as { network?: NetworkJson; types?: unknown } | null;
  if (!found?.network) throw new FormatError(`${file}: the manifest of the golden bundle has no network`);
  if (found.types !== undefined) {
    throw new FormatError(`${file}: the golden bundle holds integers, whose network is no model of real numbers`);
  }
  const network = fromJson(found.network);
  const weights = [...tensors].filter(([name]) => name.startsWith(PREFIX));
  if (weights.length === 0 && wantedWeights(network).size > 0) {
    throw new FormatError(
      `${file}: a golden bundle without weights is no model; make it with depthwise golden --weights`,
    );
  }
  return withWeights(network, new Map(weights.map(([name, x]) => [name.slice(PREFIX.length), x])));
}
