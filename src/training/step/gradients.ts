/**
 * The gradients of a network, node by node: forward in the order of the nodes, keeping every tensor, then backward in the opposite order. When
 * a node's turn comes, all nodes that read its output have had theirs, and what they sent back adds up to ∂L/∂output: the chain rule. It is
 * slow on purpose, as the layers are; the kernels of `assembly/training` are held to it.
 */
import { NetworkError } from '../../errors.js';
import { expectGradient } from '../../layers/expect.js';
import { add, type Backward, backward, type Training, type TrainingPass, training } from '../../layers/index.js';
import {
  inferShapes,
  type LayerKind,
  type Network,
  type NetworkInputs,
  type NetworkNode,
} from '../../network/index.js';
import { weightName } from '../../network/network.js';
import { expectAllWeights, inputTensors, weightsOf } from '../../network/run.js';
import { atNode, layerOf } from '../../network/shapes.js';
import { type Tensor, zerosLike } from '../../tensor.js';
import { type Grids, onGrid } from './fake-quantization.js';

/**
 * 'inference' computes what `run` does, with the moving statistics and without dropout, as fine-tuning a frozen network does. In training
 * batch norms use the statistics of the batch, and the k-th dropout of the network, counted from 0, draws its mask with the seed + k.
 */
export type Mode = 'inference' | { readonly trainingSeed: number };

export interface ForwardPass {
  /** Every tensor by name, inputs included. */
  readonly tensors: ReadonlyMap<string, Tensor>;
  /**
   * In training, what moving statistics gather of this batch, by weight name: 'conv1_bn/movingMean', and the unbiased 'conv1_bn/movingVariance',
   * m / (m − 1) · σ² (arXiv:1502.03167, Algorithm 2, line 10).
   */
  readonly statistics: ReadonlyMap<string, Tensor>;
  /** From ∂L/∂output for some of the tensors, by name, to the gradients of all inputs and trainable weights: 0 for what leads to none of them. */
  readonly backward: (outputGradients: ReadonlyMap<string, Tensor>) => NetworkGradients;
}

export interface NetworkGradients {
  readonly inputs: ReadonlyMap<string, Tensor>;
  /** By full name: 'conv1/kernel'. */
  readonly weights: ReadonlyMap<string, Tensor>;
}

/** Computes the network and keeps what its gradients need. Inputs are checked as `run` does; Float64Array inputs make all of it float64. Tensors that `grids` names are rounded. */
export function forwardPass(
  network: Network,
  inputs: NetworkInputs,
  mode: Mode,
  grids: Grids = new Map(),
): ForwardPass {
  const tensors = inputTensors(network, inputs);
  for (const [name, tensor] of tensors) tensors.set(name, onGrid(tensor, grids.get(name)));
  const shapes = inferShapes(network, new Map([...tensors].map(([name, { shape }]) => [name, shape])));
  expectAllWeights(network, shapes);
  const passes: TrainingPass[] = [];
  const statistics = new Map<string, Tensor>();
  const drawing = network.nodes.filter((node) => layerOf(node).random);
  for (const node of network.nodes) {
    const given = node.inputs.map((name) => tensors.get(name)!);
    const weights = weightsOf(network, node, shapes);
    const seed = mode === 'inference' ? undefined : mode.trainingSeed + drawing.indexOf(node);
    const pass = atNode(node, () => nodePass(node, given, weights, seed));
    passes.push(pass);
    tensors.set(node.name, onGrid(pass.y, grids.get(node.name)));
    for (const [name, values] of Object.entries(pass.statistics ?? {})) {
      statistics.set(weightName(node.name, name), values);
    }
  }
  return { tensors, statistics, backward: (given) => backwardPass(network, tensors, passes, given) };
}

function backwardPass(
  network: Network,
  tensors: ReadonlyMap<string, Tensor>,
  passes: readonly TrainingPass[],
  outputGradients: ReadonlyMap<string, Tensor>,
): NetworkGradients {
  const received = new Map([...tensors.keys()].map((name): [string, Tensor[]] => [name, []]));
  for (const [name, gradient] of outputGradients) {
    const parts = received.get(name);
    if (parts === undefined) {
      throw new NetworkError(`${network.name}: a gradient is given for '${name}', which is no tensor of it`);
    }
    parts.push(expectGradient(name, gradient, tensors.get(name)!.shape));
  }
  const sumOf = (name: string): Tensor => {
    const parts = received.get(name)!;
    if (parts.length > 1) return add.forward(parts);
    return parts[0] ?? zerosLike(tensors.get(name)!, tensors.get(name)!.shape);
  };
  const weights = new Map<string, Tensor>();
  for (const [index, node] of [...network.nodes.entries()].reverse()) {
    const gradients = atNode(node, () => passes[index].backward(sumOf(node.name)));
    node.inputs.forEach((name, i) => {
      received.get(name)!.push(gradients.inputs[i]);
    });
    for (const [name, gradient] of Object.entries(gradients.weights)) {
      weights.set(weightName(node.name, name), gradient);
    }
    received.delete(node.name);
  }
  return { inputs: new Map(network.inputs.map(({ name }) => [name, sumOf(name)])), weights };
}

/** With a seed as training computes it. Attributes and layer agree by NetworkNode's type, which TypeScript cannot follow through the lookups. */
function nodePass(
  node: NetworkNode,
  inputs: readonly Tensor[],
  weights: Readonly<Record<string, Tensor>>,
  seed: number | undefined,
): TrainingPass {
  const inTraining = (training as Partial<Record<LayerKind, unknown>>)[node.kind] as Training<unknown, unknown>;
  if (seed !== undefined && inTraining) return inTraining(inputs, weights, node.attributes, seed);
  const back = backward[node.kind] as Backward<unknown, unknown>;
  return {
    y: layerOf(node).forward(inputs, weights, node.attributes),
    backward: (dy) => back(dy, inputs, weights, node.attributes),
  };
}
