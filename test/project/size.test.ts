/** What a page downloads: entries of the built package, bundled and minified as a page's bundler does it, after gzip. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type BuildOptions, build } from 'esbuild';
import { expect, test } from 'vitest';
import { root } from './imports.js';

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
    ceiling: 30_000,
  },
  { name: 'the engine alone', code: `export { compile } from 'depthwise/engine';`, ceiling: 23_200 },
  {
    name: 'load, for .safetensors files alone',
    code: `
      export { load } from 'depthwise/load';
      export { safetensors } from 'depthwise/safetensors';`,
    ceiling: 41_000,
  },
  { name: 'all layers', code: `export { layers } from 'depthwise/layers';`, ceiling: 6_000 },
];

/** What a page without a bundler fetches; the readers are files beside the first, and inside the second. */
const CDN_FILES: readonly { readonly file: string; readonly ceiling: number }[] = [
  { file: 'dist/cdn/depthwise.js', ceiling: 60_000 },
  { file: 'dist/cdn/depthwise.global.js', ceiling: 140_000 },
];

test.each(CDN_FILES)('$file: at most $ceiling bytes', ({ file, ceiling }) => {
  expect(gzipSync(readFileSync(join(root, file)), { level: 9 }).length).toBeLessThanOrEqual(ceiling);
});

test.each(ENTRIES)('$name: at most $ceiling bytes', async ({ code, ceiling }) => {
  const bytes = gzipSync(await bundled(code), { level: 9 }).length;
  const modules = bytes > ceiling ? await largestModules(code) : '';
  expect(bytes - ceiling, `${bytes} bytes, ${bytes - ceiling} too many. ${modules}`).toBeLessThanOrEqual(0);
});

async function bundled(code: string): Promise<Uint8Array> {
  const { outputFiles } = await build(options(code));
  return outputFiles[0].contents;
}

/** The source modules that weigh most in the bundle: the built files are several modules each. */
async function largestModules(code: string): Promise<string> {
  const source = code.replaceAll(/'depthwise\/(\w+)'/g, `'./src/$1/index.ts'`);
  const { metafile } = await build({ ...options(source), metafile: true });
  const modules = Object.values(metafile.outputs).flatMap(({ inputs }) => Object.entries(inputs));
  const lines = modules
    .sort(([, a], [, b]) => b.bytesInOutput - a.bytesInOutput)
    .slice(0, 15)
    .map(([path, { bytesInOutput }]) => `${String(bytesInOutput).padStart(7)}  ${path}`);
  return `The largest modules, minified, before gzip:\n${lines.join('\n')}\n`;
}

const options = (code: string) =>
  ({
    stdin: { contents: code, resolveDir: root },
    absWorkingDir: root,
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    write: false,
    logLevel: 'error',
  }) as const satisfies BuildOptions;
