/** Where in a classifier the answers to its tasks stand. */
import { NetworkError } from '../errors.js';
import { nodeBehind } from './graph.js';
import type { LayerKind, Network, NetworkNode } from './network.js';

/** What may follow a softmax without being the classifier: what hands numbers on, and a quantised file's clamp to its range. */
const FOLLOW_SOFTMAX: readonly LayerKind[] = ['reshape', 'flatten', 'dropout', 'clamp'];

/** Whether the tensor's numbers come from a softmax or a sigmoid. */
export function endsInProbabilities(network: { readonly nodes: readonly NetworkNode[] }, output: string): boolean {
  const kind = nodeBehind(network, output, FOLLOW_SOFTMAX)?.kind;
  return kind === 'softmax' || kind === 'sigmoid';
}

/** Name of the tensor of logits: the output, or what the last softmax reads. Throws a NetworkError where neither is known. */
export function logitsLayer(network: Network): string {
  const [output] = network.outputs;
  if (network.conventions.output === 'logits') return output;
  const last = nodeBehind(network, output, FOLLOW_SOFTMAX);
  if (last?.kind !== 'softmax') {
    throw new NetworkError(`${network.name}: its logits are unknown, since '${output}' is no softmax`);
  }
  return last.inputs[0];
}

/** What turns features into the classes' final numbers without weights. */
const FOLLOW_CLASSIFIER: readonly LayerKind[] = [
  ...FOLLOW_SOFTMAX,
  'softmax',
  'sigmoid',
  'globalAveragePool',
  'averagePool',
];

/**
 * Name of the layer whose output the classifier reads, its last layer with weights: the pooled features. For a network without a classifier,
 * its output. It is undefined where what stands at the end is neither.
 */
export function embeddingLayer(network: Network): string | undefined {
  const [output] = network.outputs;
  if (network.conventions.output === 'features') return output;
  const classifier = nodeBehind(network, output, FOLLOW_CLASSIFIER);
  if (classifier === undefined || !/^(dense|pointwiseConv2d|conv2d)$/.test(classifier.kind)) return undefined;
  const [input] = classifier.inputs;
  const node = nodeBehind(network, input, ['dropout']); // does nothing when a trained network runs
  return node?.name ?? input;
}
