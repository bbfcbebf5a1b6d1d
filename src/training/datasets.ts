/** Data sets by what people type: 'cifar10:FOLDER', 'mnist:FOLDER', or the path of a folder of pictures. */
import { UsageError } from '../errors.js';
import { readCifar10 } from './cifar10.js';
import type { DataSplits } from './dataset.js';
import { readMnist } from './mnist.js';
import { type PictureFolderOptions, readPictureFolder } from './pictureFolder.js';

const readers: Readonly<Record<string, (folder: string) => Promise<DataSplits>>> = {
  cifar10: readCifar10,
  mnist: readMnist,
};

/** `forPictures` is asked where the source is a folder of pictures, whose size is the network's to say. */
export async function readData(source: string, forPictures: () => PictureFolderOptions): Promise<DataSplits> {
  const [, kind, folder] = /^(\w{2,}):(.*)$/.exec(source) ?? []; // one letter is a drive
  if (kind === undefined) return readPictureFolder(source, forPictures());
  if (!Object.hasOwn(readers, kind) || folder === '') {
    const known = Object.keys(readers).map((name) => `${name}:FOLDER`);
    throw new UsageError(`data '${source}': wanted ${known.join(', ')}, or a folder of folders of pictures`);
  }
  return readers[kind](folder);
}
