/**
 * Bias correction with the integers themselves. `quantizeNetwork` corrects each bias for the rounding of its own kernel. What a layer reads is off
 * too, by all the roundings before it, so that the mean of its output channel o is moved by
 *
 *   Δ[o] = Σ_k ŵ[k, o] · E[x̂[k]] − w[k, o] · E[x[k]]
 *
 * with x̂ as the integers give it: the mean over pictures that the network of integers has computed. Layer after layer is corrected, each with those
 * before it corrected (Nagel et al., arXiv 1906.04721, call it empirical). Where kernels lose little, the answers can be a little worse for it: the
 * nearer ones decide.
 */
import { compileQuantized } from '../engine/int8/engine.js';
import { UsageError } from '../errors.js';
import { partFor } from '../network/graph.js';
import { type Network, weightName } from '../network/network.js';
import { isQuantizedType, type QuantizedNetwork } from '../network/quantized-network.js';
import { layerOf } from '../network/shapes.js';
import type { AnyTensor, QuantizedTensor, QuantizedType, Tensor } from '../tensor.js';
import { ChannelMeans, calibrate } from './calibrate.js';
import { inputOf, quantizationReport, realNumbers } from './quantization-report.js';
import { quantizedWeights } from './quantize-weights.js';

/**
 * The quantised network with its biases corrected, or as it is if its answers are nearer to the real numbers'; `network` is that of its calibration.
 * `inputs` are prepared pictures such as those that calibrated it. They are kept in memory, and run once for each layer, up to it: 32 are enough.
 * Throws a UsageError without pictures, and for networks that do not belong together.
 */
export async function correctBiases(
  network: Network,
  quantized: QuantizedNetwork,
  inputs: Iterable<Tensor> | AsyncIterable<Tensor>,
  { onLayer }: { onLayer?: (done: number, layers: number) => void } = {},
): Promise<QuantizedNetwork> {
  const typed = new Map(quantized.nodes.map((node) => [node.name, node]));
  const stranger = network.nodes.find(({ name }) => !typed.has(name));
  if (stranger)
    throw new UsageError(`${quantized.name}: has no layer '${stranger.name}' of the network of real numbers`);
  const prepared: Tensor[] = [];
  for await (const input of inputs) prepared.push(input);
  // Both means are of the same pictures, so that their difference is the integers' doing.
  const { means } = await calibrate(network, prepared);
  const pictures = prepared.map((input) => inputOf(network, quantized, input));
  const weights = new Map(quantized.weights);
  const typeOf = (name: string) => typed.get(name)!.type;
  const layers = network.nodes.filter((node) => isQuantizedType(typeOf(node.name)) && layerOf(node).kernel);
  for (const [done, node] of layers.entries()) {
    const [kernelName, biasName] = ['kernel', 'bias'].map((name) => weightName(node.name, name));
    const [read] = typed.get(node.name)!.inputs;
    const { bias } = quantizedWeights(network.weights.get(kernelName)!, network.weights.get(biasName), {
      layout: layerOf(node).kernel!,
      perChannel: 'scales' in (weights.get(kernelName) as QuantizedTensor).type,
      input: typeOf(read) as QuantizedType,
      means: means.get(node.inputs[0])!,
      integerMeans: await meansOf({ ...quantized, weights }, read, pictures),
    });
    weights.set(biasName, bias);
    onLayer?.(done + 1, layers.length);
  }
  const corrected = { ...quantized, weights };
  const nearness = async (one: QuantizedNetwork) => (await quantizationReport(network, one, prepared)).sqnr;
  return (await nearness(quantized)) > (await nearness(corrected)) ? quantized : corrected;
}

/** Of the channels of one tensor, over all pictures. */
async function meansOf(network: QuantizedNetwork, name: string, pictures: readonly AnyTensor[]): Promise<Float64Array> {
  const plan = await compileQuantized(partFor(network, [name]));
  const means = new ChannelMeans();
  try {
    for (const picture of pictures) {
      const tensor = plan.run(picture).get(name)!;
      means.add(tensor.shape, realNumbers(tensor));
    }
  } finally {
    plan.dispose();
  }
  return means.means;
}
