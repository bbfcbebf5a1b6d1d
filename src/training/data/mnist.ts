/**
 * MNIST's files, http://yann.lecun.com/exdb/mnist/, plain or .gz: grey pictures and their labels in the idx format
 *
 *   0 0 8 d   d sizes (4 bytes each, big-endian)   bytes, the last axis fastest
 *
 * where 8 says unsigned bytes. Fashion-MNIST and others of the same form have the same names.
 */
import { FormatError } from '../../errors.js';
import { type DataSplits, type Dataset, emptyDataset, WHOLE } from './dataset.js';

const FILES = {
  train: { pictures: 'train-images-idx3-ubyte', labels: 'train-labels-idx1-ubyte' },
  test: { pictures: 't10k-images-idx3-ubyte', labels: 't10k-labels-idx1-ubyte' },
};

/** Both halves, from the folder that holds the files. Classes are called '0', '1', … Throws a FormatError that names the file at fault. */
export async function readMnist(folder: string): Promise<DataSplits> {
  const [trainPictures, trainLabels, testPictures, testLabels] = await Promise.all([
    readIdx(folder, FILES.train.pictures, 3),
    readIdx(folder, FILES.train.labels, 1),
    readIdx(folder, FILES.test.pictures, 3),
    readIdx(folder, FILES.test.labels, 1),
  ]);
  const classes = 1 + trainLabels.bytes.reduce((most, label) => Math.max(most, label), 9);
  return {
    train: combine('MNIST, training', classes, trainPictures, trainLabels),
    test: combine('MNIST, test', classes, testPictures, testLabels),
  };
}

interface Idx {
  readonly file: string;
  readonly sizes: readonly number[];
  readonly bytes: Uint8Array;
}

async function readIdx(folder: string, name: string, axes: number): Promise<Idx> {
  const { file, bytes } = await readPlainOrGzip(`${folder}/${name}`);
  const head = 4 + 4 * axes;
  if (bytes.length < head || bytes[0] !== 0 || bytes[1] !== 0 || bytes[2] !== 8 || bytes[3] !== axes) {
    const found = Array.from(bytes.subarray(0, 4)).join(' ');
    throw new FormatError(`${file}: wanted an idx file that begins with 0 0 8 ${axes}, found ${found}`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const sizes = Array.from({ length: axes }, (_, axis) => view.getUint32(4 + 4 * axis));
  const wanted = sizes.reduce((product, size) => product * size, 1);
  if (bytes.length - head !== wanted || wanted === 0) {
    throw new FormatError(`${file}: wanted ${sizes.join('×')} bytes after its head, found ${bytes.length - head}`);
  }
  return { file, sizes, bytes: bytes.subarray(head) };
}

/** Most bytes of an unpacked file: 2²⁸. MNIST's largest has 47 million. */
const LARGEST_UNPACKED = 2 ** 28;

/** The file of this name or, where there is none, the one with .gz after it. */
async function readPlainOrGzip(path: string): Promise<{ file: string; bytes: Uint8Array }> {
  const { readFile } = await import('../../formats/files.js');
  const packed = await readFile(`${path}.gz`).catch((error) => {
    if (error.cause?.code !== 'ENOENT') throw error;
  });
  if (packed === undefined) return { file: path, bytes: await readFile(path) };
  const { gunzipSync } = await import('node:zlib');
  try {
    return { file: `${path}.gz`, bytes: new Uint8Array(gunzipSync(packed, { maxOutputLength: LARGEST_UNPACKED })) };
  } catch (cause) {
    throw new FormatError(`${path}.gz: cannot be unpacked: ${(cause as Error).message}`, { cause });
  }
}

function combine(name: string, classes: number, pictures: Idx, labels: Idx): Dataset {
  const [count, height, width] = pictures.sizes;
  if (labels.sizes[0] !== count) {
    throw new FormatError(`${labels.file}: ${labels.sizes[0]} labels for the ${count} pictures of ${pictures.file}`);
  }
  const largest = labels.bytes.reduce((most, label) => Math.max(most, label), 0);
  if (largest >= classes) {
    throw new FormatError(`${labels.file}: found label ${largest}, wanted 0 to ${classes - 1}`);
  }
  const names = Array.from({ length: classes }, (_, label) => `${label}`);
  const data = emptyDataset(count, { name, classes: names, height, width, channels: 1, sizing: WHOLE });
  data.pictures.set(pictures.bytes);
  data.labels.set(labels.bytes);
  return data;
}
