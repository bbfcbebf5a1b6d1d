/**
 * The classifier on C features: softmax regression. It learns from standardised features, scaled to vectors of length 1 on average, which makes
 * one learning rate right for all networks; what comes out reads the features as they are:
 *
 *   z = W · (f − μ) / (σ · √C) + b = W′ · f + b′,   W′ = W / (σ · √C),   b′ = b − W′ · μ
 *
 * μ and σ are those of the pictures it learns from. σ is at least a tenth of its mean over all features, since a few pictures show hardly
 * anything of a feature that rarely differs from 0.
 */
import { UsageError } from '../../errors.js';
import type { Network } from '../../network/index.js';
import { weightName } from '../../network/network.js';
import { bodyOf, withClassifier } from '../../network/rewriting/new-classifier.js';
import { tensor } from '../../tensor.js';
import { type Example, expectExamples, labelsOf } from '../data/examples.js';
import { type FitOptions, fitWeights, type LabelledInput } from '../loop/fit.js';
import { optimizerDefaults } from '../loop/optimizers.js';
import { DEFAULT_TARGET } from '../programs.js';

/** Measured on ten pictures a class of CIFAR-10, with MobileNet V1 0.25: Adam and smoothed labels are worse for so few. */
export const HEAD_DEFAULTS: Omit<FitOptions, 'seed'> = {
  epochs: 100,
  batch: 256,
  optimizer: optimizerDefaults.sgd,
  learningRate: 1,
  weightDecay: 0.01,
  labelSmoothing: 0,
  target: DEFAULT_TARGET,
};

/**
 * A classifier of the examples' labels, which stand in the order in which they first occur: a network from 'features' [1, C] to probabilities.
 * `withHead` puts it on the network that the features are of. Throws a UsageError for examples of one label alone, or of different sizes.
 */
export async function trainHead(examples: readonly Example[], options: Partial<FitOptions> = {}): Promise<Network> {
  const C = expectExamples(examples);
  const labels = labelsOf(examples);
  if (labels.length < 2) {
    throw new UsageError(`training: all examples have the label '${labels[0]}'; wanted two or more labels`);
  }
  const samples = examples.map(({ features, label }) => ({
    input: Float32Array.from(features.data),
    label: labels.indexOf(label),
  }));
  return fitHead(withClassifier(featuresAlone(C), labels), samples, { ...HEAD_DEFAULTS, seed: 1, ...options });
}

/** A network that yields its input. */
const featuresAlone = (C: number): Network => ({
  name: 'classifier of features',
  inputs: [{ name: 'features', shape: [1, C] }],
  nodes: [],
  outputs: ['features'],
  weights: new Map(),
  conventions: { source: 'other', output: 'features' },
});

/**
 * The base up to the features that `trainHead` learnt from, and what it learnt behind them: one network from pictures to the new labels. `layer` is
 * the one that was embedded, where it is not what the base's own classifier reads. Throws a UsageError where the head wants other features.
 */
export function withHead(base: Network, head: Network, layer?: string): Network {
  const { labels } = head.conventions;
  const dense = head.nodes[0];
  if (dense?.kind !== 'dense' || labels === undefined) {
    throw new UsageError(`withHead: wanted a classifier made by trainHead, found '${head.name}'`);
  }
  const whole = withClassifier(bodyOf(base, layer), labels);
  const [classifier] = whole.nodes.slice(-2);
  const weights = new Map(whole.weights);
  for (const part of ['kernel', 'bias']) {
    const wanted = weights.get(weightName(classifier.name, part))!;
    const found = head.weights.get(weightName(dense.name, part))!;
    if (found.shape[0] !== wanted.shape[0]) {
      throw new UsageError(`withHead: ${base.name} has ${wanted.shape[0]} features, the head reads ${found.shape[0]}`);
    }
    weights.set(weightName(classifier.name, part), found);
  }
  return { ...whole, name: `${base.name} with ${labels.length} classes of its own`, weights };
}

/** A network of a dense layer and a softmax, with weights that were trained on these features. */
export async function fitHead(head: Network, samples: readonly LabelledInput[], options: FitOptions): Promise<Network> {
  const { mean, scale } = moments(samples);
  const standardised = samples.map(({ input, label }) => ({
    input: input.map((value, c) => (value - mean[c]) / scale[c]),
    label,
  }));
  const trained = await fitWeights(head, standardised, options);
  const [dense] = trained.nodes;
  const kernel = trained.weights.get(weightName(dense.name, 'kernel'))!;
  const bias = trained.weights.get(weightName(dense.name, 'bias'))!;
  const K = bias.data.length;
  const scaled = kernel.data.map((w, i) => w / scale[Math.floor(i / K)]);
  const shifted = bias.data.map((b, k) => mean.reduce((sum, m, c) => sum - m * scaled[c * K + k], b));
  const weights = new Map(trained.weights)
    .set(weightName(dense.name, 'kernel'), tensor(kernel.shape, scaled))
    .set(weightName(dense.name, 'bias'), tensor(bias.shape, shifted));
  return { ...trained, weights };
}

/** μ and σ · √C of each feature. */
function moments(samples: readonly LabelledInput[]): { mean: Float64Array; scale: Float64Array } {
  const C = samples[0].input.length;
  const mean = new Float64Array(C);
  const variance = new Float64Array(C);
  for (const { input } of samples) for (let c = 0; c < C; c++) mean[c] += input[c] / samples.length;
  for (const { input } of samples)
    for (let c = 0; c < C; c++) variance[c] += (input[c] - mean[c]) ** 2 / samples.length;
  const deviation = variance.map(Math.sqrt);
  const least = deviation.reduce((sum, value) => sum + value, 0) / C / 10 || 1;
  return { mean, scale: deviation.map((value) => Math.max(value, least) * Math.sqrt(C)) };
}
