/** What `load` keeps of addresses, asked for and let go. */
import { UsageError } from '../errors.js';
import type { WebUrl } from '../web-types.js';
import { absolute } from './addresses.js';
import type { Platform } from './platform.js';

/** Whether the file of an address is kept; in the store (in Node: the folder) that `cache` names, the usual one unless stated. */
export type IsCached = (address: string | WebUrl, cache?: string) => Promise<boolean>;

/** Lets go of all that is kept of addresses in that store. Published networks in Node's cache folder stay. */
export type ClearCache = (cache?: string) => Promise<void>;

export const isCachedWith =
  (platform: Platform): IsCached =>
  async (address, cache) => {
    const at = absolute(String(address), platform.base?.());
    if (at === undefined) throw new UsageError(`isCached: '${address}' is no address`);
    return (await platform.store(cache)).has(at);
  };

export const clearCacheWith =
  (platform: Platform): ClearCache =>
  async (cache) =>
    (await platform.store(cache)).clear();
