/**
 * CIFAR-10's binary version, https://www.cs.toronto.edu/~kriz/cifar.html: data_batch_1.bin … data_batch_5.bin and test_batch.bin, each of
 * 10,000 records
 *
 *   label (1 byte)  red (1,024 bytes, row by row)  green (1,024)  blue (1,024)
 *
 * and batches.meta.txt, the names of the ten classes, one a line.
 */
import { FormatError } from '../../errors.js';
import { type DataSplits, type Dataset, emptyDataset, WHOLE } from './dataset.js';

const SIDE = 32;
const PIXELS = SIDE * SIDE;
const RECORD = 1 + 3 * PIXELS;
const CLASSES = 10;

const TRAINING_FILES = [1, 2, 3, 4, 5].map((batch) => `data_batch_${batch}.bin`);

/** Both halves, from the folder that holds the files. Throws a FormatError that names the file at fault. */
export async function readCifar10(folder: string): Promise<DataSplits> {
  const { readFile } = await import('../../formats/files.js');
  const path = (file: string) => `${folder}/${file}`;
  const classes = parseClasses(
    new TextDecoder().decode(await readFile(path('batches.meta.txt'))),
    path('batches.meta.txt'),
  );
  const batches = async (files: readonly string[]) =>
    Promise.all(files.map(async (file) => ({ file: path(file), bytes: await readFile(path(file)) })));
  return {
    train: parseBatches('CIFAR-10, training', classes, await batches(TRAINING_FILES)),
    test: parseBatches('CIFAR-10, test', classes, await batches(['test_batch.bin'])),
  };
}

function parseClasses(text: string, file: string): string[] {
  const classes = text.split(/\r?\n/).filter((line) => line.trim() !== '');
  if (classes.length !== CLASSES) {
    throw new FormatError(`${file}: wanted the names of ${CLASSES} classes, one a line, found ${classes.length}`);
  }
  return classes;
}

interface Batch {
  readonly file: string;
  readonly bytes: Uint8Array;
}

function parseBatches(name: string, classes: readonly string[], batches: readonly Batch[]): Dataset {
  for (const { file, bytes } of batches) {
    if (bytes.length === 0 || bytes.length % RECORD !== 0) {
      throw new FormatError(`${file}: wanted whole records of ${RECORD} bytes, found ${bytes.length} bytes`);
    }
  }
  const count = batches.reduce((sum, { bytes }) => sum + bytes.length / RECORD, 0);
  const data = emptyDataset(count, { name, classes, height: SIDE, width: SIDE, channels: 3, sizing: WHOLE });
  let index = 0;
  for (const { file, bytes } of batches) {
    for (let at = 0; at < bytes.length; at += RECORD) {
      const label = bytes[at];
      if (label >= CLASSES) throw new FormatError(`${file}: record ${at / RECORD} has label ${label}, wanted 0 to 9`);
      data.labels[index] = label;
      interleave(bytes.subarray(at + 1, at + RECORD), data.pictures.subarray(index * 3 * PIXELS));
      index += 1;
    }
  }
  return data;
}

/** Planes of red, green and blue to pixels of three bytes. */
function interleave(planes: Uint8Array, pixels: Uint8Array): void {
  for (let pixel = 0; pixel < PIXELS; pixel++) {
    for (let c = 0; c < 3; c++) pixels[3 * pixel + c] = planes[c * PIXELS + pixel];
  }
}
