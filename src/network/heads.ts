/** Where in a classifier the answers to its tasks stand. */
import { NetworkError } from '../errors.js';
import { mixesChannels } from '../layers/layer.js';
import type { Shape } from '../tensor.js';
import { assumedLabelOffset, type Conventions } from './conventions.js';
import { nodeBehind } from './graph.js';
import type { Network, NetworkNode } from './network.js';
import { layerOf } from './shapes.js';

/** What may follow a softmax without being the classifier: what hands numbers on, and a quantised file's clamp to its range. */
const handsOn = (node: NetworkNode): boolean => layerOf(node).copies === true || node.kind === 'clamp';

/** Whether the tensor's numbers come from a softmax or a sigmoid. */
export function endsInProbabilities(network: { readonly nodes: readonly NetworkNode[] }, output: string): boolean {
  const last = nodeBehind(network, output, handsOn);
  return last !== undefined && layerOf(last).probabilities === true;
}

/** What the last layer says of the answers, where a file says no more. How pictures become inputs is not known. */
export function conventionsByHead(
  nodes: readonly NetworkNode[],
  outputs: readonly { readonly name: string; readonly shape: Shape }[],
): Conventions {
  const [{ name, shape }, ...others] = outputs;
  const [, classes, ...rest] = shape;
  if (others.length > 0 || rest.length > 0 || classes === undefined) return { source: 'other', output: 'features' };
  const output = endsInProbabilities({ nodes }, name) ? 'probabilities' : 'logits';
  return { source: 'other', output, ...assumedLabelOffset(classes) };
}

/** Name of the tensor of logits: the output, or what the last softmax reads. Throws a NetworkError where neither is known. */
export function logitsLayer(network: Network): string {
  const [output] = network.outputs;
  if (network.conventions.output === 'logits') return output;
  const last = nodeBehind(network, output, handsOn);
  if (last?.kind !== 'softmax') {
    throw new NetworkError(`${network.name}: its logits are unknown, since '${output}' is no softmax`);
  }
  return last.inputs[0];
}

/** What turns features into the classes' final numbers without weights. */
function followsClassifier(node: NetworkNode): boolean {
  const { probabilities, pools } = layerOf(node);
  return handsOn(node) || probabilities === true || pools === true;
}

/**
 * Name of the layer whose output the classifier reads, its last layer with weights: the pooled features. For a network without a classifier,
 * its output. It is undefined where what stands at the end is neither.
 */
export function embeddingLayer(network: Network): string | undefined {
  const [output] = network.outputs;
  if (network.conventions.output === 'features') return output;
  const classifier = nodeBehind(network, output, followsClassifier);
  if (classifier === undefined || !mixesChannels(layerOf(classifier))) return undefined;
  const [input] = classifier.inputs;
  const node = nodeBehind(network, input, (before) => before.kind === 'dropout'); // does nothing when a trained network runs
  return node?.name ?? input;
}
