/** Options that say nothing in the company they are in: such calls are refused, since they meant something else. */
import type { Command } from 'commander';
import { UsageError } from '../errors.js';
import { architectureFlags } from './architecture.js';
import { optionWord } from './values.js';

/** What was typed: options by their attributes (`noPool` is `pool`), arguments by their names. */
type Given = (name: string) => boolean;
type Read = (name: string) => unknown;

interface Rule {
  readonly options: readonly string[];
  /** Why the options would do nothing; undefined where they do something. */
  readonly idle: (given: Given, read: Read) => string | undefined;
}

const needs = (options: readonly string[], wanted: string): Rule => ({
  options,
  idle: (given) => (given(wanted) ? undefined : `goes with ${optionWord(wanted)}, which was not given`),
});

const notWith = (options: readonly string[], other: string, because: string): Rule => ({
  options,
  idle: (given) => (given(other) ? `has no effect with ${optionWord(other)}: ${because}` : undefined),
});

const SEED = 'the seed is of the noise';

/** Of every command that has these options. */
const common: readonly Rule[] = [notWith(['engine'], 'target', 'it is the older word for the same')];

const rules: Readonly<Record<string, readonly Rule[]>> = {
  convert: [
    notWith(
      ['network', ...architectureFlags, 'outputs', 'preset', 'labels', 'float16', 'int8', 'fold'],
      'tensors',
      'tensors are copied as they are',
    ),
    notWith(['int8'], 'float16', 'kernels are one or the other'),
  ],
  trace: [
    needs(['weights'], 'bounds'),
    notWith(['seed'], 'picture', SEED),
    notWith(['seed'], 'input', SEED),
    notWith(['float64'], 'bounds', 'bounds are of float32 outputs'),
  ],
  compare: [needs(['network', 'preset', 'crop', ...architectureFlags, 'outputs'], 'model')],
  detect: [needs(['annotations'], 'coco'), needs(['overwrite'], 'out')],
  segment: [needs(['overwrite', 'overlay', 'cutOut'], 'out'), needs(['only'], 'cutOut')],
  train: [
    needs(['fineTune', 'layer', 'heldBack', 'preset'], 'base'),
    needs(['only', 'views'], 'detect'),
    needs(['teaching'], 'teachers'),
    needs(['quantizationAware'], 'beginWith'),
    notWith(['float16'], 'quantizationAware', 'its kernels are of 8 bits'),
  ],
  golden: [
    needs(['outputs'], 'model'),
    needs(['rounding'], 'integers'),
    notWith(['precision', 'flushToZero', 'with'], 'integers', 'that is for real numbers'),
    notWith(['seed'], 'picture', SEED),
    notWith(['seed'], 'input', SEED),
  ],
  verify: [needs(['preset'], 'picture'), notWith(['seed'], 'picture', SEED), notWith(['seed'], 'input', SEED)],
  reduce: [needs(['layout', 'names', 'timeout'], 'command'), notWith(['seed'], 'input', SEED)],
  evaluate: [
    {
      options: ['seed'],
      idle: (given, read) =>
        !given('limit') && /^(digits$|\w{2,}:)/.test(String(read('data')))
          ? 'is for a folder of pictures, a part of which is held back; this data has test pictures of its own'
          : undefined,
    },
  ],
};

/** Throws a UsageError for the first option of the call that does nothing. */
export function expectHonoured(command: Command): void {
  const typed = new Set(
    command.options.map((option) => option.attributeName()).filter((name) => isTyped(command, name)),
  );
  for (const [index, argument] of command.registeredArguments.entries()) {
    if (command.args[index] !== undefined) typed.add(argument.name());
  }
  const given: Given = (name) => typed.has(name);
  const read: Read = (name) => command.getOptionValue(name);
  for (const { options, idle } of [...common, ...(rules[command.name()] ?? [])]) {
    const option = options.find(given);
    const why = option === undefined ? undefined : idle(given, read);
    if (why !== undefined) throw new UsageError(`${optionWord(option!)} ${why}`);
  }
}

const isTyped = (command: Command, name: string): boolean => command.getOptionValueSource(name) === 'cli';
