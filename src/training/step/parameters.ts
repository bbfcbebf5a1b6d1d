/**
 * Where each number of a network lies while it is trained: all that training changes in one flat array, all moving statistics of batch norm
 * in another, in the order of the nodes. Optimisers, checkpoints and workers see two arrays and a list of slots, and no network.
 */
import { NetworkError } from '../../errors.js';
import { isStatistic } from '../../layers/layer.js';
import { inferShapes, type Network } from '../../network/index.js';
import { weightName } from '../../network/network.js';
import { layerOf, weightShapesOf } from '../../network/shapes.js';
import { type Shape, sizeOf, tensor } from '../../tensor.js';

/** What a weight is for. Weight decay is for kernels; the V1 paper spares depthwise ones ("so few parameters in them", §3.2). */
export type Role = 'kernel' | 'depthwiseKernel' | 'bias' | 'gamma' | 'beta' | 'movingMean' | 'movingVariance';

/** One weight's place in its array. */
export interface Slot {
  /** As in the network's weights: 'conv1/kernel'. */
  readonly name: string;
  readonly shape: Shape;
  readonly offset: number;
  readonly size: number;
  readonly role: Role;
}

export interface ParameterLayout {
  /** Kernels, biases, gamma and beta. */
  readonly trainable: readonly Slot[];
  readonly trainableSize: number;
  /** Moving means and variances. */
  readonly statistics: readonly Slot[];
  readonly statisticsSize: number;
}

export function parameterLayout(network: Network): ParameterLayout {
  const shapes = inferShapes(network);
  const trainable: Slot[] = [];
  const statistics: Slot[] = [];
  for (const node of network.nodes) {
    for (const [weight, shape] of Object.entries(weightShapesOf(node, shapes))) {
      const isDepthwise = layerOf(node).kernel === 'HWCM' && weight === 'kernel';
      const role = isDepthwise ? 'depthwiseKernel' : (weight as Role);
      const slots = isStatistic(weight) ? statistics : trainable;
      slots.push({ name: weightName(node.name, weight), shape, offset: sizeOfSlots(slots), size: sizeOf(shape), role });
    }
  }
  return {
    trainable,
    trainableSize: sizeOfSlots(trainable),
    statistics,
    statisticsSize: sizeOfSlots(statistics),
  };
}

function sizeOfSlots(slots: readonly Slot[]): number {
  const last = slots.at(-1);
  return last === undefined ? 0 : last.offset + last.size;
}

/** The network's numbers as two arrays. Throws a NetworkError when a weight is missing. */
export function packParameters(network: Network): { values: Float32Array; statistics: Float32Array } {
  const layout = parameterLayout(network);
  return {
    values: packed(network, layout.trainable, layout.trainableSize),
    statistics: packed(network, layout.statistics, layout.statisticsSize),
  };
}

function packed(network: Network, slots: readonly Slot[], size: number): Float32Array {
  const numbers = new Float32Array(size);
  for (const { name, offset } of slots) {
    const weight = network.weights.get(name);
    if (weight === undefined) throw new NetworkError(`${network.name}: weight '${name}' is missing`);
    numbers.set(weight.data, offset);
  }
  return numbers;
}

/** The network with copies of these numbers as its weights. */
export function withParameters(network: Network, values: Float32Array, statistics: Float32Array): Network {
  const { trainable, statistics: moving } = parameterLayout(network);
  const weightOf = (numbers: Float32Array) => (slot: Slot) =>
    [slot.name, tensor(slot.shape, numbers.slice(slot.offset, slot.offset + slot.size))] as const;
  return { ...network, weights: new Map([...trainable.map(weightOf(values)), ...moving.map(weightOf(statistics))]) };
}
