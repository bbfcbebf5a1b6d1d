/**
 * From a film's frame to its answer, in a page of Chromium that is not cross-origin isolated, so that nobody has threads. CHROMIUM names the
 * program; otherwise Debian's is used.
 */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join, normalize } from 'node:path';
import { parseArgs } from 'node:util';
import { type Browser, chromium, type Page } from 'playwright-core';
import { type FilmSize, writeFilm } from './film.js';
import { filesOf, ROWS, type Row } from './models.js';
import type { PageOptions, RowResult } from './page.js';
import { PLACES, placesTable } from './places.js';
import type { PlacesOptions, PlacesTimes } from './places-page.js';
import { describeMachine, loadNow, ROOT } from './publish.js';
import { type Measured, markdown, type Report } from './report.js';

const SIZES: readonly FilmSize[] = [
  { width: 640, height: 480 },
  { width: 1280, height: 720 },
];
const THROTTLED_BY = 6;

/** First folder of an address → folder on disk. */
const FOLDERS: Readonly<Record<string, string>> = {
  build: 'build',
  'tfjs-wasm': 'node_modules/@tensorflow/tfjs-backend-wasm/wasm-out',
  mediapipe: 'node_modules/@mediapipe/tasks-vision/wasm',
};
const TYPES: Readonly<Record<string, string>> = {
  '.js': 'text/javascript',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
};
const PAGE = '<!doctype html><title>frames</title><body></body><script type="module" src="/build/page.js"></script>';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '60' },
    rows: { type: 'string' },
    out: { type: 'string' },
    places: { type: 'boolean', default: false },
  },
});
const rounds = Number(values.rounds);
const rows = ROWS.filter(({ name }) => values.rows === undefined || values.rows.split(',').includes(name));
if (rows.length === 0 || !(rounds >= 1))
  throw new Error(`--rows: some of ${ROWS.map(({ name }) => name)}; --rounds: 1 or more`);

const models = new Map<string, Uint8Array>();
for (const row of values.places ? [] : rows)
  for (const [path, bytes] of await filesOf(row)) models.set(`/models/${row.name}/${path}`, bytes);
const server = await serve();
const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
const films = await mkdtemp(join(tmpdir(), 'depthwise-films-'));
try {
  await (values.places ? measurePlaces() : measureAll());
} finally {
  server.close();
  server.closeAllConnections();
  await rm(films, { recursive: true });
}

async function measurePlaces(): Promise<void> {
  const folder = process.env.DEPTHWISE_DATA;
  if (folder === undefined) throw new Error('--places: DEPTHWISE_DATA must name the folder with models');
  for (const { file } of PLACES) models.set(`/models/${file}`, await readFile(join(folder, 'models', file)));
  const film = join(films, 'places.y4m');
  await writeFilm(film, SIZES[0]);
  const browser = await launch(film);
  console.log(`Chromium ${browser.version()}, ${describeMachine()}, load ${loadNow().toFixed(1)}`);
  const table = await placesTable(async (row, inWorker) => {
    const page = await open(browser);
    const options = { ...row, ...SIZES[0], inWorker, seconds: 5 };
    const times = await page.evaluate((given) => (globalThis as unknown as Globals).placesASecond(given), options);
    await page.close();
    return times;
  });
  console.log(table);
  await browser.close();
}

async function measureAll(): Promise<void> {
  const before = loadNow();
  const results: Measured[] = [];
  let version = '';
  for (const size of SIZES) {
    const film = join(films, `${size.width}x${size.height}.y4m`);
    await writeFilm(film, size);
    const browser = await launch(film);
    version = browser.version();
    for (const row of rows) results.push(await measured(browser, row, size));
    await browser.close();
  }
  const report: Report = {
    runtime: `Chromium ${version}`,
    machine: describeMachine(),
    date: new Date().toISOString().slice(0, 10),
    load: [before, loadNow()],
    results,
  };
  const out = values.out ?? join(ROOT, 'reports/frames.json');
  await mkdir(join(out, '..'), { recursive: true });
  await writeFile(out, `${JSON.stringify(report, null, 2)}\n`);
  console.log(`${markdown(report)}\n\nJSON: ${out}`);
}

async function measured(browser: Browser, row: Row, size: FilmSize): Promise<Measured> {
  const options: PageOptions = { row, ...size, rounds };
  const page = await open(browser);
  const result = await page.evaluate((given) => (globalThis as unknown as Globals).measure(given), options);
  await page.close();
  const throttled = await open(browser);
  const session = await throttled.context().newCDPSession(throttled);
  await session.send('Emulation.setCPUThrottlingRate', { rate: THROTTLED_BY });
  const rate = await throttled.evaluate((given) => (globalThis as unknown as Globals).framesASecond(given), {
    ...options,
    seconds: 5,
  });
  await throttled.close();
  return { row: row.name, film: `${size.width}×${size.height}`, ...result, throttledFramesASecond: rate };
}

interface Globals {
  placesASecond(options: PlacesOptions): Promise<PlacesTimes>;
  measure(options: PageOptions): Promise<RowResult>;
  framesASecond(options: PageOptions & { seconds: number }): Promise<number>;
}

async function open(browser: Browser): Promise<Page> {
  const context = await browser.newContext({ permissions: ['camera'] });
  const page = await context.newPage();
  page.on('pageerror', (error) => console.error(error));
  await page.goto(address);
  await page.waitForFunction(() => 'measure' in globalThis);
  return page;
}

function launch(film: string): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: [
      ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
      '--use-fake-device-for-media-stream',
      '--use-fake-ui-for-media-stream',
      `--use-file-for-fake-video-capture=${film}`,
    ],
  });
}

async function serve(): Promise<Server> {
  const created = createServer(async ({ url = '/' }, response) => {
    const path = normalize(new URL(url, 'http://localhost').pathname);
    if (path === '/') {
      response.setHeader('Content-Type', 'text/html').end(PAGE);
      return;
    }
    const [, first, ...rest] = path.split('/');
    try {
      const bytes = models.get(path) ?? (await readFile(join(ROOT, FOLDERS[first], ...rest)));
      response.setHeader('Content-Type', TYPES[extname(path)] ?? 'application/octet-stream').end(bytes);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((listening) => created.listen(0, '127.0.0.1', listening));
  return created;
}
