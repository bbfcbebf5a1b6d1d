/** Why a backend's integers are wrong, from one comparison. */
import { shapesAlone } from '../../network/quantized-network.js';
import type { Cause } from '../cause.js';
import { judgedLayers, patternsOf } from '../patterns.js';
import type { Report } from '../report.js';
import { fittingIntegers, type QuantizedCheckOptions, type QuantizedSubject, roundingFor } from './check-quantized.js';
import { integerCauseOf } from './integer-causes.js';
import type { QuantizedInputs } from './quantized-estimates.js';
import { asNumbers } from './typed.js';

export function explainQuantized(
  subject: QuantizedSubject,
  theirs: QuantizedInputs,
  { first, mode, layers }: Report,
  options: QuantizedCheckOptions,
): { cause: Cause; others: readonly never[]; patterns: readonly string[] } | undefined {
  if (first === undefined) return undefined;
  const { network, inputs } = subject;
  const shown = mode === 'fed' ? subject.outputs! : fittingIntegers(network, inputs, theirs);
  const fed = new Map([...inputs, ...shown]);
  const cause = first.difference
    ? integerCauseOf(network, fed, first, asNumbers(theirs.get(first.name)!), roundingFor(subject, options))
    : { mistakes: [] };
  const patterns = mode === 'isolated' ? patternsOf(judgedLayers(shapesAlone(network), { layers })) : [];
  return { cause, others: [], patterns };
}
