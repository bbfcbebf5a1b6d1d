/** `depthwise train --detect`: a detector for classes of one's own, on a trained network, from boxed pictures. */
import type { Command } from 'commander';
import { UsageError } from '../errors.js';
import { groupBy } from '../evaluation/truth.js';
import type { DecodeOptions as PictureLimits } from '../image/index.js';
import { seedOf, uniformRandom } from '../random.js';
import type { BoxedExample } from '../training/detection/boxed-examples.js';
import { detectorDescription } from '../training/detection/description.js';
import { newDetector } from '../training/detection/new-detector.js';
import { detectorReportHtml } from '../training/detection/report.js';
import {
  DETECTOR_RECIPE,
  type DetectorEpoch,
  type DetectorState,
  detectorOf,
  initialDetectorState,
  trainDetector,
} from '../training/detection/train-detector.js';
import { readState, writeState } from '../training/loop/checkpoint.js';
import { type BoxedFolder, boxedFolder } from './boxed-sets.js';
import { harmless } from './display.js';
import { type ModelFlags, readPictureModel } from './model.js';
import { formatBytes, note, percent, plural, print, printJson } from './output.js';
import { openPicture } from './pictures.js';
import { inClaimedFolder, RunFolder, trainInFolder } from './run-folder.js';
import { numbersBy, textTable } from './table.js';
import { given, optionWord, wholeNumber, words } from './values.js';

export interface DetectorTrainingFlags extends Pick<ModelFlags, 'preset'>, PictureLimits {
  readonly detect?: true;
  readonly data?: string;
  readonly base?: string;
  readonly only?: readonly string[];
  readonly views?: number;
  readonly heldBack?: number;
  readonly epochs?: number;
  readonly batch?: number;
  readonly learningRate?: number;
  readonly seed?: number;
  readonly out: string;
  readonly resume?: true;
  readonly overwrite?: true;
  readonly float16?: true;
  readonly json?: true;
}

/** The flags of `train` that say something here. */
const understood: ReadonlySet<string> = new Set([
  ...['detect', 'data', 'base', 'only', 'views', 'heldBack', 'preset', 'out', 'resume', 'overwrite', 'float16', 'json'],
  ...['epochs', 'batch', 'learningRate', 'seed', 'maxPixels', 'maxSide'],
]);

export function addDetectorTrainingOptions(command: Command): Command {
  return command
    .option(
      '--detect',
      'learn to find objects: --data is voc:FOLDER or coco:FOLDER, --base a detector whose maps and boxes are taken over, or a backbone',
    )
    .option('--only <labels>', 'these classes alone, separated by commas; all of the data unless given', words)
    .option(
      '--views <count>',
      'of each picture that is learnt from: itself, its mirror image, parts of it; 4 unless given',
      wholeNumber(1),
    );
}

export async function trainDetectorInto(command: Command, flags: DetectorTrainingFlags): Promise<void> {
  const { data, base } = flags;
  const typed = Object.keys(command.opts()).filter((name) => command.getOptionValueSource(name) === 'cli');
  const surplus = typed.find((name) => !understood.has(name));
  if (surplus !== undefined)
    throw new UsageError(`${optionWord(surplus)} is for training classifiers, not for --detect`);
  if (data === undefined || base === undefined) {
    throw new UsageError(
      `--detect: wanted ${data === undefined ? '--data voc:FOLDER or coco:FOLDER' : '--base MODEL'}`,
    );
  }
  return inClaimedFolder(flags, () => trainInto({ ...flags, data, base }));
}

type Wanted = DetectorTrainingFlags & { readonly data: string; readonly base: string };

async function trainInto({ data, base, ...flags }: Wanted): Promise<void> {
  const began = performance.now();
  const set = await boxedFolder(data);
  if (set === undefined) throw new UsageError(`--detect: wanted --data voc:FOLDER or coco:FOLDER, found '${data}'`);
  const labels = labelsOf(set, flags.only);
  const { epochs, batch, learningRate, views, seed, heldBack: part } = { ...DETECTOR_RECIPE, heldBack: 0.2, ...flags };
  const recipe = { epochs, batch, learningRate, views, seed };
  const described = { ...recipe, heldBack: part, labels };
  const examples = examplesOf(set, labels, flags);
  const { train, heldBack } = split(examples, part, seed);
  const network = await readPictureModel(base, given(flags, ['preset']));
  const detector = newDetector(network, labels, seed);
  const description = detectorDescription(network, examples, described);
  const folder = new RunFolder<DetectorState>(
    flags.out,
    {
      write: (state) => writeState(state, description),
      read: (bytes, file) => readState(bytes, initialDetectorState(detector), file, (saved) => [saved, description]),
      model: (state) => detectorOf(detector, state),
      columns: ['epoch', 'boxLoss', 'classLoss', 'ap', 'ap50', 'learningRate', 'seconds'],
    },
    flags.float16 ? { kernels: 'float16' } : {},
  );
  note(`learns from ${plural(train.length, 'picture')}, ${plural(heldBack.length, 'picture')} held back`);
  const trained = await trainInFolder(folder, flags, (hooks, progress) =>
    trainDetector(detector, train, heldBack, recipe, {
      ...hooks,
      onProgress: (part, doing) => progress.at(part, doing),
      onEpoch: (metrics) => progress.note(lineOf(metrics, epochs)),
    }),
  );
  const { history } = trained.state;
  const bytes = await folder.saveModel(trained.network);
  const { byLabel } = trained;
  await folder.saveReport(detectorReportHtml({ title: trained.network.name, recipe: described, history, byLabel }));
  const seconds = Math.round((performance.now() - began) / 100) / 10;
  const perClass = Object.fromEntries(byLabel);
  if (flags.json) printJson({ out: flags.out, seconds, perClass, epochs: history, bytes: bytes.length });
  else print(asText(perClass, seconds));
  const classes = labels.length === 1 ? '1 class' : `${labels.length} classes`;
  note(`wrote ${folder.path('model.safetensors')}: ${classes}, ${formatBytes(bytes.length)}`);
}

/** Those that are wanted, in that order. */
function labelsOf({ categories }: BoxedFolder, only: readonly string[] | undefined): string[] {
  const known = [...categories.values()];
  const unknown = only?.find((label) => !known.includes(label));
  if (unknown !== undefined)
    throw new UsageError(`--only: the data has no class '${unknown}', only ${known.join(', ')}`);
  return only === undefined ? known : [...new Set(only)];
}

/** Pictures with objects of the wanted classes. */
function examplesOf(set: BoxedFolder, labels: readonly string[], limits: PictureLimits): BoxedExample[] {
  const truthsOf = groupBy(set.truths, ({ image }) => image);
  const wanted = new Set(labels);
  return set.pictures.flatMap(({ id, file }) => {
    const objects = (truthsOf.get(id) ?? [])
      .filter(({ crowd }) => !crowd)
      .map(({ category, box, difficult }) => ({
        label: set.categories.get(category)!,
        box,
        ...(difficult && { difficult }),
      }))
      .filter(({ label }) => wanted.has(label));
    return objects.length === 0 ? [] : [{ picture: () => openPicture(set.path(file), limits), objects }];
  });
}

/** Some are held back, whatever they show: the same for the same seed. */
function split(examples: readonly BoxedExample[], part: number, seed: number) {
  const random = uniformRandom(seedOf(seed, 0));
  const drawn = examples.map((example) => [random(), example] as const).sort(([a], [b]) => a - b);
  const count = Math.min(Math.round(part * examples.length), Math.max(examples.length - 1, 0));
  const shuffled = drawn.map(([, example]) => example);
  return { heldBack: shuffled.slice(0, count), train: shuffled.slice(count) };
}

const shown = (share: number | null): string => (share === null || Number.isNaN(share) ? 'none' : percent(share));

const lineOf = ({ epoch, boxLoss, classLoss, ap, ap50 }: DetectorEpoch, epochs: number): string =>
  `epoch ${epoch}/${epochs}: loss of boxes ${boxLoss.toFixed(3)}, of classes ${classLoss.toFixed(3)}; held back: AP ${shown(ap)}, at IoU 0.5 ${shown(ap50)}`;

function asText(perClass: Readonly<Record<string, number>>, seconds: number): string {
  const table = textTable(
    numbersBy('class', 'AP at IoU 0.5'),
    Object.entries(perClass).map(([label, ap]) => [harmless(label), shown(ap)]),
  );
  return `${table}\n\n${seconds} s`;
}
