/** Activations that TFLite's operators compute themselves, on the numbers that they have just made. */
import { soleReaders } from '../../network/graph.js';
import type { LayerKind, Network, NetworkNode } from '../../network/index.js';
import { sameType } from '../../network/quantized-network.js';
import type { TensorType } from '../../tensor.js';
import { LARGEST_FLOAT32 } from '../tensors/numbers.js';
import type { ACTIVATIONS } from './schema.js';

/** The kinds that become operators with an activation. */
const fusing: readonly LayerKind[] = [
  'add',
  'averagePool',
  'batchNorm',
  'conv2d',
  'dense',
  'depthwiseConv2d',
  'maxPool',
  'pointwiseConv2d',
];

type ActivationName = (typeof ACTIVATIONS)[number];

interface FusedActivation {
  readonly node: NetworkNode;
  readonly name: ActivationName;
}

/**
 * By the name of the node before it: each activation that is the only one to read a result, which is no output. Integers before and behind it
 * must have the same scale and zero point.
 */
export function fusedActivations(
  { nodes, outputs }: Network,
  types?: ReadonlyMap<string, TensorType>,
): Map<string, FusedActivation> {
  const readers = soleReaders(nodes, outputs);
  const fused = new Map<string, FusedActivation>();
  for (const { name, kind } of nodes) {
    const reader = readers.get(name);
    if (reader === undefined || !fusing.includes(kind)) continue;
    if (types && !sameType(types.get(name)!, types.get(reader.name)!)) continue;
    const activation = activationName(reader);
    if (activation !== undefined) fused.set(name, { node: reader, name: activation });
  }
  return fused;
}

/** The layer's name among TFLite's activations, where it has one. */
export function activationName(node: NetworkNode): ActivationName | undefined {
  if (node.kind === 'relu') return 'RELU';
  if (node.kind === 'relu6') return 'RELU6';
  if (node.kind !== 'clamp') return undefined;
  const { min, max } = node.attributes;
  if (min === 0 && max === 6) return 'RELU6';
  if (min === 0 && max >= LARGEST_FLOAT32) return 'RELU';
  return min === -1 && max === 1 ? 'RELU_N1_TO_1' : undefined;
}
