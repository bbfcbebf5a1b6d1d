/**
 * Transfer learning: a network that was trained on many pictures learns new classes from a few. Its features are computed once, and a softmax classifier is trained on them (`trainHead.ts`). Where it is asked for, the last blocks are trained along with it
 * afterwards ("fine-tuned"), on the feature maps that they read, which are computed once too.
 *
 * Batch norm keeps the statistics of the base in all that is fine-tuned, since a few pictures have none worth having: it is folded into the
 * convolutions first (`foldBatchNormFloat32`), whose kernels and biases then learn.
 */
import { compile } from '../../engine/index.js';
import { expectNetwork } from '../../found.js';
import { mirror, type Picture } from '../../image/picture.js';
import { join } from '../../network/graph.js';
import type { Network } from '../../network/index.js';
import { foldBatchNormFloat32 } from '../../network/rewriting/fold-batch-norm.js';
import { blockStart, bodyOf, withClassifier } from '../../network/rewriting/new-classifier.js';
import { behind, upTo } from '../../network/rewriting/subnetwork.js';
import { inputTensor } from '../../tasks/execute.js';
import { tensor } from '../../tensor.js';
import { type DataSplits, type Dataset, expectSplits } from '../data/dataset.js';
import { expectFit } from '../loop/evaluate.js';
import { type FitOptions, fitWeights, type LabelledInput } from '../loop/fit.js';
import { optimizerDefaults } from '../loop/optimizers.js';
import { DEFAULT_TARGET, executionOptions, expectTarget, type TrainingTarget } from '../programs.js';
import { otherTasks } from './other-tasks.js';
import { fitHead, HEAD_DEFAULTS } from './train-head.js';

export interface TransferOptions {
  /** The layer whose output, averaged over its map, are the features; what the network's own classifier reads unless stated. */
  readonly layer?: string;
  /** How many of the last blocks learn too; 0 unless stated. */
  readonly fineTune?: number;
  /** Whether pictures are learnt from as in a mirror too; true unless stated. */
  readonly mirror?: boolean;
  /** Of the order; 1 unless stated. */
  readonly seed?: number;
  /** What computes the features and trains. Default 'simd'. */
  readonly target?: TrainingTarget;
  /** How the classifier learns, where it is to differ from `HEAD_DEFAULTS`. */
  readonly head?: Partial<FitOptions>;
  /** How blocks and classifier learn together, where it is to differ from `TUNING_DEFAULTS`. */
  readonly tuning?: Partial<FitOptions>;
  /** From 0 to 1, and what is being done; what it throws ends the training. */
  readonly onProgress?: (part: number, doing: string) => void;
}

const TUNING_DEFAULTS: Omit<FitOptions, 'seed'> = {
  epochs: 20,
  batch: 16,
  optimizer: optimizerDefaults.adam,
  learningRate: 3e-4,
  weightDecay: 0.01,
  labelSmoothing: 0,
  target: DEFAULT_TARGET,
};

/** How the pictures of a class fared. */
export interface ClassResult {
  readonly label: string;
  /** Pictures learnt from, those in the mirror not counted. */
  readonly learnt: number;
  readonly heldBack: number;
  /** Held-back pictures that are recognised. */
  readonly right: number;
}

export interface Transferred {
  /** The base up to its features, and the new classifier: weights, labels and preprocessing. */
  readonly network: Network;
  /** Fraction of all held-back pictures that are recognised. */
  readonly accuracy: number;
  readonly classes: readonly ClassResult[];
}

/**
 * Trains a classifier of the data's classes on a network's features. The data's pictures must have the base's size, as `readPictureFolder`
 * makes them by the base's own preprocessing. Throws a UsageError for another size, and for more blocks than there are.
 */
export async function trainClassifier(
  base: Network,
  data: DataSplits,
  options: TransferOptions = {},
): Promise<Transferred> {
  expectNetwork('trainClassifier', base);
  expectSplits('trainClassifier', data);
  expectTarget(options);
  const { fineTune = 0, mirror: inMirror = true, seed = 1, target = DEFAULT_TARGET, onProgress = () => {} } = options;
  const { classes } = data.train;
  for (const part of [data.train, data.test]) expectFit(base, part);
  const body = bodyOf(base, options.layer);
  const start = fineTune === 0 ? body.outputs[0] : blockStart(body, fineTune);
  const front = upTo(body, start);
  const tail = behind(body, start);
  const share = fineTune === 0 ? 0.9 : 0.4;

  const count = data.train.labels.length + data.test.labels.length;
  let done = 0;
  const onPicture = () => onProgress((share * done++) / count, `features of ${count} pictures`);
  const learnt = await featuresOf(front, data.train, inMirror, target, onPicture);
  const heldBack = await featuresOf(front, data.test, false, target, onPicture);

  onProgress(share, 'the classifier');
  const classifier = withClassifier(behind(body, body.outputs[0]), classes);
  const features = fineTune === 0 ? learnt : await outputsOf(tail, learnt, target);
  let trained = join(tail, await fitHead(classifier, features, { ...HEAD_DEFAULTS, target, ...options.head, seed }));
  if (fineTune > 0) {
    const tuning = { ...TUNING_DEFAULTS, target, ...options.tuning, seed };
    trained = await fitWeights(foldBatchNormFloat32(trained), learnt, tuning, (epoch, loss) =>
      onProgress(share + ((1 - share) * epoch) / tuning.epochs, `tuning, loss ${loss.toFixed(3)}`),
    );
  }
  const network = { ...join(front, trained), name: `${base.name} with ${classes.length} classes of its own` };
  return { network, ...tally(data, await outputsOf(trained, heldBack, target)) };
}

/** What the front makes of each picture and, with `inMirror`, of what is seen of it in a mirror. */
async function featuresOf(
  front: Network,
  data: Dataset,
  inMirror: boolean,
  target: TrainingTarget,
  onPicture: () => void,
): Promise<LabelledInput[]> {
  const plan = await compile(front, executionOptions(target));
  const asItIs = { preprocessing: { ...front.conventions.preprocessing!, crop: { kind: 'stretch' } } } as const;
  const features: LabelledInput[] = [];
  for (const [index, label] of data.labels.entries()) {
    onPicture();
    const picture = pictureAt(data, index);
    for (const view of inMirror ? [picture, mirror(picture)] : [picture]) {
      const output = plan.run(inputTensor(front, view, asItIs)).get(front.outputs[0])!;
      features.push({ input: output.data as Float32Array, label });
    }
    await otherTasks();
  }
  plan.dispose();
  return features;
}

function pictureAt({ height, width, channels, pictures }: Dataset, index: number): Picture {
  const size = height * width * channels;
  return { width, height, channels, data: pictures.slice(index * size, (index + 1) * size) };
}

/** What a network makes of each input. */
async function outputsOf(
  network: Network,
  samples: readonly LabelledInput[],
  target: TrainingTarget,
): Promise<LabelledInput[]> {
  const [{ shape }] = network.inputs;
  const plan = await compile(network, executionOptions(target));
  const outputs = samples.map(({ input, label }) => {
    const output = plan.run(tensor(shape, input)).get(network.outputs[0])!;
    return { input: output.data as Float32Array, label };
  });
  plan.dispose();
  return outputs;
}

/** From the probabilities of the held-back pictures. */
function tally({ train, test }: DataSplits, answers: readonly LabelledInput[]): Omit<Transferred, 'network'> {
  const isRight = answers.map(({ input, label }) => input.indexOf(Math.max(...input)) === label);
  const classes = train.classes.map((label, index) => ({
    label,
    learnt: train.labels.filter((found) => found === index).length,
    heldBack: test.labels.filter((found) => found === index).length,
    right: answers.filter((answer, n) => answer.label === index && isRight[n]).length,
  }));
  return { accuracy: isRight.filter(Boolean).length / isRight.length, classes };
}
