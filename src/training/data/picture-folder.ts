/** A folder of pictures, `label/picture.jpg`: one folder a class, in the order of their names. */
import { FormatError, UsageError } from '../../errors.js';
import { isPictureName } from '../../files/picture-name.js';
import { found } from '../../found.js';
import { type DecodeOptions, readPicture } from '../../image/decode.js';
import type { Preprocessing } from '../../network/index.js';
import { seedOf, uniformRandom } from '../../random.js';
import { systemReason } from '../../system-error.js';
import type { DataSplits, Dataset } from './dataset.js';
import { pictureDataset, setPicture } from './picture-dataset.js';

export interface PictureFolderOptions {
  /** How pictures get the network's size; range and channel order are left to training. */
  readonly preprocessing: Preprocessing;
  /** Fraction of each class that is held back for the test, at least one picture; 0.2 unless given. */
  readonly heldBack?: number;
  /** Decides which are held back. Default 1. */
  readonly seed?: number;
  /** What is refused before it is decoded. */
  readonly limits?: DecodeOptions;
  readonly onPicture?: (done: number, all: number) => void;
  /** Called with the path of what has a picture's name and is no file (a pipe, a folder, a link to nothing), and is left out. */
  readonly onSkipped?: (path: string) => void;
}

const HELD_BACK = 0.2;

interface LabelledFile {
  readonly path: string;
  readonly label: number;
}

/**
 * Both halves. Throws a FormatError for a folder without classes or a class of fewer than two pictures, and a PictureError that names the
 * file for a picture that cannot be read.
 */
export async function readPictureFolder(folder: string, options: PictureFolderOptions): Promise<DataSplits> {
  if (!options?.preprocessing)
    throw new UsageError(`readPictureFolder: wanted { preprocessing } of a network, found ${found(options)}`);
  const { heldBack = HELD_BACK, seed = 1, onPicture, onSkipped = () => {} } = options;
  if (!(heldBack > 0 && heldBack < 1)) {
    throw new UsageError(`${folder}: the fraction held back must be above 0 and below 1, found ${heldBack}`);
  }
  const byClass = await listClasses(folder, onSkipped);
  const classes = byClass.map(({ name }) => name);
  const train: LabelledFile[] = [];
  const test: LabelledFile[] = [];
  for (const [label, { paths }] of byClass.entries()) {
    const files = shuffled(paths, seedOf(seed, label)).map((path) => ({ path, label }));
    const held = Math.min(files.length - 1, Math.max(1, Math.round(heldBack * files.length)));
    test.push(...files.slice(0, held));
    train.push(...files.slice(held));
  }
  const all = train.length + test.length;
  let done = 0;
  const counted = () => onPicture?.(++done, all);
  return {
    train: await readAll(`${folder}, training`, classes, train, options, counted),
    test: await readAll(`${folder}, held back`, classes, test, options, counted),
  };
}

/** The classes and the paths of their pictures, by name, so that the file system's order does not matter. */
async function listClasses(
  folder: string,
  onSkipped: (path: string) => void,
): Promise<{ name: string; paths: string[] }[]> {
  const { readdir } = await import('node:fs/promises');
  const entries = await readdir(folder, { withFileTypes: true }).catch((cause) => {
    throw new FormatError(`${folder}: ${systemReason(cause)}`, { cause });
  });
  const names = entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith('.')).map(({ name }) => name);
  if (names.length < 2) {
    const loose = entries.find((entry) => isPictureName(entry.name) && !entry.isDirectory());
    const beside = loose ? `, and '${loose.name}' beside them` : '';
    throw new FormatError(`${folder}: wanted a folder for each of two or more classes, found ${names.length}${beside}`);
  }
  const classes: { name: string; paths: string[] }[] = [];
  for (const name of names.sort()) {
    const paths = await picturesIn(`${folder}/${name}`, onSkipped);
    if (paths.length < 2) {
      throw new FormatError(
        `${folder}/${name}: wanted two or more pictures (JPEG, PNG, WebP, GIF, BMP), found ${paths.length}`,
      );
    }
    classes.push({ name, paths });
  }
  return classes;
}

/** The files with a picture's name, by name. */
async function picturesIn(folder: string, onSkipped: (path: string) => void): Promise<string[]> {
  const { readdir } = await import('node:fs/promises');
  const { isFile } = await import('../../files/read-whole.js');
  const names = (await readdir(folder)).filter((name) => isPictureName(name) && !name.startsWith('.'));
  const paths: string[] = [];
  for (const path of names.sort().map((name) => `${folder}/${name}`)) {
    if (await isFile(path)) paths.push(path);
    else onSkipped(path);
  }
  return paths;
}

/** A copy in another order: Fisher and Yates' shuffle. */
function shuffled<T>(items: readonly T[], seed: number): T[] {
  const random = uniformRandom(seed);
  const copy = [...items];
  for (let last = copy.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [copy[last], copy[other]] = [copy[other], copy[last]];
  }
  return copy;
}

async function readAll(
  name: string,
  classes: readonly string[],
  files: readonly LabelledFile[],
  { preprocessing, limits }: PictureFolderOptions,
  counted: () => void,
): Promise<Dataset> {
  const data = pictureDataset(name, classes, files.length, preprocessing);
  for (const [index, { path, label }] of files.entries()) {
    setPicture(data, index, await readPicture(path, limits), label, preprocessing);
    counted();
  }
  return data;
}
