import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { expectWritable, formatBytes, formatCount, Interruption, writeWhole } from '../../src/cli/output.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'depthwise-output-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('writeWhole', () => {
  test('writes a new file and leaves nothing beside it', async () => {
    await writeWhole(join(folder, 'a.txt'), 'text');
    expect(readFileSync(join(folder, 'a.txt'), 'utf8')).toBe('text');
    expect(readdirSync(folder)).toEqual(['a.txt']);
  });

  test('replaces a file', async () => {
    writeFileSync(join(folder, 'a.txt'), 'a longer old text');
    await writeWhole(join(folder, 'a.txt'), Uint8Array.of(110, 101, 119));
    expect(readFileSync(join(folder, 'a.txt'), 'utf8')).toBe('new');
  });

  test('removes its temporary file when it cannot rename', async () => {
    mkdirSync(join(folder, 'taken', 'inside'), { recursive: true });
    await expect(writeWhole(join(folder, 'taken'), 'text')).rejects.toThrow();
    expect(readdirSync(folder)).toEqual(['taken']);
  });

  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('%s leaves the old file and no temporary one', async (signal) => {
    const path = join(folder, 'a.bin');
    writeFileSync(path, 'old');
    const before = process.listenerCount(signal);
    const writing = writeWhole(path, new Uint8Array(64 * 2 ** 20));
    process.emit(signal);
    await expect(writing).rejects.toThrow(new Interruption(`interrupted; '${path}' is not written`, signal));
    expect(process.listenerCount(signal)).toBe(before);
    expect(readFileSync(path, 'utf8')).toBe('old');
    expect(readdirSync(folder)).toEqual(['a.bin']);
  });
});

describe('expectWritable', () => {
  test('a new file, and an old one', async () => {
    expect(await expectWritable('--out', join(folder, 'new.npy'))).toBe(join(folder, 'new.npy'));
    writeFileSync(join(folder, 'old.npy'), '');
    expect(await expectWritable('--out', join(folder, 'old.npy'))).toMatch(/old\.npy$/);
  });

  test('follows a symbolic link, which stays one', async () => {
    writeFileSync(join(folder, 'real.npy'), '');
    symlinkSync(join(folder, 'real.npy'), join(folder, 'link.npy'));
    expect(await expectWritable('--out', join(folder, 'link.npy'))).toMatch(/real\.npy$/);
  });

  test('refuses what the command reads, by whatever name', async () => {
    const path = join(folder, 'real.npy');
    writeFileSync(path, '');
    symlinkSync(path, join(folder, 'link.npy'));
    for (const other of [path, join(folder, 'link.npy'), `${folder}/./real.npy`]) {
      await expect(expectWritable('<out>', path, ['-', undefined, other])).rejects.toThrow(
        `<out>: '${path}' is read or written by this command already; name another file`,
      );
    }
    expect(await expectWritable('<out>', path, ['-', undefined, join(folder, 'other.npy')])).toMatch(/real\.npy$/);
  });

  test('refuses a folder', async () => {
    await expect(expectWritable('--out', folder)).rejects.toThrow(
      `--out: '${folder}' is not a regular file, and only regular files are overwritten`,
    );
  });

  test('refuses a file in a folder that is not there', async () => {
    const path = join(folder, 'no', 'x.npy');
    await expect(expectWritable('--out', path)).rejects.toThrow(
      `--out: cannot write '${path}': folder '${join(folder, 'no')}': there is no such file or folder`,
    );
  });
});

test.each([
  [12, '12 B'],
  [999, '999 B'],
  [1000, '1.0 kB'],
  [475_544, '475.5 kB'],
  [1_900_000, '1.9 MB'],
])('formatBytes(%d) is %s', (count, text) => expect(formatBytes(count)).toBe(text));

test('formatCount groups by thousands', () => expect(formatCount(568740352)).toBe('568,740,352'));
