/** Mistakes in batch norms. */
import { trace } from '../../network/index.js';
import { weightName } from '../../network/network.js';
import { type Tensor, toFloat64 } from '../../tensor.js';
import { mapTensor } from '../estimate.js';
import type { Segment } from '../segment.js';
import { type Mistake, named, withNodes, without, withWeight } from './mistake.js';

const EPSILONS = [1e-3, 1e-5, 1e-6, 1e-4, 1e-2, 1e-7, 1e-8, 0];

export function* ofBatchNorms(segment: Segment): Generator<Mistake> {
  const norm = (change: (attributes: { epsilon: number }) => object | undefined) =>
    withNodes(segment, (node) => {
      const attributes = node.kind === 'batchNorm' ? change(node.attributes) : undefined;
      return attributes && { attributes: { ...node.attributes, ...attributes } };
    });
  for (const epsilon of EPSILONS) {
    const stated = segment.network.nodes.find((node) => node.kind === 'batchNorm')?.attributes as { epsilon: number };
    yield* named(
      `epsilon ${epsilon} in place of ${stated?.epsilon}`,
      norm((own) => (own.epsilon === epsilon ? undefined : { epsilon })),
    );
  }
  const parts: Readonly<Record<string, number>> = { gamma: 1, beta: 0, movingMean: 0, movingVariance: 1 };
  for (const [part, neutral] of Object.entries(parts)) {
    yield* named(
      `${part} left out`,
      withWeight(segment, part, (x) => mapTensor(x, () => neutral)),
    );
  }
  yield* named(
    'beta and movingMean left out, which is the bias of a convolution that the batch norm is folded into',
    withoutShift(segment),
  );
  yield* named(
    'movingMean added, not subtracted',
    withWeight(segment, 'movingMean', (x) => mapTensor(x, (m) => -m)),
  );
  const variance = (wanted: (v: number, epsilon: number) => number) =>
    withWeight(segment, 'movingVariance', (x, node) => {
      const { epsilon } = node.attributes as { epsilon: number };
      return mapTensor(x, (v) => wanted(v, epsilon));
    });
  // Such that √(v' + ε) is what the mistaken backend divides by.
  yield* named(
    'divided by the variance in place of the deviation',
    variance((v, e) => (v + e) ** 2 - e),
  );
  yield* named(
    'epsilon added to the deviation in place of the variance',
    variance((v, e) => (Math.sqrt(v) + e) ** 2 - e),
  );
  yield* named(
    'movingVariance taken for a deviation',
    variance((v, e) => v ** 2 - e),
  );
  yield* named('the mean and variance of this batch in place of the stored ones', withBatchStatistics(segment));
  yield* named('the batch norm left out', without(segment, ['batchNorm']));
}

function withoutShift(segment: Segment): Segment | undefined {
  const zero = (x: Tensor): Tensor => mapTensor(x, () => 0);
  const centred = withWeight(segment, 'beta', zero);
  return centred && withWeight(centred, 'movingMean', zero);
}

/** As in training mode: from the tensors that the batch norms read. */
function withBatchStatistics(segment: Segment): Segment | undefined {
  const { network, inputs } = segment;
  const norms = network.nodes.filter(({ kind }) => kind === 'batchNorm');
  if (norms.length === 0) return undefined;
  const read = trace(network, new Map([...inputs].map(([name, x]) => [name, toFloat64(x)])));
  const weights = new Map(network.weights);
  for (const { name, inputs: sources } of norms) {
    const x = inputs.get(sources[0]) ?? read.get(sources[0])!;
    const C = x.shape[x.shape.length - 1];
    const count = x.data.length / C;
    const mean = new Float64Array(C);
    const variance = new Float64Array(C);
    for (const [i, value] of x.data.entries()) mean[i % C] += value / count;
    for (const [i, value] of x.data.entries()) variance[i % C] += (value - mean[i % C]) ** 2 / count;
    weights.set(weightName(name, 'movingMean'), { shape: [C], data: mean });
    weights.set(weightName(name, 'movingVariance'), { shape: [C], data: variance });
  }
  return { ...segment, network: { ...network, weights } };
}
