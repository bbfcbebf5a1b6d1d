/**
 * Bundles src into dist: one file for each export of package.json and for the command line, what they share in chunks, what they load lazily
 * apart. The packages of devDependencies that src imports come along, with their licences, so that installing this package installs no
 * other; sharp stays outside, being 19 MB. The code stays readable.
 */
import { chmodSync, copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { rolldown } from 'rolldown';
import { esmExternalRequirePlugin } from 'rolldown/plugins';
import { licenceText, packagesIn } from './licences.mjs';

const { bin, exports, peerDependencies } = JSON.parse(readFileSync('package.json', 'utf8'));
const targets = [exports, bin].flatMap(filesOf);
const scripts = targets.filter((target) => target.endsWith('.js')).map((target) => target.replace(/^(\.\/)?/, ''));
/** Without the workers of `depthwise/browser`, which scripts/embed-worker.mjs makes. */
const entryPoints = scripts.filter((script) => !/^dist\/browser\/(integer-)?worker\.js$/.test(script));

/** Every file that some condition of an export leads to. */
function filesOf(target) {
  return typeof target === 'string' ? [target] : Object.values(target).flatMap(filesOf);
}

/** What worker threads load by its path. */
const workers = ['dist/training/worker.js'];

/** 'dist/engine/index.js' → ['engine/index', 'src/engine/index.ts'] */
const sourceOf = (target) => {
  const name = target.slice('dist/'.length, -'.js'.length);
  return [name, `src/${name}.ts`];
};

/**
 * Chunks that are made on purpose, each a module with all that it imports but for what the ones before it have. Node takes most of a
 * millisecond for every file: engine and formats were imported in 41 ms as 26 files that splitting alone made, and are in 18 as 6.
 *
 *   wasm           the kernels' text; alone, so that it can stand first in a page's bundle, see src/engine/engine.ts
 *   conventions    the list of resize rules, which pages need without what json computes
 *   json, presets  compute something when loaded: a page's bundler can leave such code out by whole files only
 *   tasks          classify without load(), for a page that makes its network itself
 *   safetensors    has no import(), for Vite makes chunks of whatever the files in a worker would load, whether that code is used or not,
 *                  and by its defaults builds no worker of several chunks
 *   reader, npz, schema, architecture  for the same reason: the readers without import() need them, and so do formats, which have it
 */
const chunks = [
  'engine/generated/wasm',
  'engine/index',
  'network/conventions',
  'network/json',
  'network/presets',
  'tasks/index',
  'safetensors',
  'models/index',
  'formats/reader',
  'formats/tensors/npz',
  'formats/tflite/schema',
  'formats/architecture',
  'formats/index',
];

const nodeModules = builtinModules.flatMap((name) => [name, `node:${name}`]);

const bundle = await rolldown({
  input: Object.fromEntries([...entryPoints, ...workers].map(sourceOf)),
  external: Object.keys(peerDependencies),
  platform: 'neutral', // Node's alone would import node:module into every page
  resolve: { extensionAlias: { '.js': ['.ts'] }, mainFields: ['module', 'main'] },
  plugins: [esmExternalRequirePlugin({ external: nodeModules })], // Node's modules, also where CommonJS requires them
  logLevel: 'warn',
});
const { output } = await bundle.write({
  dir: 'dist',
  format: 'esm',
  sourcemap: true,
  sourcemapExcludeSources: true, // they are in the package
  entryFileNames: '[name].js',
  chunkFileNames: 'chunks/[name]-[hash].js', // as deep as dist/cli, so that paths relative to a file agree
  codeSplitting: {
    groups: chunks.map((module, index) => ({
      name: module.replace(/\/index$/, '').replaceAll('/', '-'),
      test: (id) => id.endsWith(`/src/${module}.ts`),
      priority: chunks.length - index,
    })),
  },
});

const modules = output.flatMap((file) => file.moduleIds ?? []);
writeFileSync('dist/THIRD_PARTY_LICENSES.txt', licenceText(packagesIn(modules)));

// npm makes the commands of installed packages executable, but not those of the folder that one works in.
for (const command of Object.values(bin)) chmodSync(command, 0o755);

/** The kernels as files, for hosts that compile no bytes. */
for (const target of ['relaxed', 'simd', 'scalar']) {
  copyFileSync(`src/engine/generated/${target}.wasm`, `dist/engine/${target}.wasm`);
}
