/** Files of weights alone, which do not say to which network they belong: the caller does, or the file's name. */
import { UsageError } from '../errors.js';
import { mobilenet } from '../models/index.js';
import { parseModelName } from '../models/names.js';
import { type Network, type Weights, withWeights } from '../network/index.js';
import { wantedWeights } from '../network/shapes.js';
import type { ReadOptions } from './architecture.js';
import { networkOfGolden } from './golden-bundle.js';
import { withStateDict } from './state-dict.js';

/** The caller's network, or the one that the file's name says. */
export function architectureOf({ fileName, architecture }: ReadOptions, file: string): Network {
  if (architecture !== undefined) return architecture;
  const said = fileName === undefined ? undefined : parseModelName(fileName);
  if (said?.alpha === undefined || said.resolution === undefined) {
    throw new UsageError(
      `${file}: holds weights without a network, and its name is none of the published ones; say which network they belong to (architecture, width multiplier, resolution)`,
    );
  }
  const { architecture: name, ...options } = said;
  return mobilenet(name, options);
}

/** The network of weights alone, under our names or other libraries'; with a manifest, that of a golden bundle. */
export function ofWeightsAlone(weights: Weights, options: ReadOptions, file: string, manifest?: string): Network {
  if (manifest !== undefined) return networkOfGolden(weights, manifest, options, file);
  const network = architectureOf(options, file);
  const isOurs = [...wantedWeights(network).keys()].every((name) => weights.has(name));
  return isOurs ? withWeights(network, weights) : withStateDict(network, weights, file);
}
