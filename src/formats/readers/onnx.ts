/** The reader of ONNX files, without `import()`: for service workers and single scripts. */
import { expectNoArchitecture } from '../architecture.js';
import { importOnnx } from '../onnx/read.js';
import type { Reader } from '../reader.js';

export const onnx: Reader = {
  format: 'onnx',
  async read(bytes, options) {
    const { fileName = 'model file', outputs } = options;
    expectNoArchitecture(options, fileName);
    return (await importOnnx(bytes, { fileName, ...(outputs && { outputs }) })).network;
  },
};
