/** The reader of .safetensors files that describe their network, as `writeNetwork` and `depthwise convert` make them, without `import()`. */
import { readDescribed } from '../described-file.js';
import { refuseIntegers } from '../network-file.js';
import type { Reader } from '../reader.js';

export const safetensors: Reader = {
  format: 'safetensors',
  read: (bytes, options) => readDescribed(bytes, options, refuseIntegers('quantizedSafetensors')),
};
