/**
 * .safetensors files that describe their network, by readers that the caller brings along. Files of weights alone need the caller's architecture, whose
 * weights they must hold under its own names; other libraries' names only `readNetwork` knows.
 */
import { UsageError } from '../errors.js';
import type { Network } from '../network/network.js';
import { withWeights } from '../network/weights.js';
import type { ReadOptions } from './architecture.js';
import { networkInSafetensors, type OfIntegers } from './network-file.js';

export const readDescribed = (bytes: Uint8Array, options: ReadOptions, ofIntegers: OfIntegers): Promise<Network> =>
  networkInSafetensors(
    bytes,
    options,
    (weights, { architecture }, file) => {
      if (architecture !== undefined) return withWeights(architecture, weights);
      throw new UsageError(
        `${file}: holds weights without a network; give its architecture, or convert the file: depthwise convert`,
      );
    },
    ofIntegers,
  );
