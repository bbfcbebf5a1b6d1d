/**
 * Trained networks by name, in Node: fetched once from where they are published, kept in a cache folder, read from there. Nothing is
 * fetched before it is asked for.
 */
import type { Network } from '../network/index.js';
import type { PretrainedOptions } from './load.js';

export type { PretrainedOptions } from './load.js';
export { type Release, type RemoteFile, releases } from './releases.js';

/**
 * The network of that name with its weights and labels, e.g. 'mobilenet_v1_0.25_224'; `releases` lists them. Throws a UsageError for
 * a name without published weights, and a DownloadError that says what to do when they cannot be had.
 */
export async function loadPretrained(name: string, options?: PretrainedOptions): Promise<Network> {
  const { load } = await import('./load.js');
  return load(name, options);
}
