/** The doors that a page may use, bundled for it: nothing of Node is in them, and nothing has to be resolved that a page does not have. */
import { type BuildOptions, build } from 'esbuild';
import { describe, expect, test } from 'vitest';
import { root } from './imports.js';

const DOORS = [
  'depthwise',
  'depthwise/browser',
  'depthwise/engine',
  'depthwise/formats',
  'depthwise/image/browser',
  'depthwise/layers',
  'depthwise/models',
  'depthwise/network',
  'depthwise/pretrained',
  'depthwise/tasks',
  'depthwise/tfjs-models',
  'depthwise/training',
];

const options = {
  absWorkingDir: root,
  bundle: true,
  format: 'esm',
  platform: 'browser',
  target: 'es2022',
  splitting: true,
  outdir: 'nowhere',
  write: false,
  logLevel: 'silent',
  metafile: true,
} as const satisfies BuildOptions;

test.each(DOORS)('%s', async (door) => {
  const { outputFiles, metafile } = await build({
    ...options,
    stdin: { contents: `export * from '${door}';`, resolveDir: root },
  });
  expect(Object.values(metafile.outputs).flatMap(({ imports }) => imports.filter(({ external }) => external))).toEqual(
    [],
  );
  for (const { text } of outputFiles) expect(text).not.toMatch(/["'`]node:|\bprocess\.|\bBuffer\.|\b__dirname\b/);
});

describe('what only Node has is missing when it is built, not when it runs', () => {
  test.each(['readPictureFolder', 'readData', 'saveWhole'])('depthwise/training, %s', async (name) => {
    const contents = `import { ${name} } from 'depthwise/training'; console.log(${name});`;
    await expect(build({ ...options, stdin: { contents, resolveDir: root } })).rejects.toThrow(
      `No matching export in "dist/training/index.js" for import "${name}"`,
    );
  });
});
