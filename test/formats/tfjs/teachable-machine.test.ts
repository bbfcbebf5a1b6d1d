/** Teachable Machine's exports: the labels and the preprocessing of the metadata.json beside the model, in folders, archives and maps of files. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FormatError } from '../../../src/errors.js';
import { readNetworkFile } from '../../../src/formats/files.js';
import { readNetwork } from '../../../src/formats/index.js';
import { readTfjs } from '../../../src/formats/tfjs.js';
import { zip } from '../../../src/formats/zip.js';
import { type Network, preprocessingPreset } from '../../../src/network/index.js';
import { classify, probabilities } from '../../../src/tasks/index.js';
import { exported, metadata } from './models.js';

/** One pixel of each: byte / 127 − 1 is 1, so that the logits are −1 and 1. */
const white = { width: 5, height: 4, channels: 3, data: new Uint8Array(60).fill(254) } as const;
const BRIGHT = 1 / (1 + Math.exp(-2));

async function expectTeachable(network: Network): Promise<void> {
  expect(network.conventions).toMatchObject({
    output: 'probabilities',
    labelOffset: 0,
    labels: ['dark', 'bright'],
    preprocessing: preprocessingPreset('teachable-machine', [2, 2]),
  });
  const [best, other] = await classify(network, white);
  expect([best.label, other.label]).toEqual(['bright', 'dark']);
  expect(best.probability).toBeCloseTo(BRIGHT, 6);
}

describe('labels and preset come from metadata.json', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'depthwise-teachable-'));
    for (const [name, bytes] of exported(3)) await writeFile(join(folder, name), bytes);
  });
  afterAll(() => rm(folder, { recursive: true }));

  test('among the files', async () => {
    await expectTeachable(await readTfjs(exported(3)));
  });

  test('in a folder of the files', async () => {
    const files = new Map([...exported(3)].map(([name, bytes]) => [`my_model/${name}`, bytes]));
    await expectTeachable(await readTfjs(files));
  });

  test('beside the model on disk', async () => {
    await expectTeachable(await readNetworkFile(join(folder, 'model.json')));
  });

  test('in the archive that is downloaded, and in one that was packed again on a Macintosh', async () => {
    await expectTeachable(await readNetwork(await zip(exported(3))));
    const again = new Map([...exported(3)].map(([name, bytes]) => [`converted_tfjs/${name}`, bytes]));
    const icons = [...exported(3).keys()].map(
      (name) => [`__MACOSX/converted_tfjs/._${name}`, Uint8Array.of(0)] as const,
    );
    await expectTeachable(await readNetwork(await zip(new Map([...again, ...icons]))));
  });

  test('answers in the order of the classes', async () => {
    const { shape, data } = await probabilities(await readTfjs(exported(3)), white);
    expect(shape).toEqual([1, 2]);
    expect(data[0]).toBeCloseTo(1 - BRIGHT, 6);
    expect(data[1]).toBeCloseTo(BRIGHT, 6);
  });

  test('of one channel: a grey picture, as far from 0 as the others', async () => {
    const { conventions } = await readTfjs(exported(1));
    expect(conventions.preprocessing).toEqual({
      ...preprocessingPreset('teachable-machine', [2, 2]),
      channels: 'grey',
      mean: [1],
      deviation: [1],
    });
    const [{ label, probability }] = await classify(await readTfjs(exported(1)), white);
    expect(label).toBe('bright');
    expect(probability).toBeCloseTo(BRIGHT, 6);
  });
});

describe('other files of that name', () => {
  test("another program's changes nothing", async () => {
    const plain = await readTfjs(exported(3, null));
    expect(await readTfjs(exported(3, { name: 'something', labels: ['a', 'b'] }))).toEqual(plain);
    expect(await readTfjs(exported(3, ['a', 'b']))).toEqual(plain);
    expect(plain.conventions.labels).toBeUndefined();
  });

  test('a folder of that name is none', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'depthwise-teachable-'));
    for (const [name, bytes] of exported(3, null)) await writeFile(join(folder, name), bytes);
    await mkdir(join(folder, 'metadata.json'));
    expect((await readNetworkFile(join(folder, 'model.json'))).conventions.labels).toBeUndefined();
    await rm(folder, { recursive: true });
  });

  test.each([
    [
      { ...metadata, labels: ['a', 'b', 'c'] },
      'model.json: metadata.json: found 3 labels for the 2 outputs of the model beside it',
    ],
    [{ ...metadata, labels: [] }, 'model.json: metadata.json: labels: wanted a list of 1 to 100000, found []'],
    [
      { ...metadata, labels: ['a', 7] },
      'model.json: metadata.json: labels[1]: wanted a text of 1 to 1000 characters, found 7',
    ],
  ])('errors', async (beside, message) => {
    await expect(readTfjs(exported(3, beside))).rejects.toThrow(new FormatError(message));
  });

  test('text that is no JSON', async () => {
    const files = new Map(exported(3)).set('metadata.json', new TextEncoder().encode('<html>'));
    await expect(readTfjs(files)).rejects.toThrow('model.json: metadata.json is not JSON: ');
  });
});
