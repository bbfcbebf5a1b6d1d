#!/usr/bin/env node
/** The command `depthwise`. */
import { commandLine } from './program.js';

// `depthwise summary … | head` closes the pipe early, which is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

process.exitCode = await commandLine(process.argv.slice(2));
