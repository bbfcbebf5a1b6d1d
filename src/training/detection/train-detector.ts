/**
 * Trains a detector's new heads on boxed pictures. What stays of the base is computed once for a few views of each picture (whole, mirrored, parts of it),
 * and every epoch learns from one of them, drawn at random; so an epoch takes seconds. After each, the held-back pictures are asked.
 */
import { type Detection, detections } from '../../detection/detections.js';
import { compile } from '../../engine/index.js';
import { UsageError } from '../../errors.js';
import { type BoxedDetection, type BoxedTruth, evaluateCoco, evaluateVoc } from '../../evaluation/index.js';
import type { Picture, Region } from '../../image/picture.js';
import type { Seen } from '../../image/way-back.js';
import { prepare } from '../../image/with-kernels.js';
import { join } from '../../network/graph.js';
import { inferShapes, type Network, type Preprocessing } from '../../network/index.js';
import { seedOf, uniformRandom } from '../../random.js';
import { preprocessingFor } from '../../tasks/execute.js';
import { type Tensor, tensor } from '../../tensor.js';
import type { WebAbortSignal } from '../../web-types.js';
import { epochOrder } from '../data/batches.js';
import { createOptimizer, optimizerDefaults } from '../loop/optimizers.js';
import { learningRateAt } from '../loop/schedules.js';
import { packParameters, parameterLayout, withParameters } from '../step/parameters.js';
import { otherTasks } from '../transfer/other-tasks.js';
import { compileHeads, type OutputLoss } from './heads-program.js';
import type { Target } from './matching.js';
import { answeringTail, type NewDetector, newDetector } from './new-detector.js';
import { type SsdSpec, ssdLoss, type Wanted, wantedOf } from './ssd-loss.js';

/** A picture and the objects in it, in its pixels. */
export interface BoxedExample {
  /** The picture is decoded when it is its turn, and let go. */
  readonly picture: () => Promise<Picture>;
  readonly objects: readonly BoxedObject[];
}

export interface BoxedObject {
  readonly label: string;
  readonly box: { readonly x: number; readonly y: number; readonly width: number; readonly height: number };
  /** Not learnt from, and neither right nor wrong in the evaluation. */
  readonly difficult?: boolean;
}

export interface DetectorTrainingOptions {
  /** Times that all pictures are seen. Default 40. */
  readonly epochs?: number;
  /** Pictures a step. Default 8. */
  readonly batch?: number;
  /** Of Adam, at the first step; it falls along half a cosine. Default 0.003. */
  readonly learningRate?: number;
  /** Of each picture: itself, its mirror image, then parts of at least a half of each side. Default 4. */
  readonly views?: number;
  readonly seed?: number;
  /** Ends the training after the epoch in work, whose detector is the answer. Before the first has ended, the promise is rejected with its reason. */
  readonly signal?: WebAbortSignal;
  readonly onProgress?: (part: number, doing: string) => void;
  readonly onEpoch?: (metrics: DetectorEpoch) => void;
}

export interface DetectorEpoch {
  /** From 1. */
  readonly epoch: number;
  /** Means over the matched anchors of the epoch. */
  readonly boxLoss: number;
  readonly classLoss: number;
  /** Of the held-back pictures: COCO's AP, and VOC's average precision at IoU 0.5 (every point). NaN where nothing is held back. */
  readonly ap: number;
  readonly ap50: number;
}

export interface TrainedDetector {
  /** From a picture to boxes; `detect` takes it. */
  readonly network: Network;
  readonly history: readonly DetectorEpoch[];
  /** AP at IoU 0.5 of each class, after the last epoch. */
  readonly byLabel: ReadonlyMap<string, number>;
}

/**
 * Learns to find objects with these labels. The base is a detector, whose maps and box heads are taken over, or a classifier's backbone. Throws a UsageError
 * where there is nothing to learn from.
 */
export async function trainDetector(
  base: Network,
  train: readonly BoxedExample[],
  heldBack: readonly BoxedExample[],
  labels: readonly string[],
  options: DetectorTrainingOptions = {},
): Promise<TrainedDetector> {
  const { epochs = 40, learningRate = 3e-3, views = 4, seed = 1, signal, onProgress = () => {}, onEpoch } = options;
  if (train.length === 0) throw new UsageError('training: found no pictures with boxes to learn from');
  const detector = newDetector(base, labels, seed);
  const spec: SsdSpec = { anchors: detector.anchors, scales: detector.scales, slots: labels.length + 1 };
  const all = train.length + heldBack.length;
  const onPicture = (done: number) => {
    signal?.throwIfAborted();
    onProgress((0.5 * done) / all, `maps of ${all} pictures`);
  };
  const front = await compile(detector.front);
  const mapsOf = async (x: Tensor) => copies(front.run(x), detector.front.outputs);
  const samples = await samplesOf(detector, train, { views, seed, labels, spec, mapsOf, onPicture });
  const tests = await testsOf(detector, heldBack, mapsOf, (done) => onPicture(train.length + done));
  front.dispose();

  const batch = Math.min(options.batch ?? 8, samples.length);
  const program = await compileHeads(detector.tail, batch);
  const layout = parameterLayout(detector.tail);
  const { values, statistics } = packParameters(detector.tail);
  const optimizer = createOptimizer(optimizerDefaults.adam, layout, 0);
  const gradients = new Float32Array(layout.trainableSize);
  const inputs = program.inputSizes.map((size) => new Float32Array(size * batch));
  const steps = Math.floor(samples.length / batch);
  const schedule = { schedule: 'cosine', learningRate, epochs, warmupEpochs: 0 } as const;
  const history: DetectorEpoch[] = [];
  let byLabel: ReadonlyMap<string, number> = new Map();
  for (let epoch = 0; epoch < epochs; epoch++) {
    const order = epochOrder(samples.length, seed, epoch);
    const random = uniformRandom(seedOf(seed, VIEWS, epoch));
    const sums = { box: 0, classes: 0, matched: 0 };
    for (let step = 0; step < steps; step++) {
      const chosen = Array.from({ length: batch }, (_, n) => {
        const seen = samples[order[step * batch + n]];
        return seen[Math.floor(random() * seen.length)];
      });
      chosen.forEach(({ maps }, n) => {
        maps.forEach((map, index) => {
          inputs[index].set(map, n * map.length);
        });
      });
      const at = epoch * steps + step;
      program.step(values, inputs, lossOf(spec, chosen, sums), gradients);
      optimizer.update(values, gradients, learningRateAt(schedule, at, steps), at);
    }
    const tail = answeringTail(detector, withParameters(detector.tail, values, statistics).weights);
    const { ap, ap50, labelled } = await evaluated(tail, detector.front, tests, heldBack, labels);
    const metrics = {
      epoch: epoch + 1,
      boxLoss: sums.box / sums.matched,
      classLoss: sums.classes / sums.matched,
      ap,
      ap50,
    };
    history.push(metrics);
    byLabel = labelled;
    onEpoch?.(metrics);
    onProgress(0.5 + (0.5 * (epoch + 1)) / epochs, `epoch ${epoch + 1} of ${epochs}`);
    await otherTasks();
    if (signal?.aborted) break;
  }
  const weights = withParameters(detector.tail, values, statistics).weights;
  const network = {
    ...join(detector.front, answeringTail(detector, weights)),
    name: `${base.name} for ${labels.length} classes of its own`,
  };
  return { network, history, byLabel };
}

/** A stream of random numbers for the views of each epoch, and one for the parts that are cut out. */
const VIEWS = 1;
const PARTS = 2;

/** A view of a picture as the heads see it. */
interface Sample {
  readonly maps: readonly Float32Array[];
  readonly wanted: Wanted;
}

type MapsOf = (x: Tensor) => Promise<Float32Array[]>;

const copies = (outputs: ReadonlyMap<string, Tensor>, names: readonly string[]): Float32Array[] =>
  names.map((name) => Float32Array.from(outputs.get(name)!.data));

/** For each picture its views. */
async function samplesOf(
  { front }: NewDetector,
  examples: readonly BoxedExample[],
  {
    views,
    seed,
    labels,
    spec,
    mapsOf,
    onPicture,
  }: {
    readonly views: number;
    readonly seed: number;
    readonly labels: readonly string[];
    readonly spec: SsdSpec;
    readonly mapsOf: MapsOf;
    readonly onPicture: (done: number) => void;
  },
): Promise<Sample[][]> {
  const preprocessing = wholePicture(front);
  const samples: Sample[][] = [];
  for (const [index, { picture: open, objects }] of examples.entries()) {
    const picture = await open();
    const random = uniformRandom(seedOf(seed, PARTS, index));
    const seen: Sample[] = [];
    for (let view = 0; view < views; view++) {
      const { region, mirror } = viewOf(picture, view, random);
      const targets = targetsIn(region, mirror, objects, labels);
      const x = prepare(picture, preprocessing, { region, mirror });
      seen.push({ maps: await mapsOf(x), wanted: wantedOf(spec, targets) });
    }
    samples.push(seen);
    onPicture(index + 1);
    await otherTasks();
  }
  return samples;
}

/** The picture itself, its mirror image, then parts of it, mirrored or not. */
export function viewOf(
  picture: Picture,
  view: number,
  random: () => number,
): { readonly region: Region; readonly mirror: boolean } {
  if (view < 2) return { region: wholeOf(picture), mirror: view === 1 };
  return { region: partOf(picture, random), mirror: random() < 0.5 };
}

const wholeOf = ({ width, height }: Picture): Region => ({ left: 0, top: 0, width, height });

/** At least half of each side, anywhere. */
function partOf({ width, height }: Picture, random: () => number): Region {
  const side = (length: number) => Math.max(Math.round(length * (0.5 + 0.5 * random())), 1);
  const [w, h] = [side(width), side(height)];
  return {
    left: Math.floor(random() * (width - w + 1)),
    top: Math.floor(random() * (height - h + 1)),
    width: w,
    height: h,
  };
}

/** Objects whose middle lies in the region, clipped to it, as shares of its sides. */
export function targetsIn(
  region: Region,
  mirror: boolean,
  objects: readonly BoxedObject[],
  labels: readonly string[],
): Target[] {
  return objects.flatMap(({ label, box, difficult }) => {
    const classIndex = labels.indexOf(label);
    if (classIndex < 0 || difficult) return [];
    const x = (box.x + box.width / 2 - region.left) / region.width;
    const y = (box.y + box.height / 2 - region.top) / region.height;
    if (!(x >= 0 && x < 1 && y >= 0 && y < 1)) return [];
    const within = (share: number) => Math.min(Math.max(share, 0), 1);
    const left = within((box.x - region.left) / region.width);
    const right = within((box.x + box.width - region.left) / region.width);
    const top = within((box.y - region.top) / region.height);
    const bottom = within((box.y + box.height - region.top) / region.height);
    return [{ classIndex, box: mirror ? [top, 1 - right, bottom, 1 - left] : [top, left, bottom, right] }];
  });
}

/** The loss of a batch, divided by its matched anchors; what it comes to is added to `sums`. */
function lossOf(
  spec: SsdSpec,
  samples: readonly Sample[],
  sums: { box: number; classes: number; matched: number },
): OutputLoss {
  const matched = Math.max(
    samples.reduce((sum, { wanted }) => sum + wanted.matched, 0),
    1,
  );
  return (outputs, gradients) => {
    let loss = 0;
    samples.forEach(({ wanted }, n) => {
      const [codes, logits] = [joined(outputs, 0, n, samples.length), joined(outputs, 1, n, samples.length)];
      const { box, classes, dCodes, dLogits } = ssdLoss(codes, logits, spec, wanted);
      spread(dCodes, gradients, 0, n, samples.length, 1 / matched);
      spread(dLogits, gradients, 1, n, samples.length, 1 / matched);
      sums.box += box;
      sums.classes += classes;
      loss += (box + classes) / matched;
    });
    sums.matched += matched;
    return loss;
  };
}

/** Every second output from `first` on, of picture n: boxes and classes take turns. */
function joined(outputs: readonly Float32Array[], first: 0 | 1, n: number, batch: number): Float32Array {
  const parts = outputs.filter((_, at) => at % 2 === first).map((part) => part.subarray(...rangeOf(part, n, batch)));
  const whole = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function spread(
  whole: Float32Array,
  gradients: readonly Float32Array[],
  first: 0 | 1,
  n: number,
  batch: number,
  factor: number,
): void {
  let at = 0;
  for (const [index, gradient] of gradients.entries()) {
    if (index % 2 !== first) continue;
    const [begin, end] = rangeOf(gradient, n, batch);
    for (let i = begin; i < end; i++) gradient[i] = factor * whole[at++];
  }
}

const rangeOf = ({ length }: Float32Array, n: number, batch: number): [number, number] => [
  (n * length) / batch,
  ((n + 1) * length) / batch,
];

interface Test {
  readonly maps: readonly Float32Array[];
  readonly seen: Seen;
}

async function testsOf(
  { front }: NewDetector,
  examples: readonly BoxedExample[],
  mapsOf: MapsOf,
  onPicture: (done: number) => void,
): Promise<Test[]> {
  const preprocessing = wholePicture(front);
  const tests: Test[] = [];
  for (const [index, { picture: open }] of examples.entries()) {
    const picture = await open();
    const maps = await mapsOf(prepare(picture, preprocessing));
    tests.push({ maps, seen: { picture: { width: picture.width, height: picture.height }, preprocessing } });
    onPicture(index + 1);
  }
  return tests;
}

/** A classifier's own rule would cut objects off. */
const wholePicture = (front: Network): Preprocessing => ({ ...preprocessingFor(front, {}), crop: { kind: 'stretch' } });

/** What the heads find in the held-back pictures, by both data sets' rules. */
async function evaluated(
  tail: Network,
  front: Network,
  tests: readonly Test[],
  examples: readonly BoxedExample[],
  labels: readonly string[],
): Promise<{ ap: number; ap50: number; labelled: Map<string, number> }> {
  if (tests.length === 0) return { ap: Number.NaN, ap50: Number.NaN, labelled: new Map() };
  const shapes = inferShapes(front);
  const plan = await compile(tail);
  const found: BoxedDetection[] = [];
  tests.forEach(({ maps, seen }, image) => {
    const inputs = new Map(front.outputs.map((name, index) => [name, tensor(shapes.get(name)!, maps[index])]));
    for (const { classIndex, box, score } of detectionsOf(tail, plan.run(inputs), seen)) {
      found.push({ image, category: classIndex, box, score });
    }
  });
  plan.dispose();
  const truths = examples.flatMap(({ objects }, image) => truthsOf(objects, image, labels));
  const { everyPoint, byCategory } = evaluateVoc(truths, found);
  const { numbers } = evaluateCoco([...tests.keys()], truths, found);
  return {
    ap: numbers.AP,
    ap50: everyPoint,
    labelled: new Map([...byCategory].map(([category, ap]) => [labels[category], ap.everyPoint])),
  };
}

const detectionsOf = (tail: Network, outputs: ReadonlyMap<string, Tensor>, seen: Seen): Detection[] =>
  detections(tail, outputs, seen, { scoreThreshold: 0.01 });

function truthsOf(objects: readonly BoxedObject[], image: number, labels: readonly string[]): BoxedTruth[] {
  return objects.flatMap(({ label, box, difficult }) => {
    const category = labels.indexOf(label);
    if (category < 0) return [];
    return [{ image, category, box, area: box.width * box.height, ...(difficult && { difficult }) }];
  });
}
