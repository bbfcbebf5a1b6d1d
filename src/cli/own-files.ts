/** Files that a command would replace in a folder. Its own it replaces as it likes; what else lies under their names is somebody's. */
import { UsageError } from '../errors.js';
import { isThere } from '../files/is-there.js';
import { readWhole } from '../files/read-whole.js';
import { GOLDEN_KEY } from '../formats/network-file.js';
import { plural } from './output.js';

/** Files that all hold some text, by which they are known. */
export interface OwnKind {
  /** 'no golden bundle', of a file that lacks them. */
  readonly lacking: string;
  readonly mark: string;
}

/** The key of the manifest stands as it is in every bundle, .safetensors and .npz. */
const BUNDLES: OwnKind = { lacking: 'no golden bundle', mark: GOLDEN_KEY };

const MOST_NAMED = 3;

/** Throws a UsageError that names the files which are there and of another kind. What cannot be read is not ours. */
export async function expectOwnFiles(
  flag: string,
  paths: readonly string[],
  { lacking, mark }: OwnKind = BUNDLES,
): Promise<void> {
  const foreign: string[] = [];
  for (const path of paths) if ((await isThere(path)) && !(await holds(path, mark))) foreign.push(path);
  if (foreign.length === 0) return;
  const named = foreign.slice(0, MOST_NAMED).map((path) => `'${path}'`);
  const more = foreign.length > MOST_NAMED ? ` and ${plural(foreign.length - MOST_NAMED, 'file')} more` : '';
  const [verb, them] = foreign.length === 1 ? ['is', 'it'] : ['are', 'them'];
  throw new UsageError(
    `${flag}: ${named.join(', ')}${more} ${verb} there already and ${lacking}; --overwrite replaces ${them}`,
  );
}

async function holds(path: string, mark: string): Promise<boolean> {
  const bytes = await readWhole(path).catch(() => new Uint8Array());
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).includes(mark);
}
