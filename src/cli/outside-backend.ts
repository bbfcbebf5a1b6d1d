/** Another backend that is a program: it reads a golden bundle, and writes a file of tensors by name. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { FormatError } from '../errors.js';
import { isThere } from '../files/is-there.js';
import { makeGolden, writeGolden } from '../oracle/index.js';
import { inOurLayout, type Layout } from '../oracle/layouts.js';
import type { NameMap } from '../oracle/names.js';
import type { Backend } from '../oracle/reduce/reduce.js';
import { generator } from './bundle.js';
import { readTheirs } from './compare-files.js';
import { matchedTensors } from './comparison.js';

export interface OutsideOptions {
  readonly layout: Layout;
  readonly names: NameMap;
  /** Seconds that one run may take. */
  readonly timeout: number;
}

/**
 * Runs `command`, words apart by spaces, with a bundle's path and a path to write to, in a folder that goes afterwards. What counts is the file that it
 * has written: its exit code may be its own verdict. Throws a FormatError with what the program has printed last where there is none, or
 * where it cannot be started.
 */
export function outsideBackend(command: string, { layout, names, timeout }: OutsideOptions): Backend {
  const [program, ...words] = command.trim().split(/\s+/);
  return async ({ network, inputs }) => {
    const folder = await mkdtemp(join(tmpdir(), 'depthwise-reduce-'));
    try {
      const [bundle, theirs] = [join(folder, 'golden.safetensors'), join(folder, 'theirs.npz')];
      const golden = makeGolden(network, inputs, { source: { kind: 'tensor', detail: 'reduced' } });
      await writeFile(
        bundle,
        await writeGolden(golden, { format: 'safetensors', weights: true, generator: generator() }),
      );
      const failure = await runProgram(program, [...words, bundle, theirs], timeout);
      if (!(await isThere(theirs))) {
        throw new FormatError(`${command}: has written no tensors to ${theirs}${failure ? `: ${failure}` : ''}`);
      }
      const { tensors } = matchedTensors(golden, await readTheirs(theirs), theirs, names);
      return inOurLayout(network, inputs, tensors, layout);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  };
}

/** Why it did not end well, if it did not: the last line that it has printed to stderr, or what the system says. */
async function runProgram(program: string, words: readonly string[], timeout: number): Promise<string | undefined> {
  try {
    await promisify(execFile)(program, words, { timeout: 1000 * timeout, killSignal: 'SIGKILL', maxBuffer: 1 << 26 });
    return undefined;
  } catch (error) {
    const { killed, stderr, message, code, syscall } = error as NodeJS.ErrnoException & {
      readonly killed?: boolean;
      readonly stderr?: string;
    };
    if (syscall?.startsWith('spawn')) {
      const why = code === 'ENOENT' ? 'there is no such program' : code;
      throw new FormatError(`--command: '${program}' cannot be started: ${why}`, { cause: error });
    }
    if (killed) return `it was ended after ${timeout} s`;
    return stderr?.trim().split('\n').at(-1) || message;
  }
}
