/** Frames in Chromium: copied pixels are those that a canvas draws, to the bit, or else a canvas draws them. */
import { existsSync } from 'node:fs';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bundle } from '../browser/bundle.js';
import { type Served, serve } from '../browser/serve.js';
import type {} from './framesInPage.js';

const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';

describe.skipIf(!existsSync(executablePath))(`in Chromium (needs ${executablePath}, or CHROMIUM to name one)`, () => {
  let browser: Browser;
  let page: Page;
  let served: Served;

  beforeAll(async () => {
    served = await serve(await bundle('../image/framesInPage.ts'));
    browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
    page = await browser.newPage();
    await page.goto(served.page('plain'));
  }, 120_000);

  afterAll(async () => {
    await browser?.close();
    served?.close();
  });

  test('every format, colour space, size and view: the bits of the canvas, without one', async () => {
    expect(await page.evaluate(() => framing.exactness())).toEqual([]);
  });

  test('what a canvas turns, cuts, stretches or blends is left to it', async () => {
    expect(await page.evaluate(() => framing.left())).toEqual({
      turned: [true, 0],
      'upside down': [true, 0],
      flipped: [true, 0],
      cut: [true, 0],
      stretched: [true, 0],
      transparent: [true, 0],
    });
  });

  test('browsers that convert colours otherwise, or not at all, use their canvas', async () => {
    expect(await page.evaluate(() => framing.otherBrowsers())).toEqual({
      'other colours': [true, 1],
      'other colours, after a black frame': [true, 2],
      'no copies': [true, 3],
      'this one': [true, 3],
      'without formats': [true, 0],
      'without VideoFrame': [true, 0],
    });
  });

  test('frames at once do not share a buffer', async () => {
    expect(await page.evaluate(() => framing.atOnce())).toEqual([]);
  });

  test('a frame that is closed while it is copied; frames that were given stay open', async () => {
    expect(await page.evaluate(() => framing.closing())).toEqual({ right: true, open: true });
  });

  test('300 frames of a film: one buffer, and every frame is closed', async () => {
    expect(await page.evaluate(() => framing.film(300))).toEqual({ buffers: 1, made: 300, open: 0, right: true });
  });
});
