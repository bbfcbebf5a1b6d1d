/** Training in a page of Chromium that is not cross-origin isolated gives the bits that it gives in Node. */
import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bundle } from './bundle.js';
import { type Served, serve } from './serve.js';
import { trainAll } from './train.js';

const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';

describe.skipIf(!existsSync(executablePath))(`in Chromium (needs ${executablePath}, or CHROMIUM to name one)`, () => {
  let browser: Browser;
  let served: Served;

  beforeAll(async () => {
    served = await serve(await bundle('./trainInPage.ts'));
    browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
  }, 60_000);

  afterAll(async () => {
    await browser?.close();
    served?.close();
  });

  test('train, trainClassifier and trainHead', async () => {
    const page = await browser.newPage();
    await page.goto(served.page('plain'));
    expect(await page.evaluate(() => [typeof SharedArrayBuffer, typeof setImmediate])).toEqual([
      'undefined',
      'undefined',
    ]);
    const answer = await page.waitForFunction(() => globalThis.trained, undefined, { timeout: 50_000 });
    const found = await answer.jsonValue();
    expect(found).not.toHaveProperty('error');
    const inNode = await trainAll();
    expect(found).toEqual(inNode);
  });
});
