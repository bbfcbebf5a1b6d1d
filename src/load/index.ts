/** `load` for a page, a worker or a service worker; readers, and the list of published networks, are loaded when they are needed. */
import { UsageError } from '../errors.js';
import { readerOf } from '../formats/read.js';
import type { WebAbortSignal } from '../web-types.js';
import { type ClearCache, clearCacheWith, type IsCached, isCachedWith } from './cache.js';
import { createModel } from './create-model.js';
import { importAsStated, importTask } from './import-task.js';
import { type Load, loadWith } from './load.js';
import type { LoadOptions } from './model.js';
import { type OnBytes, type Origin, publishedOrigin } from './origin.js';
import type { Platform } from './platform.js';
import { webPlatform } from './web.js';

// A function, since bundlers keep a call with a spread in its arguments, used or not.
export const load: Load = (source, options) =>
  loadWith({ ...pagePlatform(), task: importTask }, createModel)(source, options);

export const isCached: IsCached = /* @__PURE__ */ isCachedWith(webPlatform);
export const clearCache: ClearCache = /* @__PURE__ */ clearCacheWith(webPlatform);

export const pagePlatform = (): Platform => ({
  ...webPlatform,
  readerOf,
  published,
  unknown,
  asStated: importAsStated,
});

async function published(name: string, { cache, fetch, labels }: LoadOptions): Promise<Origin | undefined> {
  if (!/^mobilenet[\w.-]*$/i.test(name)) return undefined; // as all of them begin
  const [{ findRelease }, { loadPretrained }] = await Promise.all([
    import('../pretrained/releases.js'),
    import('../pretrained/index.js'),
  ]);
  if (findRelease(name) === undefined) return undefined;
  const store = typeof cache === 'string' || cache === false ? { cache } : {};
  const load = (onProgress: OnBytes, signal?: WebAbortSignal) =>
    loadPretrained(name, { ...store, ...(labels && { labels: false }), fetch, onProgress, signal });
  return publishedOrigin(load, cache !== false);
}

async function unknown(text: string): Promise<UsageError> {
  const { similarReleases } = await import('../pretrained/releases.js');
  return new UsageError(
    `load: '${text}' is no published network; similar names: ${similarReleases(text).join(', ')}; of a file here, write './${text}'`,
  );
}
