/** Bundles main.ts with the library's sources. */
import { join } from 'node:path';
import { build } from 'esbuild';

const root = import.meta.dirname ?? new URL('.', import.meta.url).pathname;
await build({
  entryPoints: [join(root, 'src/main.ts')],
  outdir: join(root, 'build'),
  bundle: true,
  format: 'esm',
  target: 'es2023',
  platform: 'node',
  packages: 'external',
  outExtension: { '.js': '.mjs' },
  logLevel: 'warning',
});
