/** The reader of TensorFlow.js models, without `import()`: for service workers and single scripts. */
import type { Reader } from '../reader.js';
import { importTfjs, tfjsNotes, tfjsShards } from '../tfjs/read.js';

export const tfjs: Reader = {
  format: 'tfjs',
  async companions(bytes, fileName = 'model.json') {
    return { needed: await tfjsShards(bytes, fileName), optional: await tfjsNotes(bytes, fileName) };
  },
  async read(bytes, options, companions) {
    return (await importTfjs(new Map([['model.json', bytes], ...(companions ?? [])]), options)).network;
  },
};
