/**
 * What is known of every tensor of a quantised network, as `estimate-network.ts` has it for real numbers: integers exactly, since integer
 * arithmetic rounds where the format says and nowhere else; real numbers to within a bound. Behind integers that are known to within a bound
 * alone, those of quantised real numbers, nothing can be said of integers any more: their bound is infinite.
 */
import { NetworkError, UsageError } from '../../errors.js';
import { integerLayers, type Rounding } from '../../layers/int8/index.js';
import type { IntegerForward } from '../../layers/int8/layer.js';
import type { NetworkNode, RunOptions } from '../../network/index.js';
import {
  inferQuantizedShapes,
  isQuantizedTensor,
  isQuantizedType,
  type QuantizedNetwork,
  type QuantizedNode,
  quantizedWeightsOf,
  wantedQuantizedWeights,
} from '../../network/quantized-network.js';
import { atNode } from '../../network/shapes.js';
import {
  type AnyTensor,
  type QuantizedTensor,
  type QuantizedType,
  type Tensor,
  toFloat32,
  toFloat64,
} from '../../tensor.js';
import { type Estimate, mapTensor } from '../estimate.js';
import { shownTensor } from '../estimate-network.js';
import { estimateNode } from '../estimate-node.js';
import { gamma, precisionOf } from '../precision.js';
import { asNumbers } from './typed.js';

export interface QuantizedEstimate {
  readonly node: QuantizedNode;
  readonly tensor: AnyTensor;
  /** Of the integers as they are stored; of real numbers as in networks of real numbers. */
  readonly estimate: Estimate;
}

export type QuantizedInputs = ReadonlyMap<string, AnyTensor>;

export interface QuantizedOptions extends RunOptions {
  readonly rounding: Rounding;
  /** Tensors of the other backend, integers where the network has integers: each takes the place of the estimate. */
  readonly shown?: QuantizedInputs;
}

type Known = Omit<QuantizedEstimate, 'node'>;

const FLOAT32 = precisionOf('float32');

export function* quantizedEstimates(
  network: QuantizedNetwork,
  inputs: QuantizedInputs,
  { rounding, shown, onNode }: QuantizedOptions,
): Generator<QuantizedEstimate> {
  const known = new Map<string, Known>();
  for (const { name } of network.inputs) {
    const theirs = shown?.get(name);
    known.set(name, theirs ? asShown(theirs) : exact(inputs.get(name)!));
  }
  const shapes = inferQuantizedShapes(network, new Map([...inputs].map(([name, { shape }]) => [name, shape])));
  const missing = [...wantedQuantizedWeights(network, shapes).keys()].find((name) => !network.weights.has(name));
  if (missing !== undefined) throw new NetworkError(`${network.name}: weight '${missing}' is missing`);
  for (const [index, node] of network.nodes.entries()) {
    onNode?.(node as NetworkNode, index, network.nodes.length);
    const before = node.inputs.map((name) => known.get(name)!);
    const its = estimated(node, before, quantizedWeightsOf(network, node, shapes), rounding);
    yield { node, ...its };
    const theirs = shown?.get(node.name);
    known.set(node.name, theirs ? asShown(theirs) : its);
  }
}

const exact = (tensor: AnyTensor): Known => {
  const value = toFloat64(asNumbers(tensor));
  return { tensor, estimate: { value, error: mapTensor(value, () => 0) } };
};

const asShown = (tensor: AnyTensor): Known =>
  isQuantizedTensor(tensor) ? exact(tensor) : { tensor, estimate: shownTensor(tensor, FLOAT32) };

function estimated(
  node: QuantizedNode,
  before: readonly Known[],
  weights: Readonly<Record<string, AnyTensor>>,
  rounding: Rounding,
): Known {
  if (node.kind === 'dequantize') return dequantized(before[0]);
  if (!isQuantizedType(node.type)) {
    const estimates = before.map(({ estimate }) => estimate);
    const estimate = estimateNode(node as NetworkNode, estimates, weights as Readonly<Record<string, Tensor>>, FLOAT32);
    return { tensor: toFloat32(estimate.value), estimate };
  }
  const forward = (inputs: readonly AnyTensor[]): QuantizedTensor => integerForward(node, inputs, weights, rounding);
  const its = exact(forward(before.map(({ tensor }) => tensor)));
  if (before.every(({ estimate }) => estimate.error.data.every((e) => e === 0))) return its;
  return { ...its, estimate: { value: its.estimate.value, error: uncertainty(its.estimate.value, before, forward) } };
}

/** The layer's integers. Throws a UsageError for a kind that has no integer form. */
export function integerForward(
  node: Pick<QuantizedNode, 'name' | 'kind' | 'type'> & { readonly attributes?: object | undefined },
  inputs: readonly AnyTensor[],
  weights: Readonly<Record<string, AnyTensor>>,
  rounding: Rounding,
): QuantizedTensor {
  // Node, weights and layer agree by `inferTypes`, which TypeScript cannot follow through the lookup.
  const layers = integerLayers as unknown as Readonly<Record<string, IntegerForward<object | undefined> | undefined>>;
  const forward = layers[node.kind];
  if (forward === undefined) throw new UsageError(`${node.name}: layers of kind '${node.kind}' have no integer form`);
  const integers = weights as Readonly<Record<string, QuantizedTensor>>;
  return atNode(node, () =>
    forward(inputs as readonly QuantizedTensor[], integers, node.attributes, node.type as QuantizedType, rounding),
  );
}

/** Of quantised real numbers: how far the ends of their intervals are. Infinite for all else. */
function uncertainty(
  value: Tensor,
  before: readonly Known[],
  forward: (inputs: readonly AnyTensor[]) => QuantizedTensor,
): Tensor {
  const [{ tensor, estimate }] = before;
  if (isQuantizedTensor(tensor)) return mapTensor(value, () => Infinity);
  const ends = [-1, 1].map(
    (side) => forward([mapTensor(estimate.value, (x, i) => x + side * estimate.error.data[i])]).data,
  );
  return mapTensor(value, (q, i) => Math.max(...ends.map((end) => Math.abs(end[i] - q))));
}

/** scale · q − scale · zero point, in whatever order: at most three roundings of numbers no greater than scale · (|q| + |zero point|). */
function dequantized({ tensor, estimate: { value: integers, error } }: Known): Known {
  const { scale, zeroPoint } = (tensor as QuantizedTensor).type as QuantizedType;
  const value = mapTensor(integers, (q) => scale * (q - zeroPoint));
  const rounded = gamma(3 * 2 ** -24);
  const bound = mapTensor(
    integers,
    (q, i) => scale * error.data[i] + (q === zeroPoint ? 0 : rounded * scale * (Math.abs(q) + Math.abs(zeroPoint))),
  );
  return { tensor: toFloat32(value), estimate: { value, error: bound } };
}
