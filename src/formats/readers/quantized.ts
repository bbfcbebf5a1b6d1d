/** Readers of the project's own files that read quantised networks too, without `import()`: in place of `safetensors` and `npz`. */
import { asRealNumbers } from '../../network/rewriting/as-real-numbers.js';
import { expectNoArchitecture } from '../architecture.js';
import { readDescribed } from '../described-file.js';
import type { OfIntegers } from '../network-file.js';
import { readArchive } from '../npz-archive.js';
import { quantizedNetworkOf } from '../quantized-file.js';
import type { Reader } from '../reader.js';

const ofIntegers: OfIntegers = (description, weights, options, file) => {
  expectNoArchitecture(options, file);
  return asRealNumbers(quantizedNetworkOf(description, weights, file));
};

export const quantizedSafetensors: Reader = {
  format: 'safetensors',
  read: (bytes, options) => readDescribed(bytes, options, ofIntegers),
};

export const quantizedNpz: Reader = {
  format: 'zip',
  read: (bytes, options) => readArchive(bytes, options, ofIntegers),
};
