/** `load` in Node: paths, published networks in the user's cache folder, and picture files besides. */
import { UsageError } from '../errors.js';
import { readerOf } from '../formats/read.js';
import { tagOf } from '../found.js';
import type { WebBlob } from '../web-types.js';
import { type ClearCache, clearCacheWith, type IsCached, isCachedWith } from './cache.js';
import { createModel } from './create-model.js';
import { importAsStated, importTask } from './import-task.js';
import { type Load, loadWith } from './load.js';
import { type Files, publishedOrigin } from './origin.js';
import type { Platform } from './platform.js';

export const nodePlatform: Platform = {
  readerOf,
  task: importTask,
  asStated: importAsStated,
  async store(folder) {
    const [{ folderStore }, { cacheFolder }, { join }] = await Promise.all([
      import('../remote/folder-store.js'),
      import('../pretrained/cache.js'),
      import('node:path'),
    ]);
    return folderStore(folder ?? join(cacheFolder(), 'addresses'));
  },
  async decode(file, name) {
    const { decodePicture } = await import('../image/decode.js');
    const bytes = tagOf(file) === 'Uint8Array' ? (file as Uint8Array) : await (file as WebBlob).arrayBuffer();
    return decodePicture(new Uint8Array(bytes), name);
  },
  file: fileAt,
  async published(name, { cache, fetch, labels }) {
    const [{ findRelease }, { loadPretrained }] = await Promise.all([
      import('../pretrained/releases.js'),
      import('../pretrained/index.node.js'),
    ]);
    if (findRelease(name) === undefined) return undefined;
    if (cache === false) {
      throw new UsageError(
        'load: cache: false has no effect with a published network: in Node a folder keeps it in any case',
      );
    }
    return publishedOrigin((onProgress, signal) =>
      loadPretrained(name, {
        ...(typeof cache === 'string' && { folder: cache }),
        ...(labels && { labels: false }),
        ...(fetch && { fetch: fetch as typeof globalThis.fetch }),
        ...(signal && { signal: signal as AbortSignal }),
        onProgress,
      }),
    );
  },
  missing: 'there is no such file',
  async unknown(text) {
    const { similarReleases } = await import('../pretrained/releases.js');
    return new UsageError(
      `load: '${text}' is no file here, no address and no published network; similar names: ${similarReleases(text).join(', ')}`,
    );
  },
};

export const load: Load = /* @__PURE__ */ loadWith(nodePlatform, createModel);
export const isCached: IsCached = /* @__PURE__ */ isCachedWith(nodePlatform);
export const clearCache: ClearCache = /* @__PURE__ */ clearCacheWith(nodePlatform);

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
