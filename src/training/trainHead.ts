/**
 * The classifier on C features: softmax regression. It learns from standardised features, scaled to vectors of length 1 on average, which makes
 * one learning rate right for all networks; what comes out reads the features as they are:
 *
 *   z = W · (f − μ) / (σ · √C) + b = W′ · f + b′,   W′ = W / (σ · √C),   b′ = b − W′ · μ
 *
 * μ and σ are those of the pictures it learns from. σ is at least a tenth of its mean over all features, since a few pictures show hardly
 * anything of a feature that rarely differs from 0.
 */
import { type Network, weightName } from '../network/index.js';
import { tensor } from '../tensor.js';
import { type FitOptions, fitWeights, type LabelledInput } from './fit.js';

/** A network of a dense layer and a softmax, with weights that were trained on these features. */
export async function trainHead(
  head: Network,
  samples: readonly LabelledInput[],
  options: FitOptions,
): Promise<Network> {
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
