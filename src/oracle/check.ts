/** Another backend's tensors against the reference, layer by layer, in the order of the network. */
import { UsageError } from '../errors.js';
import {
  inferShapes,
  type LayerKind,
  type Network,
  type NetworkInputs,
  type RunOptions,
  wantedWeights,
} from '../network/index.js';
import { inputTensors } from '../network/run.js';
import { type Shape, sameShape, type Tensor } from '../tensor.js';
import { type Difference, difference, unitsOf, type Verdict } from './difference.js';
import { estimates, type NodeEstimate, shownTensor } from './estimate-network.js';
import type { Golden } from './golden.js';
import { type Precision, precisionOf } from './precision.js';

/**
 * What each layer is judged by. For the first two see `estimate-network.ts`; 'fed' is for a backend whose layers were each fed the outputs
 * in a golden bundle, as in unit tests of single layers, and goes by the bundle's isolated bounds.
 */
export type Mode = 'isolated' | 'accumulated' | 'fed';

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
}

export interface LayerReport {
  /** Our name of the tensor. */
  readonly name: string;
  /** 'input' for an input of the network that the backend has shown: it must be the one that it was given. */
  readonly kind: LayerKind | 'input';
  readonly shape: Shape;
  readonly verdict: Verdict;
  /** Shape of the other backend's tensor, where it is another. */
  readonly found?: Shape;
  /** Absent where the shapes differ. */
  readonly difference?: Difference;
}

export interface Report {
  readonly mode: Mode;
  /** 'beyond' if any layer is beyond its bound or of another shape; else 'not decided' if any is, or if no layer was shown. */
  readonly verdict: Exclude<Verdict, 'wrong shape'>;
  /** Those that the other backend has shown. */
  readonly layers: readonly LayerReport[];
  /** Our layers of which it has shown nothing, judged together with the next one shown. */
  readonly notShown: readonly string[];
  /** Our layers of which neither it nor anything behind it was shown: nothing is known of them. */
  readonly notJudged: readonly string[];
  /** The first layer that is beyond its bound or has another shape. */
  readonly first?: LayerReport;
  /** The first layer that is not decided. */
  readonly undecided?: LayerReport;
  /** The layer that uses most of its bound, with each element's share of it. */
  readonly worst?: { readonly layer: LayerReport; readonly units: Tensor };
}

/** A layer's reference and bound. */
interface Expected {
  readonly name: string;
  readonly kind: LayerReport['kind'];
  readonly value: Tensor;
  readonly error: Tensor;
}

/**
 * Judges a backend by the tensors it shows, under our names, in NHWC. They must come of one run: in isolated mode each is fed to the layers
 * after it. So are inputs among them, which are judged like layers: they must be the given ones. A golden bundle's own bounds are used where
 * they are those of the mode and the precision; nothing is computed anew then.
 *
 * Throws a UsageError for mode 'fed' where there are no such bounds, a NetworkError for weights that are missing.
 */
export function check(subject: Subject, theirs: ReadonlyMap<string, Tensor>, options: CheckOptions = {}): Report {
  const { network, inputs } = subject;
  const { onNode, allowance } = options;
  const precision = precisionFor(subject, options);
  const mode = options.mode ?? (subject.bounds && !hasWeights(network) ? 'accumulated' : 'isolated');
  const bounds = ownBounds(subject, mode, precision);
  const shown = mode === 'isolated' ? fitting(network, inputs, theirs) : undefined;
  const layers = bounds
    ? recorded(subject, bounds)
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

function recorded({ network, outputs }: Subject, bounds: ReadonlyMap<string, Tensor>): Expected[] {
  return network.nodes.map(({ name, kind }) => ({ name, kind, value: outputs!.get(name)!, error: bounds.get(name)! }));
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

function* asExpected(walk: Iterable<NodeEstimate>): Generator<Expected> {
  for (const { node, estimate } of walk) {
    yield { name: node.name, kind: node.kind, value: estimate.value, error: estimate.error };
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

/** Compares what is expected, in order, with what was found. */
function report(
  mode: Mode,
  network: Network,
  expected: Iterable<Expected>,
  theirs: ReadonlyMap<string, Tensor>,
  allowance = 1,
): Report {
  const layers: LayerReport[] = [];
  const notShown: string[] = [];
  let worst: Report['worst'];
  for (const { name, kind, value, error } of expected) {
    const found = theirs.get(name);
    if (found === undefined) {
      notShown.push(name);
      continue;
    }
    const what = { name, kind, shape: value.shape };
    if (!sameShape(found.shape, value.shape)) {
      layers.push({ ...what, verdict: 'wrong shape', found: found.shape });
      continue;
    }
    const bound = allowance === 1 ? error : { shape: error.shape, data: error.data.map((e) => e * allowance) };
    const its = difference(found, value, bound);
    const layer: LayerReport = { ...what, verdict: its.verdict, difference: its };
    layers.push(layer);
    if (worst === undefined || its.maxUnits > worst.layer.difference!.maxUnits) {
      worst = { layer, units: { shape: value.shape, data: unitsOf(found.data, value.data, bound.data) } };
    }
  }
  const first = layers.find(isWrong);
  const undecided = layers.find(({ verdict }) => verdict === 'not decided');
  const judged = leadingTo(network, layers);
  return {
    mode,
    verdict: overall(layers),
    layers,
    notShown: notShown.filter((name) => judged.has(name)),
    notJudged: notShown.filter((name) => !judged.has(name)),
    ...(first && { first }),
    ...(undecided && { undecided }),
    ...(worst && { worst }),
  };
}

export const isWrong = ({ verdict }: Pick<LayerReport, 'verdict'>): boolean =>
  verdict === 'beyond' || verdict === 'wrong shape';

function overall(layers: readonly LayerReport[]): Report['verdict'] {
  if (layers.some(isWrong)) return 'beyond';
  if (layers.length === 0 || layers.some(({ verdict }) => verdict === 'not decided')) return 'not decided';
  return layers.every(({ verdict }) => verdict === 'exact') ? 'exact' : 'within rounding';
}

/** The layers shown and all that lead to them. */
function leadingTo({ nodes }: Network, shown: readonly LayerReport[]): Set<string> {
  const names = new Set(shown.map(({ name }) => name));
  for (const node of [...nodes].reverse()) {
    if (names.has(node.name)) for (const name of node.inputs) names.add(name);
  }
  return names;
}
