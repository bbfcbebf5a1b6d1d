/** '-' as a file's name: what is piped into the command. */
import { FormatError, UsageError } from '../errors.js';
import { readStream } from '../files/read-whole.js';
import { readFile } from '../formats/files.js';
import { systemReason } from '../system-error.js';

/** What errors call it. */
const NAME = 'standard input';

let taken: string | undefined;

/** A file's bytes, or those of standard input, and the name for errors. `what` is 'the model' or 'a picture'. Throws a FormatError. */
export async function readFileOrInput(path: string, what: string): Promise<{ name: string; bytes: Uint8Array }> {
  return path === '-' ? { name: NAME, bytes: await readInput(what) } : { name: path, bytes: await readFile(path) };
}

async function readInput(what: string): Promise<Uint8Array> {
  if (taken !== undefined) throw new UsageError(`'-' is ${taken} already, and there is only one standard input`);
  if (process.stdin.isTTY) throw new UsageError(`'-' is ${what} from standard input, into which nothing is piped`);
  taken = what;
  return readStream(process.stdin).catch((cause) => {
    throw new FormatError(`${NAME}: ${systemReason(cause)}`, { cause });
  });
}
