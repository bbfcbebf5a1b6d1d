/**
 * The reader of .safetensors files that describe their network, as `writeNetwork` and `depthwise convert` make them, without `import()`. Files of
 * weights alone need the caller's architecture, whose weights they must hold under its own names; other libraries' names only `readNetwork` knows.
 */
import { UsageError } from '../../errors.js';
import { withWeights } from '../../network/weights.js';
import { networkInSafetensors, type OfIntegers, refuseIntegers } from '../network-file.js';
import type { Reader } from '../reader.js';

export const safetensorsReader = (ofIntegers: OfIntegers): Reader => ({
  format: 'safetensors',
  read: (bytes, options) =>
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
    ),
});

export const safetensors: Reader = /* @__PURE__ */ safetensorsReader(refuseIntegers('quantizedSafetensors'));
