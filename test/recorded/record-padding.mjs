/** Runs record-padding.ts: node test/recorded/record-padding.mjs */
import { fileURLToPath } from 'node:url';
import { runnerImport } from 'vite';

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const { module } = await runnerImport(here('record-padding.ts'));
await module.record(here('padding.csv'));
