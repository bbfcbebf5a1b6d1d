/** The reader of .npz files, without `import()`: for service workers and single scripts. */
import { refuseIntegers } from '../network-file.js';
import { readArchive } from '../npz-archive.js';
import type { Reader } from '../reader.js';

export const npz: Reader = {
  format: 'zip',
  read: (bytes, options) => readArchive(bytes, options, refuseIntegers('quantizedNpz')),
};
