import { spawnSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { makeFolder } from '../../src/files/make-folder.js';
import { saveWhole, tryToWrite } from '../../src/files/save-whole.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'depthwise-files-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** The number of a process that has ended. */
const dead = spawnSync(process.execPath, ['--version']).pid;

/** What a killed process of the number `writer` leaves, so many seconds ago: called as `saveWhole` calls its temporary files. */
async function leftBy(writer: number, age = 0): Promise<string> {
  const scratch = mkdtempSync(join(tmpdir(), 'depthwise-name-'));
  const saving = saveWhole(join(scratch, 'x'), new Uint8Array(16 * 2 ** 20));
  let seen: string | undefined;
  while (seen === undefined) {
    await new Promise(setImmediate);
    seen = readdirSync(scratch).find((name) => name !== 'x');
  }
  await saving;
  rmSync(scratch, { recursive: true });
  const name = join(folder, seen.replace(`-${process.pid}-`, `-${writer}-`));
  writeFileSync(name, 'half');
  const then = Date.now() / 1000 - age;
  utimesSync(name, then, then);
  return name;
}

describe('saveWhole', () => {
  test('writes a new file, replaces it, and leaves nothing beside it', async () => {
    const path = join(folder, 'a.bin');
    await saveWhole(path, 'a longer old text');
    await saveWhole(path, Uint8Array.of(110, 101, 119));
    expect(readFileSync(path, 'utf8')).toBe('new');
    expect(readdirSync(folder)).toEqual(['a.bin']);
  });

  test('leaves nothing where it fails', async () => {
    mkdirSync(join(folder, 'taken', 'below'), { recursive: true });
    await expect(saveWhole(join(folder, 'taken'), 'x')).rejects.toThrow(/EISDIR|ENOTEMPTY|EEXIST/);
    expect(readdirSync(folder)).toEqual(['taken']);
    const long = join(folder, 'n'.repeat(256));
    await expect(saveWhole(long, 'x')).rejects.toMatchObject({ code: 'ENAMETOOLONG', path: long });
    const nowhere = join(folder, 'nowhere', 'x');
    await expect(saveWhole(nowhere, 'x')).rejects.toMatchObject({ code: 'ENOENT', path: nowhere });
  });

  test('aborted, it leaves the old file and throws the reason', async () => {
    const path = join(folder, 'a.bin');
    writeFileSync(path, 'old');
    const reason = new Error('enough');
    await expect(saveWhole(path, 'new', { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(readFileSync(path, 'utf8')).toBe('old');
    expect(readdirSync(folder)).toEqual(['a.bin']);
  });

  test('a name may have 255 bytes, as file systems allow', async () => {
    const path = join(folder, `${'n'.repeat(251)}.npz`);
    await saveWhole(path, 'x');
    expect(readFileSync(path, 'utf8')).toBe('x');
  });

  test('what was called temporary before is not touched: no fixed name is written through', async () => {
    const path = join(folder, 'checkpoint');
    for (const name of ['checkpoint.tmp', `.checkpoint.${process.pid}.tmp`]) writeFileSync(join(folder, name), 'mine');
    await saveWhole(path, 'x');
    expect(readFileSync(join(folder, 'checkpoint.tmp'), 'utf8')).toBe('mine');
    expect(lstatSync(path).isFile()).toBe(true);
  });
});

describe('what killed processes left', () => {
  test('goes with the first file that is written into the folder', async () => {
    const name = await leftBy(dead);
    await saveWhole(join(folder, 'a'), 'x');
    expect(existsSync(name)).toBe(false);
  });

  test('goes with a trial too', async () => {
    const name = await leftBy(dead);
    await tryToWrite(folder);
    expect(readdirSync(folder)).toEqual([]);
    expect(existsSync(name)).toBe(false);
  });

  test('stays where its process runs, unless it was written before that process began or an hour ago', async () => {
    const running = await leftBy(process.ppid);
    const ours = await leftBy(process.pid);
    const old = await leftBy(process.ppid, 3700);
    const reused = await leftBy(process.pid, process.uptime() + 60);
    await saveWhole(join(folder, 'a'), 'x');
    expect([running, ours, old, reused].map((name) => existsSync(name))).toEqual([true, true, false, false]);
  });

  test('nothing else goes', async () => {
    const others = ['.depthwise-x.tmp', 'a.tmp', `.depthwise-00000000-${dead}-0123456789abcdef.tmp.txt`];
    for (const name of others) writeFileSync(join(folder, name), '');
    await saveWhole(join(folder, 'b'), 'x');
    expect(readdirSync(folder).sort()).toEqual([...others, 'b'].sort());
  });
});

describe('makeFolder', () => {
  test('makes those above it, and is content with one that is there', async () => {
    await makeFolder(join(folder, 'a', 'b', 'c'));
    await makeFolder(join(folder, 'a', 'b', 'c'));
    expect(lstatSync(join(folder, 'a', 'b', 'c')).isDirectory()).toBe(true);
  });

  test('says what stands in the way', async () => {
    writeFileSync(join(folder, 'file'), '');
    await expect(makeFolder(join(folder, 'file'))).rejects.toMatchObject({ code: 'EEXIST' });
    await expect(makeFolder(join(folder, 'file', 'x'))).rejects.toMatchObject({ code: 'ENOTDIR' });
  });

  test.runIf(process.platform === 'linux')('ends below /proc, where nothing can be made', async () => {
    await expect(makeFolder('/proc/depthwise/x')).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
