/** Another backend's tensors against the reference, layer by layer, in the order of the network. */
import { inferShapes, type LayerKind, type Network, type NetworkInputs, type RunOptions } from '../network/index.js';
import { inputTensors } from '../network/run.js';
import { type Shape, sameShape, type Tensor } from '../tensor.js';
import { type Difference, difference, unitsOf, type Verdict } from './difference.js';
import { estimates, type NodeEstimate, shownTensor } from './estimate-network.js';
import { type Precision, precisionOf } from './precision.js';

/** See `estimate-network.ts`. */
export type Mode = 'isolated' | 'accumulated';

export interface CheckOptions extends RunOptions {
  /** Default 'isolated': a layer beyond its bound is then wrong itself, whatever the layers before it did. */
  readonly mode?: Mode;
  /** How the other backend computes; float32 unless stated. */
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
  /** 'fed': every layer was fed the golden outputs of the layers before it; see `checkGolden`. */
  readonly mode: Mode | 'fed';
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
export interface Expected {
  readonly name: string;
  readonly kind: LayerReport['kind'];
  readonly value: Tensor;
  readonly error: Tensor;
}

/**
 * Judges a backend by the tensors it shows, under our names, in NHWC. They must come of one run: in isolated mode each is fed to the layers
 * after it. So are inputs among them, which are judged like layers: they must be the given ones.
 */
export function check(
  network: Network,
  inputs: NetworkInputs,
  theirs: ReadonlyMap<string, Tensor>,
  options: CheckOptions = {},
): Report {
  const { mode = 'isolated', precision = precisionOf('float32'), onNode } = options;
  const shown = mode === 'isolated' ? fitting(network, inputs, theirs) : undefined;
  const walk = estimates(network, inputs, { precision, ...(shown && { shown }), ...(onNode && { onNode }) });
  const judged = inThisOrder(expectedInputs(inputTensors(network, inputs), theirs, precision), asExpected(walk));
  return report(mode, network, judged, theirs, options.allowance);
}

function* inThisOrder<Item>(...lists: readonly Iterable<Item>[]): Generator<Item> {
  for (const list of lists) yield* list;
}

/** The inputs that the backend has shown, as it may have stored them. */
export function* expectedInputs(
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
export function fitting(
  network: Network,
  inputs: NetworkInputs,
  theirs: ReadonlyMap<string, Tensor>,
): ReadonlyMap<string, Tensor> {
  const given = [...inputTensors(network, inputs)].map(([name, { shape }]): [string, Shape] => [name, shape]);
  const shapes = inferShapes(network, new Map(given));
  return new Map([...theirs].filter(([name, { shape }]) => sameShape(shape, shapes.get(name) ?? [])));
}

/** Compares what is expected, in order, with what was found. */
export function report(
  mode: Report['mode'],
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
