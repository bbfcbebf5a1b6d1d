/** `depthwise evaluate` on pictures with masks: mean intersection over union, pixel accuracy, and both by class. */
import { FormatError } from '../errors.js';
import { ConfusionMatrix, IGNORED_LABEL } from '../evaluation/index.js';
import { readWhole } from '../files/read-whole.js';
import type { DecodeOptions as PictureLimits } from '../image/index.js';
import type { Network } from '../network/index.js';
import { segment } from '../segmentation/index.js';
import { decodeLabelPng } from '../segmentation/label-png.js';
import { systemReason } from '../system-error.js';
import type { BoxedFolder } from './boxed-sets.js';
import { harmless } from './display.js';
import type { DetectorFlags, DetectorReport } from './evaluate-detector.js';
import { executor } from './executor.js';
import { percent, plural } from './output.js';
import { eachPicture, expectAllRead, type Outcome } from './pictures.js';
import { withProgress } from './progress.js';
import { numbersBy, textTable } from './table.js';

/** Most bytes of a mask's file: 2²⁶. */
const LARGEST_MASK = 2 ** 26;

/** One confusion matrix over all pixels of all pictures that have a mask, but for those that the mask leaves out with 255. */
export async function evaluateSegmenter(
  network: Network,
  set: BoxedFolder,
  flags: DetectorFlags,
  labels: readonly string[] | undefined,
): Promise<DetectorReport> {
  const masked = set.pictures.flatMap(({ file }) => {
    const mask = set.mask(file);
    return mask === undefined ? [] : [{ picture: set.path(file), mask }];
  });
  if (masked.length === 0) {
    throw new FormatError(`--data ${set.kind}: no picture has a mask; wanted them as PNG in a folder ${MASK_FOLDERS}`);
  }
  const pictures = masked.slice(0, flags.limit);
  const confusion = new ConfusionMatrix(IGNORED_LABEL);
  const outcomes = await compareAll(network, pictures, flags, confusion, labels);
  const read = outcomes.filter((one) => 'result' in one).length;
  if (read === 0) expectAllRead(outcomes);
  return { ...reportOf(network, confusion, read, labels ?? network.conventions.labels), outcomes };
}

const MASK_FOLDERS = 'SegmentationClass or masks';

/** Adds each picture to the matrix. */
async function compareAll(
  network: Network,
  pictures: readonly { readonly picture: string; readonly mask: string }[],
  flags: DetectorFlags,
  confusion: ConfusionMatrix,
  labels: readonly string[] | undefined,
): Promise<Outcome<unknown>[]> {
  return withProgress('evaluate', async (progress) => {
    const run = executor(network, flags, progress, pictures.length);
    const options = { run, ...(flags.from && { from: flags.from }), ...(labels && { labels }) };
    const maskOf = new Map(pictures.map(({ picture, mask }) => [picture, mask]));
    return await eachPicture([...maskOf.keys()], flags, async (picture, path) => {
      const mask = maskOf.get(path)!;
      const truth = await readMask(mask, flags);
      const found = await segment(network, picture, options);
      if (truth.width !== found.width || truth.height !== found.height) {
        throw new FormatError(
          `${mask}: is of ${truth.width}×${truth.height} pixels, its picture of ${found.width}×${found.height}`,
        );
      }
      confusion.add(truth.labels, found.labels);
    });
  });
}

async function readMask(path: string, limits: PictureLimits) {
  const bytes = await readWhole(path, LARGEST_MASK).catch((cause) => {
    throw new FormatError(`${path}: ${systemReason(cause)}`, { cause });
  });
  return decodeLabelPng(bytes, path, limits);
}

function reportOf(
  network: Network,
  confusion: ConfusionMatrix,
  pictures: number,
  labels: readonly string[] | undefined,
): Omit<DetectorReport, 'outcomes'> {
  const ious = confusion.iouByClass();
  const classes = 1 + Math.max(...ious.map((iou, label) => (Number.isNaN(iou) ? -1 : label)));
  const name = (label: number) => labels?.[label] ?? `class ${label}`;
  const present = ious
    .slice(0, classes)
    .flatMap((iou, label) => (Number.isNaN(iou) ? [] : [[name(label), iou] as const]));
  const numbers = {
    meanIou: confusion.meanIou('present'),
    meanIouInTruth: confusion.meanIou('in-truth'),
    pixelAccuracy: confusion.pixelAccuracy(),
  };
  const rules = [
    ["mean IoU (TensorFlow's rule: of classes in truth or answer)", numbers.meanIou],
    ['mean IoU, of classes in the truth', numbers.meanIouInTruth],
    ['pixels with the right class', numbers.pixelAccuracy],
  ] as const;
  const rows = Array.from({ length: classes }, (_, row) =>
    Array.from(confusion.counts.subarray(row * IGNORED_LABEL, row * IGNORED_LABEL + classes)),
  );
  return {
    json: { pictures, ...numbers, perClass: Object.fromEntries(present), confusion: rows },
    text: `${harmless(network.name)}: ${plural(pictures, 'picture')}\n\n${table('', rules)}\n\n${table('class', present)}`,
  };
}

const table = (title: string, rows: readonly (readonly [string, number])[]): string =>
  textTable(
    numbersBy(title, title === '' ? '' : 'IoU'),
    rows.map(([name, share]) => [harmless(name), percent(share, 2)]),
  );
