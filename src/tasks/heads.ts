/** Where in a classifier the answers to its tasks stand. */
import { NetworkError, UsageError } from '../errors.js';
import type { Network, NetworkNode } from '../network/index.js';

/** What may follow a softmax without being the classifier: reshapes, and a quantised file's clamp to its range. */
const FOLLOW_SOFTMAX: ReadonlySet<string> = new Set(['reshape', 'flatten', 'clamp']);

/** Name of the tensor of logits: the output, or what the last softmax reads. Throws a NetworkError where neither is known. */
export function logitsLayer(network: Network): string {
  const [output] = network.outputs;
  if (network.conventions.output === 'logits') return output;
  const last = backFrom(network, output, FOLLOW_SOFTMAX);
  if (last?.kind !== 'softmax') {
    throw new NetworkError(`${network.name}: its logits are unknown, since '${output}' is no softmax`);
  }
  return last.inputs[0];
}

/** What turns features into the classes' final numbers without weights. */
const FOLLOW_CLASSIFIER: ReadonlySet<string> = new Set([
  ...FOLLOW_SOFTMAX,
  'softmax',
  'sigmoid',
  'globalAveragePool',
  'averagePool',
  'dropout',
]);

/**
 * Name of the layer whose output the classifier reads, its last layer with weights: the pooled features. Of a network without classifier, its
 * output. undefined where what stands at the end is neither.
 */
export function embeddingLayer(network: Network): string | undefined {
  const [output] = network.outputs;
  if (network.conventions.output === 'features') return output;
  const classifier = backFrom(network, output, FOLLOW_CLASSIFIER);
  if (classifier === undefined || !/^(dense|pointwiseConv2d|conv2d)$/.test(classifier.kind)) return undefined;
  const [input] = classifier.inputs;
  const node = backFrom(network, input, new Set(['dropout'])); // does nothing when a trained network runs
  return node?.name ?? input;
}

/** Name of the layer that `embed` reads where none is named. Throws a UsageError where there is none. */
export function featuresLayer(task: string, network: Network): string {
  const layer = embeddingLayer(network);
  if (layer !== undefined) return layer;
  throw new UsageError(`${task}: ${network.name} has no classifier whose input would be the features; name a layer`);
}

/** The node at the name, or the first before it whose kind is none of `kinds`; undefined for an input. */
function backFrom(network: Network, name: string, kinds: ReadonlySet<string>): NetworkNode | undefined {
  let node = network.nodes.find((candidate) => candidate.name === name);
  while (node !== undefined && kinds.has(node.kind)) {
    const [input]: readonly string[] = node.inputs;
    node = network.nodes.find((candidate) => candidate.name === input);
  }
  return node;
}
