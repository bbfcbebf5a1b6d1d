/** Answers to a video in Chromium: one question at a time, about the newest frame, and none of a hidden page. */
import { existsSync } from 'node:fs';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { watch } from '../../src/browser/watch.js';
import { bundle } from './bundle.js';

const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';

test.each<[unknown[], string]>([
  [
    [null, () => {}, () => {}],
    'watch: wanted a <video> element, found null; watch(video, (frame) => model.detect(frame), draw)',
  ],
  [['video', () => {}, () => {}], "watch: wanted a <video> element, found the text 'video'"],
])('refuses %j', async (args, message) => {
  await expect(watch(...(args as Parameters<typeof watch>))).rejects.toThrow(message);
});

describe.skipIf(!existsSync(executablePath))(`in Chromium (needs ${executablePath}, or CHROMIUM to name one)`, () => {
  let browser: Browser;
  let page: Page;
  beforeAll(async () => {
    const script = await bundle('./watch-page.ts');
    browser = await chromium.launch({
      executablePath,
      args: ['--no-sandbox', '--autoplay-policy=no-user-gesture-required'],
    });
    page = await browser.newPage();
    await page.setContent('<!doctype html><title>watch</title>');
    await page.addScriptTag({ content: script });
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
  });

  test('one question at a time; frames that come meanwhile are passed over; it ends by its signal', async () => {
    const seen = await page.evaluate(async () => {
      const { video, show } = await watching.film();
      const drawing = setInterval(show, 10);
      const end = new AbortController();
      let [asked, atOnce, most] = [0, 0, 0];
      const times: number[] = [];
      const sizes = new Set<string>();
      await watching.watch(
        video,
        async () => {
          most = Math.max(most, ++atOnce);
          asked++;
          await new Promise((resolve) => setTimeout(resolve, 60));
          atOnce--;
          return asked;
        },
        (answer, { width, height, time }) => {
          times.push(time);
          sizes.add(`${width}×${height}`);
          if (answer === 5) end.abort();
        },
        { signal: end.signal },
      );
      clearInterval(drawing);
      return {
        asked,
        most,
        rising: times.every((time, i) => i === 0 || time > times[i - 1]),
        answers: times.length,
        sizes: [...sizes],
      };
    });
    expect(seen).toEqual({ asked: 5, most: 1, rising: true, answers: 5, sizes: ['64×48'] });
  });

  test('a hidden page asks nothing, and goes on when it is seen again', async () => {
    const counts = await page.evaluate(async () => {
      const { video, show } = await watching.film();
      const drawing = setInterval(show, 10);
      const end = new AbortController();
      let asked = 0;
      const watched = watching.watch(
        video,
        async () => ++asked,
        () => {},
        { signal: end.signal },
      );
      const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
      const until = async (count: number) => {
        while (asked < count) await pause(5);
      };
      const hide = (hidden: boolean) => {
        Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });
        document.dispatchEvent(new Event('visibilitychange'));
      };
      await until(3);
      hide(true);
      await pause(20); // a question that was under way
      const before = asked;
      await pause(200);
      const whileHidden = asked - before;
      hide(false);
      await until(before + 3);
      end.abort();
      await watched;
      clearInterval(drawing);
      return { whileHidden };
    });
    expect(counts).toEqual({ whileHidden: 0 });
  });

  test('an error of the question or of the listener ends it', async () => {
    const errors = await page.evaluate(async () => {
      const { video } = await watching.film();
      const fail = () => {
        throw new Error('no answer');
      };
      return Promise.all([
        watching.watch(video, fail, () => {}).catch(String),
        watching.watch(video, () => 1, fail).catch(String),
        watching.watch(video, fail, fail, { signal: AbortSignal.abort() }),
      ]);
    });
    expect(errors).toEqual(['Error: no answer', 'Error: no answer', undefined]);
  });
});
