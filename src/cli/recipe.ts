/** The flags that make a recipe. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { UsageError } from '../errors.js';
import { NO_AUGMENTATION } from '../training/data/augment.js';
import type {
  Augmentation,
  OptimizerKind,
  OptimizerOptions,
  Recipe,
  ResolutionPhase,
  Restart,
  Schedule,
} from '../training/index.node.js';
import { optimizerDefaults } from '../training/loop/optimizers.js';
import { recipeWith } from '../training/loop/recipe.js';
import { schedules } from '../training/loop/schedules.js';
import { DEFAULT_TARGET, type TrainingTarget, targetOfEngine, trainingTargets } from '../training/programs.js';
import { given, positiveNumber, seedNumber, wholeNumber, zeroOrMore } from './values.js';

export interface RecipeFlags {
  readonly epochs?: number;
  readonly batch?: number;
  readonly shards?: number;
  readonly optimizer?: OptimizerKind;
  readonly momentum?: number;
  readonly learningRate?: number;
  readonly schedule?: Schedule;
  readonly warmup?: number;
  readonly weightDecay?: number;
  readonly labelSmoothing?: number;
  readonly ema?: number;
  readonly batchNormDecay?: number;
  readonly augment: readonly AugmentWord[];
  readonly resolutions?: readonly ResolutionPhase[];
  readonly restarts?: readonly RestartFlag[];
  readonly averageCycles?: true;
  readonly seed?: number;
  readonly target?: TrainingTarget;
  /** The older word for the target. */
  readonly engine?: string;
}

export function addRecipeOptions(command: Command): Command {
  command.option('--epochs <count>', 'times that all pictures are seen; 30 unless given', wholeNumber(1));
  command.option('--batch <pictures>', 'pictures a step; 128 unless given', wholeNumber(1));
  command.option(
    '--shards <count>',
    'equal parts of a batch, each normalised by itself; 2 unless given',
    wholeNumber(1),
  );
  command.addOption(
    new Option('--optimizer <name>', 'sgd (with Nesterov momentum) unless given').choices(
      Object.keys(optimizerDefaults),
    ),
  );
  command.option('--momentum <m>', 'of sgd and rmsprop; 0.9 unless given', zeroOrMore);
  command.option(
    '--learning-rate <rate>',
    '0.1 for sgd, 0.045 for rmsprop, 0.001 for adam unless given',
    positiveNumber,
  );
  command.addOption(new Option('--schedule <name>', 'of the learning rate; cosine unless given').choices(schedules));
  command.option(
    '--warmup <epochs>',
    'epochs in which the rate grows from near 0; 1, or a fifth of few, unless given',
    zeroOrMore,
  );
  command.option(
    '--weight-decay <λ>',
    'of kernels, depthwise ones excepted; 5e-4 for sgd, 4e-5 for rmsprop, 0.01 for adam unless given',
    zeroOrMore,
  );
  command.option('--label-smoothing <ε>', '0.1 unless given', zeroOrMore);
  command.option(
    '--ema <decay>',
    'of the average of the weights, which is what is kept; 0.999 unless given',
    zeroOrMore,
  );
  command.option('--batch-norm-decay <decay>', "of batch norm's moving statistics; 0.99 unless given", zeroOrMore);
  command.addOption(
    new Option('--augment <list>', 'of flip, crop[:pixels], cutout[:pixels], mixup[:a]; or none')
      .argParser(augmentWords)
      .default([{ word: 'flip' }, { word: 'crop' }], 'flip,crop'),
  );
  command.option(
    '--resolutions <list>',
    'smaller pictures first: 24x10,32 is 24 × 24 for 10 epochs, then 32',
    resolutionPhases,
  );
  command.option(
    '--restarts <list>',
    'of the cosine: 30x0.05 is a learning rate of 0.05 once more after 30 epochs, 30x0.05:flip+crop+cutout with other augmentation; with --resume a run that ended there goes on',
    restartList,
  );
  command.option('--average-cycles', 'keep the mean of what the cycles between restarts end with');
  command.option('--seed <number>', 'of everything drawn; 1 unless given', seedNumber);
  command
    .addOption(
      new Option('--target <name>', `what computes gradients; ${DEFAULT_TARGET} unless given`).choices(trainingTargets),
    )
    .addOption(new Option('--engine <name>').choices(['wasm', 'wasm-relaxed', 'reference']).hideHelp());
  return command;
}

/** The recipe for pictures of this side; crops are padded by an eighth of it, cut-outs are a quarter of it, unless given. */
export function recipeOf(flags: RecipeFlags, side: number): Recipe {
  const { momentum, warmup, ema, augment, restarts = [], optimizer = 'sgd', ...same } = flags;
  return recipeWith({
    ...given(same, ['epochs', 'batch', 'shards', 'learningRate', 'schedule', 'weightDecay', 'labelSmoothing']),
    ...given(same, ['batchNormDecay', 'resolutions', 'averageCycles', 'seed']),
    ...trainingTarget(flags),
    ...(warmup !== undefined && { warmupEpochs: warmup }),
    ...(ema !== undefined && { averageDecay: ema }),
    optimizer: optimizerWith(optimizer, momentum),
    augmentation: augmentationOf(augment, side),
    restarts: restarts.map(({ augment, ...restart }) => ({
      ...restart,
      ...(augment && { augmentation: augmentationOf(augment, side) }),
    })),
  });
}

/** The target that is asked for, if one is. */
export function trainingTarget({ target, engine }: Pick<RecipeFlags, 'target' | 'engine'>): {
  target?: TrainingTarget;
} {
  return given({ target: engine === undefined ? target : targetOfEngine(engine) }, ['target']);
}

function optimizerWith(kind: OptimizerKind, momentum: number | undefined): OptimizerOptions {
  const settings = optimizerDefaults[kind];
  if (momentum === undefined) return settings;
  if (settings.kind === 'adam') throw new UsageError('--momentum is for sgd and rmsprop, found adam');
  return { ...settings, momentum };
}

interface AugmentWord {
  readonly word: keyof Augmentation;
  readonly amount?: number;
}

function augmentWords(text: string): AugmentWord[] {
  if (text === 'none') return [];
  return text.split(',').map((part) => {
    const found = /^(flip|crop|cutout|mixup)(?::(\d+(?:\.\d+)?))?$/.exec(part.trim());
    if (found === null)
      throw new InvalidArgumentError('Wanted flip, crop[:pixels], cutout[:pixels], mixup[:a] or none.');
    const [, word, amount] = found;
    return { word: word as keyof Augmentation, ...(amount !== undefined && { amount: Number(amount) }) };
  });
}

function augmentationOf(words: readonly AugmentWord[], side: number): Augmentation {
  const amounts = { crop: Math.round(side / 8), cutout: Math.round(side / 4), mixup: 0.2 };
  const entries = words.map(({ word, amount }) => [word, word === 'flip' ? true : (amount ?? amounts[word])]);
  return { ...NO_AUGMENTATION, ...Object.fromEntries(entries) };
}

/** '24x10,28x5,32': the last, without epochs, is the network's own size, and may be left out. */
function resolutionPhases(text: string): ResolutionPhase[] {
  const parts = text.split(',');
  return parts.flatMap((part, index) => {
    const [, side, epochs] = /^(\d+)(?:x(\d+))?$/.exec(part.trim()) ?? [];
    if (side === undefined || (epochs === undefined && index < parts.length - 1)) {
      throw new InvalidArgumentError('Wanted side x epochs, as in 24x10,32.');
    }
    return epochs === undefined ? [] : [{ side: Number(side), epochs: Number(epochs) }];
  });
}

interface RestartFlag extends Omit<Restart, 'augmentation'> {
  readonly augment?: readonly AugmentWord[];
}

/** '30x0.05,60x0.02:flip+crop+cutout' */
function restartList(text: string): RestartFlag[] {
  return text.split(',').map((part) => {
    const [, epoch, rate, augment] = /^(\d+)x(\d*\.?\d+(?:e-?\d+)?)(?::(.+))?$/.exec(part.trim()) ?? [];
    if (epoch === undefined) throw new InvalidArgumentError('Wanted epochs x learning rate, as in 30x0.05.');
    return {
      epoch: Number(epoch),
      learningRate: Number(rate),
      ...(augment && { augment: augmentWords(augment.replaceAll('+', ',')) }),
    };
  });
}
