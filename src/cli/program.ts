/** The commands, loaded one at a time, and what becomes of their failures. */
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { DepthwiseError, UsageError } from '../errors.js';
import { setBudget } from '../network/index.js';
import { systemReason } from '../system-error.js';
import { harmless, harmlessJson, readable, showWide, styled } from './display.js';
import { ExitWith, exitCodes } from './exit-codes.js';
import { didYouMean } from './nearest.js';
import { expectHonoured } from './option-rules.js';
import { Interruption, printAsIs } from './output.js';
import { positiveNumber } from './values.js';

/** A command's file adds its arguments, options, examples and action. */
interface CommandFile {
  configure(command: Command): void;
}

interface Entry {
  readonly summary: string;
  readonly load: () => Promise<CommandFile>;
  /** It prints a table, which `--wide` leaves whole on a narrow terminal. */
  readonly table?: true;
  /** Its exit code is the verdict on another backend. */
  readonly judges?: true;
}

/** In the order and under the headings of `depthwise --help`. */
const commands: Readonly<Record<string, Readonly<Record<string, Entry>>>> = {
  'Ask a model:': {
    demo: { summary: 'what the model in the package sees in a bundled picture', load: () => import('./demo.js') },
    classify: { summary: 'say what is in a picture', load: () => import('./classify.js') },
    detect: { summary: 'say what objects are in a picture, and where', load: () => import('./detect.js'), table: true },
    segment: {
      summary: 'say how much of a picture belongs to each class',
      load: () => import('./segment.js'),
      table: true,
    },
    embed: { summary: "write a picture's features at a named layer", load: () => import('./embed.js') },
    evaluate: { summary: 'how often a model is right', load: () => import('./evaluate.js'), table: true },
  },
  'Look inside:': {
    models: { summary: 'the models that are fetched by name', load: () => import('./models.js'), table: true },
    summary: {
      summary: 'the layers of a network, their parameters and multiply-adds',
      load: () => import('./summary.js'),
      table: true,
    },
    bench: { summary: 'how long each layer of a network takes', load: () => import('./bench.js'), table: true },
    trace: { summary: "write every layer's output for a picture", load: () => import('./trace.js') },
  },
  'Make a model:': {
    train: { summary: 'train a network on labelled pictures', load: () => import('./train.js'), table: true },
    convert: { summary: 'turn one model or tensor file into another', load: () => import('./convert.js') },
    quantize: {
      summary: 'turn a network of real numbers into one of 8-bit integers',
      load: () => import('./quantize.js'),
      table: true,
    },
  },
  'Check another backend:': {
    golden: { summary: 'write bundles for another backend to check itself with', load: () => import('./golden.js') },
    compare: {
      summary: 'find the first layer where another backend is wrong',
      load: () => import('./compare.js'),
      table: true,
      judges: true,
    },
    verify: {
      summary: 'run another runtime on the same model, layer by layer',
      load: () => import('./verify.js'),
      table: true,
      judges: true,
    },
    reduce: {
      summary: 'find the smallest problem that another backend still gets wrong',
      load: () => import('./reduce.js'),
    },
  },
};

const byName: Readonly<Record<string, Entry>> = Object.assign({}, ...Object.values(commands));

/** What somebody who has typed nothing yet can do at once. */
const START = `MobileNet V1 and V2 in TypeScript. Try one of these first:

  depthwise demo                    the model in the package on its picture
  depthwise classify PICTURE        the same for a picture of your own
  depthwise classify PICTURE --model mobilenet_v1_0.25_224
                                    a thousand kinds of things; 2 MB, once
  depthwise models                  all models that can be fetched by name
  depthwise summary mobilenet_v2    its layers, parameters and multiply-adds

depthwise --help lists the commands; depthwise COMMAND --help has examples.
`;

/** The commands that judge another backend have more: `exit-codes.ts`. */
const EXIT_CODES =
  'Exit code: 0 it worked, 1 it failed, 2 a wrong call, 130 Ctrl-C, 129 and 143 SIGHUP and SIGTERM, 141 a closed pipe.';

/**
 * Runs the command line and returns its exit code: 0 only when it worked, 2 for a wrong call, 128 and the number of a signal that ended it (130: Ctrl-C), else 1. Commands that judge
 * another backend tell failures apart: `exit-codes.ts`.
 */
export async function commandLine(args: readonly string[]): Promise<number> {
  if (args.length === 0) {
    process.stderr.write(START);
    return 2;
  }
  showWide(false);
  try {
    await program().parseAsync(args[0] === 'help' ? [...args.slice(1), '--help'] : args, { from: 'user' });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0; // --help and --version
    if (error instanceof CommanderError && error.code === 'commander.help') return 2; // no command: the help is on stderr
    const failure = describe(error);
    tell(failure, args);
    return failure.exitCode;
  }
}

function tell(failure: Failure, args: readonly string[]): void {
  process.stderr.write(args.includes('--json') ? asJson(failure) : asText(failure));
}

/** Says that stdout could not be written, and returns the exit code that goes with it. */
export function outputFailed(reason: string, args: readonly string[]): number {
  const exitCode = byName[args[0]]?.judges ? exitCodes.failed : 1;
  tell({ code: 'system', message: `standard output: ${reason}; the answer is not complete`, exitCode }, args);
  return exitCode;
}

function program(): Command {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  const depthwise = new Command('depthwise')
    .description('MobileNet V1 and V2: read them, count them, run them.')
    .version(version)
    .helpCommand(false) // its work is done above: it would show commands that are not loaded yet
    .exitOverride()
    .configureOutput({ writeOut: printAsIs, outputError: () => {} }) // commandLine() says what is wrong
    .showSuggestionAfterError();
  for (const [heading, group] of Object.entries(commands)) {
    depthwise.commandsGroup(heading);
    for (const [name, { summary }] of Object.entries(group)) depthwise.command(name).summary(summary);
  }
  depthwise.addHelpText('after', `\n${EXIT_CODES}`);
  depthwise.hook('preSubcommand', async (_, command) => {
    const { load, table } = byName[command.name()];
    const { configure } = await load();
    configure(command);
    command.addOption(budgetOption());
    if (table) command.option('--wide', 'tables keep all columns on a narrow terminal too');
    command.options.forEach(suggestChoices);
  });
  return depthwise.hook('preAction', (_, command) => {
    showWide(command.opts().wide === true);
    setBudget(command.opts().budget ?? 1);
    expectHonoured(command);
  });
}

/** `setBudget`, for every command that has to do with a network. */
const budgetOption = (): Option =>
  new Option(
    '--budget <times>',
    'networks may take so many times the usual memory (2 GiB) and work (10^12 multiply-adds, 5*10^10 by --target reference)',
  ).argParser(positiveNumber);

/** A wrong word for one of a few names is answered with the nearest of them, as commander does for options and commands. */
function suggestChoices(option: Option): void {
  const { argChoices: names } = option;
  if (names === undefined) return;
  option.argParser((text) => {
    if (names.includes(text)) return text;
    throw new InvalidArgumentError(`Allowed choices are ${names.join(', ')}.${didYouMean(text, names)}`);
  });
}

interface Failure {
  /** For programs. */
  readonly code: string;
  /** For people. */
  readonly message: string;
  /** For shells. */
  readonly exitCode: number;
}

const asJson = ({ code, message }: Failure): string =>
  `${harmlessJson(JSON.stringify({ error: { code, message } }))}\n`;

/** Ctrl-C is no error. */
function asText({ code, message }: Failure): string {
  const head = code === 'interrupted' ? '' : `${styled('red', 'error:', process.stderr)} `;
  const [first, ...others] = message.split('\n').map((line) => readable(harmless(line), process.stderr));
  // A name with a line break in it cannot begin one as errors and remarks of ours do.
  return `${[head + first, ...others.map((line) => line.replace(/^(?=\w+:|wrote |interrupted)/, '  '))].join('\n')}\n`;
}

function describe(error: unknown): Failure {
  if (error instanceof ExitWith) return { ...describe(error.cause), exitCode: error.exitCode };
  if (error instanceof CommanderError) {
    return { code: 'usage', message: error.message.replace(/^error: /, ''), exitCode: 2 };
  }
  if (error instanceof DepthwiseError) {
    return { code: error.code, message: error.message, exitCode: error instanceof UsageError ? 2 : 1 };
  }
  if (error instanceof Interruption) {
    return { code: 'interrupted', message: error.message, exitCode: 128 + constants.signals[error.signal] };
  }
  if (isSystemError(error)) return { code: 'system', message: systemText(error), exitCode: 1 };
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { code: 'internal', message: `this is a fault of depthwise, please report it: ${text}`, exitCode: 1 };
}

const isSystemError = (error: unknown): error is NodeJS.ErrnoException => error instanceof Error && 'syscall' in error;

function systemText(error: NodeJS.ErrnoException): string {
  return error.path === undefined ? error.message : `${error.path}: ${systemReason(error)}`;
}
