/**
 * In Chromium: milliseconds from a film's frame to the input tensor, and how many of the 100 ImageNet pictures are named rightly when the rule
 * resizes and when the canvas does.
 *
 *   npm run bench:prepare:chromium -- [--frames 200]
 *
 * DEPTHWISE_DATA names the folder of the pictures and of the network, MobileNet V1 0.25 @224 of Keras; without it only the times are measured.
 * CHROMIUM names the program, /usr/bin/chromium if it does not.
 */
import { existsSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { chromium } from 'playwright-core';

const { values } = parseArgs({ options: { frames: { type: 'string', default: '200' } } });
const data = process.env.DEPTHWISE_DATA;
const model = 'models/mobilenet_v1_0.25_224.h5';
const pictures = 'images/imagenet100';

const { outputFiles } = await build({
  entryPoints: [fileURLToPath(new URL('page.mjs', import.meta.url))],
  bundle: true,
  format: 'esm',
  platform: 'browser',
  write: false,
  logLevel: 'error',
});
const server = createServer(async ({ url }, response) => {
  const path = decodeURIComponent(url);
  if (path === '/')
    response.setHeader('Content-Type', 'text/html').end('<script type="module" src="/page.js"></script>');
  else if (path === '/page.js') response.setHeader('Content-Type', 'text/javascript').end(outputFiles[0].contents);
  else if (data !== undefined && path.startsWith('/data/'))
    response.end(await readFile(join(data, path.slice('/data/'.length))));
  else response.writeHead(404).end();
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu'],
});
try {
  const page = await browser.newPage();
  page.on('pageerror', (error) => console.error(error));
  await page.goto(`http://127.0.0.1:${server.address().port}/`);
  await page.waitForFunction(() => globalThis.bench !== undefined);
  console.log(
    `Chromium ${browser.version()}, load ${loadavg()[0].toFixed(1)}; milliseconds a frame, median and shortest`,
  );
  console.table(await page.evaluate((frames) => globalThis.bench.frames(frames), Number(values.frames)));
  if (data !== undefined && existsSync(join(data, model))) {
    console.log('named rightly, of 100');
    console.table(
      await page.evaluate(([file, list]) => globalThis.bench.accuracy(file, list), [`/data/${model}`, truth()]),
    );
  }
} finally {
  await browser.close();
  server.close();
  server.closeAllConnections();
}

/** Address and class of each picture. */
function truth() {
  const [, ...lines] = readFileSync(join(data, pictures, 'classes.csv'), 'utf8')
    .trim()
    .split('\n');
  return lines.map((line) => {
    const [file, index] = line.split(',');
    return [`/data/${pictures}/${file}`, Number(index)];
  });
}
