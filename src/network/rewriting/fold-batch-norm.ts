/**
 * Rewrite: a batch norm that follows a convolution or dense layer becomes part of that layer's kernel and bias. For output channel o,
 *
 *   scale[o] = gamma[o] / √(movingVariance[o] + epsilon)
 *   kernel′  = kernel · scale[o]          bias′[o] = (bias[o] − movingMean[o]) · scale[o] + beta[o]
 *
 * so that kernel′ ∗ x + bias′ = batchNorm(kernel ∗ x + bias). The one node left bears the batch norm's name, since it yields the batch
 * norm's tensor: every name that a folded network has means what it meant before.
 */
import { NetworkError } from '../../errors.js';
import { type FloatArray, type Tensor, toFloat32 } from '../../tensor.js';
import { nodesByName, soleReaders, weightsOfNodes } from '../graph.js';
import { type Network, type NetworkNode, type NodeOf, weightName } from '../network.js';
import { layerOf } from '../shapes.js';

/** A layer that can take in the batch norm behind it. */
export type Foldable = NodeOf<'conv2d' | 'depthwiseConv2d' | 'pointwiseConv2d' | 'dense'>;
type BatchNorm = NodeOf<'batchNorm'>;

/** What becomes of a layer's weights when its batch norm is folded: kernel′ = kernel · scale (by output channel), and a new bias. */
export interface FoldedBatchNorm {
  /** Name of the layer that took it in. */
  readonly layer: string;
  /** The layer's kernel, as it was. */
  readonly kernel: Tensor;
  readonly scale: Float64Array;
  readonly bias: Float64Array;
}

/**
 * The network with every batch norm folded that is the only reader of a convolution or dense layer. Folded weights are float64: in
 * double precision the outputs differ by its rounding alone. A network without weights is folded as a description.
 */
export function foldBatchNorm(network: Network): Network {
  const { nodes, folded } = foldPlan(network);
  if (network.weights.size === 0) return { ...network, nodes };

  const weights = weightsOfNodes(network.weights, nodesByName({ nodes }));
  for (const [name, { kernel, scale, bias }] of folded) {
    for (const weight of ['gamma', 'beta', 'movingMean', 'movingVariance']) weights.delete(weightName(name, weight));
    // The output channel varies fastest in every kernel layout: HWIO, HWC(M) and IO.
    const scaled = Float64Array.from(kernel.data, (value, i) => value * scale[i % scale.length]);
    weights.set(weightName(name, 'kernel'), { shape: kernel.shape, data: scaled });
    weights.set(weightName(name, 'bias'), { shape: [bias.length], data: bias });
  }
  return { ...network, nodes, weights };
}

/** The same with float32 weights, each rounded once: for a file, and for what is trained further. */
export function foldBatchNormFloat32(network: Network): Network {
  const folded = foldBatchNorm(network);
  return { ...folded, weights: new Map([...folded.weights].map(([name, weight]) => [name, toFloat32(weight)])) };
}

/** The nodes after folding, and what happens to the weights of each folded one, by its name: for executors that scale while they pack. */
export function foldPlan(network: Network): { nodes: NetworkNode[]; folded: Map<string, FoldedBatchNorm> } {
  const folds = foldsOf(network);
  const gone = new Set([...folds.values()].map(({ name }) => name));
  const folded = new Map<string, FoldedBatchNorm>();
  const nodes = network.nodes.flatMap((node): NetworkNode[] => {
    const layer = folds.get(node.name);
    if (layer === undefined) return gone.has(node.name) ? [] : [node];
    if (network.weights.size > 0) folded.set(node.name, foldedWeights(network, layer, node as BatchNorm));
    return [withBias(layer, node.name)];
  });
  return { nodes, folded };
}

/** The layer that goes into each batch norm that can be folded, by the batch norm's name. */
function foldsOf(network: Network): Map<string, Foldable> {
  const { nodes, outputs } = network;
  const byName = nodesByName(network);
  const reader = soleReaders(nodes, outputs);
  const folds = new Map<string, Foldable>();
  for (const { name, kind, inputs } of nodes) {
    const before = byName.get(inputs[0]);
    if (kind === 'batchNorm' && before && isFoldable(before) && reader.get(before.name)) folds.set(name, before);
  }
  return folds;
}

export function isFoldable(node: NetworkNode): node is Foldable {
  return layerOf(node).kernel !== undefined;
}

function withBias(layer: Foldable, name: string): NetworkNode {
  return { ...layer, name, attributes: { ...layer.attributes, bias: true } } as NetworkNode;
}

function foldedWeights(network: Network, layer: Foldable, norm: BatchNorm): FoldedBatchNorm {
  const old = layer.attributes.bias ? weightOf(network, layer.name, 'bias').data : undefined;
  return {
    layer: layer.name,
    kernel: weightOf(network, layer.name, 'kernel'),
    ...scaleAndBias(network, norm, old),
  };
}

/** gamma / √(movingVariance + epsilon), which a batch norm multiplies each channel by. Without gamma, gamma is 1. */
export function channelScales(
  { gamma, movingVariance }: { readonly gamma?: Tensor | undefined; readonly movingVariance: Tensor },
  epsilon: number,
): Float64Array {
  return Float64Array.from(
    movingVariance.data,
    (variance, o) => (gamma ? gamma.data[o] : 1) / Math.sqrt(variance + epsilon),
  );
}

/** What a batch norm does, by channel, to x + old: x · scale + bias. */
export function scaleAndBias(
  network: Network,
  { name, attributes }: BatchNorm,
  old?: FloatArray,
): { scale: Float64Array; bias: Float64Array } {
  const mean = weightOf(network, name, 'movingMean').data;
  const movingVariance = weightOf(network, name, 'movingVariance');
  const gamma = attributes.scale ? weightOf(network, name, 'gamma') : undefined;
  const beta = attributes.center ? weightOf(network, name, 'beta').data : undefined;
  const scale = channelScales({ gamma, movingVariance }, attributes.epsilon);
  const bias = scale.map((factor, o) => ((old?.[o] ?? 0) - mean[o]) * factor + (beta?.[o] ?? 0));
  return { scale, bias };
}

function weightOf(network: Network, node: string, weight: string): Tensor {
  const found = network.weights.get(weightName(node, weight));
  if (found === undefined) throw new NetworkError(`${network.name}: weight '${weightName(node, weight)}' is missing`);
  return found;
}
