/**
 * Walks a network and yields what is known of every tensor, in one of two modes.
 *
 *   accumulated   from the network's inputs on: each layer carries its inputs' errors along and adds its own roundings
 *   isolated      with `shown`, the tensors that the other backend has handed over: each of them, once it has been yielded, takes the
 *                 place of the estimate, so that every layer is judged by the backend's own inputs. They are taken to be off by one
 *                 rounding, u·|x|: a backend may show float32 of what it went on with in float64, in wider registers, or in a fused sum.
 *
 * A backend that fuses layers shows only some tensors. Between two of them the segment runs in float64 with a bound over all of it.
 */
import { NetworkError } from '../errors.js';
import { expectWithinBudget } from '../network/budget.js';
import { lastUses } from '../network/graph.js';
import { inferShapes, type Network, type NetworkInputs, type NetworkNode, type RunOptions } from '../network/index.js';
import { weightName } from '../network/network.js';
import { inputTensors } from '../network/run.js';
import { wantedWeights, weightShapesOf } from '../network/shapes.js';
import { type Shape, type Tensor, toFloat64 } from '../tensor.js';
import { type Estimate, mapTensor } from './estimate.js';
import { estimateNode } from './estimate-node.js';
import { isRepresentable, type Precision, roundoff, smallestCounted } from './precision.js';

export interface NodeEstimate {
  readonly node: NetworkNode;
  readonly estimate: Estimate;
}

export interface EstimateOptions extends RunOptions {
  readonly precision: Precision;
  /** Tensors of the other backend, by our names: isolated mode. Those of network inputs count too. */
  readonly shown?: ReadonlyMap<string, Tensor>;
}

/** What an estimate holds of each number, in float64: its value, its error, and a sum's carried error and magnitude. */
const BYTES = 4 * 8;

export function* estimates(
  network: Network,
  inputs: NetworkInputs,
  { precision, shown, onNode }: EstimateOptions,
): Generator<NodeEstimate> {
  const given = inputTensors(network, inputs);
  const known = new Map<string, Estimate>();
  for (const [name, x] of given) {
    const theirs = shown?.get(name);
    known.set(name, theirs ? shownTensor(theirs, precision) : storedInput(toFloat64(x), precision));
  }
  const shapes = inferShapes(network, new Map([...given].map(([name, { shape }]) => [name, shape])));
  expectWithinBudget(network, shapes, false, BYTES);
  expectWeightsOf(network, shapes);
  const lastUse = lastUses({ nodes: network.nodes, outputs: [] });
  for (const [index, node] of network.nodes.entries()) {
    onNode?.(node, index, network.nodes.length);
    const weights = Object.fromEntries(
      Object.keys(weightShapesOf(node, shapes)).map((name) => [
        name,
        network.weights.get(weightName(node.name, name))!,
      ]),
    );
    const before = node.inputs.map((name) => known.get(name)!);
    const estimate = estimateNode(node, before, weights, precision);
    yield { node, estimate };
    const theirs = shown?.get(node.name);
    known.set(node.name, theirs ? shownTensor(theirs, precision) : estimate);
    for (const name of node.inputs) if (lastUse.get(name) === index) known.delete(name);
  }
}

/** A tensor that the backend has shown: its own, up to the rounding of showing it. */
export function shownTensor(x: Tensor, precision: Precision): Estimate {
  const least = smallestCounted(precision);
  const value = toFloat64(x);
  const u = roundoff(precision.stored);
  return {
    value,
    error: mapTensor(value, (v) => (Number.isFinite(v) && v !== 0 ? u * Math.max(Math.abs(v), least) : 0)),
  };
}

/** A network input as the backend stores it. */
function storedInput(x: Tensor, precision: Precision): Estimate {
  const { stored } = precision;
  const least = smallestCounted(precision);
  const error = mapTensor(x, (value) =>
    isRepresentable(value, stored) ? 0 : roundoff(stored) * Math.max(Math.abs(value), least),
  );
  return { value: x, error };
}

function expectWeightsOf(network: Network, shapes: Map<string, Shape>): void {
  const missing = [...wantedWeights(network, shapes).keys()].find((name) => !network.weights.has(name));
  if (missing !== undefined) {
    throw new NetworkError(`${network.name}: weight '${missing}' is missing; bounds need all of a network's weights`);
  }
}
