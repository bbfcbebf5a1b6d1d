/** Data sets by what people type: 'digits', 'cifar10:FOLDER', 'mnist:FOLDER', or the path of a folder of pictures. */
import { FormatError, UsageError } from '../errors.js';
import { found } from '../found.js';
import { readCifar10 } from './data/cifar10.js';
import type { DataSplits } from './data/dataset.js';
import { drawnDigits } from './data/drawn-digits.js';
import { readMnist } from './data/mnist.js';
import { type PictureFolderOptions, readPictureFolder } from './data/picture-folder.js';

interface Source {
  readonly read: (folder: string) => Promise<DataSplits>;
  /** Where the files are to be had, for the error when they are not there. */
  readonly origin: string;
}

const sources: Readonly<Record<string, Source>> = {
  cifar10: {
    read: readCifar10,
    origin:
      "CIFAR-10's binary version (162 MB): https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz; tar xzf unpacks it into cifar-10-batches-bin, the folder that is wanted",
  },
  mnist: {
    read: readMnist,
    origin:
      'MNIST (12 MB): train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz, t10k-images-idx3-ubyte.gz and t10k-labels-idx1-ubyte.gz from https://storage.googleapis.com/cvdf-datasets/mnist/; they may stay packed',
  },
};

/** `forPictures` is asked where the source is a folder of pictures, whose size is the network's to say. */
export async function readData(source: string, forPictures: () => PictureFolderOptions): Promise<DataSplits> {
  const [, kind, folder] = /^(\w{2,}):(.*)$/.exec(source) ?? []; // one letter is a drive
  if (source === 'digits') return drawnDigits();
  if (kind === undefined) {
    if (typeof forPictures === 'function') return readPictureFolder(source, forPictures());
    throw new UsageError(
      `readData: wanted a function that answers with the options of readPictureFolder, found ${found(forPictures)}`,
    );
  }
  if (!Object.hasOwn(sources, kind) || folder === '') {
    const known = Object.keys(sources).map((name) => `${name}:FOLDER`);
    throw new UsageError(`data '${source}': wanted digits, ${known.join(', ')}, or a folder of folders of pictures`);
  }
  const { read, origin } = sources[kind];
  try {
    return await read(folder);
  } catch (error) {
    if (!(error instanceof FormatError) || (error.cause as NodeJS.ErrnoException)?.code !== 'ENOENT') throw error;
    throw new FormatError(`${error.message}\n${origin}`, { cause: error });
  }
}
