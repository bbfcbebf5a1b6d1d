/** `depthwise detect`: what objects are in pictures, and where. */
import { type Command, Option } from 'commander';
import { drawInto } from '../detection/draw.js';
import { type Detection, type DetectOptions, detect, drawDetections } from '../detection/index.js';
import type { Region, Rotation } from '../image/index.js';
import { encodePng } from '../segmentation/label-png.js';
import { readLabels } from '../tasks/files.js';
import { annotatedNames, claimAnnotated, writeAnnotated } from './annotated.js';
import { type CocoResults, cocoResults } from './coco-results.js';
import { harmless } from './display.js';
import { MODEL, readPictureModel } from './model.js';
import { expectWritable, note, percent, plural, writeWhole } from './output.js';
import { addPictureOptions, answer, noteUnnamed, type PictureFlags, printAnswers } from './picture-command.js';
import { expectAllRead, type Outcome, PICTURES, withoutFolders } from './pictures.js';
import { numbersBy, textTable } from './table.js';
import { given, regionOption, share, turnOption, wholeNumber, words } from './values.js';

interface Flags extends PictureFlags {
  readonly labels?: string;
  readonly score?: number;
  readonly iou?: number;
  readonly max?: number;
  readonly nms: NonNullable<DetectOptions['nms']>;
  readonly only?: readonly string[];
  readonly except?: readonly string[];
  readonly region?: Region;
  readonly turn: Rotation;
  readonly out?: string;
  readonly overwrite?: true;
  readonly coco?: string;
  readonly annotations?: string;
}

export function configure(command: Command): void {
  command
    .argument('<picture...>', PICTURES)
    .description('Say what objects are in each picture, and where: label, score and box in pixels.')
    .requiredOption('--model <file>', MODEL)
    .option('--labels <file>', "a label a line, or JSON; the model's own unless given")
    .option('--score <least>', "less sure objects are left out; 0.3 unless given, as-file: the model's own", share)
    .option('--iou <most>', "boxes that overlap a surer one by more are left out; the model's own unless given", share)
    .option('--max <count>', "objects a picture; 100 unless given, as-file: the model's own", wholeNumber(1))
    .addOption(
      new Option(
        '--nms <kind>',
        "what hides a box: per-class, surer ones of its class; class-agnostic, of any; none; as-file, as the model's file says",
      )
        .choices(['per-class', 'class-agnostic', 'none', 'as-file'])
        .default('per-class'),
    )
    .option('--only <labels>', 'these alone count; labels or numbers of classes, separated by commas', words)
    .option('--except <labels>', 'these do not count', words)
    .addOption(regionOption())
    .addOption(turnOption())
    .option('--out <folder>', 'write each picture with its boxes into this folder, as NAME.png')
    .option('--overwrite', 'with --out: replace files of these names that this command did not write')
    .option('--coco <file>', "write all boxes as COCO's results: [{image_id, category_id, bbox, score}]")
    .option(
      '--annotations <file>',
      "of --coco: instances.json, by which pictures and classes get their ids; unless given, the digits of a picture's name and the ids of COCO's classes",
    );
  addPictureOptions(command)
    .option(
      '--json',
      '[{"picture", "width", "height", "detections": [{"label", "classIndex", "id", "score", "box": {"x", "y", "width", "height"}}]}]; a picture that cannot be read has "error" in place of "detections"',
    )
    .addHelpText(
      'after',
      `
Examples:
  depthwise detect street.jpg --model ssd_mobilenet_v1.tflite --labels coco_labelmap.txt
  depthwise detect photos --model ssd_mobilenet_v1.tflite --labels coco_labelmap.txt --only person,dog --out found
  depthwise detect street.jpg --model ssd_mobilenet_v1.tflite --nms as-file --json
  depthwise detect val2017 --model ssd_mobilenet_v1.tflite --score 0 --coco results.json --annotations instances_val2017.json`,
    )
    .action(async (paths: string[], flags: Flags) => {
      const pictures = await withoutFolders(paths);
      const ids = flags.coco === undefined ? undefined : await cocoResults(pictures, flags.annotations);
      const files = flags.out === undefined ? undefined : annotatedNames(pictures, flags.out);
      // First the folder, in which the file may lie.
      if (flags.out !== undefined && files !== undefined)
        await claimAnnotated(flags.out, [...files.values()], pictures, flags.overwrite);
      const others = [flags.model, flags.labels, flags.annotations, ...pictures, ...(files?.values() ?? [])];
      const coco = flags.coco === undefined ? undefined : await expectWritable('--coco', flags.coco, others);
      const network = await readPictureModel(flags.model, flags);
      const labels = flags.labels === undefined ? undefined : await readLabels(flags.labels);
      const options = optionsOf(flags, labels);
      const outcomes = await answer('detect', network, pictures, flags, (run) => async (picture, path) => {
        const detections = await detect(network, picture, { ...options, run });
        const file = files?.get(path);
        const { width, height } = picture;
        if (file !== undefined) {
          const drawn = picture.channels === 3 ? drawInto(picture, detections) : drawDetections(picture, detections);
          await writeAnnotated(file, encodePng({ ...drawn, parts: [drawn.data] }));
        }
        return { width, height, detections };
      });
      if (coco !== undefined && ids !== undefined) await writeWhole(coco, asResults(outcomes, ids));
      printAnswers(outcomes, flags, (answer) => answer, asText);
      noteUnnamed(network, labels, flags);
      if (files !== undefined)
        note(`wrote ${plural(outcomes.filter((one) => 'result' in one).length, 'picture')} into ${flags.out}`);
      expectAllRead(outcomes);
    });
}

interface Answer {
  readonly width: number;
  readonly height: number;
  readonly detections: readonly Detection[];
}

function optionsOf(flags: Flags, labels: readonly string[] | undefined): DetectOptions {
  const { score, iou, max, nms, only, except, turn } = flags;
  const named = (list: readonly string[]) => list.map((word) => (/^\d+$/.test(word) ? Number(word) : word));
  return {
    nms,
    rotation: Number(turn) as Rotation,
    ...(score !== undefined && { scoreThreshold: score }),
    ...(iou !== undefined && { iouThreshold: iou }),
    ...(max !== undefined && { maxResults: max }),
    ...(only && { only: named(only) }),
    ...(except && { except: named(except) }),
    ...given(flags, ['region']),
    ...(labels && { labels }),
  };
}

const asResults = (outcomes: readonly Outcome<Answer>[], results: CocoResults): string =>
  JSON.stringify(outcomes.flatMap((one) => ('error' in one ? [] : results(one.picture, one.result.detections))));

function asText({ detections }: Answer): string {
  if (detections.length === 0) return 'no objects';
  return textTable(
    numbersBy('label', 'score', 'x', 'y', 'width', 'height'),
    detections.map(({ label, score, box: { x, y, width, height } }) => [
      harmless(label),
      percent(score),
      ...[x, y, width, height].map((side) => side.toFixed(0)),
    ]),
  );
}
