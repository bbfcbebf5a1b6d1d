/** How often a network is right, picture by picture of a data set. */
import { NetworkError, UsageError } from '../../errors.js';
import { type Network, run } from '../../network/index.js';
import type { Pair } from '../../padding.js';
import type { Tensor } from '../../tensor.js';
import { centralView } from '../data/augment.js';
import { Renderer } from '../data/batches.js';
import type { Dataset } from '../data/dataset.js';

export interface Evaluation {
  /** Fraction of the pictures whose class has the largest output. */
  readonly top1: number;
  /** Fraction whose class is among the five largest. */
  readonly top5: number;
  /** top1 of each class's own pictures; a class without pictures is left out. */
  readonly perClass: Readonly<Record<string, number>>;
  /** Pictures by [class, answer]. */
  readonly confusion: readonly (readonly number[])[];
}

export interface EvaluateOptions {
  /** The reference executor unless stated; a compiled plan's `run` is much faster. */
  readonly run?: (
    network: Network,
    input: Tensor,
  ) => ReadonlyMap<string, Tensor> | Promise<ReadonlyMap<string, Tensor>>;
  /** Pictures at a time. Default 100. */
  readonly batch?: number;
  /** Called after each batch. */
  readonly onBatch?: (done: number, all: number) => void;
}

/** What answers add up to, over all pictures or a part of them. */
export interface Counts {
  /** Pictures by [class, answer]. */
  readonly confusion: readonly (readonly number[])[];
  /** Pictures whose class is among the five largest outputs. */
  readonly amongFive: number;
}

/**
 * Runs the network over all pictures, prepared as its conventions say but for the crop and resizing: the data's size must be the network's.
 * Of equal outputs the first counts as larger; an output of the background, where the label offset is 1, counts for nothing. Throws a UsageError
 * where sizes or numbers of classes differ.
 */
export async function evaluate(network: Network, data: Dataset, options: EvaluateOptions = {}): Promise<Evaluation> {
  return evaluationOf(data, [await countAnswers(network, data, 0, data.labels.length, options)]);
}

/** The same for pictures first … first + count − 1. */
export async function countAnswers(
  network: Network,
  data: Dataset,
  first: number,
  count: number,
  { run: execute = run, batch = 100, onBatch }: EvaluateOptions,
): Promise<Counts> {
  const size = expectFit(network, data);
  const renderer = new Renderer(data, network.conventions.preprocessing!);
  const K = data.classes.length;
  const offset = network.conventions.labelOffset ?? 0;
  const whole = centralView(size, size);
  const confusion = Array.from({ length: K }, () => new Array<number>(K).fill(0));
  let amongFive = 0;
  for (let done = 0; done < count; done += batch) {
    const labels = data.labels.subarray(first + done, first + Math.min(done + batch, count));
    const indices = Array.from(labels, (_, n) => first + done + n);
    const outputs = await execute(network, renderer.batch(indices, whole, size));
    const scores = outputs.get(network.outputs[0])!.data;
    if (scores.length !== labels.length * (K + offset)) {
      throw new UsageError(
        `${network.name} has ${scores.length / labels.length - offset} classes, ${data.name} has ${K}`,
      );
    }
    for (const [n, label] of labels.entries()) {
      const row = scores.subarray(n * (K + offset) + offset, (n + 1) * (K + offset)); // without the background
      expectNumbers(network, row, first + done + n);
      confusion[label][row.indexOf(Math.max(...row))] += 1;
      if (rankOf(row, label) < 5) amongFive += 1;
    }
    onBatch?.(done + labels.length, count);
  }
  return { confusion, amongFive };
}

function expectNumbers({ name }: Network, row: ArrayLike<number>, picture: number): void {
  const at = Array.from(row).findIndex((score) => !Number.isFinite(score));
  if (at < 0) return;
  throw new NetworkError(
    `${name}: output ${at} for picture ${picture} is ${row[at]}, wanted a number; of a network in training, a smaller learning rate may help`,
  );
}

/** Number of outputs larger than the label's, or equal and before it. */
const rankOf = (row: ArrayLike<number>, label: number): number =>
  Array.from(row).filter((score, k) => score > row[label] || (score === row[label] && k < label)).length;

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);

/** From the counts of all parts of the data. */
export function evaluationOf({ classes }: Dataset, parts: readonly Counts[]): Evaluation {
  const cell = (label: number, answer: number) => sum(parts.map(({ confusion }) => confusion[label][answer]));
  const confusion = classes.map((_, label) => classes.map((_, answer) => cell(label, answer)));
  const pictures = sum(confusion.map(sum));
  const perClass = classes.flatMap((name, label) => {
    const count = sum(confusion[label]);
    return count === 0 ? [] : [[name, confusion[label][label] / count] as const];
  });
  return {
    top1: sum(classes.map((_, label) => confusion[label][label])) / pictures,
    top5: sum(parts.map(({ amongFive }) => amongFive)) / pictures,
    perClass: Object.fromEntries(perClass),
    confusion,
  };
}

/** The network's [height, width], once the data suits it. */
export function expectFit(network: Network, data: Dataset): Pair {
  const [, height, width, channels] = network.inputs[0].shape;
  if (channels < data.channels)
    throw new UsageError(`${network.name} wants grey pictures, ${data.name} has pictures in colour`);
  if (height !== data.height || width !== data.width) {
    throw new UsageError(
      `${network.name} wants pictures of ${height}×${width}, ${data.name} has ${data.height}×${data.width}`,
    );
  }
  if (network.conventions.preprocessing === undefined) {
    throw new UsageError(`${network.name}: nothing states how its pictures are prepared`);
  }
  return [height, width];
}
