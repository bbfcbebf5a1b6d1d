/** The whole benchmark in one process or page: every network, every contestant. */

import relaxedBytes from '../build/limit-relaxed.wasm';
import { contest, type RowResult } from './contest.js';
import type { Contestant, SimdLevel, Surroundings } from './contestants/contestant.js';
import { depthwise, readableLayers } from './contestants/depthwise.js';
import { litert } from './contestants/litert.js';
import { onnxruntimeWeb } from './contestants/onnxruntimeWeb.js';
import { tfjsCpu, tfjsWasm } from './contestants/tfjs.js';
import { tfjsTflite } from './contestants/tfjsTflite.js';
import { loadLimit } from './limit.js';
import type { RowName } from './rows.js';
import type { Clock } from './turns.js';

/** New peers go here. */
const PEERS = [litert, tfjsTflite, tfjsWasm, onnxruntimeWeb, tfjsCpu];

/** Those that have a build for each level. */
const PEERS_AT = {
  javascript: [tfjsCpu, readableLayers],
  none: [tfjsWasm, tfjsCpu],
  plain: PEERS,
  relaxed: PEERS,
};

export interface BenchmarkOptions {
  readonly rows: readonly RowName[];
  readonly seconds: number;
  /** Parts of names; all peers when empty. */
  readonly peers: readonly string[];
}

/** Relaxed where this runtime knows the instructions. */
export const bestSimd = (): SimdLevel => (WebAssembly.validate(relaxedBytes as BufferSource) ? 'relaxed' : 'plain');

export async function benchmark(
  { rows, seconds, peers }: BenchmarkOptions,
  surroundings: Surroundings,
  more: readonly Contestant[],
  clock: Clock,
  log: (line: string) => void,
): Promise<RowResult[]> {
  const all = [...PEERS_AT[surroundings.simd].map((peer) => peer(surroundings)), ...more];
  const chosen = all.filter(
    ({ name }) => peers.length === 0 || peers.some((part) => name.toLowerCase().includes(part)),
  );
  const limit = await loadLimit(surroundings.simd);
  const results: RowResult[] = [];
  for (const row of rows)
    results.push(await contest(row, depthwise(surroundings), chosen, limit, { seconds, clock }, log));
  return results;
}
