/**
 * Pages with workers, built by each bundler's defaults from the package as npm lays it out, and run in Chromium: `createWorker`, and a worker of
 * one's own. Bundlers differ in what becomes of a worker's script, see src/browser/worker-start.ts.
 */
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as esbuild from 'esbuild';
import { type Browser, chromium } from 'playwright-core';
import { rolldown } from 'rolldown';
import * as vite from 'vite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { nightly } from '../../nightly.js';
import { serveFolders } from './serve-folders.js';

const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
const absent = !existsSync(executablePath);
const root = fileURLToPath(new URL('../../..', import.meta.url));
const MODEL = 'assets/models/mobilenet_v2_0.75_32_small_cifar10.safetensors';

const READERS = ['tflite', 'keras', 'onnx', 'tfjs', 'npz', 'quantized'];

/** A page for every bundler, beside the worker of its own that examples/worker has. */
const MAIN = `
  import { createWorker } from 'depthwise/browser';
  const own = new Worker(new URL('./own-worker.js', import.meta.url), { type: 'module' });
  own.addEventListener('message', ({ data }) => { document.body.dataset.own = data; });
  own.postMessage({ url: location.origin + '/model.safetensors', picture: location.origin + '/chelsea.jpg' });
  createWorker().load('/model.safetensors').then(async (model) => {
    const [{ label }] = await model.classify('/chelsea.jpg');
    document.body.dataset.answer = label + ' ' + model.report().target + ' ' + model.report().worker.from;
  }).catch((error) => { document.body.dataset.answer = error.message; });
`;

describe.skipIf(absent)(`in Chromium (needs ${executablePath}, or CHROMIUM to name one)`, () => {
  let folder: string;
  let browser: Browser;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'depthwise-bundlers-'));
    const installed = join(folder, 'node_modules/depthwise');
    for (const part of ['dist', 'assets', 'package.json'])
      await cp(join(root, part), join(installed, part), { recursive: true });
    for (const reader of ['fflate', 'flatbuffers', 'jsfive', 'pbf']) {
      await symlink(join(root, 'node_modules', reader), join(folder, 'node_modules', reader));
    }
    await cp(join(root, 'examples/worker'), folder, { recursive: true });
    await mkdir(join(folder, 'src'));
    await cp(join(root, 'examples/worker/own-worker.js'), join(folder, 'src/own-worker.js'));
    await writeFile(join(folder, 'src/main.js'), MAIN);
    browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
  }, 60_000);

  afterAll(async () => {
    await browser?.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** What a page says in its body's data, or in the output elements of an example. */
  async function answers(address: string): Promise<Record<string, string>> {
    const page = await browser.newPage();
    try {
      await page.goto(address);
      const said = () => ({
        ...document.body.dataset,
        ...Object.fromEntries([...document.querySelectorAll('output')].map(({ id, value }) => [id, value])),
      });
      await page.waitForFunction(`const { answer, own } = (${said})(); answer?.length > 1 && own?.length > 1`);
      return (await page.evaluate(said)) as Record<string, string>;
    } finally {
      await page.close();
    }
  }

  async function answersOf(built: string, html = ''): Promise<Record<string, string>> {
    if (html !== '') await writeFile(join(built, 'index.html'), `<!doctype html><body>${html}</body>`);
    const server = await serveFolders({
      '/model.safetensors': join(root, MODEL),
      '/chelsea.jpg': join(root, 'assets/pictures/chelsea.jpg'),
      '/': `${built}/`,
    });
    try {
      return await answers(server.origin);
    } finally {
      server.close();
    }
  }

  test.each([
    'safetensors',
    'load',
    ...READERS.map((name) => `formats/${name}`),
    'engine',
    'engine/integers',
    'tasks',
    'training',
  ])('depthwise/%s becomes one classic script, as the workers of Vite and Rollup are by default', async (door) => {
    const entry = join(folder, 'src', `${door.replace('/', '-')}.js`);
    await writeFile(entry, `export * from 'depthwise/${door}';`);
    const bundle = await rolldown({ input: entry, platform: 'browser', logLevel: 'silent' });
    const { output } = await bundle.generate({ format: 'iife', name: 'depthwise' });
    expect(output.map(({ fileName }) => fileName)).toEqual([expect.stringMatching(/\.js$/)]);
  });

  const EXAMPLE = { answer: expect.stringMatching(/^cat \d/), own: expect.stringMatching(/^cat \d/) };

  test('Vite, built: examples/worker', async () => {
    const outDir = join(folder, 'vite');
    await vite.build({ root: folder, logLevel: 'error', build: { outDir } });
    expect(await answersOf(outDir)).toEqual(EXAMPLE);
  });

  test('Vite, in development: examples/worker', async () => {
    const server = await vite.createServer({
      root: folder,
      logLevel: 'error',
      server: { port: 0 },
    });
    try {
      await server.listen();
      expect(await answers(server.resolvedUrls?.local[0] as string)).toEqual(EXAMPLE);
    } finally {
      await server.close();
    }
  });

  test('webpack', async () => {
    const webpack = createRequire(import.meta.url)('webpack');
    const path = join(folder, 'webpack');
    await new Promise<void>((resolve, reject) => {
      // Minifying takes most of its time, and is left to the nightly run.
      const defaults = { mode: 'production', context: folder, entry: './src/main.js', output: { path } };
      webpack(
        { ...defaults, ...(!nightly && { optimization: { minimize: false } }) },
        (error: Error | null, stats: Stats) => {
          if (error || stats.hasErrors()) reject(error ?? new Error(stats.toString()));
          else resolve();
        },
      );
    });
    expect(await answersOf(path, '<script src="main.js"></script>')).toEqual({
      answer: 'cat relaxed file',
      own: expect.stringMatching(/^cat \d/),
    });
  });
  interface Stats {
    hasErrors(): boolean;
    toString(): string;
  }

  test('esbuild, which leaves workers where they are: the page carries the text, its own worker is another entry', async () => {
    const outdir = join(folder, 'esbuild');
    await esbuild.build({
      entryPoints: ['main.js', 'own-worker.js'].map((file) => join(folder, 'src', file)),
      bundle: true,
      format: 'esm',
      outdir,
      logLevel: 'error',
    });
    expect(await answersOf(outdir, '<script type="module" src="main.js"></script>')).toEqual({
      answer: 'cat relaxed text',
      own: expect.stringMatching(/^cat \d/),
    });
  });
});
