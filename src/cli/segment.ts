/** `depthwise segment`: which classes the pixels of pictures belong to. */
import type { Command } from 'commander';
import { UsageError } from '../errors.js';
import type { Picture, Region, Rotation } from '../image/index.js';
import type { Network } from '../network/index.js';
import { cutOut, overlay, type Segmentation, type SegmentOptions, segment } from '../segmentation/index.js';
import { drawnParts, encodeLabelPng, encodePng, type PictureParts } from '../segmentation/label-png.js';
import { paletteFor } from '../segmentation/palette.js';
import { segmentClasses } from '../segmentation/segmentation.js';
import { readLabels } from '../tasks/files.js';
import { annotatedNames, claimAnnotated, writeAnnotated } from './annotated.js';
import { harmless } from './display.js';
import { expectNoDetector, MODEL, readPictureModel } from './model.js';
import { didYouMean } from './nearest.js';
import { note, percent, plural } from './output.js';
import { addPictureOptions, answer, noteUnnamed, type PictureFlags, printAnswers } from './picture-command.js';
import { expectAllRead, type Outcome, PICTURES, withoutFolders } from './pictures.js';
import { numbersBy, textTable } from './table.js';
import { fromOption, given, regionOption, shareBelowOne, turnOption, words } from './values.js';

interface Flags extends PictureFlags {
  readonly labels?: string;
  readonly region?: Region;
  readonly turn: Rotation;
  readonly out?: string;
  readonly overwrite?: true;
  readonly overlay?: true;
  readonly cutOut?: true;
  readonly only?: readonly string[];
  readonly from?: SegmentOptions['from'];
  readonly confidence?: true;
  readonly smooth?: number;
}

export function configure(command: Command): void {
  command
    .argument('<picture...>', PICTURES)
    .description('Say how much of each picture belongs to each class.')
    .requiredOption('--model <file>', MODEL)
    .option('--labels <file>', "a label a line, or JSON; the model's own unless given")
    .addOption(fromOption())
    .option(
      '--confidence',
      'how likely the labels are too, the mean of each class; with --out as NAME.confidence.png, where 255 is sure',
    )
    .option(
      '--smooth <share>',
      'the pictures are the frames of a video, and so much of the scores comes from those before: from 0 up to 1',
      shareBelowOne,
    )
    .addOption(regionOption())
    .addOption(turnOption())
    .option(
      '--out <folder>',
      "write the labels of each picture into this folder, as NAME.labels.png: a pixel's byte is its label, and the palette has the data set's colours",
    )
    .option('--overwrite', 'with --out: replace files of these names that this command did not write')
    .option('--overlay', 'with --out: the colours drawn over the picture too, as NAME.overlay.png')
    .option('--cut-out', 'with --out: what is no background too, the rest transparent, as NAME.cut-out.png')
    .option('--only <labels>', 'of --cut-out: these alone; labels or numbers of classes, separated by commas', words);
  addPictureOptions(command)
    .option(
      '--json',
      '[{"picture", "width", "height", "classes": [{"classIndex", "pixels", "share", "label"}]}], of each class also the "confidence" if that is wanted; a picture that cannot be read has "error" in place of "classes"',
    )
    .addHelpText(
      'after',
      `
Examples:
  depthwise segment cat.jpg --model deeplabv3_mnv2_pascal_quant.tflite
  depthwise segment photos --model deeplabv3_mnv2_pascal_quant.tflite --out maps --overlay --json
  depthwise segment cat.jpg --model deeplabv3_mnv2_pascal_quant.tflite --out maps --cut-out --only cat`,
    )
    .action(async (paths: string[], flags: Flags) => {
      const pictures = await withoutFolders(paths);
      const network = await readPictureModel(flags.model, flags);
      expectNoDetector(network, 'segments pictures');
      const labels = flags.labels === undefined ? undefined : await readLabels(flags.labels);
      const outcomes = await segmentations(network, pictures, flags, labels);
      printAnswers(outcomes, flags, ({ width, height, classes }) => ({ width, height, classes }), asText);
      noteUnnamed(network, labels, flags);
      const written = outcomes.filter((one) => 'result' in one).length;
      if (flags.out !== undefined) note(`wrote the labels of ${plural(written, 'picture')} into ${flags.out}`);
      expectAllRead(outcomes);
    });
}

async function segmentations(
  network: Network,
  pictures: readonly string[],
  flags: Flags,
  labels: readonly string[] | undefined,
): Promise<Outcome<Segmentation>[]> {
  const named = labels ?? network.conventions.labels;
  const write =
    flags.out === undefined ? undefined : await writerOf(flags.out, pictures, flags, named, segmentClasses(network));
  const options = {
    rotation: Number(flags.turn) as Rotation,
    ...given(flags, ['region', 'from', 'confidence', 'smooth']),
    ...(labels && { labels }),
  };
  let previous: SegmentOptions['previous'];
  return answer('segment', network, pictures, flags, (run) => async (picture, path) => {
    const segmentation = await segment(network, picture, { ...options, run, ...(previous && { previous }) });
    if (flags.smooth !== undefined) previous = segmentation;
    await write?.(path, picture, segmentation);
    return segmentation;
  });
}

type Write = (path: string, picture: Picture, segmentation: Segmentation) => Promise<void>;

/** What `--out` and its companions write of a picture. */
async function writerOf(
  folder: string,
  pictures: readonly string[],
  flags: Flags,
  labels: readonly string[] | undefined,
  count: number | undefined,
): Promise<Write> {
  const colours = paletteFor(labels);
  const classes = flags.only?.flatMap((wanted) => classesOf(wanted, labels, count));
  const kinds: [end: string, make: (picture: Picture, map: Segmentation) => AsyncIterable<Uint8Array>][] = [
    ['.labels.png', (_, map) => encodeLabelPng(map, colours)],
  ];
  const drawn = (channels: 3 | 4, draw: typeof overlay) => (picture: Picture, map: Segmentation) =>
    encodePng(drawnParts(picture, map, channels, draw));
  if (flags.overlay) kinds.push(['.overlay.png', drawn(3, (picture, map) => overlay(picture, map, { colours }))]);
  if (flags.cutOut) kinds.push(['.cut-out.png', drawn(4, (picture, map) => cutOut(picture, map, classes))]);
  if (flags.confidence) kinds.push(['.confidence.png', (_, map) => encodePng(confidencePicture(map))]);
  const files = kinds.map(([end, make]) => [annotatedNames(pictures, folder, end), make] as const);
  const paths = files.flatMap(([names]) => [...names.values()]);
  await claimAnnotated(folder, paths, pictures, flags.overwrite);
  return async (path, picture, segmentation) => {
    for (const [names, make] of files) await writeAnnotated(names.get(path)!, make(picture, segmentation));
  };
}

/** Grey: 255 where a label is sure. */
function confidencePicture({ width, height, confidence = new Float32Array(0) }: Segmentation): PictureParts {
  return { width, height, channels: 1, parts: [Uint8Array.from(confidence, (share) => Math.round(255 * share))] };
}

function classesOf(wanted: string, labels: readonly string[] | undefined, count = 255): number[] {
  if (/^\d+$/.test(wanted)) {
    if (Number(wanted) < count) return [Number(wanted)];
    throw new UsageError(`--only: there is no class ${wanted}; classes are numbered from 0 to ${count - 1}`);
  }
  const found = (labels ?? []).flatMap((label, index) => (label === wanted ? [index] : []));
  if (found.length > 0) return found;
  throw new UsageError(
    labels === undefined
      ? `--only: there is no label '${wanted}', since nothing names the classes; give --labels, or numbers of classes`
      : `--only: there is no label '${wanted}'${didYouMean(wanted, labels)}`,
  );
}

function asText({ classes, confidence }: Segmentation): string {
  const columns = ['of the picture', ...(confidence ? ['confidence'] : [])];
  return textTable(
    numbersBy('class', ...columns),
    classes.map((one) => [
      harmless(one.label),
      ...[one.share, one.confidence].slice(0, columns.length).map((part = 0) => percent(part)),
    ]),
  );
}
