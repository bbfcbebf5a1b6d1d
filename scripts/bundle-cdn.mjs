/**
 * Bundles what pages without a bundler fetch, minified and with the packages inside, whose licences go into LICENSES.txt beside it:
 *
 *   dist/cdn/depthwise.js         src/cdn.ts, a module; the readers of most formats are files beside it, fetched when they are needed
 *   dist/cdn/depthwise.global.js  src/cdn.global.ts, a classic script that sets `depthwise`, with all readers
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { rolldown } from 'rolldown';
import { licenceText, packagesIn } from './licences.mjs';

const FOLDER = 'dist/cdn';
const { version, license } = JSON.parse(readFileSync('package.json', 'utf8'));

rmSync(FOLDER, { recursive: true, force: true });
const options = {
  platform: 'browser',
  resolve: { extensionAlias: { '.js': ['.ts'] } },
  logLevel: 'warn',
  checks: { ineffectiveDynamicImport: false }, // the one file of the script holds what the module's files import later
};
const module = await rolldown({
  ...options,
  input: { depthwise: 'src/cdn.ts' },
  preserveEntrySignatures: 'allow-extension', // readers may import from the module itself: a page without them fetches one file
});
const script = await rolldown({ ...options, input: { 'depthwise.global': 'src/cdn.global.ts' } });
const written = [
  await module.write({
    dir: FOLDER,
    minify: true,
    format: 'esm',
    chunkFileNames: '[name]-[hash].js',
    codeSplitting: { groups: [{ name: 'depthwise', test: (id) => id.endsWith('/src/cdn.ts') }] },
  }),
  await script.write({ dir: FOLDER, minify: true, format: 'iife', name: 'depthwise', codeSplitting: false }),
];

const packages = packagesIn(written.flatMap(({ output }) => output.flatMap((file) => file.moduleIds ?? [])));
const names = packages.map(({ name }) => name).join(', ');
for (const file of ['depthwise.js', 'depthwise.global.js']) {
  const banner = `/*! depthwise ${version}, ${license}; contains ${names}: their licences are in LICENSES.txt */\n`;
  writeFileSync(join(FOLDER, file), banner + withHelpers(readFileSync(join(FOLDER, file), 'utf8')));
}
writeFileSync(join(FOLDER, 'LICENSES.txt'), licenceText(packages));

/** The bundler puts its own few helpers into a file apart. The first file gets a copy, so that a page without readers fetches one file. */
function withHelpers(code) {
  return code.replace(/^import\{([^}]*)\}from"(\.\/rolldown-runtime-[\w-]+\.js)";/, (_, names, file) => {
    const helpers = readFileSync(join(FOLDER, file), 'utf8').replace(
      /export\{([^}]*)\};?\s*$/,
      (_, exported) => `return{${exported.replace(/(\w+) as (\w+)/g, '$2:$1')}}`,
    );
    return `const{${names.replaceAll(' as ', ':')}}=(()=>{${helpers}})();`;
  });
}
