/** The benchmark in a page; chromium.ts calls it. */
import { loadLiteRt } from '@litertjs/core';
import { contest, type RowResult, type Simd } from './contest.js';

async function runInPage(names: readonly string[], simd: Simd, seconds: number): Promise<RowResult[]> {
  await loadLiteRt(`/litert/${simd === 'relaxed' ? 'litert_wasm_internal.js' : 'litert_wasm_compat_internal.js'}`);
  const results: RowResult[] = [];
  for (const name of names) {
    const response = await fetch(`/models/${name}`);
    const file = new Uint8Array(await response.arrayBuffer());
    results.push(await contest({ name, file }, simd, seconds, () => performance.now()));
  }
  return results;
}

Object.assign(globalThis, { runInPage });
