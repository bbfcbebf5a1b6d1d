/** Files that `depthwise golden` would replace. Its own bundles it replaces as it likes; what else lies under their names is somebody's. */
import { UsageError } from '../errors.js';
import { isThere } from '../files/is-there.js';
import { readWhole } from '../files/read-whole.js';
import { GOLDEN_KEY } from '../formats/network-file.js';
import { plural } from './output.js';

const MOST_NAMED = 3;

/** Throws a UsageError that names the files which are there and are no golden bundles. */
export async function expectOwnFiles(flag: string, paths: readonly string[]): Promise<void> {
  const foreign: string[] = [];
  for (const path of paths) if ((await isThere(path)) && !(await isBundle(path))) foreign.push(path);
  if (foreign.length === 0) return;
  const named = foreign.slice(0, MOST_NAMED).map((path) => `'${path}'`);
  const more = foreign.length > MOST_NAMED ? ` and ${plural(foreign.length - MOST_NAMED, 'file')} more` : '';
  const [verb, them] = foreign.length === 1 ? ['is', 'it'] : ['are', 'them'];
  throw new UsageError(
    `${flag}: ${named.join(', ')}${more} ${verb} there already and no golden bundle; --overwrite replaces ${them}`,
  );
}

/** The key of the manifest stands as it is in every bundle, .safetensors and .npz. What cannot be read is no bundle of ours. */
async function isBundle(path: string): Promise<boolean> {
  const bytes = await readWhole(path).catch(() => new Uint8Array());
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).includes(GOLDEN_KEY);
}
