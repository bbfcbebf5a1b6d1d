/** Bundles the benchmark with the engine's dist/: for Node (peers stay outside) and for a page (peers inside). */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { buildLimit } from './limit.mjs';

const root = import.meta.dirname ?? new URL('.', import.meta.url).pathname;
const outdir = join(root, 'build');
if (!existsSync(join(root, '../../dist/engine/index.js')))
  throw new Error('no dist/: run `npm run build` in the repository first');

await buildLimit(outdir);
const common = {
  bundle: true,
  outdir,
  format: 'esm',
  target: 'es2023',
  loader: { '.wasm': 'binary' },
  logLevel: 'warning',
};
await build({
  ...common,
  entryPoints: ['node', 'chromium'].map((name) => join(root, `src/${name}.ts`)),
  platform: 'node',
  packages: 'external',
  outExtension: { '.js': '.mjs' },
});
await build({
  ...common,
  entryPoints: [join(root, 'src/page.ts')],
  platform: 'browser',
  format: 'iife',
  alias: {
    // The package's entry for bundlers lacks a file.
    '@tensorflow/tfjs-tflite': '@tensorflow/tfjs-tflite/dist/tf-tflite.fesm.js',
    // Without the WebGPU backend.
    'onnxruntime-web': 'onnxruntime-web/wasm',
  },
});
