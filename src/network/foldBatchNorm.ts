/**
 * Rewrite: a batch norm that follows a convolution or dense layer becomes part of that layer's kernel and bias. For output channel o,
 *
 *   scale[o] = gamma[o] / √(movingVariance[o] + epsilon)
 *   kernel′  = kernel · scale[o]          bias′[o] = (bias[o] − movingMean[o]) · scale[o] + beta[o]
 *
 * so that kernel′ ∗ x + bias′ = batchNorm(kernel ∗ x + bias). The one node left bears the batch norm's name, since it yields the batch
 * norm's tensor: every name that a folded network has means what it meant before.
 */
import { NetworkError } from '../errors.js';
import type { Tensor } from '../tensor.js';
import { type Network, type NetworkNode, weightName } from './network.js';

type Foldable = Extract<NetworkNode, { kind: 'conv2d' | 'depthwiseConv2d' | 'pointwiseConv2d' | 'dense' }>;
type BatchNorm = Extract<NetworkNode, { kind: 'batchNorm' }>;

/**
 * The network with every batch norm folded that is the only reader of a convolution or dense layer. Folded weights are float64: in
 * double precision the outputs differ by its rounding alone. A network without weights is folded as a description.
 */
export function foldBatchNorm(network: Network): Network {
  const folds = foldsOf(network);
  const folded = new Set([...folds.values()].map(({ name }) => name));
  const nodes = network.nodes.flatMap((node): NetworkNode[] => {
    const layer = folds.get(node.name);
    if (layer !== undefined) return [withBias(layer, node.name)];
    return folded.has(node.name) ? [] : [node];
  });
  if (network.weights.size === 0) return { ...network, nodes };

  const weights = new Map(network.weights);
  for (const node of network.nodes) {
    const layer = node.kind === 'batchNorm' ? folds.get(node.name) : undefined;
    if (layer === undefined) continue;
    const { kernel, bias } = foldedWeights(network, layer, node as BatchNorm);
    for (const name of ['kernel', 'bias']) weights.delete(weightName(layer.name, name));
    for (const name of ['gamma', 'beta', 'movingMean', 'movingVariance']) weights.delete(weightName(node.name, name));
    weights.set(weightName(node.name, 'kernel'), kernel).set(weightName(node.name, 'bias'), bias);
  }
  return { ...network, nodes, weights };
}

/** The layer that goes into each batch norm that can be folded, by the batch norm's name. */
function foldsOf({ nodes, outputs }: Network): Map<string, Foldable> {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const readers = new Map<string, number>();
  for (const name of [...nodes.flatMap(({ inputs }) => inputs), ...outputs])
    readers.set(name, (readers.get(name) ?? 0) + 1);
  const folds = new Map<string, Foldable>();
  for (const { name, kind, inputs } of nodes) {
    const before = byName.get(inputs[0]);
    if (kind === 'batchNorm' && before && isFoldable(before) && readers.get(before.name) === 1) folds.set(name, before);
  }
  return folds;
}

function isFoldable(node: NetworkNode): node is Foldable {
  return ['conv2d', 'depthwiseConv2d', 'pointwiseConv2d', 'dense'].includes(node.kind);
}

function withBias(layer: Foldable, name: string): NetworkNode {
  return { ...layer, name, attributes: { ...layer.attributes, bias: true } } as NetworkNode;
}

function foldedWeights(network: Network, layer: Foldable, norm: BatchNorm): { kernel: Tensor; bias: Tensor } {
  const { epsilon, scale: hasGamma, center: hasBeta } = norm.attributes;
  const kernel = weightOf(network, layer.name, 'kernel');
  const mean = weightOf(network, norm.name, 'movingMean').data;
  const variance = weightOf(network, norm.name, 'movingVariance').data;
  const gamma = hasGamma ? weightOf(network, norm.name, 'gamma').data : undefined;
  const beta = hasBeta ? weightOf(network, norm.name, 'beta').data : undefined;
  const bias = layer.attributes.bias ? weightOf(network, layer.name, 'bias').data : undefined;

  const channels = mean.length;
  const scale = Float64Array.from(variance, (value, o) => (gamma?.[o] ?? 1) / Math.sqrt(value + epsilon));
  // The output channel varies fastest in every kernel layout: HWIO, HWC(M) and IO.
  const scaled = Float64Array.from(kernel.data, (value, i) => value * scale[i % channels]);
  const shifted = Float64Array.from(scale, (factor, o) => ((bias?.[o] ?? 0) - mean[o]) * factor + (beta?.[o] ?? 0));
  return { kernel: { shape: kernel.shape, data: scaled }, bias: { shape: [channels], data: shifted } };
}

function weightOf(network: Network, node: string, weight: string): Tensor {
  const found = network.weights.get(weightName(node, weight));
  if (found === undefined) throw new NetworkError(`${network.name}: weight '${weightName(node, weight)}' is missing`);
  return found;
}
