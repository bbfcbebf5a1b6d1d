/** Files from the net, kept in a folder. For Node alone: pages have `fileStore.ts`. */
import { createHash, randomUUID } from 'node:crypto';
import { readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from '../files/make-folder.js';
import { isFile, readWhole } from '../files/read-whole.js';
import type { FileStore } from './file-store.js';

/** By the hash of the address, since addresses are no file names; with an ending by which the store knows its own. */
const nameOf = (address: string): string => `${createHash('sha256').update(address).digest('hex')}.kept`;

/** The files in a folder, which is made with the first of them. Others in it are left alone. */
export function folderStore(folder: string): FileStore {
  const pathOf = (address: string) => join(folder, nameOf(address));
  return {
    has: (address) => isFile(pathOf(address)),
    get: (address) => readWhole(pathOf(address)).catch(() => undefined),
    async put(address, bytes) {
      await makeFolder(folder);
      const part = `${pathOf(address)}.${randomUUID()}`;
      await writeFile(part, bytes);
      await rename(part, pathOf(address)); // another process sees the whole file or none
    },
    delete: (address) => rm(pathOf(address), { force: true }),
    async clear() {
      for (const name of await readdir(folder).catch(() => [])) {
        if (/^[\da-f]{64}\.kept/.test(name)) await rm(join(folder, name), { force: true });
      }
    },
  };
}
