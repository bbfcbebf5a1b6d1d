/** Where a model comes from: what reads it, and whether that can be done twice. */

import { DepthwiseError, DownloadError, UsageError } from '../errors.js';
import type { ReadOptions } from '../formats/architecture.js';
import type { Reader } from '../formats/reader.js';
import type { Network } from '../network/network.js';
import { abortable } from '../remote/abort.js';
import type { WebAbortSignal } from '../web-types.js';
import { fingerprint } from './fingerprint.js';
import type { LoadProgress } from './model.js';

export type Report = (progress: LoadProgress) => void;

export interface Origin {
  /** The network with its weights. */
  read(report: Report, signal?: WebAbortSignal): Promise<Network>;
  /** Whether `read` may be called again, later. */
  readonly repeatable: boolean;
}

/** Bytes so far of one file, and of the whole file where that is known. */
export type OnBytes = (loaded: number, total: number | undefined) => void;

/** The files of a model. */
export interface Files {
  /** Names the file in errors, and the network where the file does not. */
  readonly name: string;
  readonly repeatable: boolean;
  /** Whether the bytes come over the net. */
  readonly downloaded: boolean;
  main(onBytes: OnBytes, signal?: WebAbortSignal): Promise<Uint8Array>;
  /** A file by its path relative to the main one; absent where the main file is all there is. */
  beside?(path: string, onBytes: OnBytes, signal?: WebAbortSignal): Promise<Uint8Array>;
}

/** Finds the reader of a file by its first bytes. */
export type ReaderOf = (bytes: Uint8Array, file: string) => Promise<Reader>;

export function originOf(files: Files, options: ReadOptions, readerOf: ReaderOf): Origin {
  let first: number | undefined;
  return {
    repeatable: files.repeatable,
    async read(report, signal) {
      const { name } = files;
      const download = new Download(files.downloaded ? report : () => {});
      // Of a model.json the shards are most of the download, and how long they are is known later.
      const bytes = await files.main(download.file(!/\.json$/i.test(name)), signal);
      const reader = await abortable(readerOf(bytes, name), signal);
      const { needed, optional } = (await reader.companions?.(bytes, name)) ?? { needed: [], optional: [] };
      const shards = needed.map((path) => beside(files, path, download.file(true), signal));
      const notes = optional.map((path) => beside(files, path, () => {}, signal).catch(ifMissing));
      download.complete();
      const contents = await Promise.all([...shards, ...notes]);
      const companions = new Map<string, Uint8Array>();
      [...needed, ...optional].forEach((path, i) => {
        const content = contents[i];
        if (content) companions.set(path, content);
      });
      const found = fingerprint([bytes, ...companions.values()]);
      if (first !== undefined && found !== first) {
        throw new DownloadError(`${name}: has changed since the model was loaded; load the model again`);
      }
      first = found;
      report({ phase: 'read', loaded: 0, total: 1 });
      const network = await abortable(reader.read(bytes, { fileName: name, ...options }, companions), signal);
      report({ phase: 'read', loaded: 1, total: 1 });
      return network;
    },
  };
}

/** What may be missing is missed for whatever reason, but not because the caller wants no more. */
function ifMissing(error: unknown): undefined {
  if (!(error instanceof DepthwiseError)) throw error;
}

/** A published network, by what loads it. */
export function publishedOrigin(
  load: (onBytes: OnBytes, signal?: WebAbortSignal) => Promise<Network>,
  repeatable = true,
): Origin {
  return {
    repeatable,
    async read(report, signal) {
      const onBytes: OnBytes = (loaded, total) =>
        report({ phase: 'download', loaded, ...(total !== undefined && { total }) });
      const network = await load(onBytes, signal);
      report({ phase: 'read', loaded: 1, total: 1 });
      return network;
    },
  };
}

async function beside(files: Files, path: string, onBytes: OnBytes, signal?: WebAbortSignal): Promise<Uint8Array> {
  if (files.beside === undefined) {
    throw new UsageError(
      `${files.name}: is a TensorFlow.js model, whose weights are in other files ('${path}'); load it by its address or path, or a .zip of them all`,
    );
  }
  if (/^[a-z][a-z\d+.-]*:|^[\\/]|(^|[\\/])\.\.([\\/]|$)/i.test(path)) {
    throw new DownloadError(`${files.name}: the weights file '${path}' lies outside of the model's folder`);
  }
  return files.beside(path, onBytes, signal);
}

/** The progress of several files as one: a total is said once it is known of all. */
class Download {
  readonly #report: Report;
  readonly #files: { loaded: number; total: number | undefined }[] = [];
  #complete = false;

  constructor(report: Report) {
    this.#report = report;
  }

  /** The next file; `alone` when it may be the only one. */
  file(alone: boolean): OnBytes {
    const file: { loaded: number; total: number | undefined } = { loaded: 0, total: undefined };
    this.#files.push(file);
    return (loaded, total) => {
      Object.assign(file, { loaded, total });
      this.#tell(alone);
    };
  }

  /** All files are known. */
  complete(): void {
    this.#complete = true;
  }

  #tell(alone: boolean): void {
    const loaded = this.#files.reduce((sum, file) => sum + file.loaded, 0);
    const total = this.#files.reduce<number | undefined>(
      (sum, file) => (sum === undefined || file.total === undefined ? undefined : sum + file.total),
      0,
    );
    const known = total !== undefined && (alone || this.#complete);
    this.#report({ phase: 'download', loaded, ...(known && { total }) });
  }
}
