/** Another backend's integers against the reference. The same arithmetic gives the same integers: there is nothing to tolerate. */
import { NetworkError, UsageError } from '../../errors.js';
import type { Rounding } from '../../layers/int8/index.js';
import {
  inferQuantizedShapes,
  isQuantizedType,
  type QuantizedNetwork,
  typesByName,
  wantedQuantizedWeights,
} from '../../network/quantized-network.js';
import { type AnyTensor, sameShape, type Tensor } from '../../tensor.js';
import { asExpected, type Expected, type Mode, type Report, recorded, report } from '../report.js';
import { type QuantizedInputs, type QuantizedOptions, quantizedEstimates } from './quantized-estimates.js';
import type { QuantizedGolden } from './quantized-golden.js';
import { asIntegers, asNumbers } from './typed.js';

/** What a backend was to compute: a quantised problem of a suite, or a golden bundle. */
export interface QuantizedSubject
  extends Partial<Pick<QuantizedGolden, 'rounding' | 'outputs' | 'bounds' | 'isolated'>> {
  readonly network: QuantizedNetwork;
  readonly inputs: QuantizedInputs;
}

export interface QuantizedCheckOptions extends Pick<QuantizedOptions, 'onNode'> {
  readonly mode?: Mode;
  /** How the other backend rounds. Default: as the golden bundle says, otherwise 'single'. */
  readonly rounding?: Rounding;
}

export function checkQuantized(
  subject: QuantizedSubject,
  theirs: QuantizedInputs,
  options: QuantizedCheckOptions,
): Report {
  const { network, inputs } = subject;
  const { onNode } = options;
  expectInputs(network, inputs);
  const rounding = roundingFor(subject, options);
  const mode = options.mode ?? (hasQuantizedWeights(network) ? 'isolated' : 'accumulated');
  const bounds = ownBounds(subject, mode, rounding);
  const shown = mode === 'isolated' ? fittingIntegers(network, inputs, theirs) : undefined;
  const layers = bounds
    ? recorded(network, subject.outputs!, bounds)
    : asExpected(quantizedEstimates(network, inputs, { rounding, ...(shown && { shown }), ...(onNode && { onNode }) }));
  const expected = [...expectedInputs(subject, theirs), ...layers];
  return report(mode, network, expected, new Map([...theirs].map(([name, x]) => [name, asNumbers(x)])));
}

export const roundingFor = (subject: QuantizedSubject, { rounding }: QuantizedCheckOptions): Rounding =>
  rounding ?? subject.rounding ?? 'single';

/** Layers that have no weights need none. */
export const hasQuantizedWeights = (network: QuantizedNetwork): boolean =>
  network.weights.size > 0 || wantedQuantizedWeights(network).size === 0;

/** The bounds in a golden bundle, where they are the wanted ones; undefined where they have to be computed. */
function ownBounds(
  { network, rounding: own, bounds, isolated }: QuantizedSubject,
  mode: Mode,
  rounding: Rounding,
): ReadonlyMap<string, Tensor> | undefined {
  const isOwn = rounding === own;
  if (mode === 'fed') {
    if (isolated === undefined) throw new UsageError(`${network.name}: mode 'fed' goes with a golden bundle`);
    if (isOwn) return isolated;
    throw new UsageError(
      `${network.name}: layers that were fed golden outputs are compared with the bundle's, whose rounding is '${own}'`,
    );
  }
  if (mode === 'accumulated' && isOwn) return bounds;
  if (hasQuantizedWeights(network)) return undefined;
  throw new UsageError(
    `${network.name}: judging each layer by itself, or in another rounding, takes the network's weights, which this bundle does not hold; make it with weights`,
  );
}

/** The inputs that the backend has shown: they must be the given ones. */
function* expectedInputs({ network, inputs }: QuantizedSubject, theirs: QuantizedInputs): Generator<Expected> {
  for (const { name, type } of network.inputs) {
    const value = asNumbers(inputs.get(name)!);
    const error = { shape: value.shape, data: new Float64Array(value.data.length) };
    if (theirs.has(name)) yield { name, kind: 'input', type, value, error };
  }
}

/** The tensors that can be fed to the layers after them: of the right shape and, where the network has integers, integers in range. */
export function fittingIntegers(
  network: QuantizedNetwork,
  inputs: QuantizedInputs,
  theirs: QuantizedInputs,
): Map<string, AnyTensor> {
  const shapes = inferQuantizedShapes(network, new Map([...inputs].map(([name, { shape }]) => [name, shape])));
  const types = typesByName(network);
  return new Map(
    [...theirs].flatMap(([name, x]) => {
      if (!sameShape(x.shape, shapes.get(name) ?? [])) return [];
      const type = types.get(name)!;
      const its = isQuantizedType(type) ? asIntegers(x, type) : asNumbers(x);
      return its ? [[name, its] as const] : [];
    }),
  );
}

function expectInputs(network: QuantizedNetwork, inputs: QuantizedInputs): void {
  for (const { name, type } of network.inputs) {
    const given = inputs.get(name);
    if (given === undefined) throw new NetworkError(`${network.name}: input '${name}' is missing`);
    if (isQuantizedType(type) && !('type' in given && given.type.type === type.type)) {
      throw new NetworkError(`${network.name}: input '${name}' must hold integers of ${type.type}`);
    }
  }
}
