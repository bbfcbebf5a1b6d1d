/** Training on tensors that are in memory: a classifier on features, or a network's last blocks on the feature maps that they read. */
import { inferShapes, type Network } from '../../network/index.js';
import { epochOrder } from '../data/batches.js';
import { createProgram, expectTarget, type TrainingTarget } from '../programs.js';
import { packParameters, parameterLayout, withParameters } from '../step/parameters.js';
import { otherTasks } from '../transfer/other-tasks.js';
import { expectFiniteLoss, expectFiniteWeights } from './divergence.js';
import { createOptimizer, type OptimizerOptions } from './optimizers.js';
import { learningRateAt } from './schedules.js';

export interface FitOptions {
  /** Times that everything is seen. */
  readonly epochs: number;
  /** At most so many a step; all at once where there are fewer. */
  readonly batch: number;
  readonly optimizer: OptimizerOptions;
  /** At the first step; it falls along half a cosine. */
  readonly learningRate: number;
  /** Of kernels, depthwise ones excepted; see `optimizers.ts`. */
  readonly weightDecay: number;
  /** ε: the target of the right class is 1 − ε + ε / classes, of the others ε / classes (arXiv:1512.00567, §7). */
  readonly labelSmoothing: number;
  /** Of the order and of dropout. */
  readonly seed: number;
  readonly target: TrainingTarget;
}

const HELP = 'a smaller learning rate may help';

/** A network's input, and the position of its class among the network's outputs. */
export interface LabelledInput {
  readonly input: Float32Array;
  readonly label: number;
}

/**
 * The network, which ends with logits or a softmax and holds no batch norm, with other weights: training begins with those it has.
 * Throws a TrainingError when the loss or a weight is no longer a number.
 */
export async function fitWeights(
  network: Network,
  samples: readonly LabelledInput[],
  options: FitOptions,
  onEpoch: (done: number, loss: number) => void = () => {},
): Promise<Network> {
  expectTarget(options);
  const { epochs, learningRate, weightDecay, labelSmoothing, seed } = options;
  const batch = Math.min(options.batch, samples.length);
  const steps = Math.floor(samples.length / batch);
  const size = samples[0].input.length;
  const classes = inferShapes(network).get(network.outputs[0])!.at(-1)!;
  const layout = parameterLayout(network);
  const { values, statistics } = packParameters(network);
  const optimizer = createOptimizer(options.optimizer, layout, weightDecay);
  const program = await createProgram(options.target, network, batch);
  const schedule = { schedule: 'cosine', learningRate, epochs, warmupEpochs: 0 } as const;
  const inputs = new Float32Array(batch * size);
  const targets = new Float32Array(batch * classes);
  const gradients = new Float32Array(layout.trainableSize);

  for (let epoch = 0; epoch < epochs; epoch++) {
    const order = epochOrder(samples.length, seed, epoch);
    let loss = 0;
    for (let step = 0; step < steps; step++) {
      targets.fill(labelSmoothing / classes);
      for (let n = 0; n < batch; n++) {
        const { input, label } = samples[order[step * batch + n]];
        inputs.set(input, n * size);
        targets[n * classes + label] += 1 - labelSmoothing;
      }
      const at = epoch * steps + step;
      loss += program.step(values, inputs, targets, gradients, statistics, seed + at).loss / steps;
      expectFiniteLoss(loss, { epoch, step }, HELP);
      optimizer.update(values, gradients, learningRateAt(schedule, at, steps), at);
    }
    expectFiniteWeights(values, epoch, steps, HELP);
    onEpoch(epoch + 1, loss);
    await otherTasks();
  }
  return withParameters(network, values, statistics);
}
