/** `depthwise evaluate` on boxed pictures: COCO's twelve numbers, or Pascal VOC's average precision by both of its rules. */
import { type Detection, type DetectOptions, detect } from '../detection/index.js';
import { FormatError, UsageError } from '../errors.js';
import { type BoxedDetection, type BoxedPicture, evaluateCoco, evaluateVoc, vocName } from '../evaluation/index.js';
import type { DecodeOptions as PictureLimits } from '../image/index.js';
import type { Network } from '../network/index.js';
import type { SegmentOptions } from '../segmentation/index.js';
import type { BoxedFolder } from './boxed-sets.js';
import { harmless } from './display.js';
import { executor, type TargetFlags } from './executor.js';
import { note, plural } from './output.js';
import { eachPicture, expectAllRead, type Outcome } from './pictures.js';
import { withProgress } from './progress.js';
import { numbersBy, textTable } from './table.js';

export interface DetectorFlags extends TargetFlags, PictureLimits {
  readonly nms?: DetectOptions['nms'];
  readonly from?: SegmentOptions['from'];
  readonly limit?: number;
}

/** What is printed: as JSON, fractions; as text, per cent. */
export interface DetectorReport {
  readonly json: object;
  readonly text: string;
  /** What has become of each picture. Those that cannot be read are left out of the numbers. */
  readonly outcomes: readonly Outcome<unknown>[];
}

/** Asks about every picture, with the network's own score threshold: a curve needs the doubtful boxes too. */
export async function evaluateDetector(
  network: Network,
  set: BoxedFolder,
  flags: DetectorFlags,
  labels: readonly string[] | undefined,
): Promise<DetectorReport> {
  const pictures = set.pictures.slice(0, flags.limit);
  const truthsOf = (asked: readonly BoxedPicture[]) => {
    const ids = new Set(asked.map(({ id }) => id));
    const truths = set.truths.filter(({ image }) => ids.has(image));
    if (truths.length > 0) return truths;
    throw new FormatError(`--data ${set.kind}: there is no object to find in ${plural(asked.length, 'picture')}`);
  };
  truthsOf(pictures);
  const outcomes = await detectAll(network, { ...set, pictures }, flags, labels);
  const found = outcomes.flatMap((one, at) =>
    'error' in one ? [] : one.result.map((box) => ({ image: pictures[at].id, ...box })),
  );
  const read = pictures.filter((_, at) => 'result' in outcomes[at]);
  if (read.length === 0) expectAllRead(outcomes);
  const truths = truthsOf(read);
  const name = (category: number) => set.categories.get(category) ?? `category ${category}`;
  const head = `${harmless(network.name)}: ${plural(read.length, 'picture')}, ${plural(truths.length, 'object')}`;
  if (set.kind === 'coco') {
    const { numbers, apByCategory } = evaluateCoco(
      read.map(({ id }) => id),
      truths,
      found,
    );
    const perClass = Object.fromEntries([...apByCategory].map(([category, ap]) => [name(category), ap]));
    const text = `${head}\n\n${columns(['', 'COCO'], numbers)}\n\n${columns(['class', 'AP'], perClass)}`;
    return { json: { pictures: read.length, ...numbers, perClass }, text, outcomes };
  }
  const { elevenPoint, everyPoint, byCategory } = evaluateVoc(truths, found);
  const perClass = Object.fromEntries([...byCategory].map(([category, ap]) => [name(category), ap.everyPoint]));
  const rules = { 'mAP, every point (from VOC 2010 on)': everyPoint, 'mAP, 11 points (until VOC 2009)': elevenPoint };
  const text = `${head}\n\n${columns(['', 'at IoU 0.5'], rules)}\n\n${columns(['class', 'AP, every point'], perClass)}`;
  return { json: { pictures: read.length, elevenPoint, everyPoint, perClass }, text, outcomes };
}

async function detectAll(
  network: Network,
  set: BoxedFolder,
  flags: DetectorFlags,
  labels: readonly string[] | undefined,
): Promise<Outcome<Omit<BoxedDetection, 'image'>[]>[]> {
  return withProgress('evaluate', async (progress) => {
    const scoreThreshold = network.conventions.detection?.suppression.scoreThreshold;
    const options: DetectOptions = {
      run: executor(network, flags, progress, set.pictures.length),
      ...(flags.nms && { nms: flags.nms }),
      ...(scoreThreshold !== undefined && { scoreThreshold }),
      ...(labels && { labels }),
    };
    const categoryOf = categories(network, set, labels);
    noteUnknown(network, set, labels ?? network.conventions.labels);
    const paths = set.pictures.map(({ file }) => set.path(file));
    return await eachPicture(paths, flags, async (picture) =>
      (await detect(network, picture, options)).flatMap((detection) => {
        const category = categoryOf(detection);
        return category === undefined ? [] : [{ category, box: detection.box, score: detection.score }];
      }),
    );
  });
}

/** The set's category of a detection, by its label or by COCO's id; undefined for classes that the set does not have. */
function categories(
  { name, conventions }: Network,
  set: BoxedFolder,
  labels: readonly string[] | undefined,
): (detection: Detection) => number | undefined {
  const byName = new Map([...set.categories].map(([category, label]) => [label, category]));
  const isNamed = (labels ?? conventions.labels) !== undefined;
  if (!isNamed && set.kind === 'voc') {
    throw new UsageError(`${name} does not name its classes, by which VOC's are known; give --labels FILE`);
  }
  return ({ label, id }) => {
    if (isNamed) return byName.get(label) ?? (set.kind === 'voc' ? byName.get(vocName(label)) : undefined);
    if (id === undefined) {
      throw new UsageError(`${name} neither names its classes nor has COCO's 80 or 90; give --labels FILE`);
    }
    return set.categories.has(id) ? id : undefined;
  };
}

/** Says which of the data's classes the network does not have. Throws a UsageError where that is all of them. */
function noteUnknown({ name }: Network, set: BoxedFolder, labels: readonly string[] | undefined): void {
  if (labels === undefined) return;
  const known = new Set(set.kind === 'voc' ? labels.flatMap((label) => [label, vocName(label)]) : labels);
  const wanted = [...new Set(set.truths.map(({ category }) => set.categories.get(category)!))];
  const unknown = wanted.filter((label) => !known.has(label));
  if (unknown.length === 0) return;
  const list = unknown.slice(0, 5).map(harmless).join(', ') + (unknown.length > 5 ? ', …' : '');
  if (unknown.length === wanted.length) {
    throw new UsageError(`${name} has none of the data's classes: ${list}; are these the right --labels?`);
  }
  note(`${harmless(name)} does not have these classes of the data: ${list}`);
}

function columns([first, second]: readonly [string, string], numbers: object): string {
  return textTable(
    numbersBy(first, second),
    Object.entries(numbers).map(([name, value]) => [harmless(name), value >= 0 ? (100 * value).toFixed(2) : 'none']),
  );
}
