/** Weights in and out of a network. Every function returns a new network and leaves the given one as it is. */
import { NetworkError } from '../errors.js';
import { fanIn } from '../layers/layer.js';
import { normalRandom } from '../random.js';
import { type Shape, sameShape, sizeOf, type Tensor, tensor } from '../tensor.js';
import { type Network, type NetworkNode, type Weights, weightName } from './network.js';
import { inferShapes, layerOf, wantedWeights, weightShapesOf } from './shapes.js';

/**
 * The network with these weights; `shapes` are its tensors'. Throws a NetworkError that lists every missing, surplus or wrongly shaped weight.
 * With `partial` weights may be missing: the network can then not run yet.
 */
export function withWeights(
  network: Network,
  weights: Weights,
  shapes = inferShapes(network),
  partial = false,
): Network {
  const complaints = compareWeights(wantedWeights(network, shapes), weights, partial);
  if (complaints.length > 0) {
    throw new NetworkError(`${network.name}: the weights do not fit the network:\n  ${complaints.join('\n  ')}`);
  }
  return { ...network, weights };
}

function compareWeights(wanted: ReadonlyMap<string, Shape>, found: Weights, partial: boolean): string[] {
  const complaints: string[] = [];
  for (const [name, shape] of wanted) {
    const weight = found.get(name);
    if (weight === undefined) {
      if (!partial) complaints.push(`missing: ${name} [${shape}]`);
    } else if (!sameShape(weight.shape, shape)) {
      complaints.push(`wrong shape: ${name} is [${weight.shape}], wanted [${shape}]`);
    }
  }
  for (const [name, weight] of found) {
    if (!wanted.has(name)) complaints.push(`surplus: ${name} [${weight.shape}]`);
  }
  return complaints;
}

/**
 * The network with seeded random weights: kernels normal with deviation √(2 / fan-in), which keeps the size of activations through
 * rectifiers (He et al., arXiv:1502.01852, eq. 10); gamma 1, beta 0, mean 0, variance 1, biases 0, so that batch norm changes nothing.
 */
export function randomWeights(network: Network, seed: number): Network {
  const normal = normalRandom(seed);
  const shapes = inferShapes(network);
  const weights = new Map<string, Tensor>();
  for (const node of network.nodes) {
    for (const [weight, shape] of Object.entries(weightShapesOf(node, shapes))) {
      weights.set(weightName(node.name, weight), initialWeight(node, weight, shape, normal));
    }
  }
  return { ...network, weights };
}

function initialWeight(node: NetworkNode, weight: string, shape: Shape, normal: () => number): Tensor {
  const data = new Float32Array(sizeOf(shape));
  if (weight !== 'kernel') return tensor(shape, data.fill(weight === 'gamma' || weight === 'movingVariance' ? 1 : 0));
  const { kernel } = layerOf(node);
  const deviation = Math.sqrt(2 / (kernel ? fanIn(kernel, shape) : 1));
  return tensor(
    shape,
    data.map(() => deviation * normal()),
  );
}
