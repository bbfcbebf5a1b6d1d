/** `train PHOTOS --base MODEL`: from a folder of pictures to a file that `classify` uses. */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { depthwise, depthwiseJson, smallNetwork, temporaryFolder, writeModel } from './command.js';

const folder = temporaryFolder();
afterAll(folder.remove);

const colours = { grass: '#30b040', sea: '#2040c0' };
let base: string;
const photos = folder.path('photos');
const out = folder.path('mine.safetensors');

/** A picture of one colour with a patch of another, somewhere. */
function photo(colour: string, n: number): Promise<Buffer> {
  const patch = {
    input: { create: { width: 8, height: 8, channels: 3, background: '#808080' } },
    left: 3 * n,
    top: 5,
  } as const;
  const background = { width: 48, height: 40, channels: 3, background: colour } as const;
  return sharp({ create: background }).composite([patch]).png().toBuffer();
}

beforeAll(async () => {
  base = await writeModel(folder.path('base.safetensors'), smallNetwork());
  for (const [label, colour] of Object.entries(colours)) {
    mkdirSync(folder.path(`photos/${label}`), { recursive: true });
    for (let n = 0; n < 5; n++) writeFileSync(folder.path(`photos/${label}/${n}.png`), await photo(colour, n));
  }
});

describe.each([
  ['the classifier alone', []],
  ['a block too', ['--fine-tune', '1', '--epochs', '3']],
])('%s', (_, args) => {
  test('says how the held-back pictures fared, and writes a file that classify names them by', async () => {
    const found = await depthwiseJson('train', photos, '--base', base, '--out', out, ...args);
    expect(found).toEqual({
      out,
      accuracy: 1,
      classes: Object.keys(colours).map((label) => ({ label, learnt: 4, heldBack: 1, right: 1 })),
      seconds: expect.any(Number),
      bytes: expect.any(Number),
    });
    writeFileSync(folder.path('new.png'), await photo('#2545b5', 9));
    const [{ predictions }] = await depthwiseJson('classify', folder.path('new.png'), '--model', out);
    expect(predictions.map(({ label }: { label: string }) => label)).toEqual(['sea', 'grass']);
  });
});

test('as text', async () => {
  const { exitCode, stdout, stderr } = await depthwise(
    'train',
    photos,
    '--base',
    base,
    '--out',
    out,
    '--held-back',
    '0.4',
  );
  expect(exitCode).toBe(0);
  expect(stdout.split('\n').slice(0, 4)).toEqual([
    'class  learnt  held back  right',
    'grass       3          2      2',
    'sea         3          2      2',
    '',
  ]);
  expect(stdout).toMatch(/\n100\.0 % of 4 held-back pictures are right; \d+(\.\d)? s\n$/);
  expect(stderr).toMatch(/wrote .*mine\.safetensors: 2 classes, \d+\.\d kB\n$/);
});

test('--float16 halves the file', async () => {
  const whole = await depthwiseJson('train', photos, '--base', base, '--out', out);
  const half = await depthwiseJson('train', photos, '--base', base, '--out', folder.path('half.npz'), '--float16');
  expect(half.bytes).toBeLessThan(0.7 * whole.bytes);
  expect(half.accuracy).toBe(whole.accuracy);
});

describe('errors', () => {
  const failing = async (...args: string[]): Promise<[number | null, string]> => {
    const { exitCode, stderr } = await depthwise('train', ...args);
    return [exitCode, stderr.replaceAll(folder.path('/'), '')];
  };
  const to = ['--out', out];

  test.each([
    [['--seed', '1'], 2, "required option '--out <path>' not specified"],
    [[...to], 2, 'wanted --data, or a folder of pictures and --base'],
    [['photos', ...to], 2, "'photos': a folder of pictures goes with --base, or as --data"],
    [['--data', 'x', '--fine-tune', '1', ...to], 2, '--fine-tune goes with --base, which was not given'],
    [
      ['--base', 'b', ...to],
      2,
      '--base: wanted a folder of pictures to learn from: depthwise train PHOTOS --base MODEL',
    ],
    [['p', '--base', 'b', '--alpha', '0.5', ...to], 2, '--alpha is for training from scratch, not for --base'],
    [['p', '--base', 'b', '--workers', '2', ...to], 2, '--workers is for training from scratch, not for --base'],
    [
      ['p', '--base', 'b', '--augment', 'flip,mixup', ...to],
      2,
      '--augment: with --base pictures are flipped or left alone; wanted flip or none',
    ],
    [
      ['p', '--base', 'b', '--out', 'mine.h5'],
      2,
      "--out: wanted a name ending in .safetensors or .npz, found 'mine.h5'",
    ],
    [
      ['p', '--base', 'b', '--held-back', '1', ...to],
      2,
      "option '--held-back <part>' argument '1' is invalid. Wanted a number above 0 and below 1.",
    ],
    [['p', '--base', 'no.safetensors', ...to], 1, 'no.safetensors: there is no such file or folder'],
  ])('%j', async (args, exitCode, message) => {
    expect(await failing(...args)).toEqual([exitCode, `error: ${message}\n`]);
  });

  const learning = (name: string) => failing(folder.path(name), '--base', base, ...to);

  test('a folder that is not there', async () => {
    expect(await learning('nowhere')).toEqual([1, 'error: nowhere: there is no such file or folder\n']);
  });

  test('pictures without folders', async () => {
    mkdirSync(folder.path('loose'));
    writeFileSync(folder.path('loose/a.png'), '');
    expect(await learning('loose')).toEqual([
      1,
      "error: loose: wanted a folder for each of two or more classes, found 0, and 'a.png' beside them\n",
    ]);
  });

  test('one class', async () => {
    mkdirSync(folder.path('one/cat'), { recursive: true });
    expect(await learning('one')).toEqual([
      1,
      'error: one: wanted a folder for each of two or more classes, found 1\n',
    ]);
  });

  test('an empty class', async () => {
    mkdirSync(folder.path('empty/cat'), { recursive: true });
    mkdirSync(folder.path('empty/dog'));
    expect(await learning('empty')).toEqual([
      1,
      'error: empty/cat: wanted two or more pictures (JPEG, PNG, WebP, GIF, BMP), found 0\n',
    ]);
  });

  test('a picture that is none is named, and nothing is written', async () => {
    const path = folder.path('photos/sea/odd.jpg');
    writeFileSync(path, 'not a picture');
    const target = folder.path('unwritten.safetensors');
    const [exitCode, stderr] = await failing(photos, '--base', base, '--out', target);
    rmSync(path);
    expect(existsSync(target)).toBe(false);
    expect([exitCode, stderr]).toEqual([
      1,
      'error: photos/sea/odd.jpg: found 13 bytes that begin with 6e 6f 74 20 61 20 70 69; wanted JPEG, PNG, WebP, GIF or BMP\n',
    ]);
  });
});
