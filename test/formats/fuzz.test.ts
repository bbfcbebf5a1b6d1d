/**
 * Damaged files of every format, the first of those that `npm run fuzz` makes: the readers answer with what they read or a DepthwiseError,
 * within a second and within 20 times the file's size of memory. A failure names its trial, which the script repeats.
 */
import { beforeAll, expect, test, vi } from 'vitest';
import { Trials } from './fuzz/trial.js';

/** DEPTHWISE_FUZZ asks for more. */
const FILES = Number(process.env.DEPTHWISE_FUZZ ?? 2000);
const SEED = 1;

/** jsfive says on the console which attributes it does not understand. */
beforeAll(() => {
  vi.spyOn(console, 'warn').mockImplementation(() => {});
});

test(`${FILES} damaged files`, { timeout: 600_000 }, async () => {
  const trials = await Trials.load();
  for (let trial = 0; trial < FILES; trial++) {
    const { fault, specimen } = await trials.run(SEED, trial);
    expect(fault, `${specimen}: npm run fuzz -- --seed ${SEED} --trial ${trial}`).toBeUndefined();
  }
});

test('the same seed and number make the same file, another another', async () => {
  const trials = await Trials.load();
  const file = async (seed: number, trial: number) =>
    Buffer.from((await trials.damagedFile(seed, trial)).bytes).toString('hex');
  for (const trial of [3, 40, 57]) {
    expect(await file(1, trial)).toBe(await file(1, trial));
    expect(await file(2, trial)).not.toBe(await file(1, trial));
  }
});

test('every specimen is read before it is damaged', async () => {
  const { specimens } = await import('./fuzz/specimens.js');
  for (const { name, bytes, readers, json } of await specimens()) {
    const isRead = async (file: Uint8Array): Promise<boolean> => {
      const answers = await Promise.allSettled(readers.map(async (read) => read(file)));
      return answers.some(({ status }) => status === 'fulfilled');
    };
    expect(await isRead(bytes), name).toBe(true);
    if (json) expect(await isRead(await json.put(json.text)), `${name}, its JSON put back`).toBe(true);
  }
});
