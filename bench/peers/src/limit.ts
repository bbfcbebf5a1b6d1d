/**
 * What the machine can do at most: chains of f32x4 (without SIMD: f32) multiplications and additions that stay in registers (limit.mjs writes the kernels). The
 * number of chains that hides the latencies best differs between machines and V8 versions, so the fastest of several counts.
 */
import none from '../build/limit-none.wasm';
import plain from '../build/limit-plain.wasm';
import relaxed from '../build/limit-relaxed.wasm';
import type { SimdLevel } from './contestants/contestant.js';
import type { Clock } from './turns.js';

/** Each kernel does 2 rounds · chains · lanes · 2 operations per count. */
type Kernel = (count: number, factor: number, summand: number) => number;

const LIMITS = { javascript: none, none, plain, relaxed };

/** Long enough for the clock of a page, 0.1 ms. */
const MILLISECONDS = 4;

export interface Limit {
  /** GFLOP/s, the best kernel's of one short measurement of each. */
  measure(clock: Clock): number;
}

export async function loadLimit(simd: SimdLevel): Promise<Limit> {
  const module = await WebAssembly.compile(LIMITS[simd] as BufferSource);
  const operationsOfChain = 2 * (simd === 'plain' || simd === 'relaxed' ? 4 : 1) * 2;
  const { exports } = await WebAssembly.instantiate(module);
  const kernels = Object.entries(exports).flatMap(([name, kernel]) => {
    const chains = /^chains(\d+)$/.exec(name);
    return chains ? [{ kernel: kernel as Kernel, operations: Number(chains[1]) * operationsOfChain }] : [];
  });
  let counts = kernels.map(({ operations }) => Math.round(1e8 / operations));
  const measure = (clock: Clock) => {
    const speeds = kernels.map(({ kernel, operations }, i) => {
      const begin = clock();
      kernel(counts[i], 0.9, 0.1);
      return (counts[i] * operations) / (clock() - begin) / 1e6;
    });
    counts = kernels.map(({ operations }, i) => Math.ceil((speeds[i] * 1e6 * MILLISECONDS) / operations));
    return Math.max(...speeds);
  };
  for (let i = 0; i < 10; i++) measure(() => performance.now()); // until the optimised code runs
  return { measure };
}
