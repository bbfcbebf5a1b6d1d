/** CIFAR-10's files, made up: each class a colour of its own amid noise. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { uniformRandom } from '../../src/random.js';

/** Writes the folder, with so many pictures in each of the six files. */
export function writeCifar10(folder: string, picturesAFile: number): string {
  mkdirSync(folder, { recursive: true });
  const random = uniformRandom(7);
  const names = ['data_batch_1', 'data_batch_2', 'data_batch_3', 'data_batch_4', 'data_batch_5', 'test_batch'];
  for (const name of names) {
    const bytes = new Uint8Array(picturesAFile * 3073);
    for (let n = 0; n < picturesAFile; n++) {
      const label = n % 10;
      bytes[n * 3073] = label;
      for (let i = 0; i < 3072; i++) bytes[n * 3073 + 1 + i] = 255 * random() * (((label >> (i >> 10)) & 1) + 1) * 0.5;
    }
    writeFileSync(join(folder, `${name}.bin`), bytes);
  }
  const classes = ['airplane', 'automobile', 'bird', 'cat', 'deer', 'dog', 'frog', 'horse', 'ship', 'truck'];
  writeFileSync(join(folder, 'batches.meta.txt'), `${classes.join('\n')}\n`);
  return folder;
}
