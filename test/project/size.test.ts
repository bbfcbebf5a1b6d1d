/** What a page downloads: entries of the built package, bundled and minified as a page's bundler does it, after gzip. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { expect, test } from 'vitest';
import { root } from './imports.js';
import { FILE, gzipBytes, inOneFile, options, READY_FILES, rows, table, writtenRows } from './sizes.js';

const packageJson = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** Sizes in the table may be off by this share: the next change of a few bytes must not need it written anew. */
const TOLERANCE = 0.02;

test(`${FILE} says the sizes within ${100 * TOLERANCE} %; \`npm run docs:sizes\` writes it`, async () => {
  const found = await rows();
  if (process.env.WRITE_SIZES) writeFileSync(join(root, FILE), table(found));
  const written = writtenRows(readFileSync(join(root, FILE), 'utf8'));
  expect(written.map(({ name }) => name)).toEqual(found.map(({ name }) => name));
  const wrong = found.flatMap(({ name, sizes }, i) =>
    sizes.flatMap((size, column) => {
      const said = written[i].sizes[column];
      return said !== undefined && Math.abs(said / size - 1) <= TOLERANCE
        ? []
        : [`${name}: ${size} bytes, in ${FILE} ${said}`];
    }),
  );
  expect(wrong).toEqual([]);
});

interface Entry {
  readonly name: string;
  readonly code: string;
  /** Bytes after gzip. */
  readonly ceiling: number;
}

/** The kernels of all three targets are in the first two. */
const ENTRIES: readonly Entry[] = [
  {
    name: 'a page: engine, MobileNet V1 and V2, classify',
    code: `
      export { compile } from 'depthwise/engine';
      export { mobilenetV1, mobilenetV2 } from 'depthwise/models';
      export { classify } from 'depthwise/tasks';
      export { withWeights } from 'depthwise/network';`,
    ceiling: 31_000,
  },
  { name: 'the engine alone', code: `export { compile } from 'depthwise/engine';`, ceiling: 23_200 },
  {
    name: 'load, for .safetensors files alone',
    code: `
      export { load } from 'depthwise/load';
      export { safetensors } from 'depthwise/safetensors';`,
    ceiling: 47_100,
  },
  { name: 'all layers', code: `export { layers } from 'depthwise/layers';`, ceiling: 5_800 },
];

test.each(READY_FILES)('$file: at most $ceiling bytes', ({ file, ceiling }) => {
  expect(gzipBytes(readFileSync(join(root, file)))).toBeLessThanOrEqual(ceiling);
});

test.each(ENTRIES)('$name: at most $ceiling bytes', async ({ code, ceiling }) => {
  const bytes = await inOneFile(code);
  const modules = bytes > ceiling ? await largestModules(code) : '';
  expect(bytes - ceiling, `${bytes} bytes, ${bytes - ceiling} too many. ${modules}`).toBeLessThanOrEqual(0);
});

/** The source modules that weigh most in the bundle: the built files are several modules each. */
async function largestModules(code: string): Promise<string> {
  const source = code.replaceAll(/'depthwise(\/\w+)'/g, (_, door) => `'${sourceOf(door)}'`);
  const { metafile } = await build({ ...options(source), metafile: true });
  const modules = Object.values(metafile.outputs).flatMap(({ inputs }) => Object.entries(inputs));
  const lines = modules
    .sort(([, a], [, b]) => b.bytesInOutput - a.bytesInOutput)
    .slice(0, 15)
    .map(([path, { bytesInOutput }]) => `${String(bytesInOutput).padStart(7)}  ${path}`);
  return `The largest modules, minified, before gzip:\n${lines.join('\n')}\n`;
}

/** './dist/load/static.js' of package.json's './load' is made of './src/load/static.ts'. */
function sourceOf(door: string): string {
  const { default: file } = packageJson.exports[`.${door}`];
  return (file.default ?? file).replace('./dist/', './src/').replace(/\.js$/, '.ts');
}
