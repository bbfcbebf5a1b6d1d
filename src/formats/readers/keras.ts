/** The reader of Keras' HDF5 files, without `import()`: for service workers and single scripts. */
import { readKerasH5 } from '../keras/file.js';
import type { Reader } from '../reader.js';

export const keras: Reader = { format: 'hdf5', read: readKerasH5 };
