/**
 * The suites' problems in integers: the same network with the ranges of its own tensors, as post-training quantisation measures them. Batch
 * norms are folded first. int8 has symmetric kernels, with a scale for each channel of a convolution and one for a dense layer; uint8 has
 * one scale and a zero point for each kernel, as TensorFlow Lite's older files have.
 */
import { integerLayers } from '../../layers/int8/index.js';
import { foldBatchNorm, type Network, type NetworkNode, trace } from '../../network/index.js';
import { weightName } from '../../network/network.js';
import { isQuantizedNetwork, type QuantizedNetwork } from '../../network/quantized-network.js';
import {
  biasScales,
  channelAxes,
  integerRanges,
  keepsType,
  withQuantizedWeights,
} from '../../network/quantized-types.js';
import { layerOf } from '../../network/shapes.js';
import {
  type AnyTensor,
  type PerChannelType,
  type QuantizedTensor,
  type QuantizedType,
  type Shape,
  sizeOf,
  type Tensor,
  type TensorType,
} from '../../tensor.js';
import type { Problem } from '../suites.js';
import { asIntegers } from './typed.js';

export const integerTypes = ['int8', 'uint8'] as const;
export type IntegerType = (typeof integerTypes)[number];

/** A quantised network with weights, and the integers that it is fed. */
export interface QuantizedProblem extends Omit<Problem, 'network' | 'inputs'> {
  readonly network: QuantizedNetwork;
  readonly inputs: ReadonlyMap<string, AnyTensor>;
}

export const isQuantizedProblem = (problem: Problem | QuantizedProblem): problem is QuantizedProblem =>
  isQuantizedNetwork(problem.network);

const hasIntegerForm = (kind: string): boolean => kind in integerLayers && kind !== 'quantize' && kind !== 'dequantize';

/** Integers are added two by two, and their averages leave padding out. */
const isComputable = (node: NetworkNode): boolean =>
  hasIntegerForm(node.kind) &&
  (node.kind !== 'add' || node.inputs.length === 2) &&
  (node.kind !== 'averagePool' || !node.attributes.includePadding);

/** Those problems that integers can compute. */
export function* quantizedProblems(problems: Iterable<Problem>, integers: IntegerType): Generator<QuantizedProblem> {
  for (const problem of problems) {
    const network = foldBatchNorm(problem.network);
    if (!network.nodes.every(isComputable)) continue;
    yield { ...problem, name: `${problem.name}-${integers}`, ...quantized(network, problem.inputs, integers) };
  }
}

function quantized(
  network: Network,
  inputs: ReadonlyMap<string, Tensor>,
  integers: IntegerType,
): Pick<QuantizedProblem, 'network' | 'inputs'> {
  const types = typesOf(network, new Map([...inputs, ...trace(network, inputs)]), integers);
  const weights = new Map<string, AnyTensor>();
  for (const node of network.nodes) {
    const kernel = network.weights.get(weightName(node.name, 'kernel'));
    const input = types.get(node.inputs[0])!;
    if (kernel === undefined) continue;
    const integerKernel = kernelOf(node, kernel, integers);
    weights.set(weightName(node.name, 'kernel'), integerKernel);
    const bias = network.weights.get(weightName(node.name, 'bias'));
    if (bias) weights.set(weightName(node.name, 'bias'), biasOf(bias, input, integerKernel));
  }
  const typed: QuantizedNetwork = {
    ...network,
    inputs: network.inputs.map((input) => ({ ...input, type: types.get(input.name)! })),
    nodes: network.nodes.map((node) => ({ ...node, type: types.get(node.name)! as TensorType })),
    weights: new Map(),
  };
  return {
    network: withQuantizedWeights(typed, weights),
    inputs: new Map([...inputs].map(([name, x]) => [name, nearest(x, types.get(name)!)])),
  };
}

/**
 * Types by the ranges of the tensors. An activation behind a layer shares its type, which clamps for it; layers that move numbers keep their
 * input's type, and what they read must all have that one.
 */
function typesOf(
  { nodes }: Network,
  tensors: ReadonlyMap<string, Tensor>,
  integers: IntegerType,
): Map<string, QuantizedType> {
  const types = new Map([...tensors].map(([name, { data }]) => [name, rangeType(data, integers)]));
  for (const { kind, name } of nodes) {
    if (kind === 'softmax' || kind === 'sigmoid') {
      types.set(name, { type: integers, scale: 1 / 256, zeroPoint: integerRanges[integers][0] });
    }
    if (kind === 'argMax') types.set(name, { type: 'int32', scale: 1, zeroPoint: 0 });
  }
  for (const { kind, name, inputs } of [...nodes].reverse()) {
    const shared = ['relu', 'relu6', 'clamp', 'concat', ...keepsType].includes(kind);
    if (shared) for (const input of inputs) types.set(input, types.get(name)!);
  }
  for (const { kind, name, inputs } of nodes) if (keepsType.includes(kind)) types.set(name, types.get(inputs[0])!);
  return types;
}

/** From the least to the greatest number, 0 among them. */
function rangeType(data: Iterable<number>, integers: IntegerType): QuantizedType {
  let [low, high] = [0, 0];
  for (const x of data) [low, high] = [Math.min(low, x), Math.max(high, x)];
  const [least, greatest] = integerRanges[integers];
  const scale = Math.fround((high - low) / 255) || 1;
  return { type: integers, scale, zeroPoint: Math.max(least, Math.min(greatest, Math.round(least - low / scale))) };
}

function kernelOf(node: NetworkNode, kernel: Tensor, integers: IntegerType): QuantizedTensor {
  if (integers === 'uint8') return nearest(kernel, rangeType(kernel.data, 'uint8'));
  const axis = channelAxes[layerOf(node).kernel!];
  const perChannel = node.kind !== 'dense';
  const scales = symmetricScales(kernel, perChannel ? axis : kernel.shape.length);
  const each = scales.length;
  const data = kernel.data.map((x, i) => Math.max(-127, Math.min(127, Math.round(x / scales[i % each]))));
  const type: PerChannelType | QuantizedType = perChannel
    ? { type: 'int8', scales, axis }
    : { type: 'int8', scale: scales[0], zeroPoint: 0 };
  return asIntegers({ shape: kernel.shape, data }, type)!;
}

/** 127 is the greatest number of each index of the axes from `axis` on. */
function symmetricScales({ shape, data }: Tensor, axis: number): number[] {
  const largest = new Array<number>(sizeOf(shape.slice(axis) as Shape)).fill(0);
  for (const [i, x] of data.entries()) largest[i % largest.length] = Math.max(largest[i % largest.length], Math.abs(x));
  return largest.map((most) => Math.fround(most / 127) || 1);
}

function biasOf(bias: Tensor, input: QuantizedType, kernel: QuantizedTensor): QuantizedTensor {
  const scales = biasScales(input, kernel).map(Math.fround); // as files hold them
  const [least, greatest] = integerRanges.int32;
  const data = Float64Array.from(bias.data, (x, i) =>
    Math.max(least, Math.min(greatest, Math.round(x / (scales[i] ?? scales[0])))),
  );
  const type: PerChannelType | QuantizedType =
    scales.length === 1 ? { type: 'int32', scale: scales[0], zeroPoint: 0 } : { type: 'int32', scales, axis: 0 };
  return asIntegers({ shape: bias.shape, data }, type)!;
}

function nearest({ shape, data }: Tensor, type: QuantizedType): QuantizedTensor {
  const [least, greatest] = integerRanges[type.type];
  const integers = data.map((x) => Math.max(least, Math.min(greatest, Math.round(x / type.scale) + type.zeroPoint)));
  return asIntegers({ shape, data: integers }, type)!;
}
