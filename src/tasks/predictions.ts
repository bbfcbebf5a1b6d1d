/**
 * From a network's outputs to the names of classes. Logits become probabilities by softmax; a network that ends in softmax is taken at its word.
 * The index of a prediction counts the network's own outputs; where output 0 is the background (label offset 1), classIndex = index − 1 stands beside it.
 */
import { NetworkError, UsageError } from '../errors.js';
import { softmax } from '../layers/index.js';
import type { Conventions } from '../network/index.js';
import { sizeOf, type Tensor, tensor, zerosLike } from '../tensor.js';
import { labelsForOutputs } from './labels.js';

export interface Prediction {
  readonly label: string;
  /** Position among the network's outputs. */
  readonly index: number;
  /** Position among the classes, where the network has a background output before them; absent for the background itself. */
  readonly classIndex?: number;
  readonly probability: number;
}

/**
 * What becomes of a background output. `keep`: it is an answer like any other, probabilities sum to 1 over all outputs.
 * `before-softmax`: it is removed first, as TF.js' mobilenet does; the classes sum to 1. `after-softmax`: it is removed last, as MLPerf
 * does; the classes sum to 1 − P(background).
 */
export type BackgroundRule = 'keep' | 'before-softmax' | 'after-softmax';

export interface PredictionOptions {
  /** How many predictions, best first; 5 unless stated. More than there are classes yields all of them. */
  readonly top?: number;
  /** The network's own labels unless stated; 'class 7' where there are none. */
  readonly labels?: readonly string[];
  /** Where the network's conventions do not say or are to be overruled. */
  readonly labelOffset?: 0 | 1;
  /** 'keep' unless stated; the other two want a label offset of 1. */
  readonly background?: BackgroundRule;
}

/**
 * The best predictions for each row of a network's output [N, outputs] (or [N, 1, 1, outputs]). Equal probabilities stand in the order of
 * the outputs. Throws a NetworkError for NaN or infinite outputs, a UsageError for labels that do not fit.
 */
export function predictions(output: Tensor, conventions: Conventions, options: PredictionOptions = {}): Prediction[][] {
  const { top = 5, background = 'keep', labelOffset = conventions.labelOffset ?? 0 } = options;
  if (!Number.isInteger(top) || top < 1) {
    throw new UsageError(`classify: top must be a whole number of 1 or more, found ${top}`);
  }
  if (background !== 'keep' && labelOffset !== 1) {
    throw new UsageError(`classify: background '${background}' wants a label offset of 1, found ${labelOffset}`);
  }
  const given = options.labels ?? conventions.labels;
  const answers = asRows(output);
  // a single output tells two classes apart, but for one that has a single label
  const isBinary = answers.shape[1] === 1 && given?.length !== 1;
  const rows = isBinary ? ofTwo(answers, conventions) : answers;
  const [N, K] = rows.shape;
  const labels = given && labelsForOutputs(given, K, labelOffset);
  const first = background === 'keep' ? 0 : 1;
  const probability = toProbabilities(rows, conventions, background);

  return Array.from({ length: N }, (_, n) =>
    bestOf(probability.data.subarray(n * (K - first), (n + 1) * (K - first)), top).map(([at, value]) => {
      const index = at + first;
      const classIndex = index - labelOffset;
      const label = labels?.[index] ?? (classIndex < 0 ? 'background' : `class ${classIndex}`);
      return { label, index, ...(labelOffset === 1 && classIndex >= 0 && { classIndex }), probability: value };
    }),
  );
}

/** [N, 1] of a sigmoid, or of what goes into one, as [N, 2]: the other class and the one that it is the probability of. */
function ofTwo(rows: Tensor, { output }: Conventions): Tensor {
  const two = zerosLike(rows, [rows.shape[0], 2]);
  for (const [n, value] of rows.data.entries()) two.data.set([output === 'logits' ? 0 : 1 - value, value], 2 * n);
  return two;
}

/** Rows of probabilities; without the background's column unless it is kept. */
export function toProbabilities(rows: Tensor, conventions: Conventions, background: BackgroundRule = 'keep'): Tensor {
  checkFinite(rows);
  const { output } = conventions;
  if (output !== 'logits' && output !== 'probabilities') {
    throw new UsageError(`classify: the network yields ${output}, not logits or probabilities of classes`);
  }
  const isEarly = background === 'before-softmax';
  const kept = isEarly ? withoutFirst(rows) : rows;
  // softmax without output 0 is p / Σp over the others: logits are log p up to a constant.
  const answer = output === 'logits' ? softmax.forward([kept]) : isEarly ? normalised(kept) : kept;
  return background === 'after-softmax' ? withoutFirst(answer) : answer;
}

/** [N, K] without column 0. */
function withoutFirst({ shape: [N, K], data }: Tensor): Tensor {
  return tensor(
    [N, K - 1],
    data.filter((_, i) => i % K !== 0),
  );
}

/** Each row divided by its sum. */
function normalised({ shape: [N, K], data }: Tensor): Tensor {
  const sums = new Float64Array(N);
  for (let i = 0; i < data.length; i++) sums[Math.floor(i / K)] += data[i];
  return tensor(
    [N, K],
    data.map((p, i) => p / sums[Math.floor(i / K)]),
  );
}

/** The output as [N, outputs]. */
export function asRows(output: Tensor): Tensor {
  const [N, ...sizes] = output.shape;
  const outputs = sizes.at(-1);
  if (outputs === undefined || sizeOf(sizes) !== outputs || outputs < 1) {
    throw new NetworkError(
      `classify: wanted an output [batch, classes] or [batch, 1, 1, classes], found [${output.shape}]`,
    );
  }
  return tensor([N, outputs], output.data);
}

function checkFinite({ shape: [, K], data }: Tensor): void {
  const at = data.findIndex((value) => !Number.isFinite(value));
  if (at !== -1) {
    throw new NetworkError(
      `classify: output ${at % K} of picture ${Math.floor(at / K)} is ${data[at]}, wanted a number`,
    );
  }
}

/** [index, value] of the `count` largest, the largest first, equal ones in their order. */
function bestOf(values: ArrayLike<number>, count: number): [index: number, value: number][] {
  const best: number[] = [];
  for (let index = 0; index < values.length; index++) {
    let place = best.length;
    while (place > 0 && values[index] > values[best[place - 1]]) place--;
    if (place < count) best.splice(place, 0, index);
    if (best.length > count) best.pop();
  }
  return best.map((index) => [index, values[index]]);
}
