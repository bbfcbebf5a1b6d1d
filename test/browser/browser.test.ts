/** The agreement problems inside headless Chromium: every thread that a page has, with and without leave to compile WebAssembly. */
import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { nightly, SEED } from '../nightly.js';
import { bundle } from './bundle.js';
import { type Served, serve } from './serve.js';
import type { Answer } from './solve.js';

const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
const absent = !existsSync(executablePath);

const RUNS = nightly ? 300 : 25;

test('the script imports nothing later and makes no code from text', async () => {
  const script = await bundle('../../src/engine/index.ts');
  expect(script).not.toMatch(/\bimport\s*\(/);
  expect(script).not.toMatch(/\beval\s*\(|new Function\b|Function\(/);
});

describe.skipIf(absent)(`in Chromium (needs ${executablePath}, or CHROMIUM to name one)`, () => {
  let browser: Browser;
  let served: Served;

  beforeAll(async () => {
    served = await serve(await bundle('./everywhere.ts'));
    browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
  }, 120_000);

  afterAll(async () => {
    await browser?.close();
    served?.close();
  });

  const query = `runs=${RUNS}${SEED === undefined ? '' : `&seed=${SEED}`}`;

  /** The page solves by itself: what a test evaluates in a page is not bound by the page's policy. */
  async function answerOf(policy: string, place: string): Promise<Answer> {
    const page = await browser.newPage();
    const broken = page.waitForEvent('pageerror', { timeout: 0 }).then((error) => Promise.reject(error));
    await page.goto(`${served.page(policy)}?${query}#${place}`);
    const done = page.waitForFunction(() => globalThis.answer, undefined, { timeout: 250_000 });
    const answer = await (await Promise.race([done, broken])).jsonValue();
    broken.catch(() => {}); // closing the page ends the wait
    await page.close();
    if (answer === undefined || 'error' in answer) throw new Error(answer?.error ?? 'no answer');
    return answer;
  }

  const WORKS = 'compiled, and agrees with the TypeScript layers';

  test.each([
    ['plain', 'page'],
    ['plain', 'worker'],
    ['plain', 'service-worker'],
    ['strict', 'page'],
    ['strict', 'worker'],
    ['strict', 'service-worker'],
  ])('%s, %s: all targets solve all problems', { timeout: 300_000 }, async (policy, place) => {
    const { failures, solved, capabilities, report } = await answerOf(policy, place);
    expect(failures).toEqual([]);
    expect(solved).toBeGreaterThan((22 + 23) * RUNS);
    expect(capabilities.slice(0, 3)).toEqual(
      ['relaxed', 'simd', 'scalar'].map((target) => ({ target, works: true, reason: WORKS })),
    );
    expect(report).toEqual({ target: 'relaxed', chain: [{ target: 'relaxed', taken: true, reason: WORKS }] });
  });

  test.each(['page', 'worker', 'service-worker'])(
    "without 'wasm-unsafe-eval', %s: TypeScript, and the policy is the reason given",
    { timeout: 300_000 },
    async (place) => {
      const { failures, solved, report } = await answerOf('stricter', place);
      expect(failures).toEqual([]);
      expect(solved).toBe(RUNS);
      expect(report.target).toBe('reference');
      for (const { target, taken, reason } of report.chain.slice(0, 3)) {
        expect({ target, taken }).toEqual({ target, taken: false });
        expect(reason).toContain('Content Security Policy');
      }
    },
  );
});
