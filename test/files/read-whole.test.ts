/** What is no file, in every place where a file is wanted: refused by name, and never waited for. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isFile, readStream, readWhole } from '../../src/files/read-whole.js';
import { readFile, readNetworkFile, readTensorFile } from '../../src/formats/files.js';
import { readPicture } from '../../src/image/index.js';
import { load } from '../../src/index.node.js';
import { folderStore } from '../../src/remote/folder-store.js';
import { readLabels } from '../../src/tasks/files.js';
import { readCifar10 } from '../../src/training/data/cifar10.js';
import { readMnist } from '../../src/training/data/mnist.js';
import { readData } from '../../src/training/index.node.js';
import { writeCifar10 } from '../training/cifar.js';

const folder = mkdtempSync(join(tmpdir(), 'depthwise-files-'));
const path = (name: string): string => join(folder, name);
const socket = createServer();
const isWindows = process.platform === 'win32';
beforeAll(async () => {
  writeFileSync(path('file'), 'abc');
  mkdirSync(path('folder'));
  symlinkSync(path('file'), path('link'));
  if (isWindows) return;
  symlinkSync(path('pipe'), path('link to a pipe'));
  pipe('pipe');
  await new Promise<void>((ready) => socket.listen(path('socket'), ready));
});
afterAll(() => {
  socket.close();
  rmSync(folder, { recursive: true, force: true });
});

function pipe(name: string): void {
  expect(spawnSync('mkfifo', [path(name)]).status).toBe(0);
}

const failure = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'no error',
    (error: Error) => `${error.name}: ${error.message.replaceAll(folder, 'FOLDER')}`,
  );

const noFile = (kind: string): string =>
  `is ${kind}, not a regular file; what comes from elsewhere is read from standard input, which commands call '-'`;

describe.skipIf(isWindows)('what is no file', () => {
  const kinds: readonly (readonly [what: string, at: string, message: string])[] = [
    ['a pipe', path('pipe'), `FOLDER/pipe: ${noFile('a pipe (FIFO)')}`],
    ['a link to a pipe', path('link to a pipe'), `FOLDER/link to a pipe: ${noFile('a pipe (FIFO)')}`],
    ['a socket', path('socket'), `FOLDER/socket: ${noFile('a socket')}`],
    ['/dev/zero', '/dev/zero', `/dev/zero: ${noFile('a device')}`],
    ['/dev/urandom', '/dev/urandom', `/dev/urandom: ${noFile('a device')}`],
    ['a folder', path('folder'), 'FOLDER/folder: is a folder, not a file'],
    ['nothing', path('nothing'), 'FOLDER/nothing: there is no such file or folder'],
  ];

  test.each(kinds)('%s as a model, tensors, a picture, labels', async (_, at, message) => {
    for (const read of [readFile, readNetworkFile, readTensorFile, readLabels]) {
      expect(await failure(read(at))).toBe(`FormatError: ${message}`);
    }
    expect(await failure(readPicture(at))).toBe(`PictureError: ${message}`);
    expect(await failure(load(at))).toContain(message.startsWith('FOLDER/nothing') ? 'there is no such file' : message);
  });

  test('a pipe among the files of a data set', async () => {
    mkdirSync(path('cifar'));
    writeCifar10(path('cifar'), 2);
    rmSync(path('cifar/data_batch_3.bin'));
    pipe('cifar/data_batch_3.bin');
    expect(await failure(readCifar10(path('cifar')))).toBe(
      `FormatError: FOLDER/cifar/data_batch_3.bin: ${noFile('a pipe (FIFO)')}`,
    );
    mkdirSync(path('mnist'));
    for (const half of ['train', 't10k']) {
      for (const kind of ['images-idx3', 'labels-idx1']) pipe(`mnist/${half}-${kind}-ubyte.gz`);
    }
    expect(await failure(readMnist(path('mnist')))).toMatch(/-ubyte\.gz: is a pipe \(FIFO\), not a regular file/);
    expect(await failure(readData(path('pipe'), () => ({ preprocessing: {} as never })))).toBe(
      'FormatError: FOLDER/pipe: a file stands where a folder is wanted',
    );
  });

  test('a pipe as a kept download is no download', async () => {
    mkdirSync(path('store'));
    const store = folderStore(path('store'));
    await store.put('https://own.example/a', Uint8Array.of(1));
    const [name] = spawnSync('ls', [path('store')], { encoding: 'utf8' }).stdout.split('\n');
    rmSync(path(`store/${name}`));
    pipe(`store/${name}`);
    expect(await store.has('https://own.example/a')).toBe(false);
    expect(await store.get('https://own.example/a')).toBeUndefined();
  });
});

test('a file, by its name and by a link', async () => {
  for (const name of ['file', 'link']) {
    expect(new TextDecoder().decode(await readWhole(path(name)))).toBe('abc');
    expect(await isFile(path(name))).toBe(true);
  }
  for (const name of ['folder', 'nothing']) expect(await isFile(path(name))).toBe(false);
});

describe('sizes', () => {
  test('up to the limit, that included', async () => {
    expect(await readWhole(path('file'), 3)).toHaveLength(3);
    expect(await failure(readWhole(path('file'), 2))).toBe('Error: has 3 bytes, more than the 2 that are read');
  });

  test('each kind of file has its own', async () => {
    writeFileSync(path('long'), '');
    truncateSync(path('long'), 2 ** 30 + 1); // a hole, which takes no space
    const message = (limit: number) => `FOLDER/long: has ${2 ** 30 + 1} bytes, more than the ${limit} that are read`;
    expect(await failure(readFile(path('long')))).toBe(`FormatError: ${message(2 ** 30)}`);
    expect(await failure(readPicture(path('long')))).toBe(`PictureError: ${message(2 ** 28)}`);
    expect(await failure(readLabels(path('long')))).toBe(`FormatError: ${message(2 ** 24)}`);
  });

  test('of a stream that does not end', async () => {
    let chunks = 0;
    async function* endless() {
      for (;;) {
        chunks++;
        yield new Uint8Array(100);
      }
    }
    expect(await failure(readStream(endless(), 1000))).toBe('Error: has more than the 1000 bytes that are read');
    expect(chunks).toBe(11);
  });

  test('a stream is its chunks, joined', async () => {
    async function* two() {
      yield Uint8Array.of(1, 2);
      yield Uint8Array.of(3);
    }
    expect([...(await readStream(two()))]).toEqual([1, 2, 3]);
  });
});
