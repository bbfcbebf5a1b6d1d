/**
 * A network that begins as a narrower one that has been trained: it computes the same function, and has new channels to learn with (the idea of
 * Chen, Goodfellow and Shlens, "Net2Net", arXiv:1511.05641; new channels are random here and not copies, and nothing reads them yet).
 *
 *   kernel [in, out]     the narrow one in its first rows and columns; new columns random, as at the beginning of any training; new rows of
 *                        the narrow one's columns 0
 *   gamma, beta, …       the narrow one's, then 1, 0, …
 */
import { UsageError } from '../../errors.js';
import type { Network } from '../../network/index.js';
import { initialWeights } from '../step/initial-weights.js';
import { packParameters, parameterLayout, type Slot, withParameters } from '../step/parameters.js';

/**
 * `network` with the weights of `narrow`, a trained network of the same layers whose layers have at most as many channels. It computes the same
 * where channels keep their places: not behind a concatenation, or a map of several pixels that is flattened. Throws a UsageError that names the
 * first weight that does not fit.
 */
export function widened(network: Network, narrow: Network, seed: number): Network {
  const initial = packParameters(initialWeights(network, seed));
  const trained = packParameters(narrow);
  const from = parameterLayout(narrow);
  const to = parameterLayout(network);
  const embedAll = (slots: readonly Slot[], source: readonly Slot[], numbers: Float32Array, into: Float32Array) => {
    if (source.length > slots.length) expectNarrower(undefined, source[slots.length], network, narrow);
    for (const [index, slot] of slots.entries()) {
      expectNarrower(slot, source[index], network, narrow);
      embed(slot, source[index], numbers, into);
    }
  };
  embedAll(to.trainable, from.trainable, trained.values, initial.values);
  embedAll(to.statistics, from.statistics, trained.statistics, initial.statistics);
  return withParameters(network, initial.values, initial.statistics);
}

/** [filter positions, channels read, channels written]; a depthwise kernel and a vector have one per channel written. */
function axesOf({ shape, role }: Slot): [number, number, number] {
  const positions = (axes: readonly number[]) => axes.reduce((product, size) => product * size, 1);
  if (role === 'depthwiseKernel') return [shape[0] * shape[1], 1, positions(shape.slice(2))];
  if (role !== 'kernel') return [1, 1, shape[0]];
  return [positions(shape.slice(0, -2)), shape[shape.length - 2], shape[shape.length - 1]];
}

function expectNarrower(slot: Slot | undefined, source: Slot | undefined, { name }: Network, narrow: Network): void {
  if (slot && source?.name === slot.name && source.shape.length === slot.shape.length) {
    const [positions, inputs, outputs] = axesOf(slot);
    const [samePositions, fewerInputs, fewerOutputs] = axesOf(source);
    if (positions === samePositions && fewerInputs <= inputs && fewerOutputs <= outputs) return;
  }
  const shown = (one: Slot | undefined) => (one ? `${one.name} of ${one.shape.join(' × ')}` : 'none');
  throw new UsageError(
    `${name} cannot begin as ${narrow.name}: it has weight ${shown(slot)}, the other ${shown(source)}; wanted the same layers with at most as many channels`,
  );
}

function embed(slot: Slot, source: Slot, numbers: Float32Array, into: Float32Array): void {
  const [positions, inputs, outputs] = axesOf(slot);
  const [, knownInputs, knownOutputs] = axesOf(source);
  for (let p = 0; p < positions; p++) {
    for (let i = 0; i < inputs; i++) {
      const row = slot.offset + (p * inputs + i) * outputs;
      const sourceRow = source.offset + (p * knownInputs + i) * knownOutputs;
      for (let o = 0; o < knownOutputs; o++) into[row + o] = i < knownInputs ? numbers[sourceRow + o] : 0;
    }
  }
}
