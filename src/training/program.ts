/**
 * A network's training step on the WASM kernels: forward in training mode, softmax cross-entropy, backward. Everything is decided before the first
 * step: kernel calls, memory, layouts. The readable form of the same is `reference.ts`.
 */
import { ShapeError } from '../errors.js';
import type { Network } from '../network/index.js';
import { sizeOf } from '../tensor.js';
import type { WasmTarget } from '../wasm/web-assembly.js';
import { type Grids, quantizedKernels } from './step/fake-quantization.js';
import { withoutSoftmax } from './step/losses.js';
import { instantiateProgram } from './wasm/instantiate.js';
import { lowerStep } from './wasm/lower.js';
import { Lowering, type Pass } from './wasm/lowering.js';
import { typescriptKernels } from './wasm/typescript-kernels.js';

export interface TrainingOperationReport {
  readonly pass: Pass;
  /** The network's nodes that run as one; none for the loss. */
  readonly nodes: readonly string[];
  /** Kernels that run, with the number of calls. */
  readonly kernels: Readonly<Record<string, number>>;
}

/** The forward and backward pass of one shard of a batch. */
export interface TrainingProgram {
  /** Pictures in one call. */
  readonly batch: number;
  /** What a step does, in order, if it runs on kernels. */
  readonly operations?: readonly TrainingOperationReport[];
  /**
   * Computes the mean softmax cross-entropy over the batch, in training mode: batch statistics, dropout by the seed.
   *
   * @param values      all trainable numbers, as `parameterLayout` lays them out
   * @param pictures    [batch, height, width, channels], prepared
   * @param targets     [batch, classes]; each row sums to 1
   * @param gradients   written: the mean loss by each trainable number, without weight decay
   * @param statistics  written: each batch norm's mean and unbiased variance, m / (m − 1) · σ² (arXiv:1502.03167, Algorithm 2)
   * @param onCall      hears after each kernel call which of the operations it served
   */
  step(
    values: Float32Array,
    pictures: Float32Array,
    targets: Float32Array,
    gradients: Float32Array,
    statistics: Float32Array,
    seed: number,
    onCall?: (operation: number) => void,
  ): { loss: number; correct: number };
}

/** Relaxed SIMD is faster and not the same on every machine: it has to be asked for. */
const DEFAULT_TARGET: WasmTarget = 'simd';

/**
 * Plans and compiles the training step of a network with one picture input that ends in logits or in a softmax, which becomes part of the loss.
 * Throws a NetworkError for layers that training does not know, and where this machine does not know the target's instructions.
 */
export async function compileTraining(
  network: Network,
  batch: number,
  { target = DEFAULT_TARGET, grids }: { target?: WasmTarget; grids?: Grids | undefined } = {},
): Promise<TrainingProgram> {
  const lowering = new Lowering(withoutSoftmax(network), batch, grids);
  const pictures = lowerStep(lowering);
  const { program, layout } = lowering;
  const state = { targets: new Float32Array(), seed: 0, loss: 0, correct: 0 };
  const typescript = (numbers: Float32Array) => typescriptKernels(numbers, state);
  const { numbers, calls, addressOf } = await instantiateProgram(network.name, program, target, typescript);
  const values = addressOf(lowering.values) / 4;
  const gradients = addressOf(lowering.gradients) / 4;
  const { trainableSize, statisticsSize } = layout;
  const pictureSize = sizeOf(lowering.shapeOf(lowering.network.inputs[0].name));
  const expectCount = (what: string, wanted: number, { length }: Float32Array) => {
    if (length !== wanted) throw new ShapeError(`${network.name}: a step wants ${wanted} ${what}, found ${length}`);
  };

  return {
    batch,
    operations: program.kernelCounts(lowering.operations.length).map((kernels, i) => ({
      ...lowering.operations[i],
      kernels,
    })),
    step(givenValues, givenPictures, targets, intoGradients, intoStatistics, seed, onCall) {
      expectCount('values', trainableSize, givenValues);
      expectCount('numbers of pictures', pictureSize, givenPictures);
      expectCount('gradients', trainableSize, intoGradients);
      expectCount('statistics', statisticsSize, intoStatistics);
      numbers.set(grids ? quantizedKernels(layout, givenValues) : givenValues, values);
      numbers.set(givenPictures, addressOf(pictures) / 4);
      Object.assign(state, { targets, seed });
      for (const call of calls) {
        call.kernel(...call.args);
        onCall?.(call.operation);
      }
      intoGradients.set(numbers.subarray(gradients, gradients + trainableSize));
      for (const { slot, from, factor } of lowering.statistics) {
        const first = addressOf(from) / 4;
        for (let c = 0; c < slot.size; c++) intoStatistics[slot.offset + c] = factor * numbers[first + c];
      }
      return { loss: state.loss, correct: state.correct };
    },
  };
}
