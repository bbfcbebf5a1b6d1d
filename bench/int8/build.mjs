/** Bundles the benchmark with the library's sources: for Node (the peer stays outside) and for a page (it is inside). */
import { join } from 'node:path';
import { build } from 'esbuild';

const root = import.meta.dirname ?? new URL('.', import.meta.url).pathname;
const common = { bundle: true, outdir: join(root, 'build'), format: 'esm', target: 'es2023', logLevel: 'warning' };
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
  external: ['node:*', 'sharp'],
});
