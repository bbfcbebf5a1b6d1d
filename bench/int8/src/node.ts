/** The benchmark in Node. */
import { dirname, join } from 'node:path';
import { loadLiteRt } from '@litertjs/core';
import { asPage } from '../../peers/src/pageGlobals.js';
import { contest, markdown, type RowResult } from './contest.js';
import { machine, readOptions } from './options.js';

const { rows, seconds, simd, clock } = await readOptions();
const folder = join(dirname(new URL(import.meta.url).pathname), '../node_modules/@litertjs/core/wasm');
const loader = simd === 'relaxed' ? 'litert_wasm_internal.js' : 'litert_wasm_compat_internal.js';
await asPage(() => loadLiteRt(join(folder, loader)));

/** Milliseconds of the processor in this process. */
const processorTime = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

const results: RowResult[] = [];
for (const row of rows) {
  results.push(await contest(row, simd, seconds, clock === 'cpu' ? processorTime : () => performance.now()));
}
const unit = clock === 'cpu' ? 'milliseconds of the processor' : 'milliseconds';
console.log(
  markdown(`Node ${process.versions.node}, ${simd}, one thread; ${machine()}; ${unit}, median / best tenth`, results),
);
process.exit();
