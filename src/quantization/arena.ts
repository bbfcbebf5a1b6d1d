/**
 * The memory that a microcontroller keeps for a network's tensors: the part of the arena of TensorFlow Lite Micro that its greedy planner gives
 * them. The interpreter's own records come on top of it: about a hundred bytes for each layer, and eight for each output channel of a kernel.
 */
import { soleReaders } from '../network/graph.js';
import { inferQuantizedShapes, isQuantizedType, type QuantizedNetwork } from '../network/quantized-network.js';
import { sizeOf, type TensorType } from '../tensor.js';
import { align, type Buffer, placeBuffers } from '../wasm/memory.js';
import { isActivation } from './tensor-types.js';

/** Of tensors in the arena, in bytes. */
const ALIGNMENT = 16;

/** Ours is larger; sizes that many times as large are placed as the planner there places theirs. */
const SCALE = align(1) / ALIGNMENT;

const bytesOf = (type: TensorType): number => (isQuantizedType(type) && type.type !== 'int32' ? 1 : 4);

/** Bytes of the arena for the tensors of the network's .tflite file, where an activation is part of the layer before it. */
export function arenaBytes(network: QuantizedNetwork): number {
  const { inputs, nodes, outputs } = network;
  const shapes = inferQuantizedShapes(network);
  const sole = soleReaders(nodes, outputs);
  const buffers = new Map<string, Buffer>();
  const steps = new Map<string, number>();
  const add = (name: string, type: TensorType, step: number): void => {
    const bytes = SCALE * bytesOf(type) * sizeOf(shapes.get(name)!);
    buffers.set(name, { bytes, first: step, last: step, offset: 0 });
  };
  for (const { name, type } of inputs) add(name, type, 0);
  for (const [i, node] of nodes.entries()) {
    const { name, type, inputs: read } = node;
    const isFused = isActivation(node) && sole.get(read[0]) === node && steps.has(read[0]);
    const step = isFused ? steps.get(read[0])! : i;
    steps.set(name, step);
    for (const input of read) if (buffers.has(input)) buffers.get(input)!.last = step;
    if (!isActivation(sole.get(name))) add(name, type, step);
  }
  for (const name of outputs) buffers.get(name)!.last = nodes.length;
  // Of equal sizes the planner there places the last one first.
  return placeBuffers([...buffers.values()].reverse()) / SCALE;
}
