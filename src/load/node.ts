/** `load` in Node: paths, published networks in the user's cache folder, and picture files besides. */
import { UsageError } from '../errors.js';
import { readerOf } from '../formats/read.js';
import { tagOf } from '../found.js';
import { similarNames } from '../network/subnetwork.js';
import { fileStore } from '../remote/fileStore.js';
import { type Load, loadWith } from './load.js';
import { LoadedModel } from './loadedModel.js';
import type { Files } from './origin.js';

export const load: Load = loadWith(
  {
    readerOf,
    store: fileStore,
    async decode(file, name) {
      const { decodePicture } = await import('../image/decode.js');
      return decodePicture(
        tagOf(file) === 'Uint8Array' ? (file as Uint8Array) : new Uint8Array(await (file as Blob).arrayBuffer()),
        name,
      );
    },
    file: fileAt,
    async published(name, { signal, cache }) {
      const { findRelease, loadPretrained } = await import('../pretrained/index.js');
      if (findRelease(name) === undefined) return undefined;
      const folder = typeof cache === 'string' ? cache : undefined;
      return {
        repeatable: true,
        async read(report) {
          const network = await loadPretrained(name, {
            ...(folder !== undefined && { folder }),
            ...(signal && { signal }),
            onProgress: (loaded, total) => report({ phase: 'download', loaded, ...(total !== undefined && { total }) }),
          });
          report({ phase: 'read', loaded: 1, total: 1 });
          return network;
        },
      };
    },
    async unknown(text) {
      const { releases } = await import('../pretrained/index.js');
      const names = similarNames(
        text,
        releases.map(({ name }) => name),
      ).slice(0, 3);
      return new UsageError(
        `load: '${text}' is no file here, no address and no published network; similar names: ${names.join(', ')}`,
      );
    },
  },
  LoadedModel.create,
);

async function fileAt(text: string): Promise<Files | undefined> {
  const [{ stat }, { readFile }, { dirname, join }, { fileURLToPath }] = await Promise.all([
    import('node:fs/promises'),
    import('../formats/files.js'),
    import('node:path'),
    import('node:url'),
  ]);
  const isAddress = text.startsWith('file:');
  const path = isAddress ? fileURLToPath(text) : text;
  const exists = await stat(path).catch(() => undefined);
  if (exists === undefined && !isAddress) return undefined;
  return {
    name: path,
    repeatable: true,
    downloaded: false,
    main: () => readFile(path),
    beside: (shard) => readFile(join(dirname(path), shard)),
  };
}
