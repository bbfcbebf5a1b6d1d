/**
 * A quantised network beside another integer runtime. Each layer is computed from the runtime's own inputs and compared number by number; the
 * bound is 0. Where a runtime is known to compute otherwise, the difference is counted all the same, and named.
 */
import type { Rounding } from '../../layers/int8/fixed-point.js';
import type { QuantizedNetwork, QuantizedNode } from '../../network/index.js';
import { inferQuantizedShapes, isQuantizedTensor, quantizedWeightsOf } from '../../network/quantized-network.js';
import { computeNode, typedInputs } from '../../network/run-quantized.js';
import type { AnyTensor } from '../../tensor.js';

/** The numbers of a tensor that another runtime shows. */
export type TheirNumbers = ArrayLike<number | bigint>;

export interface IntegerLayerReport {
  readonly name: string;
  /** The kind of what computes it: of a convolution with its activation the convolution. */
  readonly kind: QuantizedNode['kind'];
  readonly compared: number;
  readonly different: number;
  /** The largest difference, in steps of the tensor's grid. */
  readonly largest: number;
}

export interface KnownDifference {
  /** Why the runtime gives other numbers. */
  readonly reason: string;
  readonly layers: readonly string[];
  readonly different: number;
}

export interface IntegerReport {
  readonly layers: readonly IntegerLayerReport[];
  readonly compared: number;
  readonly different: number;
  readonly known: readonly KnownDifference[];
  /** Layers that differ in a way that is not known. */
  readonly unknown: readonly string[];
}

/** What a runtime computes otherwise: the kinds, how far off, and how many of all such numbers at most. */
export interface Habit {
  /** Absent for all. */
  readonly kinds?: readonly QuantizedNode['kind'][];
  readonly reason: string;
  readonly most: number;
  readonly share: number;
}

/** XNNPACK, which the web builds of TensorFlow Lite run. */
export const XNNPACK: readonly Habit[] = [
  {
    kinds: ['conv2d', 'depthwiseConv2d', 'pointwiseConv2d', 'dense', 'multiply'],
    reason: 'XNNPACK multiplies sums and products in float32, which turns a few that lie beside a tie',
    most: 1,
    share: 2e-5,
  },
  {
    kinds: ['add'],
    reason: 'XNNPACK adds with multipliers of 21 bits and one shift',
    most: 1,
    share: 2e-5,
  },
  {
    // what begins with 'dequantize' and ends with integers again
    kinds: ['dequantize'],
    reason:
      'TensorFlow Lite computes PRELU, and XNNPACK sums with constants, in whole numbers, where real numbers stand between',
    most: 1,
    share: 5e-3,
  },
  {
    kinds: ['quantize'],
    reason: 'XNNPACK brings integers to another scale with 8 bits below the point',
    most: 1,
    share: 1,
  },
];

/**
 * onnxruntime: it rounds the same real number as we do, both to a half and an error far below a half. So two results are at most one step apart.
 */
export const ONNXRUNTIME: readonly Habit[] = [
  { reason: 'onnxruntime multiplies in float32 and rounds halves to the even integer', most: 1, share: 1 },
];

/** Compares what a runtime gives for these inputs, by our names. Tensors that it does not show are computed here. */
export function checkIntegers(
  network: QuantizedNetwork,
  inputs: ReadonlyMap<string, AnyTensor>,
  theirs: ReadonlyMap<string, TheirNumbers>,
  rounding: Rounding,
  habits: readonly Habit[],
): IntegerReport {
  const values = typedInputs(network, inputs);
  const shapes = inferQuantizedShapes(network);
  const kinds = new Map<string, QuantizedNode['kind']>();
  const layers: IntegerLayerReport[] = [];
  for (const [name, x] of values) {
    const shown = theirs.get(name);
    if (shown === undefined) continue;
    values.set(name, withNumbers(x, shown));
    layers.push({ name, kind: 'quantize', ...compared(x.data, shown) });
  }
  for (const node of network.nodes) {
    const given = node.inputs.map((name) => values.get(name)!);
    const ours = computeNode(node, given, quantizedWeightsOf(network, node, shapes), rounding);
    const shown = theirs.get(node.name);
    const [input] = node.inputs;
    const kind = theirs.has(input) || !kinds.has(input) ? node.kind : kinds.get(input)!;
    kinds.set(node.name, kind);
    values.set(node.name, shown && isQuantizedTensor(ours) ? withNumbers(ours, shown) : ours);
    if (shown) layers.push({ name: node.name, kind, ...compared(ours.data, shown) });
  }
  return summary(layers, habits);
}

function withNumbers<X extends AnyTensor>(x: X, numbers: TheirNumbers): X {
  const data = x.data.slice();
  for (let i = 0; i < data.length; i++) data[i] = Number(numbers[i]);
  return { ...x, data };
}

function compared(ours: ArrayLike<number>, theirs: TheirNumbers) {
  let different = 0;
  let largest = 0;
  for (let i = 0; i < ours.length; i++) {
    const off = Math.abs(ours[i] - Number(theirs[i]));
    if (off === 0) continue;
    different += 1;
    largest = Math.max(largest, off);
  }
  return { compared: ours.length, different, largest };
}

function summary(layers: readonly IntegerLayerReport[], habits: readonly Habit[]): IntegerReport {
  const sum = (of: readonly IntegerLayerReport[], field: 'compared' | 'different') =>
    of.reduce((total, layer) => total + layer[field], 0);
  const known: KnownDifference[] = [];
  const explained = new Set<string>();
  for (const { kinds, reason, most, share } of habits) {
    const alike = layers.filter(({ kind }) => kinds?.includes(kind) ?? true);
    const off = alike.filter(({ different }) => different > 0);
    const different = sum(off, 'different');
    const fits = off.every(({ largest }) => largest <= most) && different <= Math.ceil(share * sum(alike, 'compared'));
    if (!fits || off.length === 0) continue;
    for (const { name } of off) explained.add(name);
    known.push({ reason, layers: off.map(({ name }) => name), different });
  }
  const unknown = layers.filter(({ name, different }) => different > 0 && !explained.has(name)).map(({ name }) => name);
  return { layers, compared: sum(layers, 'compared'), different: sum(layers, 'different'), known, unknown };
}
