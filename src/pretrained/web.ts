/** A release's files in a page, from the browser's Cache API or the net, and the network in them. */
import { DepthwiseError, DownloadError, FormatError } from '../errors.js';
import { readNetwork } from '../formats/index.js';
import type { Network } from '../network/index.js';
import { withoutCredentials } from '../remote/credentials.js';
import type { FetchOptions } from '../remote/fetch-bytes.js';
import { DEFAULT_STORE, fileStore } from '../remote/file-store.js';
import { remoteFile } from '../remote/remote-file.js';
import { parseLabels, withLabels } from '../tasks/labels.js';
import { addressOf, pagesMayRead, type Release, type RemoteFile, releaseNamed, withoutThem } from './releases.js';

export interface PretrainedOptions extends FetchOptions {
  /** Name of the store in the browser's Cache API; 'depthwise' unless stated. False: nothing is kept. */
  readonly cache?: string | false;
  /** An address below which all files lie under their own names, in place of where they are published. Hashes hold there too. */
  readonly mirror?: string;
  /** False: the file of labels is not fetched, and the network has none. */
  readonly labels?: false;
  /** In place of the library's own table. */
  readonly releases?: readonly Release[];
}

/**
 * The network of that name with its weights and labels, e.g. 'mobilenet_v1_0.25_224'; `releases` lists them. Throws a UsageError for
 * a name without published weights, and a DownloadError that says what to do when they cannot be had: many of their hosts let no page read them.
 */
export async function loadPretrained(name: string, options: PretrainedOptions = {}): Promise<Network> {
  const release = releaseNamed(name, options.releases);
  const { weights, labels } = release;
  const found = await read(weights, name, options, (bytes) => readNetwork(bytes, { fileName: weights.file }));
  const network = { ...found, name: release.name };
  if (labels === undefined || options.labels === false) return network;
  const { onProgress: _, ...silent } = options; // the weights are nearly all of the download
  return read(labels, name, silent, (bytes) =>
    withLabels(network, parseLabels(new TextDecoder().decode(bytes), labels.file)),
  ).catch((error) => {
    throw error instanceof DownloadError ? withoutThem(error) : error;
  });
}

/** What is in a file. One that cannot be read is kept no longer. */
async function read<Content>(
  remote: RemoteFile,
  name: string,
  options: PretrainedOptions,
  parse: (bytes: Uint8Array) => Content | Promise<Content>,
): Promise<Content> {
  const { cache = DEFAULT_STORE, mirror, fetch, signal, onProgress } = options;
  const source = addressOf(remote, mirror);
  const { address } = withoutCredentials(source);
  const store = cache === false ? undefined : fileStore(cache);
  const bytes = await remoteFile(source, { fetch, signal, onProgress, store, sha256: remote.sha256 }).catch((error) => {
    throw error instanceof DownloadError ? unobtainable(name, address, error) : error;
  });
  try {
    return await parse(bytes);
  } catch (error) {
    if (!(error instanceof DepthwiseError)) throw error;
    await store?.delete(address);
    throw new FormatError(`${name}: ${address}: ${error.message}`, { cause: error });
  }
}

function unobtainable(name: string, address: string, error: DownloadError): DownloadError {
  const host = pagesMayRead(address)
    ? ''
    : `\n${new URL(address).host} may not let pages of other sites read its files.`;
  return new DownloadError(
    `${name}: ${error.message}${host}\nTo do without this connection, fetch\n  ${address}\nelsewhere, serve it with the page, and load it by its address there; or all files of a model: loadPretrained(name, { mirror: 'their folder' })`,
    { cause: error },
  );
}
