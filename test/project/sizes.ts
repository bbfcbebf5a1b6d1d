/** The sizes in docs/sizes.md: what a page's bundler makes of each door, minified, after gzip. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type BuildOptions, build, type Metafile } from 'esbuild';
import { root } from './imports.js';
import { doors } from './packed.js';

export const FILE = 'docs/sizes.md';

/** Files that pages fetch as they are. Readers are files beside the first, and inside the second; the others are workers of `createWorker`. */
export const READY_FILES: readonly { readonly file: string; readonly ceiling: number }[] = [
  { file: 'dist/cdn/depthwise.js', ceiling: 73_000 },
  { file: 'dist/cdn/depthwise.global.js', ceiling: 240_000 },
  { file: 'dist/browser/worker.js', ceiling: 43_000 },
  { file: 'dist/browser/integer-worker.js', ceiling: 79_000 },
];

/** Programs as pages have them, before the doors, which are imported whole. */
const PROGRAMS: readonly (readonly [name: string, code: string])[] = [
  ['`load` and `classify`, every format', `export { load } from 'depthwise';`],
  [
    '`load` and `classify`, .safetensors alone',
    `export { load } from 'depthwise/load'; export { safetensors } from 'depthwise/safetensors';`,
  ],
  [
    'engine, MobileNet V1 and V2, `classify`, no reader',
    `export { compile } from 'depthwise/engine'; export { mobilenetV1, mobilenetV2 } from 'depthwise/models';
     export { classify } from 'depthwise/tasks'; export { withWeights } from 'depthwise/network';`,
  ],
  ['engine alone', `export { compile } from 'depthwise/engine';`],
];

export interface SizeRow {
  readonly name: string;
  /** Bytes in one file; and, in a build that makes files of what is loaded later, bytes of what is loaded at first. */
  readonly sizes: readonly number[];
}

export async function rows(): Promise<SizeRow[]> {
  const all = [...PROGRAMS, ...doors.map((door) => [`all of \`${door}\``, `export * from '${door}';`] as const)];
  const bundled = await Promise.all(
    all.map(async ([name, code]) => ({ name, sizes: [await inOneFile(code), await atFirst(code)] })),
  );
  const served = READY_FILES.map(({ file }) => ({
    name: `\`${file}\``,
    sizes: [gzipBytes(readFileSync(join(root, file)))],
  }));
  return [...bundled, ...served];
}

export function table(found: readonly SizeRow[]): string {
  const lines = found.map(({ name, sizes: [whole, first] }) => `| ${name} | ${whole} | ${first ?? ''} |`);
  return `# Sizes

Bytes of JavaScript and WebAssembly that a page downloads: bundled and minified by esbuild, after gzip -9. A model's weights come on top. *In one
file* is for bundles that cannot be split, such as service workers. *At first* is what a build with code splitting loads before anything is
called; readers of formats follow when a file of theirs is read. \`npm run docs:sizes\` writes this table, and a test holds it to the code.

| import | in one file | at first |
| --- | ---: | ---: |
${lines.join('\n')}
`;
}

/** The rows of a table that \`table\` has written. */
export function writtenRows(markdown: string): SizeRow[] {
  const lines = markdown.split('\n').filter((line) => /\| \d+ \|/.test(line));
  return lines.map((line) => {
    const [name, ...sizes] = line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim());
    return { name, sizes: sizes.filter(Boolean).map(Number) };
  });
}

export async function inOneFile(code: string): Promise<number> {
  const { outputFiles } = await build(options(code));
  return gzipBytes(outputFiles[0].contents);
}

/** The entry and the files that it imports, and they import, without \`import()\`. */
async function atFirst(code: string): Promise<number> {
  const { outputFiles, metafile } = await build({ ...options(code), splitting: true, outdir: 'out', metafile: true });
  const contents = new Map(outputFiles.map(({ path, contents }) => [path.replaceAll('\\', '/'), contents]));
  const loaded = staticallyLoaded(metafile, Object.keys(metafile.outputs).find((file) => /\bstdin\.js$/.test(file))!);
  return [...loaded].reduce((sum, file) => sum + gzipBytes(contents.get(join(root, file).replaceAll('\\', '/'))!), 0);
}

function staticallyLoaded({ outputs }: Metafile, file: string, loaded = new Set<string>()): Set<string> {
  if (loaded.has(file)) return loaded;
  loaded.add(file);
  for (const { path, kind, external } of outputs[file].imports) {
    if (kind === 'import-statement' && !external) staticallyLoaded({ outputs } as Metafile, path, loaded);
  }
  return loaded;
}

export const gzipBytes = (bytes: Uint8Array): number => gzipSync(bytes, { level: 9 }).length;

export const options = (code: string) =>
  ({
    stdin: { contents: code, resolveDir: root },
    absWorkingDir: root,
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    external: ['node:*', 'sharp'], // of doors that Node alone uses whole
    write: false,
    logLevel: 'error',
  }) as const satisfies BuildOptions;
