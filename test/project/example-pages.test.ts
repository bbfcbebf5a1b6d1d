/** The pages of examples/ and of the CDN files, in Chromium, each in a folder of its own where the package is installed. */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readNetwork, writeNetwork } from '../../src/formats/index.js';
import { writeFilm } from '../browser/film.js';
import { constantDetector, crowdedDetector } from '../cli/detector.js';
import { root } from './imports.js';
import { type StaticServer, serveFolder } from './static-server.js';

const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
const picture = (name: string) => join(root, 'assets', 'pictures', `${name}.jpg`);

describe.skipIf(!existsSync(executablePath))(`in Chromium (needs ${executablePath}, or CHROMIUM to name one)`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'depthwise-pages-'));
  const servers: StaticServer[] = [];
  let browser: Browser;

  beforeAll(async () => {
    const film = join(folder, 'film.y4m');
    await writeFilm(film, [picture('chelsea'), picture('rocket')], 160, 120);
    const camera = ['--use-fake-device-for-media-stream', `--use-file-for-fake-video-capture=${film}`];
    browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-quic', ...camera] });
  }, 60_000);

  afterAll(async () => {
    await browser?.close();
    for (const server of servers) server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** A folder with the package in its node_modules: an example's, or an empty one. */
  function project(name: string): string {
    const path = join(folder, name);
    mkdirSync(join(path, 'node_modules'), { recursive: true });
    symlinkSync(root, join(path, 'node_modules', 'depthwise'));
    if (existsSync(join(root, 'examples', name))) cpSync(join(root, 'examples', name), path, { recursive: true });
    return path;
  }

  async function open(path: string): Promise<Page> {
    const server = await serveFolder(path);
    servers.push(server);
    const context = await browser.newContext({ permissions: ['camera'] });
    const page = await context.newPage();
    page.on('pageerror', (error) => {
      throw error;
    });
    await page.goto(server.address);
    return page;
  }

  const textOf = async (page: Page, id: string, wanted: RegExp): Promise<string> => {
    const text = await page.waitForFunction(
      ([id, source]) => {
        const found = document.getElementById(id)?.textContent ?? '';
        return new RegExp(source).test(found) && found;
      },
      [id, wanted.source] as const,
      { timeout: 20_000 },
    );
    return `${await text.jsonValue()}`;
  };

  test('examples/script-tag', async () => {
    const page = await open(project('script-tag'));
    expect(await textOf(page, 'answer', /%/)).toMatch(/^ *9\d\.\d % {2}cat\n.*%.*\n.*%.*$/);
    await page.setInputFiles('#file', picture('rocket'));
    expect(await textOf(page, 'answer', /^ *\d+\.\d % {2}(?!cat)/)).toMatch(/\n.*%.*\n.*%/);
  });

  test('dist/cdn/depthwise.js by an import map', async () => {
    const path = project('import-map');
    writeFileSync(
      join(path, 'index.html'),
      `<!doctype html><title>import map</title><pre id="answer"></pre>
      <script type="importmap">{ "imports": { "depthwise": "/node_modules/depthwise/dist/cdn/depthwise.js" } }</script>
      <script type="module">
        import { load } from 'depthwise';
        const model = await load('/node_modules/depthwise/assets/models/mobilenet_v2_0.75_32_small_cifar10.safetensors');
        const picture = new Image();
        picture.src = '/node_modules/depthwise/assets/pictures/chelsea.jpg';
        await picture.decode();
        const [{ label }] = await model.classify(picture);
        document.getElementById('answer').textContent = label + ', ' + performance.getEntriesByType('resource')
          .filter(({ name }) => name.endsWith('.js')).map(({ name }) => new URL(name).pathname).join();
      </script>`,
    );
    const page = await open(path);
    const [label, first, ...later] = (await textOf(page, 'answer', /,/)).split(/, ?/);
    expect([label, first]).toEqual(['cat', '/node_modules/depthwise/dist/cdn/depthwise.js']);
    // The reader and the kernels of integers.
    for (const file of later) expect(file).toMatch(/^\/node_modules\/depthwise\/dist\/cdn\/[\w-]+\.js$/);
  });

  test('examples/page', async () => {
    const path = project('page');
    await build({ root: path, logLevel: 'silent', configFile: false });
    const page = await open(join(path, 'dist'));
    await page.setInputFiles('#file', [picture('chelsea'), join(path, 'main.js'), picture('rocket')]);
    const answers = await textOf(page, 'answers', /rocket/);
    expect(answers).toMatch(
      /chelsea\.jpg: cat 9\d\.\d %, .*main\.js: picture: the browser cannot decode .*rocket\.jpg: \w+ \d+\.\d %/,
    );
  });

  test('examples/react, in StrictMode', async () => {
    const path = project('react');
    for (const name of ['react', 'react-dom', 'scheduler']) {
      symlinkSync(join(root, 'node_modules', name), join(path, 'node_modules', name));
    }
    await build({ root: path, logLevel: 'silent', configFile: false, mode: 'development' });
    const page = await open(join(path, 'dist'));
    await page.setInputFiles('#file:enabled', picture('chelsea'));
    expect(await textOf(page, 'answer', /%/)).toMatch(/^cat 9\d\.\d %, /);
  });

  test('examples/webcam', async () => {
    const path = project('webcam');
    await build({ root: path, logLevel: 'silent', configFile: false });
    const page = await open(join(path, 'dist'));
    expect(await textOf(page, 'answer', /frames a second/)).toMatch(/^\w+ \d+ %, \d+ frames a second$/);
    await page.click('#stop');
    await textOf(page, 'answer', /^Stopped\.$/);
    expect(await page.evaluate(() => document.querySelector('video')!.srcObject)).toBe(null);
  });

  test('examples/detection', async () => {
    const path = project('detection');
    const model = join(path, 'constant.safetensors');
    writeFileSync(model, await writeNetwork(constantDetector(), 'safetensors'));
    await build({ root: path, logLevel: 'silent', configFile: false });
    const page = await open(join(path, 'dist'));
    await page.setInputFiles('#model', model);
    await textOf(page, 'answer', /^constant\. Choose a picture/);
    await page.setInputFiles('#picture', picture('chelsea'));
    expect(await textOf(page, 'answer', /boxes/)).toBe('2 boxes: cat 75 %, dog 50 %');
    await page.locator('#score').fill('0.6');
    expect(await textOf(page, 'answer', /^1 /)).toBe('1 box: cat 75 %');
    await page.selectOption('#show', 'map');
    await page.locator('#class').fill('dgo');
    await textOf(page, 'answer', /there is no label 'dgo'/);
    await page.locator('#class').fill('dog');
    expect(await textOf(page, 'answer', /^2 boxes/)).toBe('2 boxes: dog 50 %, dog 10 %');
    await page.selectOption('#show', 'kept');
    const { width } = await page.locator('canvas').evaluate((canvas: HTMLCanvasElement) => ({ width: canvas.width }));
    await page.click('#camera');
    await page.waitForFunction((picture) => document.querySelector('canvas')!.width !== picture, width);
    expect(await textOf(page, 'answer', /box/)).toBe('1 box: cat 75 %');
    await page.click('#stop');
    await textOf(page, 'answer', /^Stopped\.$/);
    const crowded = join(path, 'crowded.safetensors');
    writeFileSync(crowded, await writeNetwork(crowdedDetector(), 'safetensors'));
    await page.setInputFiles('#picture', picture('rocket'));
    await page.setInputFiles('#model', crowded);
    await textOf(page, 'answer', /^100 boxes: /);
    await page.selectOption('#show', 'raw');
    await textOf(page, 'answer', /^2000 boxes: /);
    await page.locator('#score').fill('0.95');
    await page.selectOption('#show', 'kept');
    expect(await textOf(page, 'answer', /^(?!2000)/)).toMatch(/^\d+ box/);
  });

  test('examples/worker', async () => {
    const path = project('worker');
    await build({ root: path, logLevel: 'silent', configFile: false });
    const page = await open(join(path, 'dist'));
    expect(await textOf(page, 'answer', /%/)).toMatch(/^cat 9\d\.\d %, /);
    expect(await textOf(page, 'own', /%/)).toMatch(/^cat 9\d\.\d %$/);
  });

  test('depthwise/tfjs-models, as a page for @tensorflow-models/mobilenet has it', async () => {
    const path = project('tfjs-models');
    writeFileSync(
      join(path, 'index.html'),
      `<!doctype html><title>tfjs-models</title><pre id="answer"></pre>
      <img id="img" src="/node_modules/depthwise/assets/pictures/chelsea.jpg" alt="">
      <script type="module">
        import { mobilenet } from '/node_modules/depthwise/dist/tfjs-models/index.js';
        const img = document.getElementById('img');
        await img.decode();
        const modelUrl = '/node_modules/depthwise/assets/models/mobilenet_v2_0.75_32_small_cifar10.safetensors';
        mobilenet.load({ modelUrl }).then((model) => {
          model.classify(img).then((predictions) => {
            const [{ className, probability }] = predictions;
            document.getElementById('answer').textContent =
              [className, probability > 0.5, predictions.length, ...model.infer(img, true).shape].join();
          });
        });
      </script>`,
    );
    expect(await textOf(await open(path), 'answer', /,/)).toMatch(/^cat,true,3,1,\d+$/);
  });

  test('examples/transfer-learning', async () => {
    const path = project('transfer-learning');
    await build({ root: path, logLevel: 'silent', configFile: false });
    const page = await open(join(path, 'dist'));
    await page.waitForFunction(() => document.querySelector('video')!.currentTime > 0);
    await page.evaluate(teach);
    await page.click('#train');
    await textOf(page, 'head', /%/);
    const [neighbours, head] = await page.evaluate(watch);
    expect(neighbours).toBeGreaterThan(0.7);
    expect(head).toBeGreaterThan(0.7);
    const [download] = await Promise.all([page.waitForEvent('download'), page.click('#save')]);
    const { conventions } = await readNetwork(readFileSync(await download.path()));
    expect([...(conventions.labels ?? [])].sort()).toEqual(['A', 'B']);
  });
});

/** In the page: for two seconds, holds button A while the cat is on, and B while the rocket is. */
async function teach(): Promise<void> {
  const context = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true })!;
  const press = (label: string, type: string) =>
    document.querySelector(`[data-label=${label}]`)!.dispatchEvent(new PointerEvent(type));
  for (const end = performance.now() + 2000; performance.now() < end; ) {
    context.drawImage(document.querySelector('video')!, 0, 0, 1, 1);
    const [red] = context.getImageData(0, 0, 1, 1).data; // 147 of the cat, 42 of the rocket
    press(red > 95 ? 'B' : 'A', 'pointerup');
    press(red > 95 ? 'A' : 'B', 'pointerdown');
    await new Promise(requestAnimationFrame);
  }
  press('A', 'pointerup');
}

/** In the page: for two seconds, how often nearest neighbours and classifier say the button of what is on. */
async function watch(): Promise<[neighbours: number, head: number]> {
  const context = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true })!;
  const right: [number, number] = [0, 0];
  let looks = 0;
  for (const end = performance.now() + 2000; performance.now() < end; looks++) {
    context.drawImage(document.querySelector('video')!, 0, 0, 1, 1);
    const wanted = context.getImageData(0, 0, 1, 1).data[0] > 95 ? 'A' : 'B';
    for (const [i, id] of ['neighbours', 'head'].entries()) {
      if (document.getElementById(id)!.textContent!.startsWith(`${wanted},`)) right[i] += 1;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return [right[0] / looks, right[1] / looks];
}
