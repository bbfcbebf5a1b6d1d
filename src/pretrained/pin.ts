/**
 * Trust on first use: the SHA-256 of a file that has none in the table stands in a file beside it from when it was first read,
 *
 *   mobilenet_2_5_128_tf.h5
 *   mobilenet_2_5_128_tf.h5.sha256     HEX and the name, as `sha256sum --check` reads it
 *
 * and what differs from it later, in the cache or on the server, is refused. The pin outlives the file that it is of.
 */
import { randomUUID } from 'node:crypto';
import { rename, rm, writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { readWhole } from '../files/read-whole.js';

export const pinOf = (path: string): string => `${path}.sha256`;

/** The pinned hash; undefined where none is, or what is there is no hash. */
export async function pinned(path: string): Promise<string | undefined> {
  const bytes = await readWhole(pinOf(path), 4096).catch(() => undefined);
  return /^([\da-f]{64})\s/.exec(new TextDecoder().decode(bytes))?.[1];
}

/** Pins the hash. Where the folder takes no files, it stays unpinned. */
export async function pin(path: string, sha256: string): Promise<void> {
  const whole = `${pinOf(path)}.${randomUUID()}.tmp`;
  try {
    await writeFile(whole, `${sha256}  ${basename(path)}\n`);
    await rename(whole, pinOf(path));
  } catch {
    await rm(whole, { force: true }).catch(() => {}); // the cache may be read-only
  }
}
