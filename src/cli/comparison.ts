/** One bundle and what another backend computed for it: read, matched, judged. */
import { FormatError, UsageError } from '../errors.js';
import { readFile } from '../formats/files.js';
import type { Rounding } from '../layers/int8/index.js';
import type { Network } from '../network/index.js';
import { shapesAlone } from '../network/quantized-network.js';
import { check, hasWeights, isQuantizedSubject } from '../oracle/check.js';
import { explain } from '../oracle/explain.js';
import type { Golden } from '../oracle/golden.js';
import { hasQuantizedWeights } from '../oracle/integers/check-quantized.js';
import type { QuantizedGolden } from '../oracle/integers/quantized-golden.js';
import { asNumbers } from '../oracle/integers/typed.js';
import { inOurLayout, type Layout } from '../oracle/layouts.js';
import { type Matched, matchNames, type NameMap } from '../oracle/names.js';
import { type Precision, precisionOf } from '../oracle/precision.js';
import type { Mode, Report } from '../oracle/report.js';
import type { Tensor } from '../tensor.js';
import { readBundle, readTheirs, type Theirs } from './compare-files.js';
import type { Context } from './compare-table.js';
import type { JudgementFlags } from './judgement.js';
import { type ModelFlags, readModel } from './model.js';
import { onNodeOf, withProgress } from './progress.js';

export interface CompareFlags extends ModelFlags, JudgementFlags {
  readonly isolated?: true;
  readonly accumulated?: true;
  readonly fedGolden?: true;
  readonly model?: string;
  readonly layout: Layout;
  readonly names?: string;
  readonly rounding?: Rounding;
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
  const network = isQuantizedSubject(golden) ? shapesAlone(golden.network) : golden.network;
  const inputs = new Map([...golden.inputs].map(([name, x]) => [name, asNumbers(x)]));
  const matched = matchedTensors({ network }, theirs, theirFile, await readNames(flags.names));
  const tensors = inOurLayout(network, inputs, matched.tensors, flags.layout);
  const mode = modeFor(flags);
  const subject = isQuantizedSubject(golden) ? golden : { ...golden, network: await networkFor(golden, flags) };
  const options = { ...(mode && { mode }), ...arithmeticFor(golden, flags) };
  const report = await withProgress('compare', async (progress) =>
    check(subject, tensors, { ...options, ...onNodeOf(progress) }),
  );
  const complete = isQuantizedSubject(subject) ? hasQuantizedWeights(subject.network) : hasWeights(subject.network);
  const explanation = complete ? explain(subject, tensors, report, options) : undefined;
  const unasked = report.mode === 'accumulated' && !flags.accumulated;
  const { precision, rounding } = options;
  const context: Context = {
    head: { golden: goldenFile, theirs: theirFile },
    network,
    matched,
    precision,
    ...(rounding && { rounding }),
    ...(explanation && { explanation }),
    ...(unasked && { accumulatedBecause: NO_WEIGHTS }),
  };
  return { report, context };
}

const NO_WEIGHTS =
  'The bundle holds no weights: layers were compared from the input on. Make it with --weights, or give --model, to judge each by itself.';

/** The model, which must have the bundle's layers, in place of the bundle's own network. */
async function networkFor({ network }: Golden, flags: CompareFlags): Promise<Network> {
  if (flags.model === undefined) return network;
  const model = await readModel(flags.model, { ...flags, unlabelled: true });
  const layersOf = ({ nodes }: Network): string => nodes.map(({ name, kind }) => `${name} ${kind}`).join(', ');
  if (layersOf(model) === layersOf(network)) return model;
  throw new UsageError(`${model.name}: the model has other layers than the bundle's network, ${network.name}`);
}

/** Undefined: what the bundle allows. */
function modeFor({ fedGolden, accumulated, isolated }: CompareFlags): Mode | undefined {
  if (fedGolden) return 'fed';
  if (accumulated) return 'accumulated';
  return isolated && 'isolated';
}

/** A single tensor without a name is that of the layer that its file is called after, or the network's only output. */
export function matchedTensors(
  { network }: Pick<Golden, 'network'>,
  { tensors, unnamed }: Theirs,
  file: string,
  names: NameMap,
): Matched {
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

interface Arithmetic {
  readonly precision: Precision;
  readonly allowance: number;
  /** Of integers. */
  readonly rounding?: Rounding;
}

function arithmeticFor(golden: Golden | QuantizedGolden, flags: CompareFlags): Arithmetic {
  const { precision, flushToZero, allowance, rounding } = flags;
  if (isQuantizedSubject(golden)) {
    const forReals = { '--precision': precision, '--flush-to-zero': flushToZero, '--model': flags.model };
    for (const [flag, value] of Object.entries({
      ...forReals,
      '--allowance': allowance === 1 ? undefined : allowance,
    })) {
      if (value !== undefined) throw new UsageError(`${flag} is for real numbers, and the bundle holds integers`);
    }
    return { precision: precisionOf('float32'), allowance, rounding: rounding ?? golden.rounding };
  }
  if (rounding) throw new UsageError('--rounding is for integers, and the bundle holds real numbers');
  const { name, flushesToZero } = golden.precision;
  return { precision: precisionOf(precision ?? name, { flushesToZero: flushToZero ?? flushesToZero }), allowance };
}

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
  if (theirs.size === 0) return `${file}: holds no tensors`;
  const some = (names: readonly string[]): string => `${names.slice(0, 4).join(', ')}${names.length > 4 ? ', …' : ''}`;
  return `${file}: none of its tensors (${some([...theirs.keys()])}) has the name of a layer (${some(nodes.map(({ name }) => name))}); say which is which with --names`;
}
