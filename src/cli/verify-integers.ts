/** `depthwise verify` of a quantised file: every tensor of another integer runtime, number by number. */
import { DifferenceError } from '../errors.js';
import type { Rounding } from '../layers/int8/fixed-point.js';
import { checkIntegers, type IntegerReport } from '../oracle/integers/peer-numbers.js';
import type { IntegerPeer } from '../oracle/peers/peer.js';
import type { Tensor } from '../tensor.js';
import { formatCount, plural, print, printJson } from './output.js';
import { numbersBy, textTable } from './table.js';

export interface VerifiedIntegers {
  readonly path: string;
  readonly inputs: ReadonlyMap<string, Tensor>;
  readonly rounding: Rounding;
  readonly json?: boolean;
}

/** Throws a DifferenceError where a number differs for which there is no known reason. */
export async function verifyIntegers(
  peer: IntegerPeer,
  { path, inputs, rounding, json }: VerifiedIntegers,
): Promise<void> {
  const { network, runtime, habits } = peer;
  const report = checkIntegers(network, inputs, await peer.run(inputs), rounding, habits);
  if (json) printJson({ model: path, runtime, rounding, ...report });
  else print(`${network.name}, integers, ${rounding} rounding, beside ${runtime}\n\n${asText(report)}`);
  if (report.unknown.length === 0) return;
  throw new DifferenceError(
    `${plural(report.unknown.length, 'layer')} of ${network.name} differ from ${runtime} for no known reason: ${report.unknown.slice(0, 5).join(', ')}`,
  );
}

/** A row for each kind of layer. */
function asText({ layers, compared, different, known }: IntegerReport): string {
  const kinds = [...new Set(layers.map(({ kind }) => kind))];
  const rows = kinds.map((kind) => {
    const alike = layers.filter((layer) => layer.kind === kind);
    const sum = (field: 'compared' | 'different') => alike.reduce((total, layer) => total + layer[field], 0);
    const largest = alike.reduce((most, layer) => Math.max(most, layer.largest), 0);
    return [kind, String(alike.length), formatCount(sum('compared')), formatCount(sum('different')), String(largest)];
  });
  const table = textTable(numbersBy('kind', 'layers', 'numbers', 'differ', 'by at most'), rows);
  const reasons = known.map(
    ({ reason, layers, different }) => `${formatCount(different)} in ${plural(layers.length, 'layer')}: ${reason}`,
  );
  return [table, '', `${formatCount(different)} of ${formatCount(compared)} numbers differ.`, ...reasons].join('\n');
}
