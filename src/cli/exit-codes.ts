/** Exit codes of the commands that judge another backend, so that scripts can tell a difference from a file that is missing. */
import { CommanderError } from 'commander';
import { DifferenceError, UndecidedError, UsageError } from '../errors.js';
import { Interruption } from './output.js';

export const exitCodes = {
  /** Every layer that was shown is within its bound. */
  within: 0,
  /** At least one is not. */
  difference: 1,
  /** A wrong call. */
  usage: 2,
  /** None is beyond its bound, but for at least one the bound exceeds the numbers, or nothing was there to compare it with. */
  undecided: 3,
  /** A file cannot be read or written, or something else failed: nothing was judged. */
  failed: 4,
} as const;

/** For the help of these commands. */
export const exitCodesHelp =
  'Exit code 0: every layer within its bound; 1: one is beyond it; 2: a wrong call; 3: none is beyond, but one is not decided; 4: a file cannot be read, or something else failed.';

/** A failure with the exit code that it asks for. */
export class ExitWith extends Error {
  readonly exitCode: number;

  constructor(exitCode: number, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.exitCode = exitCode;
  }
}

/** The action of a command that judges, with the exit codes above. */
export function judging<Args extends unknown[]>(action: (...args: Args) => Promise<void>) {
  return async (...args: Args): Promise<void> => {
    try {
      await action(...args);
    } catch (error) {
      throw withExitCode(error);
    }
  };
}

function withExitCode(error: unknown): unknown {
  if (error instanceof UsageError || error instanceof CommanderError || error instanceof Interruption) return error;
  if (error instanceof DifferenceError) return new ExitWith(exitCodes.difference, error);
  if (error instanceof UndecidedError) return new ExitWith(exitCodes.undecided, error);
  return new ExitWith(exitCodes.failed, error);
}
