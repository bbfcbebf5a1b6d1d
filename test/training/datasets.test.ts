import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync as gzip } from 'node:zlib';
import { gzipSync } from 'fflate';
import sharp from 'sharp';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { FormatError, UsageError } from '../../src/errors.js';
import { preprocessingPreset } from '../../src/network/index.js';
import { readCifar10 } from '../../src/training/data/cifar10.js';
import { readMnist } from '../../src/training/data/mnist.js';
import { readData, readPictureFolder } from '../../src/training/index.node.js';
import { writeCifar10 } from './cifar.js';

const root = mkdtempSync(join(tmpdir(), 'depthwise-data-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let folder = '';
let count = 0;
beforeEach(() => {
  folder = join(root, `${count++}`);
  mkdirSync(folder);
});

describe('CIFAR-10', () => {
  test('planes become pixels; five files are the training half, one the test', async () => {
    writeCifar10(folder, 20);
    const record = Uint8Array.from({ length: 3073 }, (_, i) => (i === 0 ? 7 : i <= 1024 ? 1 : i <= 2048 ? 2 : 3));
    record[1] = 10; // red of the first pixel
    record[1 + 1024 + 33] = 20; // green of row 1, column 1
    writeFileSync(join(folder, 'test_batch.bin'), record);
    const { train, test } = await readCifar10(folder);
    expect(train).toMatchObject({ name: 'CIFAR-10, training', height: 32, width: 32, channels: 3 });
    expect([train.labels.length, test.labels.length]).toEqual([100, 1]);
    expect(test.name).toBe('CIFAR-10, test');
    expect([...train.labels.slice(18, 22)]).toEqual([8, 9, 0, 1]);
    expect(test.classes[test.labels[0]]).toBe('horse');
    expect([...test.pictures.slice(0, 6)]).toEqual([10, 2, 3, 1, 2, 3]);
    expect([...test.pictures.slice(33 * 3, 33 * 3 + 3)]).toEqual([1, 20, 3]);
    expect(test.pictures.buffer).toBeInstanceOf(SharedArrayBuffer);
  });

  test.each<[string, string, (file: string) => void, string]>([
    ['no folder', 'nowhere', () => {}, '/batches.meta.txt: there is no such file or folder'],
    ['no test', '', (at) => rmSync(join(at, 'test_batch.bin')), '/test_batch.bin: there is no such file or folder'],
    [
      'cut off',
      '',
      (at) => writeFileSync(join(at, 'data_batch_3.bin'), new Uint8Array(3073 + 3072)),
      '/data_batch_3.bin: wanted whole records of 3073 bytes, found 6145 bytes',
    ],
    [
      'empty',
      '',
      (at) => writeFileSync(join(at, 'data_batch_1.bin'), new Uint8Array(0)),
      '/data_batch_1.bin: wanted whole records of 3073 bytes, found 0 bytes',
    ],
    [
      'a label of 10',
      '',
      (at) => writeFileSync(join(at, 'data_batch_2.bin'), new Uint8Array(2 * 3073).fill(10, 3073)),
      '/data_batch_2.bin: record 1 has label 10, wanted 0 to 9',
    ],
    [
      'nine names',
      '',
      (at) => writeFileSync(join(at, 'batches.meta.txt'), 'a\n'.repeat(9)),
      '/batches.meta.txt: wanted the names of 10 classes, one a line, found 9',
    ],
  ])('%s', async (_, below, damage, message) => {
    writeCifar10(folder, 2);
    damage(folder);
    const at = join(folder, below);
    await expect(readCifar10(at)).rejects.toThrow(new FormatError(`${at}${message}`));
  });
});

const idx = (sizes: readonly number[], bytes: readonly number[]): Uint8Array =>
  Uint8Array.from([0, 0, 8, sizes.length, ...sizes.flatMap((size) => [0, 0, size >> 8, size & 255]), ...bytes]);

function writeMnist(at: string, changed: Readonly<Record<string, Uint8Array>> = {}): void {
  const files = {
    'train-images-idx3-ubyte': idx([3, 1, 2], [1, 2, 3, 4, 5, 6]),
    'train-labels-idx1-ubyte': idx([3], [0, 9, 5]),
    't10k-images-idx3-ubyte': idx([1, 1, 2], [7, 8]),
    't10k-labels-idx1-ubyte': idx([1], [4]),
    ...changed,
  };
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(at, name), bytes);
}

describe('MNIST', () => {
  test('grey pictures, ten digits', async () => {
    writeMnist(folder);
    const { train, test } = await readMnist(folder);
    expect(test.name).toBe('MNIST, test');
    expect(train).toMatchObject({ name: 'MNIST, training', height: 1, width: 2, channels: 1 });
    expect(train.classes).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
    expect([...train.pictures]).toEqual([1, 2, 3, 4, 5, 6]);
    expect([...train.labels]).toEqual([0, 9, 5]);
    expect([[...test.pictures], [...test.labels]]).toEqual([[7, 8], [4]]);
  });

  test('packed files', async () => {
    writeMnist(folder);
    rmSync(join(folder, 't10k-images-idx3-ubyte'));
    writeFileSync(join(folder, 't10k-images-idx3-ubyte.gz'), gzipSync(idx([1, 1, 2], [9, 9])));
    expect([...(await readMnist(folder)).test.pictures]).toEqual([9, 9]);
  });

  test('letters: as many classes as labels', async () => {
    writeMnist(folder, { 'train-labels-idx1-ubyte': idx([3], [0, 25, 5]) });
    expect((await readMnist(folder)).train.classes).toHaveLength(26);
  });

  test.each<[string, Uint8Array, string]>([
    ['train-images-idx3-ubyte', Uint8Array.of(0, 0, 8), ': wanted an idx file that begins with 0 0 8 3, found 0 0 8'],
    [
      'train-images-idx3-ubyte',
      idx([3, 2], [1, 2, 3, 4, 5, 6]).map((byte, i) => (i === 2 ? 13 : byte)),
      ': wanted an idx file that begins with 0 0 8 3, found 0 0 13 2',
    ],
    ['train-images-idx3-ubyte', idx([3, 1, 2], [1, 2, 3]), ': wanted 3×1×2 bytes after its head, found 3'],
    ['train-images-idx3-ubyte', idx([0, 1, 2], []), ': wanted 0×1×2 bytes after its head, found 0'],
    ['train-labels-idx1-ubyte', idx([2], [1, 2]), ': 2 labels for the 3 pictures of FOLDER/train-images-idx3-ubyte'],
    ['t10k-labels-idx1-ubyte', idx([1], [10]), ': found label 10, wanted 0 to 9'],
    ['t10k-labels-idx1-ubyte.gz', Uint8Array.of(31, 139, 8, 0, 1), ': cannot be unpacked: unexpected end of file'],
  ])('%s %#', async (file, bytes, message) => {
    writeMnist(folder, { [file]: bytes });
    await expect(readMnist(folder)).rejects.toThrow(
      new FormatError(`${folder}/${file}${message.replace('FOLDER', folder)}`),
    );
  });
});

test('a .gz that unpacks to more than any such file is refused before it takes the memory', async () => {
  writeMnist(folder);
  const bomb = gzip(new Uint8Array(2 ** 28 + 1), { level: 1 });
  writeFileSync(join(folder, 'train-images-idx3-ubyte.gz'), bomb);
  await expect(readMnist(folder)).rejects.toThrow(
    `${folder}/train-images-idx3-ubyte.gz: cannot be unpacked: Cannot create a Buffer larger than 268435456 bytes`,
  );
});

describe('a folder of pictures', () => {
  const preprocessing = preprocessingPreset('tfjs', [4, 6]);

  /** Pictures of one colour, whose red says which they are. */
  async function writePictures(counts: Readonly<Record<string, number>>): Promise<void> {
    for (const [label, pictures] of Object.entries(counts)) {
      mkdirSync(join(folder, label));
      for (let n = 0; n < pictures; n++) {
        const colour = { r: 10 * n, g: label.length, b: 200 };
        const picture = sharp({ create: { width: 12, height: 9, channels: 3, background: colour } });
        await picture.png().toFile(join(folder, label, `${n}.png`));
      }
    }
  }

  test('classes by name, a fifth of each held back, resized to the network', async () => {
    await writePictures({ dog: 10, cats: 5 });
    writeFileSync(join(folder, 'cats', 'notes.txt'), 'not a picture');
    writeFileSync(join(folder, 'readme.md'), 'not a class');
    const { train, test } = await readPictureFolder(folder, { preprocessing });
    expect(train.classes).toEqual(['cats', 'dog']);
    expect([train.name, test.name]).toEqual([`${folder}, training`, `${folder}, held back`]);
    expect([[...train.labels], [...test.labels]]).toEqual([
      [0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1],
      [0, 1, 1],
    ]);
    expect(train).toMatchObject({ height: 4, width: 6, channels: 3, sizing: { resize: 'tf1-align-corners' } });
    const first = ({ pictures }: typeof train, n: number) => [...pictures.slice(n * 72, n * 72 + 3)];
    expect(first(train, 0).slice(1)).toEqual([4, 200]);
    expect(first(test, 2).slice(1)).toEqual([3, 200]);
    const reds = [train, test].flatMap((half) => Array.from(half.labels, (label, n) => [label, first(half, n)[0]]));
    const wanted = [
      ...[0, 10, 20, 30, 40].map((red) => [0, red]),
      ...Array.from({ length: 10 }, (_, n) => [1, 10 * n]),
    ];
    expect(reds.sort(([a, b], [c, d]) => a - c || b - d)).toEqual(wanted);
  });

  test('the seed decides which are held back, and the same seed the same', async () => {
    await writePictures({ a: 12, b: 12 });
    const held = async (seed: number) => [...(await readPictureFolder(folder, { preprocessing, seed })).test.pictures];
    const one = await held(1);
    expect(await held(1)).toEqual(one);
    expect(await held(2)).not.toEqual(one);
  });

  test('of two pictures one is held back, whatever the fraction', async () => {
    await writePictures({ a: 2, b: 2 });
    for (const heldBack of [0.01, 0.99]) {
      const { train, test } = await readPictureFolder(folder, { preprocessing, heldBack });
      expect([train.labels.length, test.labels.length]).toEqual([2, 2]);
    }
  });

  test('progress counts all pictures', async () => {
    await writePictures({ a: 2, b: 3 });
    const seen: number[][] = [];
    await readPictureFolder(folder, { preprocessing, onPicture: (done, all) => seen.push([done, all]) });
    expect(seen).toEqual([1, 2, 3, 4, 5].map((done) => [done, 5]));
  });

  test.skipIf(process.platform === 'win32')(
    'pipes and folders with the name of a picture are left out and told',
    async () => {
      await writePictures({ a: 2, b: 2 });
      spawnSync('mkfifo', [join(folder, 'a', '0.jpg')]);
      mkdirSync(join(folder, 'b', 'more.png'));
      const skipped: string[] = [];
      const { train } = await readPictureFolder(folder, { preprocessing, onSkipped: (path) => skipped.push(path) });
      expect(train.labels).toHaveLength(2);
      expect(skipped).toEqual([`${folder}/a/0.jpg`, `${folder}/b/more.png`]);
    },
  );

  test('what is no such folder', async () => {
    const read = (at = folder, heldBack = 0.2) => readPictureFolder(at, { preprocessing, heldBack });
    await expect(read(`${folder}/none`)).rejects.toThrow(`${folder}/none: there is no such file or folder`);
    await expect(read()).rejects.toThrow(`${folder}: wanted a folder for each of two or more classes, found 0`);
    await writePictures({ a: 2, b: 1 });
    await expect(read()).rejects.toThrow(
      `${folder}/b: wanted two or more pictures (JPEG, PNG, WebP, GIF, BMP), found 1`,
    );
    writeFileSync(join(folder, 'b', 'x.jpg'), 'no picture');
    await expect(read()).rejects.toThrow(`${folder}/b/x.jpg: found 10 bytes that begin with`);
    await expect(read(folder, 1)).rejects.toThrow(
      `${folder}: the fraction held back must be above 0 and below 1, found 1`,
    );
  });
});

describe('readData', () => {
  const never = () => {
    throw new Error('asked without need');
  };

  test('by prefix, or a folder of pictures', async () => {
    expect((await readData(`cifar10:${writeCifar10(folder, 1)}`, never)).train.labels).toHaveLength(5);
    writeMnist(folder);
    expect((await readData(`mnist:${folder}`, never)).train.labels).toHaveLength(3);
    const preprocessing = preprocessingPreset('tfjs', [4, 4]);
    await expect(readData(folder, () => ({ preprocessing }))).rejects.toThrow('wanted a folder for each of two');
  });

  test.each([
    [
      'cifar10',
      "CIFAR-10's binary version (162 MB): https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz; tar xzf unpacks it into cifar-10-batches-bin, the folder that is wanted",
    ],
    [
      'mnist',
      'MNIST (12 MB): train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz, t10k-images-idx3-ubyte.gz and t10k-labels-idx1-ubyte.gz from https://storage.googleapis.com/cvdf-datasets/mnist/; they may stay packed',
    ],
  ])('%s that is not there: the error says where it is to be had', async (kind, origin) => {
    const missing = join(folder, 'nowhere');
    const error = await readData(`${kind}:${missing}`, never).catch((caught) => caught);
    expect(error).toBeInstanceOf(FormatError);
    const [what, where] = error.message.split('\n');
    expect(what).toContain(missing);
    expect(where).toBe(origin);
    expect(error.cause).toBeInstanceOf(FormatError);
    expect(error.cause.message).toBe(what);
  });

  test('drawn digits', async () => {
    const { train, test } = await readData('digits', never);
    expect([train.name, test.name]).toEqual(['drawn digits, training', 'drawn digits, test']);
  });

  test('callers without types', async () => {
    await expect(readData(folder, undefined as never)).rejects.toThrow(
      new UsageError('readData: wanted a function that answers with the options of readPictureFolder, found undefined'),
    );
    await expect(readPictureFolder(folder, {} as never)).rejects.toThrow(
      new UsageError('readPictureFolder: wanted { preprocessing } of a network, found an Object'),
    );
  });

  test('pictures beside folders', async () => {
    const preprocessing = preprocessingPreset('tfjs', [4, 4]);
    writeFileSync(join(folder, 'x.jpg'), '');
    await expect(readPictureFolder(folder, { preprocessing })).rejects.toThrow(
      new FormatError(`${folder}: wanted a folder for each of two or more classes, found 0, and 'x.jpg' beside them`),
    );
  });

  test.each(['imagenet:/data', 'ab:/data', 'cifar10:', 'constructor:x'])('%s', async (source) => {
    await expect(readData(source, never)).rejects.toThrow(
      `data '${source}': wanted digits, cifar10:FOLDER, mnist:FOLDER, or a folder of folders of pictures`,
    );
  });
});
