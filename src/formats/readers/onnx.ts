/** The reader of ONNX files, without `import()`: for service workers and single scripts. */
import { expectNoArchitecture } from '../architecture.js';
import { importOnnx, onnxCompanions } from '../onnx/read.js';
import type { Reader } from '../reader.js';

export const onnx: Reader = {
  format: 'onnx',
  async companions(bytes, fileName = 'model file') {
    return { needed: onnxCompanions(bytes, fileName), optional: [] };
  },
  async read(bytes, options, external) {
    const { fileName = 'model file', outputs, resolution } = options;
    expectNoArchitecture(options, fileName);
    return (
      await importOnnx(bytes, {
        fileName,
        ...(outputs && { outputs }),
        ...(external && { external }),
        ...(resolution && { resolution }),
      })
    ).network;
  },
};
