/** Readers of one format each: what `readNetwork` loads with the first file of a format, and what a single script brings along. */
import type { Network } from '../network/index.js';
import type { QuantizedNetwork } from '../network/quantized-network.js';
import type { ReadOptions } from './architecture.js';
import type { FileFormat } from './sniff.js';

/** Paths of files, relative to the one that they belong to. */
export interface Companions {
  readonly needed: readonly string[];
  /** They may be missing. */
  readonly optional: readonly string[];
}

export interface Reader {
  readonly format: Exclude<FileFormat, 'npy'>;
  /** Other files that belong to a file. Absent where every file stands by itself. */
  companions?(bytes: Uint8Array, fileName?: string): Promise<Companions>;
  /** The network of a file, and of its companions by their paths, as far as there are. Errors are those of `readNetwork`. */
  read(bytes: Uint8Array, options: ReadOptions, companions?: ReadonlyMap<string, Uint8Array>): Promise<Network>;
  /** The same with the integers of a quantised file, which `read` turns into real numbers. Absent where the format holds none. */
  readTyped?(bytes: Uint8Array, options: ReadOptions): Promise<Network | QuantizedNetwork>;
}

/** Why a file gives no quantised network. */
export const REAL_NUMBERS = 'holds real numbers, wanted a network of 8-bit integers; readNetwork reads it';
