/** The benchmark in a page; chromium.ts calls it. */
import { type BenchmarkOptions, benchmark, bestSimd } from './benchmark.js';
import type { RowResult } from './contest.js';
import type { SimdLevel } from './contestants/contestant.js';

export interface PageOptions extends BenchmarkOptions {
  readonly simd?: SimdLevel;
}

async function runInPage({
  simd = bestSimd(),
  ...options
}: PageOptions): Promise<{ simd: SimdLevel; rows: RowResult[] }> {
  const folder = (name: string) => new URL(`/${name}/`, location.href).pathname;
  const surroundings = {
    simd,
    folders: {
      litert: folder('litert'),
      tfjsTflite: folder('tfjs-tflite'),
      tfjsWasm: folder('tfjs-wasm'),
      onnxruntime: folder('onnxruntime'),
    },
    asPage: <T>(load: () => Promise<T>) => load(),
  };
  return {
    simd,
    rows: await benchmark(
      options,
      surroundings,
      [],
      () => performance.now(),
      (line) => console.log(line),
    ),
  };
}

Object.assign(globalThis, { runInPage });
