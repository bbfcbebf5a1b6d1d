/** What `compare` and `verify` have in common: how strictly another backend is judged, and how the verdict is told. */
import { type Command, Option } from 'commander';
import { DifferenceError, UndecidedError } from '../errors.js';
import { differencePng } from '../oracle/difference-map.js';
import type { PrecisionName, Report, Verdict } from '../oracle/index.js';
import { precisionNames } from '../oracle/precision.js';
import { asJson, asText, type Context } from './compare-table.js';
import { expectEnding, expectWritable, plural, print, printJson, writeWhole } from './output.js';
import { positiveNumber } from './values.js';

export interface PrecisionFlags {
  readonly precision?: PrecisionName;
  readonly flushToZero?: true;
  readonly allowance: number;
}

export interface JudgementFlags extends PrecisionFlags {
  readonly only?: string;
  readonly map?: string;
  readonly json?: true;
}

/** `unlessGiven`: the precision without the flag. */
export function addPrecisionOptions(command: Command, unlessGiven: string): Command {
  return command
    .addOption(
      new Option('--precision <name>', `how they compute; ${unlessGiven} unless given`).choices(precisionNames),
    )
    .option('--flush-to-zero', 'they turn numbers below the smallest normal one into zero')
    .option('--allowance <factor>', 'multiplies every bound, for algorithms such as Winograd', positiveNumber, 1);
}

/** The same, and how the verdict is told. `head`: the first fields of the JSON. */
export function addJudgementOptions(command: Command, unlessGiven: string, head: string): Command {
  return addPrecisionOptions(command, unlessGiven)
    .addOption(
      new Option('--only <verdict>', 'list these alone').choices(['beyond', 'not-decided', 'within-rounding', 'exact']),
    )
    .option('--map <file>', 'a PNG of where the worst layer differs')
    .option(
      '--json',
      `{${head}, "network", "mode", "precision", "verdict", "first", "undecided", "cause", "otherCauses", "patterns", "layers", "notShown", "notJudged", "unmatched"}`,
    );
}

/** The flags with the path that the map is written to, checked before the work starts. */
export async function withWritableMap<Flags extends JudgementFlags>(flags: Flags): Promise<Flags> {
  const { map } = flags;
  if (map === undefined) return flags;
  expectEnding('--map', map, ['.png']);
  return { ...flags, map: await expectWritable('--map', map) };
}

/**
 * Writes the map and prints the table or the JSON. Throws an error that begins with `whose`: a DifferenceError for a layer beyond its
 * bound, otherwise an UndecidedError for one that is not decided.
 */
export async function tell(report: Report, context: Context, whose: string, flags: JudgementFlags): Promise<void> {
  const { worst } = report;
  if (flags.map !== undefined && worst) await writeWhole(flags.map, await differencePng(worst.units));
  if (flags.json) printJson(asJson(report, context));
  else print(asText(report, { ...context, ...(flags.only && { only: verdictOf(flags.only) }) }));
  expectAgreement(report, whose);
}

/** 'not-decided', which needs no quotes in a shell, is 'not decided'. */
export const verdictOf = (word: string): Verdict => word.replaceAll('-', ' ') as Verdict;

function expectAgreement({ first, undecided, layers }: Report, whose: string): void {
  if (first) throw new DifferenceError(`${whose}: the first layer beyond its bound is '${first.name}'`);
  if (undecided) {
    const count = layers.filter(({ verdict }) => verdict === 'not decided').length;
    throw new UndecidedError(
      `${whose}: not decided for ${count} of ${plural(layers.length, 'layer')}, from '${undecided.name}' on: bounds that exceed the numbers would let wrong ones pass`,
    );
  }
}
