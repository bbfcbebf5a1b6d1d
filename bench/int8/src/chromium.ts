/** The benchmark in a page of Chromium. CHROMIUM names the program; otherwise Debian's is used. */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, extname, join, normalize } from 'node:path';
import { chromium } from 'playwright-core';
import { markdown, type RowResult, type Simd } from './contest.js';
import { machine, readOptions } from './options.js';

const { rows, seconds, simd } = await readOptions();
const root = join(dirname(new URL(import.meta.url).pathname), '..');
const folders: Readonly<Record<string, string>> = { build: 'build', litert: 'node_modules/@litertjs/core/wasm' };
const types: Readonly<Record<string, string>> = { '.js': 'text/javascript', '.wasm': 'application/wasm' };
const PAGE = '<!doctype html><title>int8</title><body><script type="module" src="/build/page.js"></script>';

const server = createServer(async ({ url = '/' }, response) => {
  if (url === '/') {
    response.setHeader('Content-Type', 'text/html').end(PAGE);
    return;
  }
  const [, first, ...rest] = normalize(new URL(url, 'http://localhost').pathname).split('/');
  try {
    const row = rows.find(({ name }) => first === 'models' && name === rest[0]);
    const bytes = row?.file ?? (await readFile(join(root, folders[first], ...rest)));
    response.setHeader('Content-Type', types[extname(url)] ?? 'application/octet-stream').end(bytes);
  } catch {
    response.writeHead(404).end();
  }
});
await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));

const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
const browser = await chromium.launch({ executablePath, args: process.getuid?.() === 0 ? ['--no-sandbox'] : [] });
try {
  const page = await browser.newPage();
  page.on('pageerror', (error) => console.error(error));
  await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  await page.waitForFunction(() => 'runInPage' in globalThis);
  const results = await page.evaluate(
    ([names, level, time]) =>
      (
        globalThis as unknown as { runInPage(names: string[], simd: Simd, seconds: number): Promise<RowResult[]> }
      ).runInPage(names, level, time),
    [rows.map(({ name }) => name), simd, seconds] as const,
  );
  console.log(
    markdown(
      `Chromium ${browser.version()}, ${simd}, one thread; ${machine()}; milliseconds, median / best tenth`,
      results,
    ),
  );
} finally {
  await browser.close();
  server.close();
}
