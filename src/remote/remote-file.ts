/** A file from the net or from where it is kept, with the hash that is wanted of it. */
import { DownloadError } from '../errors.js';
import type { WebRequest } from '../web-types.js';
import { abortable } from './abort.js';
import { withoutCredentials } from './credentials.js';
import { type FetchOptions, fetchBytes } from './fetch-bytes.js';
import type { FileStore } from './file-store.js';
import { sha256 } from './integrity.js';

export interface RemoteFileOptions extends FetchOptions {
  /** Where the file is kept; nowhere unless given. */
  readonly store?: FileStore | undefined;
  /** 64 hexadecimal digits, see `parseIntegrity`. */
  readonly sha256?: string | undefined;
}

/**
 * The file at an address. A kept file with another hash is deleted and fetched again. Throws a DownloadError for a file that cannot be had,
 * or is another than the hash says; that one is not kept.
 */
export async function remoteFile(request: string | WebRequest, options: RemoteFileOptions = {}): Promise<Uint8Array> {
  const { store, sha256: wanted, signal } = options;
  const { address } = withoutCredentials(typeof request === 'string' ? request : request.url);
  const kept = store && (await abortable(store.get(address), signal));
  if (kept !== undefined) {
    if (wanted === undefined || (await sha256(kept)) === wanted) {
      options.onProgress?.(kept.length, kept.length);
      return kept;
    }
    await store?.delete(address);
  }
  const bytes = await fetchBytes(request, options);
  await expectHash(bytes, address, wanted);
  signal?.throwIfAborted();
  await store?.put(address, bytes);
  signal?.throwIfAborted();
  return bytes;
}

/** Throws a DownloadError with both hashes. */
export async function expectHash(bytes: Uint8Array, what: string, wanted: string | undefined): Promise<void> {
  if (wanted === undefined) return;
  const hash = await sha256(bytes);
  if (hash !== wanted) {
    throw new DownloadError(`${what}: another file than expected: its SHA-256 is ${hash}, wanted ${wanted}`);
  }
}
