/** A recipe: all that decides, beside the network and the data, which weights training ends with. The same recipe gives the same bits. */
import { expectFields } from '../../checks.js';
import { UsageError } from '../../errors.js';
import { type Augmentation, NO_AUGMENTATION } from '../data/augment.js';
import { DEFAULT_TARGET, expectTarget, type TrainingTarget } from '../programs.js';
import { type OptimizerKind, type OptimizerOptions, optimizerDefaults } from './optimizers.js';
import type { Restart, ScheduleOptions } from './schedules.js';

/** Pictures of `side` × `side` for so many epochs. */
export interface ResolutionPhase {
  readonly side: number;
  readonly epochs: number;
}

export interface Recipe extends ScheduleOptions {
  /** Of everything drawn: initial weights, order, augmentation, dropout. */
  readonly seed: number;
  /** Pictures a step. */
  readonly batch: number;
  /**
   * Parts of a batch, each of which is normalised by its own statistics ("ghost batch norm", arXiv:1705.08741). Their gradients are averaged
   * in order, so that the result does not depend on how many workers compute them.
   */
  readonly shards: number;
  readonly target: TrainingTarget;
  readonly optimizer: OptimizerOptions;
  /** λ of the optimizers' formulas. */
  readonly weightDecay: number;
  readonly labelSmoothing: number;
  /** Decay of the average of the weights, which is what is tested and kept; 0: the weights themselves. */
  readonly averageDecay: number;
  /** Decay of batch norm's moving statistics. */
  readonly batchNormDecay: number;
  readonly augmentation: Augmentation;
  /** Smaller pictures for the first epochs; the network's own size for all others. */
  readonly resolutions: readonly ResolutionPhase[];
  readonly restarts: readonly Restart[];
  /**
   * What is kept is the mean of what the cycles between restarts end with: they end in different points of one wide valley, and in the middle it is
   * deeper ("stochastic weight averaging", arXiv:1803.05407).
   */
  readonly averageCycles: boolean;
}

const EPOCHS = 30;

/** Customary learning rates for batches of about 100, and weight decays. RMSProp's are the V2 paper's (§6.1). */
const byOptimizer: Record<OptimizerKind, Pick<Recipe, 'learningRate' | 'weightDecay'>> = {
  sgd: { learningRate: 0.1, weightDecay: 5e-4 },
  rmsprop: { learningRate: 0.045, weightDecay: 4e-5 },
  adam: { learningRate: 0.001, weightDecay: 0.01 },
};

/** What is asked for, and the default of everything else. Throws a UsageError for numbers that make no training. */
export function recipeWith(wanted: Partial<Recipe>): Recipe {
  expectTarget(wanted);
  const optimizer = wanted.optimizer ?? optimizerDefaults.sgd;
  const defaults: Recipe = {
    epochs: EPOCHS,
    batch: 128,
    shards: 2,
    seed: 1,
    target: DEFAULT_TARGET,
    schedule: 'cosine',
    warmupEpochs: Math.min(1, (wanted.epochs ?? EPOCHS) / 5),
    labelSmoothing: 0.1,
    averageDecay: 0.999,
    batchNormDecay: 0.99,
    augmentation: NO_AUGMENTATION,
    resolutions: [],
    restarts: [],
    averageCycles: false,
    ...byOptimizer[optimizer.kind],
    optimizer,
  };
  expectFields(UsageError, 'recipe', Object.keys(defaults), wanted);
  const recipe = { ...defaults, ...wanted, optimizer };
  checkRecipe(recipe);
  return recipe;
}

function checkRecipe(recipe: Recipe): void {
  const whole = (least: number) => (value: number) => Number.isSafeInteger(value) && value >= least;
  const fraction = (value: number) => value >= 0 && value < 1;
  const expect = (name: string, value: number, wanted: string, holds: (value: number) => boolean) => {
    if (!holds(value)) throw new UsageError(`training: ${name} must be ${wanted}, found ${value}`);
  };
  const { resolutions, restarts } = recipe;
  for (const name of ['epochs', 'batch', 'shards'] as const) {
    expect(name, recipe[name], 'a whole number of 1 or more', whole(1));
  }
  expect('seed', recipe.seed, 'a whole number from 0 to 4294967295', (seed) => whole(0)(seed) && seed < 2 ** 32);
  expect('learningRate', recipe.learningRate, 'a number above 0', (rate) => rate > 0 && rate < Infinity);
  expect('weightDecay', recipe.weightDecay, 'a number of 0 or more', (decay) => decay >= 0 && decay < Infinity);
  expect('warmupEpochs', recipe.warmupEpochs, 'from 0 to less than all epochs', (w) => w >= 0 && w < recipe.epochs);
  for (const name of ['labelSmoothing', 'averageDecay', 'batchNormDecay'] as const) {
    expect(name, recipe[name], 'at least 0 and below 1', fraction);
  }
  for (const { augmentation } of [recipe, ...restarts]) {
    if (augmentation === undefined) continue;
    expect('augmentation.crop', augmentation.crop, 'a whole number of 0 or more', whole(0));
    expect('augmentation.cutout', augmentation.cutout, 'a whole number of 0 or more', whole(0));
    expect('augmentation.mixup', augmentation.mixup, 'from 0 to 1', (a) => a >= 0 && a <= 1);
  }
  for (const { side, epochs } of resolutions) {
    expect('resolutions[].side', side, 'a whole number of 8 or more', whole(8));
    expect('resolutions[].epochs', epochs, 'a whole number of 1 or more', whole(1));
  }
  checkRestarts(recipe);
  if (recipe.batch % recipe.shards !== 0) {
    throw new UsageError(`training: a batch of ${recipe.batch} cannot be split into ${recipe.shards} equal shards`);
  }
  if (recipe.batch < 2 * recipe.shards) {
    throw new UsageError(
      `training: batch norm wants two pictures or more in a shard, found ${recipe.batch} pictures in ${recipe.shards} shards`,
    );
  }
}

function checkRestarts({ restarts, schedule, warmupEpochs, epochs }: Recipe): void {
  if (restarts.length > 0 && schedule !== 'cosine') {
    throw new UsageError(`training: restarts are of the schedule cosine, found ${schedule}`);
  }
  let before = warmupEpochs;
  for (const { epoch, learningRate } of restarts) {
    if (!(Number.isSafeInteger(epoch) && epoch > before && epoch < epochs)) {
      throw new UsageError(
        `training: restarts[].epoch must be a whole number above ${before} and below ${epochs}, found ${epoch}`,
      );
    }
    if (!(learningRate > 0 && learningRate < Infinity)) {
      throw new UsageError(`training: restarts[].learningRate must be a number above 0, found ${learningRate}`);
    }
    before = epoch;
  }
}

/**
 * The recipe as it was before anybody thought of a restart at this epoch, where it has one: its first `epochs` epochs are the same, so that a
 * run that has ended can go on.
 */
export function endedBeforeRestart(recipe: Recipe, epochs: number): Recipe {
  const { restarts } = recipe;
  if (!restarts.some(({ epoch }) => epoch === epochs)) return recipe;
  return { ...recipe, epochs, restarts: restarts.filter(({ epoch }) => epoch < epochs) };
}

/** What is done to the pictures of an epoch, which counts from 0. */
export function augmentationAt(
  { augmentation, restarts = [] }: Pick<Recipe, 'augmentation'> & Partial<Pick<Recipe, 'restarts'>>,
  epoch: number,
): Augmentation {
  const changed = restarts.filter((restart) => restart.epoch <= epoch && restart.augmentation !== undefined).at(-1);
  return changed?.augmentation ?? augmentation;
}

/** How often the learning rate has come to its end after so many epochs: before each restart, and when all is over. */
export const cyclesEnded = ({ restarts, epochs }: Pick<Recipe, 'restarts' | 'epochs'>, done: number): number =>
  [...restarts.map(({ epoch }) => epoch), epochs].filter((end) => end <= done).length;

/** Side of an epoch's pictures, or undefined for the network's own size. */
export function sideAt({ resolutions }: Pick<Recipe, 'resolutions'>, epoch: number): number | undefined {
  let end = 0;
  for (const { side, epochs } of resolutions) {
    end += epochs;
    if (epoch < end) return side;
  }
  return undefined;
}
