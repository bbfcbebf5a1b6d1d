/**
 * `depthwise/load`: `load` for places where `import()` is not possible, such as service workers and single scripts. It reads what its option `readers`
 * names, and networks; published networks it does not know by name.
 */
import { type ClearCache, clearCacheWith, type IsCached, isCachedWith } from './cache.js';
import { type Load, loadWith } from './load.js';
import { LoadedModel } from './loaded-model.js';
import { webPlatform } from './web.js';

export type { Reader } from '../formats/reader.js';
export type * from './model.js';

export const load: Load = /* @__PURE__ */ loadWith(webPlatform, LoadedModel.create);
export const isCached: IsCached = /* @__PURE__ */ isCachedWith(webPlatform);
export const clearCache: ClearCache = /* @__PURE__ */ clearCacheWith(webPlatform);
