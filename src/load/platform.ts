/** What differs between a page and Node. */
import type { UsageError } from '../errors.js';
import type { ReadOptions } from '../formats/architecture.js';
import type { Network } from '../network/network.js';
import type { FileStore } from '../remote/file-store.js';
import type { Decode } from './inputs.js';
import type { TaskLoader } from './later-tasks.js';
import type { LoadOptions } from './model.js';
import type { Files, Origin, ReaderOf } from './origin.js';

export interface Platform {
  readonly readerOf: ReaderOf;
  readonly task: TaskLoader;
  readonly decode: Decode;
  /** The network ending at the stated outputs and at the stated resolution; see `formats/architecture.ts`. */
  asStated(network: Network, options: ReadOptions, what: string): Promise<Network>;
  /** What relative addresses are relative to, where there is something. */
  base?(): string | undefined;
  /** The store of that name or (in Node) in that folder; the usual one unless stated. */
  store(name?: string): FileStore | Promise<FileStore>;
  /** The file at a path, if there is one. */
  file?(path: string): Promise<Files | undefined>;
  /** The published network of that name, if there is one. */
  published?(name: string, options: LoadOptions): Promise<Origin | undefined>;
  /** Why a text that is no address names nothing. */
  readonly missing: string;
  /** The error about a text that looks like a network's name and is none. */
  unknown(text: string): Promise<UsageError>;
}
