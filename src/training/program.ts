/**
 * A network's training step on the WASM kernels: forward in training mode, softmax cross-entropy, backward. Everything is decided before the first
 * step: kernel calls, memory, layouts. The readable form of the same is `reference.ts`.
 */
import type { Buffer } from '../engine/memory.js';
import { allocate, type WasmMemory } from '../engine/wasm.js';
import { ShapeError } from '../errors.js';
import type { Network } from '../network/index.js';
import { withoutSoftmax } from './step/losses.js';
import { instantiateTraining, type TrainingKernels, type TrainingTarget } from './wasm/kernels.js';
import { lowerStep } from './wasm/lower.js';
import { Lowering, type Machine } from './wasm/lowering.js';

/** The forward and backward pass of one shard of a batch. */
export interface TrainingProgram {
  /** Pictures in one call. */
  readonly batch: number;
  /**
   * Computes the mean softmax cross-entropy over the batch, in training mode: batch statistics, dropout by the seed.
   *
   * @param values      all trainable numbers, as `parameterLayout` lays them out
   * @param pictures    [batch, height, width, channels], prepared
   * @param targets     [batch, classes]; each row sums to 1
   * @param gradients   written: the mean loss by each trainable number, without weight decay
   * @param statistics  written: each batch norm's mean and unbiased variance, m / (m − 1) · σ² (arXiv:1502.03167, Algorithm 2)
   */
  step(
    values: Float32Array,
    pictures: Float32Array,
    targets: Float32Array,
    gradients: Float32Array,
    statistics: Float32Array,
    seed: number,
  ): { loss: number; correct: number };
}

/** Relaxed SIMD is faster and not the same on every machine: it has to be asked for. */
const DEFAULT_TARGET: TrainingTarget = 'simd';

/**
 * Plans and compiles the training step of a network with one picture input that ends in logits or in a softmax, which becomes part of the loss.
 * Throws a NetworkError for layers that training does not know.
 */
export async function compileTraining(
  network: Network,
  batch: number,
  { target = DEFAULT_TARGET }: { target?: TrainingTarget } = {},
): Promise<TrainingProgram> {
  const lowering = new Lowering(withoutSoftmax(network), batch);
  const { pictures, loss } = lowerStep(lowering);
  const { constants, total } = lowering.layOut();
  const memory = allocate(network.name, total);
  const kernels = await instantiateTraining(target, memory);
  const machine = machineOf(kernels, memory, constants);
  const numbers = machine.memory;
  const values = machine.at(lowering.values) / 4;
  const gradients = machine.at(lowering.gradients) / 4;
  const { trainableSize, statisticsSize } = lowering.layout;
  const steps = [...lowering.load, ...lowering.steps, ...lowering.unload];
  const expectCount = (what: string, wanted: number, { length }: Float32Array) => {
    if (length !== wanted) throw new ShapeError(`${network.name}: a step wants ${wanted} ${what}, found ${length}`);
  };

  return {
    batch,
    step(givenValues, givenPictures, targets, intoGradients, intoStatistics, seed) {
      expectCount('values', trainableSize, givenValues);
      expectCount('numbers of pictures', pictures.bytes / 4, givenPictures);
      expectCount('gradients', trainableSize, intoGradients);
      expectCount('statistics', statisticsSize, intoStatistics);
      numbers.set(givenValues, values);
      numbers.set(givenPictures, machine.at(pictures) / 4);
      loss.targets = targets;
      const seeded = { ...machine, seed };
      for (const run of steps) run(seeded);
      intoGradients.set(numbers.subarray(gradients, gradients + trainableSize));
      for (const { slot, from, factor } of lowering.statistics) {
        const first = machine.at(from) / 4;
        for (let c = 0; c < slot.size; c++) intoStatistics[slot.offset + c] = factor * numbers[first + c];
      }
      return loss.result;
    },
  };
}

export function machineOf(kernels: TrainingKernels, memory: WasmMemory, constants: number): Omit<Machine, 'seed'> {
  const at = (buffer: Buffer) => (buffer.last === Infinity ? 0 : constants) + buffer.offset;
  return {
    kernels,
    memory: new Float32Array(memory.buffer),
    at,
    flat: ({ buffer, group }) => [at(buffer), group],
    strided: ({ buffer, first, group, image, row }) => [at(buffer) + first, group, image, row],
    whole: ({ buffer, group, image, row }) => [at(buffer), group, image, row],
  };
}
