/** Errors keep their names where a minifier renames classes. */
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { expect, test } from 'vitest';
import * as errors from '../src/errors.js';

type ErrorClass = new (message: string) => Error;

const { DepthwiseError, ...kinds } = errors;

async function minified(): Promise<Record<string, ErrorClass>> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('../src/errors.ts', import.meta.url))],
    bundle: true,
    minify: true,
    format: 'esm',
    write: false,
  });
  return import(`data:text/javascript,${encodeURIComponent(outputFiles[0].text)}`);
}

test.each(Object.keys(kinds))('%s is so called, also in a minified bundle', async (name) => {
  for (const classes of [kinds as unknown as Record<string, ErrorClass>, await minified()]) {
    const error = new classes[name]('what was found and what was wanted');
    expect(error.name).toBe(name);
    expect(String(error).split(':')[0]).toBe(name);
  }
  expect((await minified())[name].name).not.toBe(name);
});

test('an error that is made by its code alone has the same name', () => {
  expect(String(new DepthwiseError('camera', 'no camera'))).toBe('CameraError: no camera');
});
