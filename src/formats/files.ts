/** Model and tensor files on disk. For Node alone: pages use `read.ts`, which takes bytes. */
import { dirname, isAbsolute, join } from 'node:path';
import { FormatError } from '../errors.js';
import { isFile, readWhole } from '../files/read-whole.js';
import type { Network } from '../network/index.js';
import { systemReason } from '../system-error.js';
import type { Tensor } from '../tensor.js';
import { asStated, type ReadOptions } from './architecture.js';
import { readerOf, readTensors } from './read.js';
import type { TfjsFiles } from './tfjs.js';

/** The file's bytes. Throws a FormatError that names the path as given: for what is no regular file, and for one of more than 2³⁰ bytes. */
export async function readFile(path: string, limit?: number): Promise<Uint8Array> {
  try {
    return await readWhole(path, limit);
  } catch (error) {
    throw new FormatError(`${path}: ${systemReason(error)}`, { cause: error });
  }
}

/** Most bytes of a text, which has to be one string of JavaScript: 2²⁹ − 24. COCO's largest has 470 million. */
const LARGEST_TEXT = 2 ** 29 - 24;

/** The text of a file, as UTF-8. Throws as `readFile` does. */
export async function readTextFile(path: string): Promise<string> {
  return new TextDecoder().decode(await readFile(path, LARGEST_TEXT));
}

/** The network of a model file; see `readNetwork`. A .json file is a TensorFlow.js model, whose weights lie beside it. */
export async function readNetworkFile(path: string, options: Omit<ReadOptions, 'fileName'> = {}): Promise<Network> {
  if (path.endsWith('.json')) return readTfjsFile(path, options);
  const bytes = await readFile(path);
  const reader = await readerOf(bytes, path);
  const { needed } = (await reader.companions?.(bytes, path)) ?? { needed: [] };
  const companions = await companionsOf(path, needed);
  const network = await reader.read(bytes, { ...options, fileName: path }, companions);
  return asStated(network, options, path);
}

/** The files beside a model's, by their names. */
export async function companionsOf(path: string, names: readonly string[]): Promise<Map<string, Uint8Array>> {
  const companions = new Map<string, Uint8Array>();
  for (const name of names) companions.set(name, await readFile(besidePath(path, name)));
  return companions;
}

/** The path of a file that belongs to a model's. Throws a FormatError for one that leaves the folder. */
function besidePath(path: string, name: string): string {
  if (isAbsolute(name) || name.split(/[\\/]/).includes('..')) {
    throw new FormatError(`${path}: the weights file '${name}' lies outside of the model's folder`);
  }
  return join(dirname(path), name);
}

async function readTfjsFile(path: string, options: ReadOptions): Promise<Network> {
  const { readTfjs } = await import('./tfjs.js');
  return readTfjs(await readTfjsFiles(path), { ...options, fileName: path });
}

/** A TensorFlow.js model.json, under that name, the weights beside it and Teachable Machine's metadata.json. */
export async function readTfjsFiles(path: string): Promise<TfjsFiles> {
  const { tfjsFiles } = await import('./tfjs.js');
  return tfjsFiles(
    await readFile(path),
    {
      read: async (name) => readFile(besidePath(path, name)),
      find: async (name) => ((await isFile(besidePath(path, name))) ? readFile(besidePath(path, name)) : undefined),
    },
    path,
  );
}

/** The tensors of a file; see `readTensors`. */
export async function readTensorFile(path: string): Promise<Map<string, Tensor>> {
  return readTensors(await readFile(path), path);
}
