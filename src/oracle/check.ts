/** Another backend's tensors against the reference, layer by layer, in the order of the network. */
import { UsageError } from '../errors.js';
import { found } from '../found.js';
import type { Rounding } from '../layers/int8/index.js';
import { inferShapes, type Network, type NetworkInputs, type RunOptions } from '../network/index.js';
import { isQuantizedNetwork } from '../network/quantized-network.js';
import { inputTensors } from '../network/run.js';
import { wantedWeights } from '../network/shapes.js';
import { type AnyTensor, type Shape, sameShape, type Tensor } from '../tensor.js';
import { estimates, shownTensor } from './estimate-network.js';
import type { Golden } from './golden.js';
import { checkQuantized, type QuantizedSubject } from './integers/check-quantized.js';
import { asNumbers } from './integers/typed.js';
import { type Precision, precisionOf } from './precision.js';
import { asExpected, type Expected, type Mode, type Report, recorded, report } from './report.js';

/** What a backend was to compute: a problem of a suite, a golden bundle, or any network with the inputs that it was given. */
export interface Subject extends Partial<Pick<Golden, 'precision' | 'outputs' | 'bounds' | 'isolated'>> {
  readonly network: Network;
  readonly inputs: NetworkInputs;
}

export interface CheckOptions extends RunOptions {
  /**
   * Default 'isolated': a layer beyond its bound is then wrong itself, whatever the layers before it did. That takes the network's weights;
   * for a golden bundle without them the default is 'accumulated'.
   */
  readonly mode?: Mode;
  /** How the other backend computes. Default: as the golden bundle says, otherwise float32. */
  readonly precision?: Precision;
  /** Multiplies every bound, for algorithms that round more than sums do (Winograd's). Default 1. */
  readonly allowance?: number;
  /** How factors of integers are rounded, in quantised networks. Default: as the golden bundle says, otherwise 'single'. */
  readonly rounding?: Rounding;
}

/**
 * Judges a backend by the tensors it shows, under our names, in NHWC. They must come of one run: in isolated mode each is fed to the layers
 * after it. So are inputs among them, which are judged like layers: they must be the given ones. A golden bundle's own bounds are used where
 * they are those of the mode and the precision; nothing is computed anew then.
 *
 * Tensors of quantised networks are compared as they are stored, and must be the same; precision and allowance are for real numbers.
 *
 * Throws a UsageError for mode 'fed' where there are no such bounds, a NetworkError for weights that are missing.
 */
export function check(
  subject: Subject | QuantizedSubject,
  theirs: ReadonlyMap<string, AnyTensor>,
  options: CheckOptions = {},
): Report {
  if (!subject?.network || typeof theirs?.get !== 'function') {
    throw new UsageError(
      `check: wanted a suite's problem, a golden bundle or { network, inputs }, and a Map of tensors by layer; found ${found(subject)} and ${found(theirs)}`,
    );
  }
  if (isQuantizedSubject(subject)) return checkQuantized(subject, theirs, options);
  return checkReals(subject, new Map([...theirs].map(([name, x]) => [name, asNumbers(x)])), options);
}

export const isQuantizedSubject = (subject: Subject | QuantizedSubject): subject is QuantizedSubject =>
  isQuantizedNetwork(subject.network);

function checkReals(subject: Subject, theirs: ReadonlyMap<string, Tensor>, options: CheckOptions): Report {
  const { network, inputs } = subject;
  const { onNode, allowance } = options;
  const precision = precisionFor(subject, options);
  const mode = options.mode ?? (subject.bounds && !hasWeights(network) ? 'accumulated' : 'isolated');
  const bounds = ownBounds(subject, mode, precision);
  const shown = mode === 'isolated' ? fitting(network, inputs, theirs) : undefined;
  const layers = bounds
    ? recorded(network, subject.outputs!, bounds)
    : asExpected(estimates(network, inputs, { precision, ...(shown && { shown }), ...(onNode && { onNode }) }));
  const judged = inThisOrder(expectedInputs(inputTensors(network, inputs), theirs, precision), layers);
  return report(mode, network, judged, theirs, allowance);
}

export const precisionFor = (subject: Subject, { precision }: Pick<CheckOptions, 'precision'>): Precision =>
  precision ?? subject.precision ?? precisionOf('float32');

/** Layers that have no weights need none. */
export const hasWeights = (network: Network): boolean => network.weights.size > 0 || wantedWeights(network).size === 0;

/** The bounds in a golden bundle, where they are the wanted ones; undefined where they have to be computed. */
function ownBounds(subject: Subject, mode: Mode, precision: Precision): ReadonlyMap<string, Tensor> | undefined {
  const { network, precision: own } = subject;
  const isOwn = precision.name === own?.name && precision.flushesToZero === own.flushesToZero;
  if (mode === 'fed') {
    if (subject.bounds === undefined) throw new UsageError(`${network.name}: mode 'fed' goes with a golden bundle`);
    if (subject.isolated === undefined) {
      throw new UsageError(`${network.name}: the bundle has no isolated bounds; make it anew with depthwise golden`);
    }
    if (isOwn) return subject.isolated;
    throw new UsageError(
      `${network.name}: layers that were fed golden outputs go by the bundle's own bounds, which are for ${own?.name}`,
    );
  }
  if (mode === 'accumulated' && isOwn) return subject.bounds;
  if (subject.bounds === undefined || hasWeights(network)) return undefined;
  throw new UsageError(
    `${network.name}: judging each layer by itself, or in another precision, takes the network's weights, which this bundle does not hold; make it with weights, or give the model`,
  );
}

function* inThisOrder<Item>(...lists: readonly Iterable<Item>[]): Generator<Item> {
  for (const list of lists) yield* list;
}

/** The inputs that the backend has shown, as it may have stored them. */
function* expectedInputs(
  given: ReadonlyMap<string, Tensor>,
  theirs: ReadonlyMap<string, Tensor>,
  precision: Precision,
): Generator<Expected> {
  for (const [name, value] of given) {
    if (theirs.has(name)) yield { name, kind: 'input', value, error: shownTensor(value, precision).error };
  }
}

/** The tensors that can be fed to the layers after them; `report` names the others. */
function fitting(
  network: Network,
  inputs: NetworkInputs,
  theirs: ReadonlyMap<string, Tensor>,
): ReadonlyMap<string, Tensor> {
  const given = [...inputTensors(network, inputs)].map(([name, { shape }]): [string, Shape] => [name, shape]);
  const shapes = inferShapes(network, new Map(given));
  return new Map([...theirs].filter(([name, { shape }]) => sameShape(shape, shapes.get(name) ?? [])));
}
