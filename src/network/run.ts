/** The reference executor: walks the nodes in order and calls each layer's `forward`. */
import { NetworkError } from '../errors.js';
import { type Shape, sameShape, type Tensor } from '../tensor.js';
import { type Network, type NetworkNode, weightName } from './network.js';
import { atNode, layerOf } from './shapes.js';

export interface RunOptions {
  /** Called before each node, for progress bars and for stopping: what it throws ends the run. */
  readonly onNode?: (node: NetworkNode, index: number, count: number) => void;
}

/** A tensor for a network of one input, or one for each input by name. */
export type NetworkInputs = Tensor | ReadonlyMap<string, Tensor>;

/**
 * Computes the network's outputs, by name. Inputs are [batch, …] with the declared sizes after the batch; Float64Array data runs
 * the whole network in double precision. The given tensors are not changed.
 */
export function run(network: Network, inputs: NetworkInputs, options: RunOptions = {}): Map<string, Tensor> {
  const lastUse = lastUses(network);
  const live = inputTensors(network, inputs);
  walk(network, live, options, (_, index) => {
    for (const name of lastUse.get(index) ?? []) live.delete(name);
  });
  return new Map(network.outputs.map((name) => [name, live.get(name) as Tensor]));
}

/** Computes every intermediate tensor, by node name, in the order of the nodes; inputs included. */
export function trace(network: Network, inputs: NetworkInputs, options: RunOptions = {}): Map<string, Tensor> {
  const tensors = inputTensors(network, inputs);
  walk(network, tensors, options, () => {});
  return tensors;
}

function walk(
  network: Network,
  tensors: Map<string, Tensor>,
  { onNode }: RunOptions,
  afterNode: (node: NetworkNode, index: number) => void,
): void {
  network.nodes.forEach((node, index) => {
    onNode?.(node, index, network.nodes.length);
    tensors.set(node.name, compute(network, node, tensors));
    afterNode(node, index);
  });
}

function compute(network: Network, node: NetworkNode, tensors: ReadonlyMap<string, Tensor>): Tensor {
  const inputs = node.inputs.map((name) => {
    const input = tensors.get(name);
    if (input === undefined) throw new NetworkError(`${node.name}: its input '${name}' is not a node before it`);
    return input;
  });
  const layer = layerOf(node);
  const shapes = inputs.map(({ shape }) => shape);
  const weights: Record<string, Tensor> = {};
  for (const weight of Object.keys(atNode(node, () => layer.weightShapes?.(shapes, node.attributes) ?? {}))) {
    const found = network.weights.get(weightName(node.name, weight));
    if (found === undefined) {
      throw new NetworkError(
        `${network.name}: weight '${weightName(node.name, weight)}' is missing; a network without weights describes, but cannot run`,
      );
    }
    weights[weight] = found;
  }
  return atNode(node, () => layer.forward(inputs, weights, node.attributes));
}

function inputTensors(network: Network, inputs: NetworkInputs): Map<string, Tensor> {
  const given = 'shape' in inputs ? new Map([[network.inputs[0].name, inputs]]) : inputs;
  for (const name of given.keys()) {
    if (!network.inputs.some((input) => input.name === name)) {
      throw new NetworkError(
        `${network.name}: no input is called '${name}'; it has ${network.inputs.map((i) => i.name)}`,
      );
    }
  }
  return new Map(
    network.inputs.map(({ name, shape }) => {
      const found = given.get(name);
      if (found === undefined)
        throw new NetworkError(`${network.name}: input '${name}' of shape [${shape}] is missing`);
      if (!sameShape(found.shape.slice(1), shape.slice(1)) || found.shape.length !== shape.length) {
        throw new NetworkError(
          `${network.name}: input '${name}' must be [${['batch', ...shape.slice(1)]}], found [${found.shape}]`,
        );
      }
      return [name, found];
    }),
  );
}

/** Names of the tensors that are needed for the last time by the node at each index. */
function lastUses(network: Network): Map<number, string[]> {
  const last = new Map<string, number>();
  network.nodes.forEach((node, index) => {
    for (const name of [...node.inputs, node.name]) last.set(name, index);
  });
  for (const output of network.outputs) last.delete(output);
  const atIndex = new Map<number, string[]>();
  for (const [name, index] of last) atIndex.set(index, [...(atIndex.get(index) ?? []), name]);
  return atIndex;
}

/** The network described for another input size: [height, width] of its picture. The weights stay. */
export function atResolution(network: Network, [height, width]: readonly [number, number]): Network {
  const resized = (shape: Shape): Shape => [shape[0], height, width, shape[3]];
  return { ...network, inputs: network.inputs.map(({ name, shape }) => ({ name, shape: resized(shape) })) };
}
