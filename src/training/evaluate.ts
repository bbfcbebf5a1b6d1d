/** How often a network is right, picture by picture of a data set. */
import { UsageError } from '../errors.js';
import { type Network, type NetworkInputs, run } from '../network/index.js';
import type { Pair } from '../padding.js';
import { type Tensor, tensor } from '../tensor.js';
import { Renderer } from './batches.js';
import type { Dataset } from './dataset.js';

export interface Evaluation {
  /** Fraction of the pictures whose class has the largest output. */
  readonly top1: number;
  /** Fraction whose class is among the five largest. */
  readonly top5: number;
  /** top1 of each class's own pictures; NaN is not possible: a class without pictures is left out. */
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

/**
 * Runs the network over all pictures, prepared as its conventions say but for the crop and resizing: the data's size must be the network's.
 * Of equal outputs the first counts as larger.
 */
export async function evaluate(network: Network, data: Dataset, options: EvaluateOptions = {}): Promise<Evaluation> {
  const { batch = 100, onBatch } = options;
  const size = checkFit(network, data);
  const renderer = new Renderer(data, network.conventions.preprocessing!);
  const execute = options.run ?? ((network: Network, input: NetworkInputs) => run(network, input));
  const K = data.classes.length;
  const numbers = size[0] * size[1] * 3;
  const confusion = Array.from({ length: K }, () => new Array<number>(K).fill(0));
  let amongFive = 0;
  for (let first = 0; first < data.labels.length; first += batch) {
    const count = Math.min(batch, data.labels.length - first);
    const pictures = new Float32Array(count * numbers);
    for (let n = 0; n < count; n++) renderer.plain(first + n, size, pictures.subarray(n * numbers, (n + 1) * numbers));
    const outputs = await execute(network, tensor([count, ...size, 3], pictures));
    const scores = outputs.get(network.outputs[0])!.data;
    for (let n = 0; n < count; n++) {
      const row = scores.subarray(n * K, (n + 1) * K);
      const label = data.labels[first + n];
      confusion[label][row.indexOf(Math.max(...row))] += 1;
      if (rankOf(row, label) < 5) amongFive += 1;
    }
    onBatch?.(first + count, data.labels.length);
  }
  return summary(data, confusion, amongFive);
}

/** Number of outputs larger than the label's, or equal and before it. */
const rankOf = (row: ArrayLike<number>, label: number): number =>
  Array.from(row).filter((score, k) => score > row[label] || (score === row[label] && k < label)).length;

function summary({ classes, labels }: Dataset, confusion: readonly number[][], amongFive: number): Evaluation {
  const correct = confusion.reduce((sum, row, label) => sum + row[label], 0);
  const perClass = classes.flatMap((name, label) => {
    const count = confusion[label].reduce((sum, value) => sum + value, 0);
    return count === 0 ? [] : [[name, confusion[label][label] / count] as const];
  });
  return {
    top1: correct / labels.length,
    top5: amongFive / labels.length,
    perClass: Object.fromEntries(perClass),
    confusion,
  };
}

/** The network's [height, width], once the data suits it. */
function checkFit(network: Network, data: Dataset): Pair {
  const [, height, width] = network.inputs[0].shape;
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
