/**
 * Where a trained network is cut for a new task, and the new classifier in place of its own. The features are what its classifier reads: the
 * pooled output of the last block. A block of V1 is a depthwise and a pointwise convolution, a block of V2 an inverted residual with its
 * expansion; blocks are found by how their layers follow each other, whatever these are called.
 */
import { NetworkError, UsageError } from '../../errors.js';
import { isElementwise } from '../../layers/layer.js';
import { zeros } from '../../tensor.js';
import { append, nodeBehind, nodeNamed } from '../graph.js';
import { embeddingLayer } from '../heads.js';
import { type Network, type NetworkNode, weightName } from '../network.js';
import { inferShapes, layerOf } from '../shapes.js';
import { upTo } from './subnetwork.js';

/**
 * The network up to its features, or up to the named layer, as numbers [1, channels]: a feature map is averaged. Throws a NetworkError for
 * a network that ends with no classifier, where no layer is named.
 */
export function bodyOf(network: Network, layer: string = featuresOf(network)): Network {
  const body = upTo(network, layer);
  const shape = inferShapes(body).get(layer)!;
  if (shape.length === 2) return body;
  if (shape.length !== 4) {
    throw new NetworkError(`${network.name}: '${layer}' is [${shape}]; wanted features [1, channels] or a feature map`);
  }
  return append(body, 'features', { kind: 'globalAveragePool', attributes: { keepDims: false } });
}

function featuresOf(network: Network): string {
  const layer = embeddingLayer(network);
  if (layer !== undefined) return layer;
  throw new NetworkError(
    `${network.name}: ends with '${network.outputs[0]}', which is no classifier; say which layer yields the features`,
  );
}

/** Batch norms and activations belong to the convolution before them. */
const belongs = (node: NetworkNode): boolean => isElementwise(layerOf(node));

/** Name of the tensor with which the network's last `count` blocks begin. Throws a UsageError where it has not so many. */
export function blockStart(network: Network, count: number): string {
  const depthwise = network.nodes.filter((node) => node.kind === 'depthwiseConv2d');
  if (!(Number.isInteger(count) && count >= 1 && count <= depthwise.length)) {
    throw new UsageError(`${network.name}: wanted from 1 to ${depthwise.length} blocks to be tuned, found ${count}`);
  }
  return startOf(network, depthwise[depthwise.length - count]);
}

/** A pointwise convolution before the depthwise one is its expansion, unless it ends a separable convolution itself. */
function startOf(network: Network, depthwise: NetworkNode): string {
  const pad = nodeNamed(network, depthwise.inputs[0]);
  const [input] = pad?.kind === 'pad' ? pad.inputs : depthwise.inputs;
  const expansion = nodeBehind(network, input, belongs);
  if (expansion?.kind !== 'pointwiseConv2d') return input;
  const isSeparable = nodeBehind(network, expansion.inputs[0], belongs)?.kind === 'depthwiseConv2d';
  return isSeparable ? input : expansion.inputs[0];
}

/** The network, whose output are features [1, channels], with a dense layer for these classes and a softmax behind. Its weights are 0. */
export function withClassifier(network: Network, classes: readonly string[]): Network {
  const channels = inferShapes(network).get(network.outputs[0])![1];
  const dense = append(network, 'classifier', { kind: 'dense', attributes: { units: classes.length, bias: true } });
  const [classifier] = dense.outputs;
  const { nodes, outputs } = append(dense, 'probabilities', { kind: 'softmax', attributes: {} });
  const weights = new Map(network.weights)
    .set(weightName(classifier, 'kernel'), zeros([channels, classes.length]))
    .set(weightName(classifier, 'bias'), zeros([classes.length]));
  const { assumed: _, ...others } = network.conventions;
  const conventions = { ...others, output: 'probabilities', labelOffset: 0, labels: classes } as const;
  return { ...network, nodes, outputs, weights, conventions };
}
