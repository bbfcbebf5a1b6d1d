/** The reader of TensorFlow Lite files, without `import()`: for service workers and single scripts. */
import { expectNoArchitecture } from '../architecture.js';
import type { Reader } from '../reader.js';
import { importTflite, readTyped } from '../tflite/read.js';

export const tflite: Reader = {
  format: 'tflite',
  async read(bytes, options) {
    const file = options.fileName ?? 'model file';
    expectNoArchitecture(options, file);
    return (await importTflite(bytes, file, options)).network;
  },
  async readTyped(bytes, options) {
    const file = options.fileName ?? 'model file';
    expectNoArchitecture(options, file);
    return readTyped(bytes, file);
  },
};
