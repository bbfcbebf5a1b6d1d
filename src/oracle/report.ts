/** A comparison's verdicts: what is expected of every layer, against what the other backend shows. */
import type { Network } from '../network/index.js';
import type { QuantizedKind } from '../network/quantized-network.js';
import { type AnyTensor, type Shape, sameShape, type Tensor, type TensorType } from '../tensor.js';
import { type Difference, difference, unitsOf, type Verdict } from './difference.js';
import { asNumbers } from './integers/typed.js';

/**
 * What each layer is judged by. For the first two see `estimate-network.ts`; 'fed' is for a backend whose layers were each fed the outputs
 * in a golden bundle, as in unit tests of single layers, and goes by the bundle's isolated bounds.
 */
export type Mode = 'isolated' | 'accumulated' | 'fed';

export interface LayerReport {
  /** Our name of the tensor. */
  readonly name: string;
  /** 'input' for an input of the network that the backend has shown: it must be the one that it was given. */
  readonly kind: QuantizedKind | 'input';
  /** In quantised networks. Integers are compared as they are stored, and have no tolerance. */
  readonly type?: TensorType;
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
export interface Expected {
  readonly name: string;
  readonly kind: LayerReport['kind'];
  readonly type?: TensorType;
  readonly value: Tensor;
  readonly error: Tensor;
}

/** What a walk over a network estimates. */
export function* asExpected(
  walk: Iterable<{ readonly node: Judged; readonly estimate: Pick<Expected, 'value' | 'error'> }>,
): Generator<Expected> {
  for (const { node, estimate } of walk) yield expected(node, estimate.value, estimate.error);
}

/** What a golden bundle holds. */
export const recorded = (
  { nodes }: { readonly nodes: readonly Judged[] },
  outputs: ReadonlyMap<string, AnyTensor>,
  bounds: ReadonlyMap<string, Tensor>,
): Expected[] => nodes.map((node) => expected(node, asNumbers(outputs.get(node.name)!), bounds.get(node.name)!));

type Judged = Pick<Expected, 'name' | 'kind' | 'type'>;

const expected = ({ name, kind, type }: Judged, value: Tensor, error: Tensor): Expected => ({
  name,
  kind,
  ...(type && { type }),
  value,
  error,
});

/** What a report needs of a network. */
interface Graph {
  readonly nodes: readonly Pick<Network['nodes'][number], 'name' | 'inputs'>[];
}

/** Compares what is expected, in order, with what was found. */
export function report(
  mode: Mode,
  network: Graph,
  expected: Iterable<Expected>,
  theirs: ReadonlyMap<string, Tensor>,
  allowance = 1,
): Report {
  const layers: LayerReport[] = [];
  const notShown: string[] = [];
  let worst: Report['worst'];
  for (const { name, kind, type, value, error } of expected) {
    const found = theirs.get(name);
    if (found === undefined) {
      notShown.push(name);
      continue;
    }
    const what = { name, kind, ...(type && { type }), shape: value.shape };
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
function leadingTo({ nodes }: Graph, shown: readonly LayerReport[]): Set<string> {
  const names = new Set(shown.map(({ name }) => name));
  for (const node of [...nodes].reverse()) {
    if (names.has(node.name)) for (const name of node.inputs) names.add(name);
  }
  return names;
}
