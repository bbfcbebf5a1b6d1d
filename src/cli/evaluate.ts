/** `depthwise evaluate`: how often a model is right. */
import { type Command, Option } from 'commander';
import type { DetectOptions } from '../detection/index.js';
import { UsageError } from '../errors.js';
import type { DecodeOptions as PictureLimits } from '../image/index.js';
import { inferShapes, type Network } from '../network/index.js';
import type { SegmentOptions } from '../segmentation/index.js';
import { readLabels } from '../tasks/files.js';
import { limited } from '../training/data/limit.js';
import { type Dataset, type Evaluation, readData } from '../training/index.node.js';
import { evaluate, expectFit } from '../training/loop/evaluate.js';
import { type BoxedKind, boxedFolder, onlyListed } from './boxed-sets.js';
import { harmless } from './display.js';
import { evaluateDetector } from './evaluate-detector.js';
import { evaluateSegmenter } from './evaluate-segmenter.js';
import { addMirrorOption, addTargetOption, executor, type MirrorFlag, type TargetFlags } from './executor.js';
import { addIntegerOptions, type IntegerFlags } from './integers.js';
import { addModelOptions, MODEL, type ModelFlags, readPictureModel, theModel } from './model.js';
import { formatCount, percent, print, printJson } from './output.js';
import { addLimitOptions, errorsIn, expectAllRead, noteSkipped } from './pictures.js';
import { withProgress } from './progress.js';
import { SHIPPED_MODEL, WHICH } from './shipped.js';
import { numbersBy, textTable } from './table.js';
import { fromOption, seedNumber, wholeNumber } from './values.js';

interface Flags extends ModelFlags, TargetFlags, MirrorFlag, PictureLimits {
  readonly model?: string;
  readonly data: string;
  readonly seed: number;
  readonly limit?: number;
  readonly list?: string;
  readonly nms?: DetectOptions['nms'];
  readonly from?: SegmentOptions['from'];
  readonly json?: true;
}

export function configure(command: Command): void {
  command
    .argument('[model]', `${MODEL}; unless given ${WHICH}`)
    .description('Say how often a model is right about the test pictures of a data set.')
    .option('--model <file>', 'the same as the argument')
    .requiredOption('--data <source>', `${DATA}; for detectors and segmenters coco:FOLDER or voc:FOLDER`)
    .option(
      '--labels <file>',
      "of a detector's or segmenter's classes: a label a line, or JSON; the model's own unless given",
    )
    .addOption(
      new Option('--nms <kind>', 'of a detector: as in depthwise detect; per-class unless given').choices([
        'per-class',
        'class-agnostic',
        'none',
        'as-file',
      ]),
    )
    .addOption(fromOption())
    .option(
      '--list <file>',
      "of coco:FOLDER and voc:FOLDER: these pictures alone, a name a line, as VOC's ImageSets are",
    )
    .option('--seed <number>', "of the training: decides which of a folder's pictures were held back", seedNumber, 1)
    .option('--limit <pictures>', 'ask about so many pictures alone', wholeNumber(1));
  addLimitOptions(addMirrorOption(addTargetOption(addIntegerOptions(addModelOptions(command)))))
    .option(
      '--json',
      '{"top1", "top5", "perClass"}, fractions; of detectors and segmenters what is printed, of segmenters with the "confusion" of pixels',
    )
    .addHelpText(
      'after',
      `
Examples:
  depthwise evaluate --data cifar10:cifar-10-batches-bin
  depthwise evaluate --data cifar10:cifar-10-batches-bin --mirror
  depthwise evaluate run/model.safetensors --data cifar10:cifar-10-batches-bin
  depthwise evaluate run/model.safetensors --data ./photos --json
  depthwise evaluate ssd_mobilenet_v1.tflite --data coco:coco2017 --labels coco_labelmap.txt
  depthwise evaluate deeplabv3_mnv2_pascal_quant.tflite --data voc:VOC2012 --list VOC2012/ImageSets/Segmentation/val.txt`,
    )
    .action(async (model: string | undefined, flags: Flags) => {
      const none = model === undefined && flags.model === undefined;
      const network = await readPictureModel(none ? SHIPPED_MODEL : theModel(model, flags.model), flags);
      const whole = await boxedFolder(flags.data);
      const boxed = whole && flags.list !== undefined ? await onlyListed(whole, flags.list) : whole;
      if (boxed !== undefined) {
        if (flags.mirror) throw new UsageError('--mirror is for classifiers; others are asked once about each picture');
        const labels = flags.labels === undefined ? undefined : await readLabels(flags.labels);
        expectPixelsOrBoxes(network, boxed.kind);
        const segments = network.conventions.detection === undefined;
        if (segments && flags.nms) throw new UsageError(`--nms is for detectors; ${network.name} segments pictures`);
        if (!segments && flags.from) throw new UsageError(`--from is for segmenters; ${network.name} finds objects`);
        const evaluated = segments ? evaluateSegmenter : evaluateDetector;
        const { json, text, outcomes } = await evaluated(network, boxed, flags, labels);
        if (flags.json) printJson({ ...json, ...errorsIn(outcomes) });
        else print(text);
        return expectAllRead(outcomes);
      }
      expectClassifierFlags(flags);
      if (network.conventions.detection !== undefined) {
        throw new UsageError(
          `${network.name} finds objects: wanted --data coco:FOLDER or voc:FOLDER, found '${flags.data}'`,
        );
      }
      const { test } = await readData(flags.data, () => ({
        preprocessing: network.conventions.preprocessing!,
        seed: flags.seed,
        onSkipped: noteSkipped,
        limits: flags,
      }));
      const asked = limited(test, flags.limit ?? test.labels.length, flags.seed);
      const evaluation = await evaluateWith(flags, network, asked);
      const { confusion: _, ...fractions } = evaluation;
      if (flags.json) printJson(fractions);
      else print(asText(evaluation, asked));
    });
}

function expectClassifierFlags({ labels, nms, from, list }: Flags): void {
  for (const [flag, value] of Object.entries({ labels, nms, from, list })) {
    if (value !== undefined)
      throw new UsageError(`--${flag} is for detectors and segmenters, on data coco:FOLDER or voc:FOLDER`);
  }
}

/** Throws a UsageError for a classifier, which says nothing of places in the picture. */
function expectPixelsOrBoxes(network: Network, kind: BoxedKind): void {
  const [output] = [...inferShapes(network)].filter(([name]) => network.outputs.includes(name));
  if (network.conventions.detection !== undefined || output[1].length > 2) return;
  throw new UsageError(
    `${network.name}: --data ${kind}:FOLDER is for detectors and segmenters; it answers with [${output[1]}], as classifiers do`,
  );
}

/** The help of `--data`. */
export const DATA =
  'digits (drawn here, needs no files), cifar10:FOLDER, mnist:FOLDER, or a folder with a folder of pictures for each class';

const PICTURES_AT_ONCE = 100;

/** With a progress bar. */
export async function evaluateWith(
  flags: TargetFlags & MirrorFlag & IntegerFlags,
  network: Network,
  data: Dataset,
): Promise<Evaluation> {
  expectFit(network, data);
  expectSameClasses(network, data);
  return withProgress('evaluate', async (progress) => {
    const run = executor(network, flags, progress, Math.ceil(data.labels.length / PICTURES_AT_ONCE));
    return await evaluate(network, data, { run, batch: PICTURES_AT_ONCE });
  });
}

/** Throws a UsageError where the model's labels are not the data's classes in their order. */
export function expectSameClasses({ name, conventions }: Network, data: Dataset): void {
  const labels = conventions.labels?.slice(conventions.labelOffset ?? 0);
  const wrong = data.classes.findIndex((label, index) => labels !== undefined && labels[index] !== label);
  if (labels === undefined || (wrong === -1 && labels.length === data.classes.length)) return;
  throw new UsageError(
    `${name} has other classes than ${data.name}: ${labels.join(', ')}; wanted ${data.classes.join(', ')}`,
  );
}

function asText({ top1, top5, perClass }: Evaluation, { name, labels, classes }: Dataset): string {
  const rows = Object.entries(perClass).map(([label, fraction]) => [label, percent(fraction, 2)]);
  const table = textTable(numbersBy('class', 'right'), rows);
  const five = classes.length > 5 ? `, among the best five ${percent(top5, 2)}` : '';
  return `${harmless(name)}: right ${percent(top1, 2)}${five}, of ${formatCount(labels.length)} pictures\n\n${table}`;
}
