/**
 * Batch norms for a network whose own were folded into its kernels, so that a file made for use can be trained further. A folded layer computes
 * y = kernel ∗ x + bias. With m and v, mean and variance of a channel of y over pictures, and any positive number c:
 *
 *   kernel′ = c · kernel                    moving mean = c · (m − bias)      moving variance = c² · v
 *   gamma   = √(c² · v + ε) / c             beta        = m
 *
 * The batch norm yields y again, and nearly so while it learns from batches of such pictures. c makes each filter as long as it is when a training
 * begins, √⅓, since the length of a filter decides how fast it learns (`initialWeights.ts`).
 */
import { compile } from '../../engine/index.js';
import { UsageError } from '../../errors.js';
import { nodesByName } from '../../network/graph.js';
import { atResolution, type Foldable, type Network, type NetworkNode, type NodeOf } from '../../network/index.js';
import { weightName } from '../../network/network.js';
import { isFoldable } from '../../network/rewriting/fold-batch-norm.js';
import { type Tensor, tensor } from '../../tensor.js';
import { centralView } from '../data/augment.js';
import { Renderer } from '../data/batches.js';
import type { Dataset } from '../data/dataset.js';
import { expectFit } from '../loop/evaluate.js';
import { DEFAULT_TARGET, executionOptions, type TrainingTarget } from '../programs.js';

type BatchNorm = NodeOf<'batchNorm'>;

/** Of each channel of a layer's output. */
interface Moments {
  readonly mean: Float64Array;
  readonly variance: Float64Array;
}

/** Root of the sum of the squares of n numbers uniform in ±1 / √n. */
const INITIAL_LENGTH = 1 / Math.sqrt(3);
/** Pictures that are measured, from all parts of the data. */
const PICTURES = 500;
const PICTURES_AT_ONCE = 50;

/**
 * A folded network with the batch norms of `like`, the network to be trained, whose names the folded layers bear; as it is where it has no such
 * layers. Throws a UsageError where the data's pictures do not fit `like`, and for batch norms without gamma or beta, which cannot yield what the
 * folded layer does. `target` runs the network on the pictures.
 */
export async function unfolded(
  network: Network,
  like: Network,
  data: Dataset,
  target: TrainingTarget = DEFAULT_TARGET,
): Promise<Network> {
  const norms = nodesByName({ nodes: like.nodes.filter(isBatchNorm) });
  const layers = network.nodes.filter(isFoldable).filter(({ name }) => norms.has(name));
  if (layers.length === 0) return network;
  const moments = await measure(network, layers, like, data, target);
  const weights = new Map(network.weights);
  for (const layer of layers) unfold(layer, norms.get(layer.name)!, moments.get(layer.name)!, weights);
  const nodes = network.nodes.flatMap((node): NetworkNode[] => {
    const norm = norms.get(node.name);
    return norm && isFoldable(node) ? [withoutBias(node, norm.inputs[0]), norm] : [node];
  });
  return { ...network, nodes, weights };
}

const isBatchNorm = (node: NetworkNode): node is BatchNorm => node.kind === 'batchNorm';

const withoutBias = (layer: Foldable, name: string): NetworkNode =>
  ({ ...layer, name, attributes: { ...layer.attributes, bias: false } }) as NetworkNode;

/** m and v of each layer, over whole pictures as the network to be trained is shown them. */
async function measure(
  network: Network,
  layers: readonly Foldable[],
  like: Network,
  data: Dataset,
  target: TrainingTarget,
): Promise<ReadonlyMap<string, Moments>> {
  const size = expectFit(like, data);
  const renderer = new Renderer(data, like.conventions.preprocessing!);
  const pictures = Math.min(PICTURES, data.labels.length);
  const chosen = Array.from({ length: pictures }, (_, n) => Math.floor((n * data.labels.length) / pictures));
  const sums = new Map(layers.map(({ name }) => [name, new Sums()]));
  const measured = { ...atResolution(network, size), outputs: [...sums.keys()] };
  const plan = await compile(measured, executionOptions(target));
  try {
    for (let first = 0; first < pictures; first += PICTURES_AT_ONCE) {
      const batch = renderer.batch(chosen.slice(first, first + PICTURES_AT_ONCE), centralView(size, size), size);
      for (const [name, output] of plan.run(batch)) sums.get(name)!.add(output);
    }
  } finally {
    plan.dispose();
  }
  return new Map([...sums].map(([name, sum]) => [name, sum.moments()]));
}

/** Sums over pictures and positions, by channel. */
class Sums {
  #count = 0;
  #values = new Float64Array(0);
  #squares = new Float64Array(0);

  add({ shape, data }: Tensor): void {
    const channels = shape[shape.length - 1];
    if (this.#count === 0) {
      this.#values = new Float64Array(channels);
      this.#squares = new Float64Array(channels);
    }
    for (let at = 0; at < data.length; at += channels) {
      for (let o = 0; o < channels; o++) {
        this.#values[o] += data[at + o];
        this.#squares[o] += data[at + o] ** 2;
      }
    }
    this.#count += data.length / channels;
  }

  moments(): Moments {
    const mean = this.#values.map((sum) => sum / this.#count);
    return { mean, variance: this.#squares.map((sum, o) => Math.max(0, sum / this.#count - mean[o] ** 2)) };
  }
}

/** Puts the layer's and the batch norm's weights in the place of the folded ones. */
function unfold(layer: Foldable, norm: BatchNorm, { mean, variance }: Moments, weights: Map<string, Tensor>): void {
  const { epsilon, scale, center } = norm.attributes;
  if (!scale || !center) {
    throw new UsageError(`${norm.name}: a batch norm without gamma or beta cannot yield what was folded; wanted both`);
  }
  const kernel = weights.get(weightName(layer.name, 'kernel'))!;
  const bias = weights.get(weightName(layer.name, 'bias'))?.data;
  weights.delete(weightName(layer.name, 'kernel'));
  weights.delete(weightName(layer.name, 'bias'));
  const c = scalesOf(kernel, mean.length);
  const put = (weight: string, numberAt: (o: number) => number) =>
    weights.set(weightName(norm.name, weight), tensor([c.length], Float32Array.from(c.keys(), numberAt)));
  weights.set(weightName(norm.inputs[0], 'kernel'), {
    shape: kernel.shape,
    data: Float32Array.from(kernel.data, (value, i) => value * c[i % c.length]),
  });
  put('gamma', (o) => Math.sqrt(c[o] ** 2 * variance[o] + epsilon) / c[o]);
  put('beta', (o) => mean[o]);
  put('movingMean', (o) => c[o] * (mean[o] - (bias?.[o] ?? 0)));
  put('movingVariance', (o) => c[o] ** 2 * variance[o]);
}

/** c of each filter; 1 for one of zeros. The output channel varies fastest in every kernel layout: HWIO, HWC(M) and IO. */
function scalesOf({ data }: Tensor, channels: number): Float64Array {
  const squares = new Float64Array(channels);
  for (let i = 0; i < data.length; i++) squares[i % channels] += data[i] ** 2;
  return squares.map((sum) => (sum > 0 ? INITIAL_LENGTH / Math.sqrt(sum) : 1));
}
