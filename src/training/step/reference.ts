/**
 * A step of training by the layers' own `forward` and `backward`: the readable form of `program.ts` and its witness. It computes in float64
 * throughout and rounds each result once, so that it is the exact gradient of the float32 numbers it is given.
 */
import { NetworkError } from '../../errors.js';
import type { Network } from '../../network/index.js';
import { type Tensor, tensor, withSize } from '../../tensor.js';
import type { TrainingProgram } from '../program.js';
import { type Grids, quantizedKernels } from './fake-quantization.js';
import { forwardPass } from './gradients.js';
import { crossEntropy, withoutSoftmax } from './losses.js';
import { parameterLayout, type Slot, withParameters } from './parameters.js';

/**
 * The step of a network with one input that ends in logits, or in a softmax, which becomes part of the loss. Throws a NetworkError for a network
 * that ends otherwise.
 */
export function referenceTraining(network: Network, batch: number, grids?: Grids): TrainingProgram {
  const trained = withoutSoftmax(network);
  const layout = parameterLayout(trained);
  const [output] = trained.outputs;
  const pictureShape = withSize(trained.inputs[0].shape, 0, batch);

  return {
    batch,
    step(values, pictures, targets, gradients, statistics, seed) {
      const computed = grids ? quantizedKernels(layout, values) : values;
      const current = withParameters(trained, computed, new Float32Array(layout.statisticsSize));
      const x = tensor(pictureShape, Float64Array.from(pictures));
      const pass = forwardPass(current, x, { trainingSeed: seed }, grids);
      const logits = expectLogits(network, pass.tensors.get(output)!);
      const { mean, correct, dLogits } = crossEntropy(logits.data, targets, logits.shape[1]);
      const { weights } = pass.backward(new Map([[output, tensor(logits.shape, dLogits)]]));
      lay(layout.trainable, weights, gradients);
      lay(layout.statistics, pass.statistics, statistics);
      return { loss: mean, correct };
    },
  };
}

function expectLogits(network: Network, logits: Tensor): Tensor {
  if (logits.shape.length === 2) return logits;
  throw new NetworkError(`${network.name}: training wants logits [batch, classes], found [${logits.shape}]`);
}

/** Writes each tensor to its slot. */
function lay(slots: readonly Slot[], tensors: ReadonlyMap<string, Tensor>, numbers: Float32Array): void {
  for (const { name, offset } of slots) numbers.set(tensors.get(name)!.data, offset);
}
