/** `load` in headless Chromium: every kind of input and source, under a Content-Security-Policy; readers in a service worker; bits as in Node. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeNetwork } from '../../src/formats/index.js';
import { load } from '../../src/load/node.js';
import { bundle } from '../browser/bundle.js';
import { nightly } from '../nightly.js';
import { FILES } from './files.js';
import {
  type Answer,
  type FileServer,
  noise,
  pngOf,
  serveFiles,
  smallFile,
  smallNetwork,
  tfjsFiles,
} from './models.js';
import type { PageAnswer } from './page.js';

const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
const POLICY =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; img-src 'self'";
const HTML = '<!doctype html><meta charset="utf-8"><title>load</title><body><script src="script.js"></script>';

describe.skipIf(!existsSync(executablePath))(`in Chromium (needs ${executablePath}, or CHROMIUM to name one)`, () => {
  const network = smallNetwork();
  const picture = noise(7, 60, 50);
  let browser: Browser;
  let server: FileServer;
  let answer: PageAnswer;
  /** In Node, of the same file and pixels, on the same kernels. */
  let wanted: number[];
  let size: number;

  beforeAll(async () => {
    const file = await smallFile(network);
    size = file.length;
    const headers = { 'content-type': 'text/html', 'content-security-policy': POLICY };
    const files = new Map<string, Answer | Uint8Array>([
      ['', { headers, body: HTML }],
      ['script.js', { headers: { 'content-type': 'text/javascript' }, body: await bundle('../load/page.ts') }],
      [`files/${FILES.safetensors}`, file],
      ['files/noise.png', { headers: { 'content-type': 'image/png' }, body: pngOf(picture) }],
    ]);
    for (const format of ['npz', 'tflite', 'onnx'] as const) {
      files.set(`files/${FILES[format]}`, await writeNetwork(network, format));
    }
    for (const [name, content] of await tfjsFiles(network)) files.set(`files/tfjs/${name}`, content);
    server = await serveFiles(files);
    const model = await load(file, { target: 'simd', preprocessing: 'keras' });
    wanted = Array.from((await model.probabilities(picture)).data);

    browser = await chromium.launch({
      executablePath,
      args: ['--no-sandbox', '--js-flags=--expose-gc', '--enable-precise-memory-info'],
    });
    const page = await browser.newPage();
    const integrity = encodeURIComponent(`sha256-${createHash('sha256').update(file).digest('base64')}`);
    await page.goto(`${server.address}?integrity=${integrity}&turns=${nightly ? 2000 : 0}`);
    await page.waitForFunction(() => globalThis.loadAnswer, undefined, { timeout: 120_000 });
    const found = await page.evaluate(() => globalThis.loadAnswer!);
    if ('error' in found) throw new Error(found.error);
    answer = found;
  }, 150_000);

  afterAll(async () => {
    await browser?.close();
    server?.close();
  });

  test('every input gives the bits of Node', () => {
    expect(answer.target).toBe('simd');
    for (const [name, found] of Object.entries(answer.inputs)) expect(found, name).toEqual(wanted);
    expect(Object.keys(answer.inputs)).toHaveLength(14);
    expect(answer.open).toEqual([true, true]);
  });

  test('an address: its progress, the cache, the hash; what is kept is not asked for again', () => {
    expect(answer.cached).toEqual([false, true, false]);
    expect(server.asked.filter((path) => path === `files/${FILES.safetensors}`)).toHaveLength(2); // by the page, by the service worker
    const downloads = answer.progress.filter(({ phase }) => phase === 'download');
    expect(downloads.at(-1)).toEqual({ phase: 'download', loaded: size, total: size });
    expect(answer.progress.slice(downloads.length)).toEqual(
      ['read', 'compile'].flatMap((phase) => [0, 1].map((loaded) => ({ phase, loaded, total: 1 }))),
    );
  });

  test('a TensorFlow.js model by its relative address', () => {
    expect(Math.max(...answer.tfjs.map((value, i) => Math.abs(value - wanted[i])))).toBeLessThan(1e-5);
  });

  test('a service worker reads every format with its static reader', () => {
    expect(Object.keys(answer.serviceWorker)).toEqual(Object.keys(FILES));
    for (const [format, found] of Object.entries(answer.serviceWorker)) {
      expect(Math.max(...found.map((value, i) => Math.abs(value - wanted[i]))), format).toBeLessThan(1e-5);
    }
    expect(answer.serviceWorker.safetensors).toEqual(wanted);
  });

  test('stopping', () => {
    expect(answer.aborted).toBe('Error: enough');
  });

  test('every input that cannot be used has its own error', () => {
    const address = server.address;
    expect(answer.errors).toMatchObject({
      null: 'PictureError: classify: wanted a picture, found null',
      selector:
        "PictureError: '#photo' is no picture's address; if it selects an element, give the element: document.querySelector('#photo')",
      'an address of nothing': `DownloadError: ${address}files/none.png: the server answered 404 Not Found: "no such file"`,
      'an address of a page': `DownloadError: ${address}: the server answered with an HTML page; check the address`,
      'an SVG file': expect.stringMatching(
        /^PictureError: picture: the browser cannot decode SVG; give an <img> with this src, which draws it: /,
      ),
      'a list of elements': 'PictureError: classify: wanted a picture, found a NodeList; give [...list]',
      'a name in place of a model': expect.stringMatching(
        /^UsageError: load: 'mobilenet_v1_0.3_224' is no published network; similar names: mobilenet_v1_0.25_224, .*; of a file here, write '.\/mobilenet_v1_0.3_224'$/,
      ),
      'a div': 'PictureError: classify: wanted a picture, found an HTMLDivElement',
      'a page in place of a model': `DownloadError: ${address}: the server answered with an HTML page; check the address`,
      'no model': `DownloadError: ${address}files/none.tflite: the server answered 404 Not Found: "no such file"`,
    });
    const texts = Object.values(answer.errors);
    for (const text of texts) expect(text).toMatch(/^(Picture|Download|Usage)Error: /);
    expect(new Set(texts).size).toBe(texts.length - 1); // the same page, as a picture and as a model
  });

  test.skipIf(!nightly)('2,000 classifications: the heap is flat', () => {
    const [early, late] = answer.heap;
    expect(early).toBeGreaterThan(0);
    expect(late - early).toBeLessThan(500_000);
  });
});
