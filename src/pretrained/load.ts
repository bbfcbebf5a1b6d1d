/** A release's files, from the cache or the net, and the network in them. */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DepthwiseError, DownloadError, FormatError } from '../errors.js';
import { readNetworkFile } from '../formats/files.js';
import type { Network } from '../network/index.js';
import { readLabels } from '../tasks/files.js';
import { withLabels } from '../tasks/labels.js';
import { cacheFolder } from './cache.js';
import { type DownloadOptions, download, sha256 } from './download.js';
import { addressOf, type Release, type RemoteFile, releaseNamed } from './releases.js';

export interface PretrainedOptions extends Pick<DownloadOptions, 'onProgress' | 'signal' | 'patience' | 'fetch'> {
  /** Where files are kept; the environment's DEPTHWISE_CACHE, or the user's cache folder, unless stated. */
  readonly folder?: string;
  /**
   * An address below which all files lie under their own names, in place of where they are published; the environment's
   * DEPTHWISE_MIRROR unless stated. Hashes hold there too.
   */
  readonly mirror?: string;
  /** In place of the library's own table. */
  readonly releases?: readonly Release[];
}

export async function load(name: string, options: PretrainedOptions = {}): Promise<Network> {
  const release = releaseNamed(name, options.releases);
  const weights = await fetched(release.weights, release.name, options);
  const network = { ...(await fromCache(weights, () => readNetworkFile(weights))), name: release.name };
  if (release.labels === undefined) return network;
  const labels = await fetched(release.labels, release.name, options);
  return fromCache(labels, async () => withLabels(network, await readLabels(labels)));
}

/** The file's path, once it is there and, where its hash is known, is the right one. */
async function fetched(remote: RemoteFile, name: string, options: PretrainedOptions): Promise<string> {
  const path = join(options.folder ?? cacheFolder(), remote.file);
  if (await isFile(path)) {
    await expectSame(path, remote);
    return path;
  }
  const mirror = options.mirror ?? process.env.DEPTHWISE_MIRROR;
  const address = addressOf(remote, mirror);
  try {
    await download(address, path, { ...options, ...(remote.sha256 && { sha256: remote.sha256 }) });
  } catch (error) {
    if (!(error instanceof DownloadError)) throw error;
    throw new DownloadError(
      `${name}: ${error.message}\nTo do without this connection, fetch\n  ${remote.address}\nelsewhere and save it as\n  ${path}`,
      { cause: error },
    );
  }
  return path;
}

const isFile = async (path: string): Promise<boolean> => (await stat(path).catch(() => undefined))?.isFile() ?? false;

/** A file in the cache may have been put there by hand. */
async function expectSame(path: string, { sha256: wanted, address }: RemoteFile): Promise<void> {
  if (wanted === undefined) return;
  const found = sha256(await readFile(path));
  if (found !== wanted) {
    throw new DownloadError(
      `${path}: is not the file of ${address}: its SHA-256 is ${found}, wanted ${wanted}; delete it to have it fetched again`,
    );
  }
}

/** A damaged file would stay in the cache for ever: the error says how to be rid of it. */
async function fromCache(path: string, read: () => Promise<Network>): Promise<Network> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof DepthwiseError)) throw error;
    throw new FormatError(`${error.message}; delete ${path} to have it fetched again`, { cause: error });
  }
}
