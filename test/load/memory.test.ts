/** Ten thousand detections in a page of Chromium, nightly: memory does not grow. tfjs' suppression leaks, and ends after some thousands (tfjs#5856). */
import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';
import { afterAll, describe, expect, test } from 'vitest';
import { writeNetwork } from '../../src/formats/index.js';
import { bundle } from '../browser/bundle.js';
import { constantDetector } from '../cli/detector.js';
import { nightly } from '../nightly.js';

const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
const TURNS = nightly ? 10_000 : 200;

describe.skipIf(!existsSync(executablePath))(`in Chromium (needs ${executablePath}, or CHROMIUM to name one)`, () => {
  let browser: Browser;
  afterAll(async () => {
    await browser?.close();
  });

  test(`${TURNS} detections leave no more memory behind than 100`, async () => {
    browser = await chromium.launch({
      executablePath,
      args: ['--no-sandbox', '--js-flags=--expose-gc', '--enable-precise-memory-info'],
    });
    const page = await browser.newPage();
    await page.setContent('<!doctype html><title>memory</title>');
    await page.addScriptTag({ content: await bundle('../load/detections-in-a-page.ts') });
    const file = [...(await writeNetwork(constantDetector(), 'safetensors'))];
    const { grown, most } = await page.evaluate(
      async ({ file, turns }) => {
        const model = await detector.load(new Uint8Array(file));
        const canvas = new OffscreenCanvas(96, 64);
        const context = canvas.getContext('2d')!;
        let most = 0;
        const run = async (count: number) => {
          for (let turn = 0; turn < count; turn++) {
            context.fillStyle = `hsl(${turn % 360} 80% 50%)`;
            context.fillRect(turn % 50, turn % 30, 40, 30);
            most = Math.max(most, (await model.detect(canvas, { scoreThreshold: 0.4 })).length);
          }
          const { gc } = globalThis as unknown as { gc: () => void };
          gc();
          await new Promise((resolve) => setTimeout(resolve, 50));
          gc();
          return (performance as unknown as { memory: { usedJSHeapSize: number } }).memory.usedJSHeapSize;
        };
        const before = await run(100);
        return { grown: (await run(turns)) - before, most };
      },
      { file, turns: TURNS },
    );
    expect(most).toBeGreaterThan(0);
    expect(grown).toBeLessThan(1e6);
  }, 600_000);
});
