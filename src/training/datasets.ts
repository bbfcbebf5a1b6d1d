/** Data sets by what people type: 'cifar10:DIR', 'mnist:DIR'. */
import { UsageError } from '../errors.js';
import { readCifar10 } from './cifar10.js';
import type { DataSplits } from './dataset.js';

const readers: Readonly<Record<string, (folder: string) => Promise<DataSplits>>> = {
  cifar10: readCifar10,
};

export async function readData(source: string): Promise<DataSplits> {
  const [, kind, folder] = /^(\w+):(.+)$/.exec(source) ?? [];
  const reader = kind === undefined ? undefined : readers[kind];
  if (reader === undefined || folder === undefined) {
    throw new UsageError(
      `data '${source}': wanted ${Object.keys(readers)
        .map((name) => `${name}:FOLDER`)
        .join(' or ')}`,
    );
  }
  return reader(folder);
}
