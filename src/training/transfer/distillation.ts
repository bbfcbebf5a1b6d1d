/**
 * Distillation (Hinton, Vinyals and Dean, arXiv:1503.02531): a network learns from other networks' answers, which say more of a picture than its
 * label does (this cat is a little like a dog).
 *
 *   target = (1 − β) · smoothed label + β · p,   p: mean of the teachers' probabilities for the picture and for its mirror image
 *
 * The teachers answer once, before the training: one whole picture and its mirror image stand for all crops of it.
 */
import { compile } from '../../engine/index.js';
import { UsageError } from '../../errors.js';
import { softmax } from '../../layers/index.js';
import type { Network } from '../../network/index.js';
import { tensor } from '../../tensor.js';
import { centralView } from '../data/augment.js';
import { Renderer } from '../data/batches.js';
import type { Dataset } from '../data/dataset.js';
import { expectFit } from '../loop/evaluate.js';
import { fingerprint } from '../loop/fingerprint.js';
import { sharedMemory } from '../loop/memory.js';
import { DEFAULT_TARGET, executionOptions, type TrainingTarget } from '../programs.js';
import { withoutSoftmax } from '../step/losses.js';
import { otherTasks } from './other-tasks.js';

export interface TeachingOptions {
  /** β, from 0 to 1. Default 0.5. */
  readonly share?: number;
  /** ε of the labels' part; see `batches.ts`. */
  readonly labelSmoothing: number;
  /** What runs the teachers. Default 'simd'. */
  readonly target?: TrainingTarget;
  /** Pictures that all teachers together have answered for. */
  readonly onBatch?: (done: number, all: number) => void;
}

const PICTURES_AT_ONCE = 100;

/**
 * The data with the targets that follow from the teachers' answers, whose bits do not depend on the machine. Throws a UsageError where sizes or
 * numbers of classes differ.
 */
export async function withTeachers(
  data: Dataset,
  teachers: readonly Network[],
  { share = 0.5, labelSmoothing, target = DEFAULT_TARGET, onBatch }: TeachingOptions,
): Promise<Dataset> {
  if (!(share >= 0 && share <= 1))
    throw new UsageError(`training: a teacher's share must be from 0 to 1, found ${share}`);
  const pictures = data.labels.length;
  const K = data.classes.length;
  const targets = new Float32Array(sharedMemory(pictures * K * Float32Array.BYTES_PER_ELEMENT));
  for (const [n, label] of data.labels.entries()) {
    targets.fill(((1 - share) * labelSmoothing) / K, n * K, (n + 1) * K);
    targets[n * K + label] += (1 - share) * (1 - labelSmoothing);
  }
  for (const [index, teacher] of teachers.entries()) {
    await addAnswers(teacher, data, share / teachers.length, targets, target, (done) =>
      onBatch?.(index * pictures + done, teachers.length * pictures),
    );
  }
  return { ...data, name: `${data.name} (taught ${share} by ${fingerprint([targets])})`, targets };
}

/** Adds `share` times the mean of the answers to both views of each picture. */
async function addAnswers(
  teacher: Network,
  data: Dataset,
  share: number,
  targets: Float32Array,
  target: TrainingTarget,
  onBatch: (done: number) => void,
): Promise<void> {
  const size = expectFit(teacher, data);
  const logits = withoutSoftmax(teacher);
  const plan = await compile(logits, executionOptions(target));
  const renderer = new Renderer(data, teacher.conventions.preprocessing!);
  const K = data.classes.length;
  const plain = centralView(size, size);
  try {
    for (let first = 0; first < data.labels.length; first += PICTURES_AT_ONCE) {
      const count = Math.min(PICTURES_AT_ONCE, data.labels.length - first);
      const indices = Array.from({ length: count }, (_, n) => first + n);
      for (const view of [plain, { ...plain, flipped: true }]) {
        const answers = plan.run(renderer.batch(indices, view, size)).get(logits.outputs[0])!.data;
        if (answers.length !== count * K) {
          throw new UsageError(`${teacher.name} has ${answers.length / count} classes, ${data.name} has ${K}`);
        }
        const probabilities = softmax.forward([tensor([count, K], Float64Array.from(answers))]).data;
        for (const [i, p] of probabilities.entries()) targets[first * K + i] += (share / 2) * p;
      }
      onBatch(first + count);
      await otherTasks();
    }
  } finally {
    plan.dispose();
  }
}
