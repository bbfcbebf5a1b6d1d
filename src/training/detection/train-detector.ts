/**
 * Trains a detector's new heads on boxed pictures. What stays of the base is computed once for a few views of each picture (whole, mirrored, parts of it),
 * and every epoch learns from one of them, drawn at random; so an epoch takes seconds. After each, the held-back pictures are asked.
 */
import { compile } from '../../engine/index.js';
import { UsageError } from '../../errors.js';
import { prepare } from '../../image/with-kernels.js';
import { join } from '../../network/graph.js';
import type { Network } from '../../network/index.js';
import { seedOf, uniformRandom } from '../../random.js';
import type { Tensor } from '../../tensor.js';
import type { WebAbortSignal } from '../../web-types.js';
import { epochOrder } from '../data/batches.js';
import type { RunState } from '../loop/checkpoint.js';
import { expectFiniteLoss, expectFiniteWeights } from '../loop/divergence.js';
import { createOptimizer, optimizerDefaults } from '../loop/optimizers.js';
import { learningRateAt } from '../loop/schedules.js';
import { packParameters, parameterLayout, withParameters } from '../step/parameters.js';
import { otherTasks } from '../transfer/other-tasks.js';
import { type BaseMaps, wholePicture } from './base-maps.js';
import { type BoxedExample, targetsIn, viewOf } from './boxed-examples.js';
import { compileHeads, type OutputLoss } from './heads-program.js';
import { evaluated, heldBackOf } from './held-back.js';
import { answeringTail, type NewDetector } from './new-detector.js';
import { type SsdSpec, ssdLoss, type Wanted, wantedOf } from './ssd-loss.js';

/** All that decides, beside the base and the pictures, which detector training ends with. */
export interface DetectorRecipe {
  /** Times that all pictures are seen. */
  readonly epochs: number;
  /** Pictures a step, at most. */
  readonly batch: number;
  /** Of Adam, at the first step; it falls along half a cosine. */
  readonly learningRate: number;
  /** Of each picture: itself, its mirror image, then parts of at least a half of each side. */
  readonly views: number;
  readonly seed: number;
}

export const DETECTOR_RECIPE: DetectorRecipe = { epochs: 40, batch: 8, learningRate: 3e-3, views: 4, seed: 1 };

export interface DetectorHooks {
  /** A saved state to go on from; a fresh one unless given. It is changed. */
  readonly state?: DetectorState;
  /** Stops after the step at hand. */
  readonly signal?: WebAbortSignal;
  /** After each epoch, and once more when the signal stops the run within one. */
  readonly save?: (state: DetectorState) => Promise<void>;
  readonly onProgress?: (part: number, doing: string) => void;
  readonly onEpoch?: (metrics: DetectorEpoch) => void;
}

export interface DetectorEpoch {
  /** From 1. */
  readonly epoch: number;
  /** Means over the matched anchors of the epoch. */
  readonly boxLoss: number;
  readonly classLoss: number;
  /** Of the held-back pictures: COCO's AP, and VOC's average precision at IoU 0.5 (every point). Null where nothing is held back. */
  readonly ap: number | null;
  readonly ap50: number | null;
  /** Of the last step. */
  readonly learningRate: number;
  /** Training and test. */
  readonly seconds: number;
}

/** Where a run stands. What is drawn follows from the seed, the epoch and the step. */
export interface DetectorState extends RunState {
  /** Trainable numbers of the heads, laid out by `parameterLayout`. */
  readonly values: Float32Array;
  /** What Adam remembers, by name. */
  readonly optimizer: Readonly<Record<string, Float32Array>>;
  running: { box: number; classes: number; matched: number; seconds: number };
  readonly history: DetectorEpoch[];
}

export interface TrainedDetector {
  /** From a picture to boxes; `detect` takes it. */
  readonly network: Network;
  readonly state: DetectorState;
  /** AP at IoU 0.5 of each class, of the held-back pictures. */
  readonly byLabel: ReadonlyMap<string, number>;
  /** False when the signal came first. */
  readonly finished: boolean;
}

/** The state before the first step. */
export function initialDetectorState({ tail }: NewDetector): DetectorState {
  return {
    epoch: 0,
    step: 0,
    values: packParameters(tail).values,
    optimizer: createOptimizer(optimizerDefaults.adam, parameterLayout(tail), 0).state,
    running: { box: 0, classes: 0, matched: 0, seconds: 0 },
    history: [],
  };
}

/** The whole detector with the heads of a state. */
export function detectorOf(detector: NewDetector, { values }: DetectorState): Network {
  return {
    ...join(detector.front, tailOf(detector, values)),
    name: `${detector.base} for ${detector.labels.length} classes of its own`,
  };
}

const tailOf = (detector: NewDetector, values: Float32Array): Network =>
  answeringTail(detector, withParameters(detector.tail, values, packParameters(detector.tail).statistics).weights);

/** Trains the new heads of a detector. Throws a UsageError where there is nothing to learn from, a TrainingError when the loss is no longer a number. */
export async function trainDetector(
  detector: NewDetector,
  train: readonly BoxedExample[],
  heldBack: readonly BoxedExample[],
  recipe: DetectorRecipe,
  { signal, save, onProgress = () => {}, onEpoch, ...hooks }: DetectorHooks = {},
): Promise<TrainedDetector> {
  const { epochs, learningRate, seed } = recipe;
  if (train.length === 0) throw new UsageError('training: found no pictures with boxes to learn from');
  const { front, tail, labels } = detector;
  const state = hooks.state ?? initialDetectorState(detector);
  const spec: SsdSpec = { anchors: detector.anchors, scales: detector.scales, slots: labels.length + 1 };
  const all = train.length + heldBack.length;
  const onPicture = (done: number) => onProgress((0.5 * done) / all, `maps of ${all} pictures`);
  const plan = await compile(front, { reproducible: true });
  const maps: BaseMaps = { of: async (x) => copies(plan.run(x), front.outputs), onPicture, signal };
  const samples = await samplesOf(detector, train, spec, recipe, maps);
  const tests = await heldBackOf(detector, heldBack, { ...maps, onPicture: (done) => onPicture(train.length + done) });
  plan.dispose();

  const batch = Math.min(recipe.batch, train.length);
  const program = await compileHeads(tail, batch);
  const layout = parameterLayout(tail);
  const optimizer = createOptimizer(optimizerDefaults.adam, layout, 0, state.optimizer);
  const gradients = new Float32Array(layout.trainableSize);
  const inputs = program.inputSizes.map((size) => new Float32Array(size * batch));
  const steps = Math.floor(train.length / batch);
  const rateAt = (step: number) =>
    learningRateAt({ schedule: 'cosine', learningRate, epochs, warmupEpochs: 0 }, step, steps);

  /** The rest of the epoch that the state is in; false when the signal came first. */
  const learn = async (): Promise<boolean> => {
    const order = epochOrder(train.length, seed, state.epoch);
    const random = uniformRandom(seedOf(seed, VIEWS, state.epoch));
    for (let drawn = 0; drawn < state.step * batch; drawn++) random();
    while (state.step < steps) {
      if (signal?.aborted) return false;
      const began = performance.now();
      const chosen = Array.from({ length: batch }, (_, n) => {
        const seen = samples[order[state.step * batch + n]];
        return seen[Math.floor(random() * seen.length)];
      });
      chosen.forEach(({ maps }, n) => {
        maps.forEach((map, index) => {
          inputs[index].set(map, n * map.length);
        });
      });
      program.step(state.values, inputs, lossOf(spec, chosen, state.running), gradients);
      expectFiniteLoss(state.running.box + state.running.classes, state, HELP);
      const at = state.epoch * steps + state.step;
      optimizer.update(state.values, gradients, rateAt(at), at);
      state.step += 1;
      state.running.seconds += (performance.now() - began) / 1000;
      await otherTasks();
    }
    return true;
  };
  let byLabel: ReadonlyMap<string, number> | undefined;
  const test = () => evaluated(tailOf(detector, state.values), front, tests, heldBack, labels);
  /** The test, and the state before the next epoch. */
  const endEpoch = async (): Promise<void> => {
    const { box, classes, matched, seconds } = state.running;
    expectFiniteWeights(state.values, state.epoch, steps, HELP);
    const began = performance.now();
    const { ap, ap50, ...found } = await test();
    byLabel = found.byLabel;
    state.epoch += 1;
    const metrics = {
      epoch: state.epoch,
      boxLoss: box / matched,
      classLoss: classes / matched,
      ap,
      ap50,
      learningRate: rateAt(state.epoch * steps - 1),
      seconds: seconds + (performance.now() - began) / 1000,
    };
    state.history.push(metrics);
    state.step = 0;
    state.running = { box: 0, classes: 0, matched: 0, seconds: 0 };
    onEpoch?.(metrics);
    onProgress(0.5 + (0.5 * state.epoch) / epochs, `epoch ${state.epoch} of ${epochs}`);
  };
  while (state.epoch < epochs) {
    const ended = await learn();
    if (ended) await endEpoch();
    await save?.(state);
    if (!ended) break;
  }
  const finished = !signal?.aborted;
  return {
    network: detectorOf(detector, state),
    state,
    finished,
    // A run that had ended before it was resumed is tested here.
    byLabel: finished ? (byLabel ?? (await test()).byLabel) : new Map(),
  };
}

const HELP = 'a smaller learning rate may help';

/** A stream of random numbers for the views of each epoch, and one for the parts that are cut out. */
const VIEWS = 1;
const PARTS = 2;

/** A view of a picture as the heads see it. */
interface Sample {
  readonly maps: readonly Float32Array[];
  readonly wanted: Wanted;
}

const copies = (outputs: ReadonlyMap<string, Tensor>, names: readonly string[]): Float32Array[] =>
  names.map((name) => Float32Array.from(outputs.get(name)!.data));

/** For each picture its views. */
async function samplesOf(
  { front, labels }: NewDetector,
  examples: readonly BoxedExample[],
  spec: SsdSpec,
  { views, seed }: DetectorRecipe,
  maps: BaseMaps,
): Promise<Sample[][]> {
  const preprocessing = wholePicture(front);
  const samples: Sample[][] = [];
  for (const [index, { picture: open, objects }] of examples.entries()) {
    if (maps.signal?.aborted) break;
    const picture = await open();
    const random = uniformRandom(seedOf(seed, PARTS, index));
    const seen: Sample[] = [];
    for (let view = 0; view < views; view++) {
      const { region, mirror } = viewOf(picture, view, random);
      const targets = targetsIn(region, mirror, objects, labels);
      const x = prepare(picture, preprocessing, { region, mirror });
      seen.push({ maps: await maps.of(x), wanted: wantedOf(spec, targets) });
    }
    samples.push(seen);
    maps.onPicture(index + 1);
    await otherTasks();
  }
  return samples;
}

/** The loss of a batch is divided by its matched anchors; what it comes to before is added to `sums`. */
function lossOf(spec: SsdSpec, samples: readonly Sample[], sums: DetectorState['running']): OutputLoss {
  const matched = Math.max(
    samples.reduce((sum, { wanted }) => sum + wanted.matched, 0),
    1,
  );
  return (outputs, gradients) => {
    samples.forEach(({ wanted }, n) => {
      const [codes, logits] = [joined(outputs, 0, n, samples.length), joined(outputs, 1, n, samples.length)];
      const { box, classes, dCodes, dLogits } = ssdLoss(codes, logits, spec, wanted);
      spread(dCodes, gradients, 0, n, samples.length, 1 / matched);
      spread(dLogits, gradients, 1, n, samples.length, 1 / matched);
      sums.box += box;
      sums.classes += classes;
    });
    sums.matched += matched;
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
