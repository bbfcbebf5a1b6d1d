/** A release's files, from the cache or the net, and the network in them. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DepthwiseError, DownloadError, FormatError, UsageError } from '../errors.js';
import { isFile, readWhole } from '../files/read-whole.js';
import { readNetworkFile } from '../formats/files.js';
import type { Network } from '../network/index.js';
import { readLabels } from '../tasks/files.js';
import { withLabels } from '../tasks/labels.js';
import { cacheFolder } from './cache.js';
import { type DownloadOptions, download, sha256, WrongHash } from './download.js';
import { pin, pinned, pinOf } from './pin.js';
import { addressOf, type Release, type RemoteFile, releaseNamed, withoutThem } from './releases.js';

export interface PretrainedOptions extends Pick<DownloadOptions, 'onProgress' | 'signal' | 'patience' | 'fetch'> {
  /** Where files are kept; the environment's DEPTHWISE_CACHE, or the user's cache folder, unless stated. */
  readonly folder?: string;
  /**
   * An address below which all files lie under their own names, in place of where they are published; the environment's
   * DEPTHWISE_MIRROR unless stated. Hashes hold there too. A name and password in it are sent to its host, and stand in no error.
   */
  readonly mirror?: string;
  /** False: the file of labels is not fetched, and the network has none. */
  readonly labels?: false;
  /** In place of the library's own table. */
  readonly releases?: readonly Release[];
}

export async function load(name: string, options: PretrainedOptions = {}): Promise<Network> {
  const { name: known, weights, labels } = releaseNamed(name, options.releases);
  const network = { ...(await contentOf(weights, known, options, readNetworkFile)), name: known };
  if (labels === undefined || options.labels === false) return network;
  return contentOf(labels, known, options, async (path) => withLabels(network, await readLabels(path))).catch(
    (error) => {
      throw error instanceof DownloadError ? withoutThem(error) : error;
    },
  );
}

/** What is in a file, from the cache or the net. A file whose hash nobody has published is pinned once it could be read. */
async function contentOf(
  remote: RemoteFile,
  name: string,
  options: PretrainedOptions,
  read: (path: string) => Promise<Network>,
): Promise<Network> {
  const path = join(options.folder ?? cacheFolder(), remote.file);
  const wanted = remote.sha256 ?? (await pinned(path));
  const isNew = !(await isFile(path));
  if (isNew) await fetchFile(remote, path, wanted, name, options);
  const hash = sha256(await readWhole(path));
  if (wanted !== undefined && hash !== wanted) throw changed(remote, path, hash, wanted);
  const content = await read(path).catch(async (error) => {
    if (!(error instanceof DepthwiseError)) throw error;
    if (isNew) await rm(path, { force: true });
    const end = isNew ? `${path} had just been fetched, and is deleted` : `delete ${path} to have it fetched again`;
    throw new FormatError(`${error.message}; ${end}`, { cause: error });
  });
  if (wanted === undefined) await pin(path, hash);
  return content;
}

async function fetchFile(
  remote: RemoteFile,
  path: string,
  wanted: string | undefined,
  name: string,
  options: PretrainedOptions,
): Promise<void> {
  const address = addressOf(remote, mirrorOf(options));
  try {
    await download(address, path, { ...options, ...(wanted && { sha256: wanted }) });
  } catch (error) {
    if (!(error instanceof DownloadError)) throw error;
    const isPinned = error instanceof WrongHash && remote.sha256 === undefined;
    const why = isPinned
      ? `\nThat is the file of the first download. If the new one is known to be right, delete ${pinOf(path)}`
      : '';
    throw new DownloadError(
      `${name}: ${error.message}${why}\nTo do without this connection, fetch\n  ${remote.address}\nelsewhere and save it as\n  ${path}`,
      { cause: error },
    );
  }
}

/** Its text may hold a password, and is not shown. */
function mirrorOf({ mirror = process.env.DEPTHWISE_MIRROR }: PretrainedOptions): string | undefined {
  if (!mirror || (/^https?:\/\//i.test(mirror) && URL.canParse(mirror))) return mirror;
  throw new UsageError('mirror (DEPTHWISE_MIRROR): wanted an address that begins with https:// or http://');
}

/** A file in the cache may have been put there by hand, or have been damaged. */
function changed({ address, sha256: known }: RemoteFile, path: string, hash: string, wanted: string): DownloadError {
  const what = known === undefined ? 'is not the file that was fetched first' : `is not the file of ${address}`;
  const both = known === undefined ? `; if it is known to be right, delete ${pinOf(path)}` : '';
  return new DownloadError(
    `${path}: ${what}: its SHA-256 is ${hash}, wanted ${wanted}; delete it to have it fetched again${both}`,
  );
}
