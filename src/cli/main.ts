#!/usr/bin/env node
/** The command `depthwise`. */
import { systemReason } from '../system-error.js';
import { commandLine, outputFailed } from './program.js';

const args = process.argv.slice(2);

/** 128 and the number of SIGPIPE, which ends other programs here. */
const CLOSED_PIPE = 141;

/** What the process ends with; the first failure decides. */
const fail = (exitCode: number): void => {
  process.exitCode ||= exitCode;
};

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // `depthwise summary … | head` closes the pipe early. Nothing is said, as other programs say nothing, but the answer was not all taken.
  if (error.code === 'EPIPE') process.exit(process.exitCode || CLOSED_PIPE);
  fail(outputFailed(systemReason(error), args));
});

// Nobody can be told, but the exit code; a run whose terminal was closed goes on.
process.stderr.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') fail(1);
});

const exitCode = await commandLine(args);
if (exitCode !== 0) process.exitCode = exitCode;
