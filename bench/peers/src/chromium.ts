/**
 * The benchmark in a page of Chromium. The page is not cross-origin isolated, so that nobody has threads. CHROMIUM names the program;
 * otherwise Debian's is used.
 */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { chromium } from 'playwright-core';
import { readOptions } from './options.js';
import type { PageOptions } from './page.js';
import { describeMachine, loadNow, publish, ROOT } from './publish.js';
import { type Report, withMean } from './report.js';

/** First folder of an address → folder on disk. */
const FOLDERS: Readonly<Record<string, string>> = {
  build: 'build',
  litert: 'node_modules/@litertjs/core/wasm',
  'tfjs-tflite': 'node_modules/@tensorflow/tfjs-tflite/wasm',
  'tfjs-wasm': 'node_modules/@tensorflow/tfjs-backend-wasm/wasm-out',
  onnxruntime: 'node_modules/onnxruntime-web/dist',
};

const TYPES: Readonly<Record<string, string>> = {
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.wasm': 'application/wasm',
};

const PAGE = '<!doctype html><title>depthwise beside its peers</title><body><script src="/build/page.js"></script>';

const server = createServer(async ({ url = '/' }, response) => {
  if (url === '/') {
    response.setHeader('Content-Type', 'text/html').end(PAGE);
    return;
  }
  const [, first, ...rest] = normalize(new URL(url, 'http://localhost').pathname).split('/');
  try {
    const bytes = await readFile(join(ROOT, FOLDERS[first], ...rest));
    response.setHeader('Content-Type', TYPES[extname(url)] ?? 'application/octet-stream').end(bytes);
  } catch {
    response.writeHead(404).end();
  }
});
await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));

const options = readOptions();
const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
const browser = await chromium.launch({ executablePath, args: process.getuid?.() === 0 ? ['--no-sandbox'] : [] });
try {
  const page = await browser.newPage();
  page.on('console', (message) => {
    if (!/^(INFO|WARNING):/.test(message.text())) console.error(message.text()); // what runtimes report of themselves
  });
  page.on('pageerror', (error) => console.error(error));
  await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  const before = loadNow();
  const { simd, rows } = await page.evaluate(
    (pageOptions) =>
      (globalThis as unknown as { runInPage(options: PageOptions): Promise<Pick<Report, 'simd' | 'rows'>> }).runInPage(
        pageOptions,
      ),
    options as PageOptions,
  );
  await publish(
    withMean({
      runtime: `Chromium ${browser.version()}`,
      machine: describeMachine(),
      simd,
      clock: 'wall',
      date: new Date().toISOString().slice(0, 10),
      seconds: options.seconds,
      load: [before, loadNow()],
      rows,
    }),
    options.out,
  );
} finally {
  await browser.close();
  server.close();
}
