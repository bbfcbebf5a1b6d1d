/** Bundles the benchmark with the library's dist/: for Node (packages stay outside) and for a page (peers inside). */
import { join } from 'node:path';
import { build } from 'esbuild';

const root = import.meta.dirname ?? new URL('.', import.meta.url).pathname;
const common = { bundle: true, outdir: join(root, 'build'), format: 'esm', target: 'es2023', logLevel: 'warning' };
await build({
  ...common,
  entryPoints: [join(root, 'src/main.ts')],
  platform: 'node',
  packages: 'external',
  outExtension: { '.js': '.mjs' },
});
await build({
  ...common,
  entryPoints: [join(root, 'src/page.ts')],
  platform: 'browser',
});
const workers = ['worker', 'integer-worker'].map((name) => [name, join(root, `../../dist/browser/${name}.js`)]);
await build({ ...common, entryPoints: Object.fromEntries(workers), platform: 'browser' });
