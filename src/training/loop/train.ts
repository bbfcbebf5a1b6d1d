/**
 * The loop: shards, averaged gradients, one update, the next step; after each epoch a test and a checkpoint. Everything that decides the
 * result is in the `TrainingState`, so that a run that is taken up from a saved one ends with the same bits.
 */
import { UsageError } from '../../errors.js';
import type { Network } from '../../network/index.js';
import { stepsPerEpoch } from '../data/batches.js';
import type { DataSplits } from '../data/dataset.js';
import type { Grids } from '../step/fake-quantization.js';
import { initialWeights } from '../step/initial-weights.js';
import { packParameters, parameterLayout, withParameters } from '../step/parameters.js';
import { otherTasks } from '../transfer/other-tasks.js';
import { expectFiniteLoss, expectFiniteWeights } from './divergence.js';
import { expectFit } from './evaluate.js';
import { shared } from './memory.js';
import { addToMean, updateAverage } from './moving-average.js';
import { createOptimizer } from './optimizers.js';
import { cyclesEnded, type Recipe, recipeWith } from './recipe.js';
import { learningRateAt } from './schedules.js';
import { type Job, type ShardResult, type StartMembers, Team } from './shards.js';

/** What is known of an epoch when it is over. */
export interface EpochMetrics {
  /** From 1. */
  readonly epoch: number;
  /** Means over the epoch's pictures as they were learnt from: augmented, and while the weights changed. */
  readonly trainLoss: number;
  readonly trainAccuracy: number;
  /** Fraction of the test pictures that the averaged weights get right. */
  readonly testAccuracy: number;
  /** Of the last step. */
  readonly learningRate: number;
  /** Training and test. */
  readonly seconds: number;
}

/** Where a run stands: everything that it remembers. */
export interface TrainingState {
  epoch: number;
  /** Steps of this epoch that are done. */
  step: number;
  /** Trainable numbers, laid out by `parameterLayout`, in `sharedMemory`. */
  readonly values: Float32Array;
  /** Batch norm's moving statistics. */
  readonly statistics: Float32Array;
  /** Moving averages of both, in `sharedMemory`: the weights that are tested and kept. */
  readonly average: { readonly values: Float32Array; readonly statistics: Float32Array };
  /** With `averageCycles`: the mean of the averaged weights that the cycles so far ended with. */
  readonly cycleMean?: Float32Array;
  /** What the optimizer remembers, by name. */
  readonly optimizer: Readonly<Record<string, Float32Array>>;
  /** Sums over the shards of the epoch so far, and its seconds. */
  running: { loss: number; correct: number; seconds: number };
  readonly history: EpochMetrics[];
}

export interface StepReport {
  readonly epoch: number;
  /** Steps of this epoch that are done, of `steps`. */
  readonly step: number;
  readonly steps: number;
  /** Means over the epoch so far. */
  readonly loss: number;
  readonly accuracy: number;
  readonly picturesPerSecond: number;
}

export interface TrainHooks {
  /** Threads that compute, this one included; more than one in Node alone. It changes no bit of the result. Default 1. */
  readonly workers?: number;
  /** The forward pass rounds these tensors, and kernels, to what 8-bit integers can say: quantisation-aware training, without batch norms. */
  readonly grids?: Grids;
  /** A saved state to go on from; a fresh one unless given. It is changed. */
  readonly state?: TrainingState;
  readonly onStep?: (report: StepReport) => void;
  readonly onTest?: (done: number, all: number) => void;
  /** While batch norm's statistics of the cycles' mean are measured, at the end: steps. */
  readonly onStatistics?: (done: number, all: number) => void;
  readonly onEpoch?: (metrics: EpochMetrics) => void;
  /** After each epoch, and once more when the signal stops the run within one. */
  readonly save?: (state: TrainingState) => Promise<void>;
  /** Stops after the step at hand. */
  readonly signal?: AbortSignal;
}

export interface Trained {
  /** With the averaged weights, or with `averageCycles` and at the end their mean over the cycles. */
  readonly network: Network;
  readonly state: TrainingState;
  /** False when the signal came first. */
  readonly finished: boolean;
}

const HELP = 'a smaller learning rate or a longer warm-up may help';

/** Steps whose statistics stand for all: 6,400 pictures in batches of 64. */
const STATISTICS_STEPS = 100;

/** The network with the averaged weights of a state. */
export function averagedNetwork(network: Network, { average }: TrainingState): Network {
  return withParameters(network, average.values, average.statistics);
}

/** The state before the first step: seeded random weights, which the averages begin with too. */
export function initialState(network: Network, recipe: Recipe): TrainingState {
  const { values, statistics } = packParameters(
    network.weights.size > 0 ? network : initialWeights(network, recipe.seed),
  );
  return {
    epoch: 0,
    step: 0,
    values: shared(values),
    statistics,
    average: { values: shared(values), statistics: shared(statistics) },
    ...(recipe.averageCycles && { cycleMean: new Float32Array(values.length) }),
    optimizer: createOptimizer(recipe.optimizer, parameterLayout(network), recipe.weightDecay).state,
    running: { loss: 0, correct: 0, seconds: 0 },
    history: [],
  };
}

/**
 * Trains the network by the recipe, in which everything has a default. It begins with the network's weights where it has any, and with random ones by the recipe's seed
 * otherwise. Its conventions must say how pictures are prepared. Throws a TrainingError when the loss is no longer a number.
 */
export type Train = (
  network: Network,
  data: DataSplits,
  recipe: Partial<Recipe>,
  hooks?: TrainHooks,
) => Promise<Trained>;

/** On this thread alone, as in a page. */
export const train: Train = (network, data, recipe, hooks = {}) => trainWith(noThreads, network, data, recipe, hooks);

async function noThreads(): Promise<never> {
  throw new UsageError('training: only Node has the threads that `workers` asks for; wanted 1, the default');
}

/** With whatever `startMembers` starts beside this thread. */
export async function trainWith(
  startMembers: StartMembers,
  network: Network,
  data: DataSplits,
  wanted: Partial<Recipe>,
  hooks: TrainHooks,
): Promise<Trained> {
  const recipe = recipeWith(wanted);
  checkSizes(network, data, recipe);
  const state = hooks.state ?? initialState(network, recipe);
  const run = new Run(network, data, recipe, state, hooks.grids);
  const team = await Team.create(run.job, hooks.workers ?? 1, startMembers);
  try {
    while (state.epoch < recipe.epochs) {
      const finished = await run.epoch(team, hooks);
      if (finished) await run.endEpoch(team, hooks);
      await hooks.save?.(state);
      if (!finished) return { network: averagedNetwork(network, state), state, finished };
    }
    const mean = await run.meanOfCycles(team, hooks);
    return {
      network: mean ?? averagedNetwork(network, state),
      state,
      finished: mean !== undefined || !state.cycleMean,
    };
  } finally {
    await team.close();
  }
}

function checkSizes(network: Network, { train, test }: DataSplits, { resolutions }: Recipe): void {
  const [height, width] = expectFit(network, train);
  expectFit(network, test);
  for (const { side } of resolutions) {
    if (side > height || side > width) {
      throw new UsageError(
        `training: pictures of ${height}×${width} cannot be shown at ${side}×${side}; wanted a smaller size`,
      );
    }
  }
}

class Run {
  readonly job: Job;
  readonly #recipe: Recipe;
  readonly #state: TrainingState;
  readonly #optimizer: ReturnType<typeof createOptimizer>;
  readonly #steps: number;

  constructor(network: Network, data: DataSplits, recipe: Recipe, state: TrainingState, grids?: Grids) {
    this.#recipe = recipe;
    this.#state = state;
    const layout = parameterLayout(network);
    this.#optimizer = createOptimizer(recipe.optimizer, layout, recipe.weightDecay, state.optimizer);
    this.#steps = stepsPerEpoch(data.train.labels.length, recipe.batch);
    const each = (size: number) => Array.from({ length: recipe.shards }, () => shared(new Float32Array(size)));
    this.job = {
      network: { ...network, weights: new Map() },
      data,
      recipe,
      ...(grids && { grids }),
      values: state.values,
      average: state.average,
      gradients: each(layout.trainableSize),
      statistics: each(layout.statisticsSize),
    };
  }

  /** The rest of the epoch that the state is in; false when the signal came first. */
  async epoch(team: Team, { signal, onStep }: TrainHooks): Promise<boolean> {
    const { batch, shards } = this.#recipe;
    const state = this.#state;
    const began = performance.now() - 1000 * state.running.seconds;
    while (state.step < this.#steps) {
      if (signal?.aborted) return false;
      const results = await team.step({ epoch: state.epoch, step: state.step });
      this.#update(results);
      state.running.seconds = (performance.now() - began) / 1000;
      onStep?.({
        epoch: state.epoch,
        step: state.step,
        steps: this.#steps,
        loss: state.running.loss / (state.step * shards),
        accuracy: state.running.correct / (state.step * batch),
        picturesPerSecond: (state.step * batch) / state.running.seconds,
      });
      await otherTasks();
    }
    return true;
  }

  /** The test, and the state before the next epoch. */
  async endEpoch(team: Team, { onTest, onEpoch }: TrainHooks): Promise<void> {
    const state = this.#state;
    const { batch, shards } = this.#recipe;
    for (const numbers of [state.values, state.average.statistics]) {
      expectFiniteWeights(numbers, state.epoch, this.#steps, HELP);
    }
    const began = performance.now();
    const { top1 } = await team.test(onTest);
    const metrics = {
      epoch: state.epoch + 1,
      trainLoss: state.running.loss / (this.#steps * shards),
      trainAccuracy: state.running.correct / (this.#steps * batch),
      testAccuracy: top1,
      learningRate: this.#learningRate(this.#steps - 1),
      seconds: state.running.seconds + (performance.now() - began) / 1000,
    };
    state.history.push(metrics);
    onEpoch?.(metrics);
    state.epoch += 1;
    const cycles = cyclesEnded(this.#recipe, state.epoch);
    const endsOne = cycles > cyclesEnded(this.#recipe, state.epoch - 1);
    if (state.cycleMean && endsOne) addToMean(state.cycleMean, state.average.values, cycles);
    state.step = 0;
    state.running = { loss: 0, correct: 0, seconds: 0 };
  }

  /**
   * The mean of the cycles' ends. No cycle's statistics of batch norm are the mean's: they are measured anew, as the mean over batches that are
   * learnt from (arXiv:1803.05407, §3.3). Undefined without `averageCycles`, or when the signal came first.
   */
  async meanOfCycles(team: Team, { signal, onStatistics }: TrainHooks): Promise<Network | undefined> {
    const { values, cycleMean, epoch } = this.#state;
    if (!cycleMean) return undefined;
    const steps = Math.min(this.#steps, STATISTICS_STEPS);
    const mean = new Float32Array(this.#state.statistics.length);
    const trained = values.slice();
    values.set(cycleMean);
    try {
      for (let step = 0; step < steps; step++) {
        if (signal?.aborted) return undefined;
        await team.step({ epoch, step });
        addToMean(mean, meanInto(this.job.statistics), step + 1);
        onStatistics?.(step + 1, steps);
        await otherTasks();
      }
    } finally {
      values.set(trained);
    }
    return withParameters(this.job.network, cycleMean, mean);
  }

  /** One step's end: shards averaged in their order, the optimizer's update, the moving averages. */
  #update(results: readonly ShardResult[]): void {
    const state = this.#state;
    const { averageDecay, batchNormDecay } = this.#recipe;
    for (const { loss, correct } of results) {
      expectFiniteLoss(loss, state, HELP);
      state.running.loss += loss;
      state.running.correct += correct;
    }
    const gradients = meanInto(this.job.gradients);
    const statistics = meanInto(this.job.statistics);
    const updates = state.epoch * this.#steps + state.step;
    this.#optimizer.update(state.values, gradients, this.#learningRate(state.step), updates);
    updateAverage(state.statistics, statistics, batchNormDecay, updates);
    updateAverage(state.average.values, state.values, averageDecay, updates);
    updateAverage(state.average.statistics, state.statistics, averageDecay, updates);
    state.step += 1;
  }

  #learningRate(step: number): number {
    return learningRateAt(this.#recipe, this.#state.epoch * this.#steps + step, this.#steps);
  }
}

/** Mean of the shards' numbers, summed in their order, in the first shard's array. */
function meanInto(shards: readonly Float32Array[]): Float32Array {
  const [mean, ...others] = shards;
  for (let i = 0; i < mean.length; i++) {
    let sum = mean[i];
    for (const other of others) sum += other[i];
    mean[i] = sum / shards.length;
  }
  return mean;
}
