/** Grabbing in Chromium: the pixels are those of the readable rules, and each state that has none has its own error. */
import { existsSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bundle } from '../browser/bundle.js';
import { type Served, serve } from '../browser/serve.js';
import type {} from './grabInPage.js';

const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';

/** One pixel. */
const GIF = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64');

/** Another site: a picture that any page may show, and none may read. With ?slow it never comes. */
async function serveForeign(): Promise<Server> {
  const server = createServer(({ url }, response) => {
    if (!url?.endsWith('slow')) response.setHeader('Content-Type', 'image/gif').end(GIF);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return server;
}

describe.skipIf(!existsSync(executablePath))(`in Chromium (needs ${executablePath}, or CHROMIUM to name one)`, () => {
  let browser: Browser;
  let page: Page;
  let served: Served;
  let foreign: Server;

  beforeAll(async () => {
    served = await serve(await bundle('../image/grabInPage.ts'));
    foreign = await serveForeign();
    browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
    page = await browser.newPage();
    await page.goto(served.page('plain'));
  }, 120_000);

  afterAll(async () => {
    await browser?.close();
    served?.close();
    foreign?.closeAllConnections();
    foreign?.close();
  });

  test('every source, preset and view: the bits of the readable rules', async () => {
    expect(await page.evaluate(() => globalThis.grabbing.exactness())).toEqual([]);
  });

  test('each state without pixels says what to do', async () => {
    const address = `http://127.0.0.1:${(foreign.address() as AddressInfo).port}/dot.gif`;
    const wanted =
      'picture: wanted an <img>, SVG <image>, <video>, <canvas>, OffscreenCanvas, ImageBitmap or VideoFrame, found';
    const unreadable =
      'picture: the browser does not let this page read the pixels; a picture from another site needs crossorigin="anonymous" and a server that allows it';
    const svgAtOnce =
      'picture: an SVG <image> is to be loaded at its own resolution first; await grab(image), or give an <img> with its href';
    const noHref = 'picture: the SVG <image> has no href';
    const notThere = 'picture: the SVG <image> is broken: data:image/png,nothing is not there, or is no picture';
    const texts = await page.evaluate((address) => globalThis.grabbing.errors(address), address);
    expect(texts).toEqual({
      pending: 'picture: the <img> has not loaded yet; wait for its load event, or await img.decode()',
      broken:
        'picture: the <img> is broken: data:image/png,nothing is not there, is no picture, or is an SVG without width and height',
      empty: 'picture: the <img> has no src',
      video: "picture: the <video> has no frame yet; wait for its 'loadeddata' event",
      bitmap: 'picture: the ImageBitmap is closed, or was sent to a worker; make another with createImageBitmap',
      frame: 'picture: the VideoFrame is closed; classify it before frame.close()',
      canvas: 'picture: the canvas is empty: 0×150 pixels',
      foreign: expect.stringContaining(unreadable),
      tainted: expect.stringContaining(unreadable),
      svg: svgAtOnce,
      'svg, grab': noHref,
      'svg, prepareElement': noHref,
      unloaded: svgAtOnce,
      'unloaded, grab': notThere,
      'unloaded, prepareElement': notThere,
      broad: expect.stringContaining("picture: this browser's canvas does not hold 70000×100 pixels"),
      null: `${wanted} null; was the element in the document when it was looked for?`,
      selector: `${wanted} the text '#img'; document.querySelector finds the element of a selector`,
      list: `${wanted} an HTMLCollection`,
      otherwise: `${wanted} an HTMLBodyElement`,
      afterwards: 'no error',
    });
  });

  test('pictures of 48 megapixels, and beyond the canvas, are drawn smaller, and look the same', async () => {
    const differences = await page.evaluate(() => globalThis.grabbing.large());
    // At the border of the two colours the browser's shrinking may differ; elsewhere nothing does.
    for (const [name, difference] of Object.entries(differences)) expect(difference, name).toBeLessThanOrEqual(24);
  });

  test('a canvas that scales by itself makes nearly the same, in every view', async () => {
    for (const mean of await page.evaluate(() => globalThis.grabbing.canvasScaling())) expect(mean).toBeLessThan(4);
  });
});
