/**
 * `compile` comes to an end also in a process in which nothing else is alive. On Node 20 `WebAssembly.instantiate` did not, once in some 500
 * calls; here that would be noticed about every second time, and every time by night. Test runners keep handles of their own: so this takes processes of its own.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { nightly } from '../nightly.js';

const PROCESSES = nightly ? 100 : 2;
const COMPILATIONS = 150;

/** More than a minute for what takes two seconds. */
const TIMEOUT_MS = 120_000;

const run = promisify(execFile);
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'depthwise-hang-'));
  await build({
    entryPoints: [fileURLToPath(new URL('compileInALoop.ts', import.meta.url))],
    outfile: join(folder, 'loop.mjs'),
    bundle: true,
    format: 'esm',
    platform: 'node',
    logLevel: 'error',
  });
});

afterAll(() => rm(folder, { recursive: true }));

test(`${PROCESSES} processes compile ${COMPILATIONS} times each, and end`, { timeout: 3_600_000 }, async () => {
  for (let begun = 0; begun < PROCESSES; begun += 2) {
    const both = [1, 2].map(() =>
      run(process.execPath, [join(folder, 'loop.mjs'), `${COMPILATIONS}`], {
        timeout: TIMEOUT_MS,
        killSignal: 'SIGKILL',
      }),
    );
    for (const { stdout } of await Promise.all(both)) expect(stdout).toBe(`${COMPILATIONS} compiled\n`);
  }
});
