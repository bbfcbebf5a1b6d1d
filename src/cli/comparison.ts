/** One bundle and what another backend computed for it: read, matched, judged. */
import { FormatError, UsageError } from '../errors.js';
import { readFile } from '../formats/files.js';
import type { Network } from '../network/index.js';
import { computable, expectWeights } from '../oracle/golden.js';
import {
  check,
  checkGolden,
  explain,
  type Golden,
  type Layout,
  type Matched,
  type NameMap,
  type Precision,
  precisionOf,
  type Report,
} from '../oracle/index.js';
import { inOurLayout } from '../oracle/layouts.js';
import { matchNames } from '../oracle/names.js';
import type { Tensor } from '../tensor.js';
import { givenFlags } from './architecture.js';
import { readBundle, readTheirs, type Theirs } from './compare-files.js';
import type { Context } from './compare-table.js';
import type { JudgementFlags } from './judgement.js';
import { type ModelFlags, readModel } from './model.js';
import { onNodeOf, startProgress } from './progress.js';

export interface CompareFlags extends ModelFlags, JudgementFlags {
  readonly isolated?: true;
  readonly accumulated?: true;
  readonly fedGolden?: true;
  readonly model?: string;
  readonly layout: Layout;
  readonly names?: string;
  readonly junit?: string;
}

export interface Comparison {
  readonly report: Report;
  readonly context: Context;
}

/** Throws what the files' readers throw, and UsageErrors for options that do not go with the bundle. */
export async function compareFiles(goldenFile: string, theirFile: string, flags: CompareFlags): Promise<Comparison> {
  const golden = await readBundle(goldenFile, theirFile);
  const theirs = await readTheirs(theirFile);
  const matched = matchedTensors(golden, theirs, theirFile, await readNames(flags.names));
  const tensors = inOurLayout(golden.network, golden.inputs, matched.tensors, flags.layout);
  const network = computable(golden, flags.model === undefined ? undefined : await readModel(flags.model, flags));
  const report = await judge(golden, network, tensors, flags);
  const precision = precisionFor(golden, flags);
  const { allowance } = flags;
  const explanation =
    network && explain(network, golden.inputs, tensors, report, { precision, allowance }, golden.outputs);
  const unasked = report.mode === 'accumulated' && !flags.accumulated;
  const context: Context = {
    head: { golden: goldenFile, theirs: theirFile },
    network: golden.network,
    matched,
    precision,
    ...(explanation && { explanation }),
    ...(unasked && { accumulatedBecause: NO_WEIGHTS }),
  };
  return { report, context };
}

const NO_WEIGHTS =
  'The bundle holds no weights: layers were compared from the input on. Make it with --weights, or give --model, to judge each by itself.';

export function expectModelForItsFlags({ model, network, preset, ...flags }: CompareFlags): void {
  if (model !== undefined) return;
  const given = [...(network ? ['--network'] : []), ...(preset ? ['--preset'] : []), ...givenFlags(flags)];
  if (given.length > 0) throw new UsageError(`${given[0]} goes with --model, which was not given`);
}

async function judge(
  golden: Golden,
  network: Network | undefined,
  theirs: ReadonlyMap<string, Tensor>,
  flags: CompareFlags,
): Promise<Report> {
  const { isolated, accumulated, fedGolden, allowance } = flags;
  const precision = precisionFor(golden, flags);
  const own = golden.precision;
  const isOwn = precision.name === own.name && precision.flushesToZero === own.flushesToZero;
  if (fedGolden) {
    if (isOwn) return checkGolden(golden, theirs, { allowance, mode: 'fed' });
    throw new UsageError(`--fed-golden goes by the bundle's own bounds, which are for ${own.name}`);
  }
  const mode = accumulated || (network === undefined && !isolated) ? 'accumulated' : 'isolated';
  if (mode === 'accumulated' && isOwn) return checkGolden(golden, theirs, { allowance });
  const progress = await startProgress('compare');
  try {
    const computed = network ?? expectWeights(golden, isolated ? '--isolated' : '--precision');
    return check(computed, golden.inputs, theirs, { mode, precision, allowance, ...onNodeOf(progress) });
  } finally {
    progress.stop();
  }
}

/** A single tensor without a name is that of the layer that its file is called after, or the network's only output. */
function matchedTensors({ network }: Golden, { tensors, unnamed }: Theirs, file: string, names: NameMap): Matched {
  const matched = matchNames(network, theirOutputs(tensors), names);
  if (matched.tensors.size > 0) return matched;
  if (unnamed !== undefined) {
    const [only] = tensors.values();
    const byFile = matchNames(network, new Map([[unnamed, only]]));
    if (byFile.tensors.size > 0) return byFile;
    const { outputs } = network;
    if (outputs.length === 1) {
      return { tensors: new Map([[outputs[0], only]]), theirNames: new Map([[outputs[0], unnamed]]), unmatched: [] };
    }
  }
  throw new FormatError(noMatch(file, tensors, network));
}

const precisionFor = ({ precision: own }: Golden, { precision, flushToZero }: CompareFlags): Precision =>
  precisionOf(precision ?? own.name, { flushesToZero: flushToZero ?? own.flushesToZero });

/** A bundle's own tensors when theirs is one too: what is in it besides outputs and inputs is not for comparison. */
function theirOutputs(tensors: ReadonlyMap<string, Tensor>): ReadonlyMap<string, Tensor> {
  const groups = /^(inputs|outputs)\/(.*)$/s;
  const outputs = [...tensors].flatMap(([name, x]) => {
    const [, , own] = groups.exec(name) ?? [];
    return own === undefined ? [] : [[own, x] as const];
  });
  return outputs.length > 0 && [...tensors.keys()].some((name) => name.startsWith('outputs/'))
    ? new Map(outputs)
    : tensors;
}

export async function readNames(file: string | undefined): Promise<NameMap> {
  if (file === undefined) return {};
  let names: unknown;
  try {
    names = JSON.parse(new TextDecoder().decode(await readFile(file)));
  } catch (cause) {
    if (cause instanceof FormatError) throw cause;
    throw new FormatError(`${file}: not JSON: ${(cause as Error).message}`, { cause });
  }
  const isMap = typeof names === 'object' && names !== null && !Array.isArray(names);
  if (!isMap || !Object.values(names as object).every((name) => typeof name === 'string')) {
    throw new FormatError(`${file}: wanted {"their name": "our name", …}`);
  }
  return names as NameMap;
}

function noMatch(file: string, theirs: ReadonlyMap<string, Tensor>, { nodes }: Network): string {
  const some = (names: readonly string[]): string => `${names.slice(0, 4).join(', ')}${names.length > 4 ? ', …' : ''}`;
  return `${file}: none of its tensors (${some([...theirs.keys()])}) has the name of a layer (${some(nodes.map(({ name }) => name))}); say which is which with --names`;
}
