/** `load` for a page, a worker or a service worker; readers are loaded with the first file of their format. */
import { readerOf } from '../formats/read.js';
import { type ClearCache, clearCacheWith, type IsCached, isCachedWith } from './cache.js';
import { type Load, loadWith } from './load.js';
import { LoadedModel } from './loadedModel.js';
import { webPlatform } from './web.js';

export const load: Load = /* @__PURE__ */ loadWith({ ...webPlatform, readerOf }, LoadedModel.create);
export const isCached: IsCached = /* @__PURE__ */ isCachedWith(webPlatform);
export const clearCache: ClearCache = /* @__PURE__ */ clearCacheWith(webPlatform);
