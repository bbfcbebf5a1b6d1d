/** A TensorFlow.js model is a folder of files, of which its user names model.json alone. */
import { createHash } from 'node:crypto';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { lockFolder } from '../files/folder-lock.js';
import { writeWhole } from './output.js';

const MODEL = 'model.json';

/** What this writer and TensorFlow.js' own converter call files of weights; ours beside another model have a hash before it. */
const SHARD = /^(?:[0-9a-f]{8}-)?group\d+-shard\d+of\d+\.bin$/;

/**
 * Writes the weights first: a model.json is there once everything is. Where other files have the weights' names, such as those of an older
 * model, the new ones get names of their own, so that the old model is whole until model.json is replaced. Its weights go last.
 * Returns the bytes of all files. Throws a UsageError while another process writes into the folder: the model of one must not get the weights
 * of the other.
 */
export async function writeTfjsFolder(folder: string, files: ReadonlyMap<string, Uint8Array>): Promise<number> {
  const release = await lockFolder(`<out>: '${folder}'`, folder);
  try {
    return await write(folder, files);
  } finally {
    await release();
  }
}

async function write(folder: string, files: ReadonlyMap<string, Uint8Array>): Promise<number> {
  const old = await shardsIn(folder);
  const written = (await areOthersThere(folder, files)) ? renamed(files) : files;
  const { [MODEL]: model, ...shards } = Object.fromEntries(written);
  for (const [name, bytes] of Object.entries(shards)) await writeWhole(join(folder, name), bytes);
  await writeWhole(join(folder, MODEL), model);
  for (const name of old) if (!written.has(name)) await rm(join(folder, name), { force: true });
  return [...written.values()].reduce((sum, { length }) => sum + length, 0);
}

/** Whether a file of the same name as one of the weights' holds something else. */
async function areOthersThere(folder: string, files: ReadonlyMap<string, Uint8Array>): Promise<boolean> {
  for (const [name, bytes] of files) {
    if (name === MODEL) continue;
    const found = await readFile(join(folder, name)).catch(() => undefined);
    if (found !== undefined && !found.equals(bytes)) return true;
  }
  return false;
}

/** The same model with a hash of the weights before their files' names. */
function renamed(files: ReadonlyMap<string, Uint8Array>): Map<string, Uint8Array> {
  const hash = createHash('sha256');
  for (const [name, bytes] of files) if (name !== MODEL) hash.update(bytes);
  const prefix = hash.digest('hex').slice(0, 8);
  const model = JSON.parse(new TextDecoder().decode(files.get(MODEL)));
  for (const group of model.weightsManifest) group.paths = group.paths.map((path: string) => `${prefix}-${path}`);
  const named = (name: string, bytes: Uint8Array): [string, Uint8Array] =>
    name === MODEL ? [name, new TextEncoder().encode(JSON.stringify(model))] : [`${prefix}-${name}`, bytes];
  return new Map([...files].map(([name, bytes]) => named(name, bytes)));
}

/** Files of weights of the model that is there, and of runs that were killed before their model.json. */
async function shardsIn(folder: string): Promise<string[]> {
  const text = await readFile(join(folder, MODEL), 'utf8').catch(() => '{}');
  const named = new Set(text.match(/"[^"/\\]+\.bin"/g)?.map((name) => name.slice(1, -1)));
  return (await readdir(folder)).filter((name) => SHARD.test(name) && (named.has(name) || /^[0-9a-f]{8}-/.test(name)));
}
