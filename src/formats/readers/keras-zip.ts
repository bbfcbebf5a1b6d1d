/** The reader of Keras 3's .keras files, without `import()`: for service workers and single scripts. */
import { FormatError } from '../../errors.js';
import { readKerasZip } from '../keras/zip.js';
import { isKerasArchive } from '../network-file.js';
import type { Reader } from '../reader.js';
import { unzip } from '../zip.js';

export const kerasZip: Reader = {
  format: 'zip',
  async read(bytes, options) {
    const file = options.fileName ?? 'Keras file';
    const archive = await unzip(bytes, file);
    if (isKerasArchive(archive)) return readKerasZip(archive, file, options);
    throw new FormatError(
      `${file}: is a zip archive, but no .keras file: wanted config.json and model.weights.h5 in it`,
    );
  },
};
