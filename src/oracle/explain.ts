/** All that can be said about why a backend is wrong, from one comparison. */
import { inputTensors } from '../network/run.js';
import type { AnyTensor, Tensor } from '../tensor.js';
import { type Cause, causeOf } from './cause.js';
import { type CheckOptions, check, isQuantizedSubject, precisionFor, type Subject } from './check.js';
import type { QuantizedSubject } from './integers/check-quantized.js';
import { explainQuantized } from './integers/explain-quantized.js';
import { asNumbers } from './integers/typed.js';
import { judgedLayers, patternsOf } from './patterns.js';
import { type Precision, type PrecisionName, precisionOf } from './precision.js';
import { isWrong, type LayerReport, type Report } from './report.js';

export interface Explanation {
  /** Of the first wrong layer. */
  readonly cause: Cause;
  /** Of the first wrong layer of each other kind, where a mistake explains it: two faults at once are told apart. */
  readonly others: readonly { readonly name: string; readonly cause: Cause }[];
  /** What the wrong layers have in common. */
  readonly patterns: readonly string[];
  /** With the precision that the first wrong layer fits: the next layer that is wrong even so, and why. */
  readonly atPrecision?: { readonly name: PrecisionName; readonly first?: string; readonly cause?: Cause };
}

/**
 * Explains what `check` has found wrong, with the same arguments and its report. Undefined where nothing is. The network must have its weights.
 */
export function explain(
  subject: Subject | QuantizedSubject,
  theirs: ReadonlyMap<string, AnyTensor>,
  report: Report,
  options: Omit<CheckOptions, 'mode'> = {},
): Explanation | undefined {
  if (isQuantizedSubject(subject)) return explainQuantized(subject, theirs, report, options);
  return explainReals(subject, new Map([...theirs].map(([name, x]) => [name, asNumbers(x)])), report, options);
}

function explainReals(
  subject: Subject,
  theirs: ReadonlyMap<string, Tensor>,
  report: Report,
  options: Omit<CheckOptions, 'mode'>,
): Explanation | undefined {
  const { network } = subject;
  const { first, mode } = report;
  if (first === undefined) return undefined;
  const stated = precisionFor(subject, options);
  const inputs = inputTensors(network, subject.inputs);
  const fed = new Map([...inputs, ...(mode === 'fed' ? subject.outputs! : wellShaped(theirs, report))]);
  const why = (its: NonNullable<Report['first']>, precision = stated): Cause =>
    causeOf(network, its.kind === 'input' ? inputs : fed, its, theirs.get(its.name)!, { ...options, precision });
  const cause = why(first);
  const patterns = mode === 'isolated' ? patternsOf(judgedLayers(network, report)) : [];
  if (cause.precisions === undefined || mode === 'fed') {
    return { cause, others: mode === 'accumulated' ? [] : otherFaults(report, first, why), patterns };
  }
  const { precision, next } = bestPrecision(cause.precisions);
  const atPrecision = {
    name: precision.name,
    ...(next.first && { first: next.first.name, cause: why(next.first, precision) }),
  };
  return { cause, others: [], patterns: patternsOf(judgedLayers(network, next)), atPrecision };

  /** The likeliest with which nothing is wrong; otherwise the one with which the first wrong layer comes last. */
  function bestPrecision(names: readonly PrecisionName[]) {
    const { flushesToZero } = stated;
    const at = (layer: Report['first']): number => network.nodes.findIndex(({ name }) => name === layer?.name);
    let best: { precision: Precision; next: Report } | undefined;
    for (const name of names) {
      const precision = precisionOf(name, { flushesToZero });
      const next = check(subject, theirs, { ...options, mode: 'isolated', precision });
      if (next.first === undefined) return { precision, next };
      if (best === undefined || at(next.first) > at(best.next.first)) best = { precision, next };
    }
    return best!;
  }
}

const MOST_FAULTS = 3;

function otherFaults(
  { layers }: Report,
  first: LayerReport,
  why: (layer: LayerReport) => Cause,
): Explanation['others'] {
  const firsts = layers.filter(
    (layer, i) => isWrong(layer) && layers.findIndex((its) => isWrong(its) && its.kind === layer.kind) === i,
  );
  return firsts
    .filter(({ kind }) => kind !== first.kind)
    .slice(0, MOST_FAULTS)
    .map((layer) => ({ name: layer.name, cause: why(layer) }))
    .filter(({ cause }) => cause.mistakes.length > 0);
}

/** What can be fed on. */
function wellShaped(theirs: ReadonlyMap<string, Tensor>, { layers }: Report): [string, Tensor][] {
  const strange = new Set(layers.filter(({ verdict }) => verdict === 'wrong shape').map(({ name }) => name));
  return [...theirs].filter(([name]) => !strange.has(name));
}
