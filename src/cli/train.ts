/** `depthwise train`: a network from pictures, with `--base` a new classifier on a trained one, with `--detect` a detector. */
import { existsSync } from 'node:fs';
import { type Command, Option } from 'commander';
import { UsageError } from '../errors.js';
import { readNetwork } from '../formats/index.js';
import type { DecodeOptions as PictureLimits } from '../image/index.js';
import { parseModelName } from '../models/names.js';
import type { Network } from '../network/index.js';
import { pictureSize } from '../training/data/dataset.js';
import { limited } from '../training/data/limit.js';
import {
  type DataSplits,
  type Dataset,
  type EpochMetrics,
  type Recipe,
  readCheckpoint,
  readData,
  type StepReport,
  type TrainingState,
  train,
  writeCheckpoint,
} from '../training/index.node.js';
import { reportHtml } from '../training/loop/report.js';
import { averagedNetwork } from '../training/loop/train.js';
import { withTeachers } from '../training/transfer/distillation.js';
import { trainingNetwork } from '../training/transfer/network.js';
import { type QuantizationAware, quantizationAware } from '../training/transfer/quantization-aware.js';
import { unfolded } from '../training/transfer/unfold.js';
import { widened } from '../training/transfer/widen.js';
import { type ArchitectureFlags, addArchitectureOptions, givenFlags, namedNetwork } from './architecture.js';
import { DATA, evaluateWith, expectSameClasses } from './evaluate.js';
import { expectPreprocessing, readModel, readPictureModel } from './model.js';
import { note, percent, printJson } from './output.js';
import { addLimitOptions, noteSkipped } from './pictures.js';
import { type Progress, withProgress } from './progress.js';
import { addRecipeOptions, type RecipeFlags, recipeOf } from './recipe.js';
import { BETWEEN_LINES, inClaimedFolder, RunFolder, trainInFolder } from './run-folder.js';
import { addDetectorTrainingOptions, type DetectorTrainingFlags, trainDetectorInto } from './train-detector.js';
import { addTransferOptions, type TransferFlags, transfer } from './transfer.js';
import { wholeNumber, zeroOrMore } from './values.js';

interface Flags extends ArchitectureFlags, RecipeFlags, TransferFlags, DetectorTrainingFlags, PictureLimits {
  readonly data?: string;
  readonly limit?: number;
  readonly network: string;
  readonly dropout?: number;
  readonly beginWith?: string;
  readonly teachers?: readonly string[];
  readonly teaching?: number;
  readonly quantizationAware?: true;
  readonly workers: number;
  readonly out: string;
  readonly resume?: true;
  readonly overwrite?: true;
  readonly float16?: true;
  readonly json?: true;
}

type ScratchFlags = Flags & { readonly data: string };

export function configure(command: Command): void {
  command
    .argument('[photos]', 'with --base: a folder that has a folder of pictures for each class')
    .description(
      'Train a network from scratch on labelled pictures; with --base a new classifier on a trained one, with --detect a detector.',
    )
    .option('--data <source>', DATA)
    .option('--limit <pictures>', 'learn from so many pictures, and test with as many at most', wholeNumber(1))
    .option('--workers <count>', 'threads; the result is the same with any number', wholeNumber(1), 2)
    .requiredOption(
      '--out <path>',
      'a folder for checkpoint.safetensors, metrics.csv, model.safetensors and report.html; with --base alone a .safetensors or .npz file',
    )
    .addOption(new Option('--resume', 'go on from the checkpoint in that folder').conflicts('overwrite'))
    .option('--overwrite', 'replace what the folder holds under these names')
    .option('--float16', "the model's kernels in float16: half the size")
    .option(
      '--json',
      'at the end, the epochs\' metrics; with --base {"out", "accuracy", "classes", "seconds", "bytes"}, with --detect {"out", "seconds", "perClass", "epochs", "bytes"}',
    )
    .optionsGroup('The network:')
    .option(
      '--network <name>',
      'mobilenet_v1, mobilenet_v2, a name such as mobilenet_v2_0.5_32_small, or a model file, whose weights are left out',
      'mobilenet_v2',
    );
  addArchitectureOptions(command)
    .option('--dropout <rate>', "before the classifier; the architecture's own unless given", zeroOrMore)
    .optionsGroup('How it learns:');
  addRecipeOptions(command)
    .option(
      '--begin-with <model>',
      "a trained network's weights in place of random ones; a narrower one's are completed, a folded one's batch norms restored",
    )
    .option('--teachers <models>', 'trained networks, a,b, whose answers are learnt beside the labels', (text) =>
      text.split(','),
    )
    .option('--teaching <share>', 'of the answers of --teachers in what is learnt; 0.5 unless given', zeroOrMore)
    .option(
      '--quantization-aware',
      'fine-tune the network of --begin-with for 8-bit integers, which the model then has; batch norms are folded',
    )
    .optionsGroup('A new classifier on a trained network:');
  addDetectorTrainingOptions(addTransferOptions(command).optionsGroup('A detector:'));
  addLimitOptions(command.optionsGroup('Pictures of a folder:'))
    .optionsGroup('Options:')
    .addHelpText(
      'after',
      `
Ctrl-C saves, and says how to go on.

Examples:
  depthwise train --data digits --network mobilenet_v1 --alpha 0.25 --small-pictures --epochs 4 --batch 32 --augment crop --out digits
  depthwise train --data cifar10:cifar-10-batches-bin --alpha 0.5 --small-pictures --out run
  depthwise train --data cifar10:cifar-10-batches-bin --alpha 0.5 --small-pictures --out run --resume
  depthwise train --data cifar10:cifar-10-batches-bin --network mobilenet_v1_0.25_32_small --epochs 5 --out quick
  depthwise train --data cifar10:cifar-10-batches-bin --begin-with run/model.safetensors --quantization-aware --epochs 1 --learning-rate 0.001 --out small
  depthwise train photos --base mobilenet_v1_0.25_224 --out mine.safetensors
  depthwise train photos --base mobilenet_v1_0.25_224.h5 --fine-tune 2 --out mine.safetensors
  depthwise train --detect --data voc:mangoes --base ssd_mobilenet_v1.tflite --out mangoes`,
    )
    .action(async (photos: string | undefined, { data, ...flags }: Flags) => {
      if (flags.detect && photos !== undefined)
        throw new UsageError(`'${photos}': the pictures of --detect are those of --data voc:FOLDER or coco:FOLDER`);
      if (flags.detect) return trainDetectorInto(command, { ...flags, ...(data !== undefined && { data }) });
      if (flags.base !== undefined) return transfer(command, photos, flags);
      if (photos !== undefined)
        throw new UsageError(`'${photos}': a folder of pictures goes with --base, or as --data`);
      if (data === undefined) throw new UsageError('wanted --data, or a folder of pictures and --base');
      return inClaimedFolder(flags, () => trainInto({ ...flags, data }));
    });
}

async function trainInto(flags: ScratchFlags): Promise<void> {
  const labelled = await readDataFor(flags);
  const recipe = recipeOf(flags, labelled.train.height);
  const aware = flags.quantizationAware && (await awareOf(labelled.train, flags));
  const network =
    aware?.network ?? (await beginningNetwork(await networkFor(labelled.train, flags), labelled.train, recipe, flags));
  const data = { ...labelled, train: await taught(labelled.train, recipe, flags) };
  const origin = { network, recipe, data: data.train };
  const savedOf = (network: Network) => aware?.integersOf(network) ?? network;
  const folder = new RunFolder<TrainingState>(
    flags.out,
    {
      write: (state) => writeCheckpoint(state, origin),
      read: (bytes, file) => readCheckpoint(bytes, origin, file),
      model: (state) => savedOf(averagedNetwork(network, state)),
      columns: ['epoch', 'trainLoss', 'trainAccuracy', 'testAccuracy', 'learningRate', 'seconds'],
    },
    flags.float16 ? { kernels: 'float16' } : {},
  );
  const trained = await trainInFolder(folder, flags, (hooks, progress) =>
    train(network, data, recipe, {
      ...hooks,
      workers: flags.workers,
      ...(aware && { grids: aware.grids }),
      ...reporting(progress, recipe, data.train.classes.length),
    }),
  );
  const { history } = trained.state;
  const bytes = await folder.saveModel(savedOf(trained.network));
  const { test } = data;
  const evaluation = await evaluateWith({ target: 'auto', rounding: 'single' }, await readNetwork(bytes), test);
  const title = `${network.name} on ${data.train.name}`;
  await folder.saveReport(reportHtml({ title, recipe, history, evaluation, classes: test.classes }));
  note(`wrote ${folder.path('model.safetensors')}: right about ${percent(evaluation.top1)} of the test pictures`);
  if (flags.json) printJson(history);
}

/** A folder's pictures are cropped and resized as the network's conventions want it. */
async function readDataFor(flags: ScratchFlags): Promise<DataSplits> {
  if (flags.classes !== undefined) throw new UsageError('--classes: the data says how many classes there are');
  const network = await architectureOf(flags);
  return withProgress('reading', async (progress) => {
    const data = await readData(flags.data, () => {
      expectPreprocessing(network, flags.network);
      return {
        preprocessing: network.conventions.preprocessing!,
        seed: flags.seed ?? 1,
        onSkipped: noteSkipped,
        limits: flags,
        onPicture: (done, all) => progress.at(done / all, `${done} of ${all} pictures`),
      };
    });
    const { limit, seed = 1 } = flags;
    if (limit === undefined) return data;
    return { train: limited(data.train, limit, seed), test: limited(data.test, limit, seed) };
  });
}

async function networkFor(data: Dataset, { dropout, ...flags }: Flags): Promise<Network> {
  const size = parseModelName(flags.network)?.resolution === undefined ? { resolution: pictureSize(data) } : {};
  const architecture = await architectureOf({ ...size, ...flags, classes: data.classes.length });
  return trainingNetwork(architecture, data, dropout === undefined ? {} : { dropout });
}

/** By its name, or a file's without its weights. */
async function architectureOf({ network, ...flags }: Pick<Flags, 'network'> & ArchitectureFlags): Promise<Network> {
  if (!existsSync(network)) return namedNetwork(network, flags);
  const { resolution, classes: _, ...others } = flags;
  const [surplus] = givenFlags(others);
  if (surplus !== undefined)
    throw new UsageError(`${surplus} has no effect with --network ${network}, which is a file`);
  return { ...(await readModel(network, resolution === undefined ? {} : { resolution })), weights: new Map() };
}

/** With the weights of `--begin-with`; not when a run is taken up, whose checkpoint has them all. */
async function beginningNetwork(
  network: Network,
  data: Dataset,
  { seed, target }: Recipe,
  flags: Flags,
): Promise<Network> {
  if (flags.beginWith === undefined || flags.resume) return network;
  const model = await readModel(flags.beginWith, {});
  return widened(network, await unfolded(model, network, data, target), seed);
}

/** The network of `--begin-with` and its integers, the same when a run is taken up. */
async function awareOf(data: Dataset, { beginWith }: Flags): Promise<QuantizationAware> {
  const model = await readPictureModel(beginWith!, {});
  expectSameClasses(model, data);
  return quantizationAware(model, data);
}

/** The data with the answers of `--teachers`. */
async function taught(
  data: Dataset,
  { labelSmoothing, target }: Recipe,
  { teachers, teaching }: Flags,
): Promise<Dataset> {
  if (teachers === undefined) return data;
  const networks = await Promise.all(teachers.map((model) => readPictureModel(model, {})));
  for (const network of networks) expectSameClasses(network, data);
  return withProgress(
    'teachers',
    (progress) =>
      withTeachers(data, networks, {
        ...(teaching !== undefined && { share: teaching }),
        labelSmoothing,
        target,
        onBatch: (done, all) => progress.at(done / all, `${done} of ${all} answers`),
      }),
    BETWEEN_LINES,
  );
}

function reporting(progress: Progress, recipe: Recipe, classes: number) {
  let part = 0;
  return {
    onStep(report: StepReport): void {
      part = (report.epoch + report.step / report.steps) / recipe.epochs;
      progress.at(part, stepText(report, recipe));
    },
    onTest: (done: number, all: number) => progress.at(part, `testing: ${done} of ${all} pictures`),
    onStatistics: (done: number, all: number) => progress.at(1, `measuring batch norm: ${done} of ${all} steps`),
    onEpoch: (metrics: EpochMetrics) => progress.note(epochText(metrics, recipe, classes)),
  };
}

function stepText({ epoch, step, steps, loss, accuracy, picturesPerSecond }: StepReport, recipe: Recipe): string {
  const left = (recipe.epochs - epoch) * steps - step;
  const speed = `${picturesPerSecond.toFixed(0)} pictures/s, ${duration((left * recipe.batch) / picturesPerSecond)} left`;
  return `epoch ${epoch + 1}/${recipe.epochs}: loss ${loss.toFixed(3)}, accuracy ${percent(accuracy)}, ${speed}`;
}

/** Of a network that finds all classes equally likely, times two: above it training goes the wrong way. */
const worseThanGuessing = (loss: number, classes: number): boolean => loss > 2 * Math.log(classes);

function epochText(metrics: EpochMetrics, { epochs }: Recipe, classes: number): string {
  const { epoch, trainLoss, trainAccuracy, testAccuracy, seconds } = metrics;
  const learnt = `loss ${trainLoss.toFixed(3)}, accuracy ${percent(trainAccuracy)}`;
  const advice = worseThanGuessing(trainLoss, classes)
    ? `; guessing would give a loss of ${Math.log(classes).toFixed(3)}: a smaller learning rate may help`
    : '';
  return `epoch ${epoch}/${epochs}: ${learnt}, test ${percent(testAccuracy)}, ${duration(seconds)}${advice}`;
}

/** '45 s', '12 min 30 s', '2 h 5 min'. */
function duration(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}
