/** The commands, loaded one at a time, and what becomes of their failures. */
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { DepthwiseError, UsageError } from '../errors.js';
import { ExitWith } from './exit-codes.js';
import { Interruption } from './output.js';

/** A command's file adds its arguments, options, examples and action. */
interface CommandFile {
  configure(command: Command): void;
}

const commands: Record<string, { summary: string; load: () => Promise<CommandFile> }> = {
  summary: {
    summary: 'the layers of a network, their parameters and multiply-adds',
    load: () => import('./summary.js'),
  },
  classify: { summary: 'say what is in a picture', load: () => import('./classify.js') },
  embed: { summary: "write a picture's features at a named layer", load: () => import('./embed.js') },
  trace: { summary: "write every layer's output for a picture", load: () => import('./trace.js') },
  bench: { summary: 'how long each layer of a network takes', load: () => import('./bench.js') },
  golden: { summary: 'write bundles for another backend to check itself with', load: () => import('./golden.js') },
  compare: { summary: 'find the first layer where another backend is wrong', load: () => import('./compare.js') },
  verify: { summary: 'run another runtime on the same model, layer by layer', load: () => import('./verify.js') },
  convert: { summary: 'turn one model or tensor file into another', load: () => import('./convert.js') },
  train: { summary: 'train a network on labelled pictures', load: () => import('./train.js') },
  evaluate: { summary: 'how often a model is right', load: () => import('./evaluate.js') },
  demo: { summary: 'MobileNet V1, counted and run once on a bundled picture', load: () => import('./demo.js') },
};

/**
 * Runs the command line and returns its exit code: 0 only when it worked, 2 for a wrong call, 130 for Ctrl-C, else 1. Commands that judge
 * another backend tell failures apart: `exit-codes.ts`.
 */
export async function commandLine(args: readonly string[]): Promise<number> {
  try {
    await program().parseAsync(args[0] === 'help' ? [...args.slice(1), '--help'] : args, { from: 'user' });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0; // --help and --version
    if (error instanceof CommanderError && error.code === 'commander.help') return 2; // no command: the help is on stderr
    const { code, message, exitCode } = describe(error);
    const text = args.includes('--json') ? JSON.stringify({ error: { code, message } }) : `error: ${message}`;
    process.stderr.write(`${text}\n`);
    return exitCode;
  }
}

function program(): Command {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  const depthwise = new Command('depthwise')
    .description('MobileNet V1 and V2: read them, count them, run them.')
    .version(version)
    .helpCommand(false) // its work is done above: it would show commands that are not loaded yet
    .exitOverride()
    .configureOutput({ outputError: () => {} }) // commandLine() says it
    .showSuggestionAfterError();
  for (const [name, { summary }] of Object.entries(commands)) depthwise.command(name).summary(summary);
  return depthwise.hook('preSubcommand', async (_, command) => {
    const { configure } = await commands[command.name()].load();
    configure(command);
  });
}

/** Code for programs, text for people, exit code for shells. */
function describe(error: unknown): { code: string; message: string; exitCode: number } {
  if (error instanceof ExitWith) return { ...describe(error.cause), exitCode: error.exitCode };
  if (error instanceof CommanderError) {
    return { code: 'usage', message: error.message.replace(/^error: /, ''), exitCode: 2 };
  }
  if (error instanceof DepthwiseError) {
    return { code: error.code, message: error.message, exitCode: error instanceof UsageError ? 2 : 1 };
  }
  if (error instanceof Interruption) return { code: 'interrupted', message: error.message, exitCode: 130 };
  if (error instanceof Error && 'syscall' in error) return { code: 'system', message: error.message, exitCode: 1 };
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { code: 'internal', message: `this is a fault of depthwise, please report it: ${text}`, exitCode: 1 };
}
