import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir, uptime } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { UsageError } from '../../src/errors.js';
import { LOCK, lockFolder } from '../../src/files/folder-lock.js';

let folder: string;
let lock: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'depthwise-lock-'));
  lock = join(folder, LOCK);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const dead = spawnSync(process.execPath, ['--version']).pid;
const take = () => lockFolder('--out', folder);

test('names the process, and goes when it is released', async () => {
  const before = process.listenerCount('SIGTERM');
  const release = await take();
  expect(readFileSync(lock, 'utf8')).toBe(`${process.pid} ${hostname()}\n`);
  await expect(take()).rejects.toThrow(
    `--out: process ${process.pid} is writing into this folder; wait for its end, or name another folder`,
  );
  await release();
  expect(readdirSync(folder)).toEqual([]);
  expect(process.listenerCount('SIGTERM')).toBe(before);
  await (await take())();
});

test.each([
  ['of a process that has ended', () => `${dead} ${hostname()}\n`],
  ['of our own number, which another had before', () => `${process.pid} ${hostname()}\n`],
])('a lock %s is taken over', async (_, text) => {
  writeFileSync(lock, text());
  const release = await take();
  expect(readFileSync(lock, 'utf8')).toBe(`${process.pid} ${hostname()}\n`);
  await release();
  expect(readdirSync(folder)).toEqual([]);
});

test('a lock that is older than the start of the machine is taken over, whoever has its number now', async () => {
  writeFileSync(lock, `${process.ppid} ${hostname()}\n`);
  await expect(take()).rejects.toThrow(UsageError);
  const before = Date.now() / 1000 - uptime() - 60;
  utimesSync(lock, before, before);
  await (await take())();
});

test('a lock without a number, of a process that was killed in this moment, is taken over after a second', async () => {
  writeFileSync(lock, '');
  await (await take())();
  expect(existsSync(lock)).toBe(false);
});

test('the processes of another machine are not known here', async () => {
  writeFileSync(lock, `${dead} elsewhere\n`);
  await expect(take()).rejects.toThrow(
    `--out: process ${dead} of 'elsewhere' is writing into this folder; if it has ended, delete '${lock}'`,
  );
});

test('what is no file is no lock', async () => {
  mkdirSync(lock);
  await expect(take()).rejects.toThrow(`'${lock}' is not a regular file; delete it`);
});

test('of many that take it at once, one has it', async () => {
  writeFileSync(lock, `${dead} ${hostname()}\n`);
  const taken = await Promise.allSettled(Array.from({ length: 20 }, take));
  const releases = taken.filter((one) => one.status === 'fulfilled');
  expect(releases).toHaveLength(1);
  await releases[0].value();
});
