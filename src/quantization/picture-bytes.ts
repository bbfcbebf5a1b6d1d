/**
 * Rewrite: a network whose preprocessing has a mean and a deviation for each channel takes pictures with one of both for all, and its first layer
 * makes up for that. Bytes of pictures can then go into the network of integers, which have one scale and one zero point.
 *
 *   x[c] = (p · scale − mean[c]) / deviation[c]   the layer's input c before
 *   x′   = (p · scale − mean) / deviation         and after;  x[c] = x′ · deviation / deviation[c] + (mean − mean[c]) / deviation[c]
 *
 * so that kernel′[c] = kernel[c] · deviation / deviation[c], and bias′ = bias + Σ kernel[c] · (mean − mean[c]) / deviation[c] over all taps. Sums are
 * the same but where the layer's padding is part of them: 0 stands for the common mean there.
 */
import { soleReaders } from '../network/graph.js';
import { type Network, weightName } from '../network/network.js';
import { foldBatchNormFloat32 } from '../network/rewriting/fold-batch-norm.js';

/** The network as it is where one mean and one deviation hold already, and where no convolution alone reads the picture. */
export function withCommonMean(network: Network): Network {
  const { preprocessing } = network.conventions;
  if (preprocessing === undefined || new Set(preprocessing.mean).size + new Set(preprocessing.deviation).size === 2)
    return network;
  const folded = foldBatchNormFloat32(network);
  const readers = soleReaders(folded.nodes, folded.outputs);
  let layer = readers.get(folded.inputs[0].name);
  while (layer?.kind === 'pad') layer = readers.get(layer.name);
  if (layer?.kind !== 'conv2d' && layer?.kind !== 'pointwiseConv2d') return network;

  const { scale, mean: means, deviation: deviations } = preprocessing;
  const average = (numbers: readonly number[]) => numbers.reduce((sum, x) => sum + x, 0) / numbers.length;
  // A byte's: the zero point is exact.
  const mean = Math.round(average(means) / scale) * scale;
  const deviation = average(deviations);
  const [kernelName, biasName] = ['kernel', 'bias'].map((name) => weightName(layer.name, name));
  const { shape, data } = folded.weights.get(kernelName)!;
  const [inputs, outputs] = shape.slice(-2);
  const kernel = new Float32Array(data.length);
  const bias = Float64Array.from(folded.weights.get(biasName)?.data ?? new Float64Array(outputs));
  for (const [i, w] of data.entries()) {
    const c = Math.floor(i / outputs) % inputs;
    kernel[i] = (w * deviation) / deviations[c];
    bias[i % outputs] += (w * (mean - means[c])) / deviations[c];
  }
  const weights = new Map(folded.weights)
    .set(kernelName, { shape, data: kernel })
    .set(biasName, { shape: [outputs], data: Float32Array.from(bias) });
  const common = { ...preprocessing, mean: means.map(() => mean), deviation: deviations.map(() => deviation) };
  return {
    ...folded,
    nodes: folded.nodes.map((node) =>
      node === layer ? { ...layer, attributes: { ...layer.attributes, bias: true } } : node,
    ) as Network['nodes'],
    weights,
    conventions: { ...folded.conventions, preprocessing: common },
  };
}
