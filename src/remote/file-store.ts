/**
 * Files from the net, kept for the next visit in the browser's Cache API. Where there is none (a page that is no secure context) and where it refuses
 * (the schemes of extensions), they are kept in memory, as long as the page lives.
 */

/** Files by address. */
export interface FileStore {
  has(address: string): Promise<boolean>;
  get(address: string): Promise<Uint8Array | undefined>;
  /** Ends when the file is written. */
  put(address: string, bytes: Uint8Array): Promise<void>;
  delete(address: string): Promise<void>;
  clear(): Promise<void>;
}

export const DEFAULT_STORE = 'depthwise';

/** Files that no Cache API would take, by the name of the store. */
const inMemory = new Map<string, Map<string, Uint8Array>>();

/** The store of that name; stores of one name are one. */
export function fileStore(name = DEFAULT_STORE): FileStore {
  const memory = inMemory.get(name) ?? new Map<string, Uint8Array>();
  inMemory.set(name, memory);
  return {
    async has(address) {
      return (
        memory.has(address) || (await (await openCache(name))?.match(address).catch(() => undefined)) !== undefined
      );
    },
    async get(address) {
      const response = await (await openCache(name))?.match(address).catch(() => undefined);
      return response ? new Uint8Array(await response.arrayBuffer()) : memory.get(address);
    },
    async put(address, bytes) {
      try {
        const cache = await openCache(name);
        if (cache === undefined) throw new Error('no Cache API');
        await cache.put(address, new Response(bytes as Uint8Array<ArrayBuffer>));
      } catch {
        memory.set(address, bytes);
      }
    },
    async delete(address) {
      memory.delete(address);
      await (await openCache(name))?.delete(address).catch(() => false);
    },
    async clear() {
      memory.clear();
      if (typeof caches !== 'undefined') await caches.delete(name).catch(() => false);
    },
  };
}

/** undefined where the browser has no Cache API, or allows none: in a private window, in a frame without storage. */
async function openCache(name: string): Promise<Cache | undefined> {
  return typeof caches === 'undefined' ? undefined : caches.open(name).catch(() => undefined);
}
