/** The reference executor: walks the nodes in order and calls each layer's `forward`. */
import { NetworkError } from '../errors.js';
import type { Shape } from '../tensor.js';
import { sameShape, type Tensor } from '../tensor.js';
import { expectWithinBudget } from './budget.js';
import { lastUses } from './graph.js';
import { type Network, type NetworkNode, weightName } from './network.js';
import { atNode, inferShapes, layerOf, wantedWeights, weightShapesOf } from './shapes.js';

export interface RunOptions {
  /** Called before each node, for progress bars and for stopping: what it throws ends the run. */
  readonly onNode?: (node: NetworkNode, index: number, count: number) => void;
}

/** A tensor for a network of one input, or one for each input by name. */
export type NetworkInputs = Tensor | ReadonlyMap<string, Tensor>;

/**
 * Computes the network's outputs, by name. Inputs are [batch, …] with the declared sizes after the batch; Float64Array data runs
 * the whole network in double precision. The given tensors are not changed, and a tensor is let go after its last use. Shapes and
 * weights are checked before the first node is computed.
 */
export function run(network: Network, inputs: NetworkInputs, options: RunOptions = {}): Map<string, Tensor> {
  const live = inputTensors(network, inputs);
  const lastUse = lastUses(network);
  walk(network, live, options, (node, index) => {
    for (const name of [...node.inputs, node.name]) if (lastUse.get(name) === index) live.delete(name);
  });
  return new Map(network.outputs.map((name) => [name, live.get(name)!]));
}

/** Computes every intermediate tensor, by node name, in the order of the nodes; inputs included. */
export function trace(network: Network, inputs: NetworkInputs, options: RunOptions = {}): Map<string, Tensor> {
  const tensors = inputTensors(network, inputs);
  walk(network, tensors, options);
  return tensors;
}

/** Adds each node's output to `tensors`, which begins with the inputs. */
function walk(
  network: Network,
  tensors: Map<string, Tensor>,
  { onNode }: RunOptions,
  letGo?: (node: NetworkNode, index: number) => void,
): void {
  const shapes = inferShapes(network, new Map([...tensors].map(([name, { shape }]) => [name, shape])));
  expectWithinBudget(
    network,
    shapes,
    !letGo,
    [...tensors.values()].some(({ data }) => data instanceof Float64Array) ? 8 : 4,
  );
  expectAllWeights(network, shapes);
  network.nodes.forEach((node, index) => {
    onNode?.(node, index, network.nodes.length);
    const inputs = node.inputs.map((name) => tensors.get(name)!);
    const weights = weightsOf(network, node, shapes);
    tensors.set(
      node.name,
      atNode(node, () => layerOf(node).forward(inputs, weights, node.attributes)),
    );
    letGo?.(node, index);
  });
}

/** The weights of one node, by the names its layer gives them. */
export function weightsOf(
  network: Network,
  node: NetworkNode,
  shapes: ReadonlyMap<string, Shape>,
): Readonly<Record<string, Tensor>> {
  const names = Object.keys(weightShapesOf(node, shapes));
  return Object.fromEntries(names.map((name) => [name, network.weights.get(weightName(node.name, name))!]));
}

/** Throws a NetworkError when a weight is missing, or holds integers; the shapes are those of `inferShapes`. */
export function expectAllWeights(network: Network, shapes = inferShapes(network)): void {
  if ([...network.weights.values()].some((weight) => 'type' in weight)) {
    throw new NetworkError(`${network.name}: its weights are integers; asRealNumbers(network) can run here`);
  }
  const missing = [...wantedWeights(network, shapes).keys()].filter((name) => !network.weights.has(name));
  if (missing.length > 0) {
    const more = missing.length > 1 ? `, and ${missing.length - 1} more` : '';
    throw new NetworkError(
      `${network.name}: weight '${missing[0]}' is missing${more}; a network without weights describes, but cannot run`,
    );
  }
}

/** Each input's tensor by name, checked: every executor begins with this. Throws a NetworkError that says what does not fit. */
export function inputTensors<X extends Shaped = Tensor>(
  network: Pick<Network, 'name' | 'inputs'>,
  inputs: X | ReadonlyMap<string, X>,
): Map<string, X> {
  const names = network.inputs.map(({ name }) => name);
  const given = new Map('shape' in inputs ? [[names.length === 1 ? names[0] : 'one tensor', inputs]] : inputs);
  const found = [...given.keys()].join(', ') || 'nothing';
  return new Map(
    network.inputs.map(({ name, shape }) => {
      const x = given.get(name);
      if (x === undefined || given.size > names.length) {
        throw new NetworkError(
          `${network.name}: wanted a Map with a tensor for each of ${names.join(', ')}, found ${found}`,
        );
      }
      if (x.shape.length !== shape.length || !sameShape(x.shape.slice(1), shape.slice(1))) {
        const wanted = ['batch', ...shape.slice(1)].join(', ');
        throw new NetworkError(`${network.name}: input '${name}' must be [${wanted}], found [${x.shape.join(', ')}]`);
      }
      return [name, x];
    }),
  );
}

interface Shaped {
  readonly shape: Shape;
}
