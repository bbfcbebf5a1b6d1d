/** Classification without training: the examples that are most like a picture vote for its label. */
import { UsageError } from '../../errors.js';
import type { Prediction } from '../../tasks/index.js';
import type { Tensor } from '../../tensor.js';
import { channelsOf, type Example, expectExamples, labelsOf } from '../data/examples.js';

/**
 * The labels of the `k` examples whose features point most nearly in the direction of these (largest cosine; the length of a feature vector says
 * more of contrast than of content). A label's probability is its share of the votes. Best first; of labels with equal votes, that of the nearer
 * example. Throws a UsageError for features of another size, and for no examples.
 */
export function nearestNeighbours(
  examples: readonly Example[],
  features: Tensor,
  { k = 10 }: { readonly k?: number } = {},
): Prediction[] {
  const C = expectExamples(examples);
  const found = channelsOf(features, 'the picture');
  if (found !== C) throw new UsageError(`nearestNeighbours: the picture has ${found} features, the examples have ${C}`);
  if (!(Number.isInteger(k) && k >= 1)) {
    throw new UsageError(`nearestNeighbours: k must be a whole number of 1 or more, found ${k}`);
  }
  const voters = examples
    .map((example) => ({ label: example.label, similarity: cosine(example.features.data, features.data) }))
    .sort((a, b) => b.similarity - a.similarity)
    .slice(0, k);
  const votes = new Map<string, number>();
  for (const { label } of voters) votes.set(label, (votes.get(label) ?? 0) + 1);
  const labels = labelsOf(examples);
  const nearest = [...votes.keys(), ...labels.filter((label) => !votes.has(label))];
  return nearest
    .map((label) => ({ label, index: labels.indexOf(label), probability: (votes.get(label) ?? 0) / voters.length }))
    .sort((a, b) => b.probability - a.probability);
}

/** a · b / (|a| · |b|); 0 where one of them is 0. */
function cosine(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let product = 0;
  let squaresOfA = 0;
  let squaresOfB = 0;
  for (let i = 0; i < a.length; i++) {
    product += a[i] * b[i];
    squaresOfA += a[i] * a[i];
    squaresOfB += b[i] * b[i];
  }
  return product === 0 ? 0 : product / Math.sqrt(squaresOfA * squaresOfB);
}
