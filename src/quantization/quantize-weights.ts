/**
 * Kernels and biases as integers.
 *
 *   kernel  int8, symmetric: scale = max |w| / 127, q = w / scale rounded, for each output channel or for the whole kernel
 *   bias    int32, in the scale of the sums: q = b / (input scale · kernel scale) rounded
 *
 * Bias correction (Nagel et al., arXiv 1906.04721, section 4.2): rounding the kernel moves the mean of output channel o by
 *
 *   Δ[o] = Σ_k (scale[o] · q[k, o] − w[k, o]) · E[x[k]]
 *
 * which is taken from its bias. E[x[k]] is the mean of input channel k over the calibration pictures; borders are left out of account.
 */
import type { KernelLayout } from '../layers/layer.js';
import { channelAxes } from '../network/quantized-types.js';
import { type QuantizedTensor, type QuantizedType, sizeOf, type Tensor } from '../tensor.js';

/** The greatest integer of a weight, and of a bias: half of int32's, which leaves room for the sum that it is added to. */
const MOST_WEIGHT = 127;
const MOST_BIAS = 2 ** 30;

export interface WeightOptions {
  readonly layout: KernelLayout;
  /** One scale for each output channel, or one for the whole kernel. */
  readonly perChannel: boolean;
  /** The type of what the layer reads. */
  readonly input: QuantizedType;
  /** Means of its channels, for bias correction. */
  readonly means?: Float64Array;
  /** The same means as the layers of integers before it make them, if they are known. */
  readonly integerMeans?: Float64Array;
}

/** Kernel and bias as integers. Without a bias, correction makes one. */
export function quantizedWeights(
  kernel: Tensor,
  bias: Tensor | undefined,
  { layout, perChannel, input, means, integerMeans = means }: WeightOptions,
): { kernel: QuantizedTensor; bias: QuantizedTensor } {
  const axis = channelAxes[layout];
  const channels = sizeOf(kernel.shape.slice(axis));
  const biases = bias?.data ?? new Float64Array(channels);
  const scales = scalesOf(kernel, biases, perChannel, input.scale);
  const integers = Int8Array.from(kernel.data, (w, i) => Math.round(w / scales[i % channels]));
  const shifts = means ? shiftsOf(kernel, integers, scales, means, integerMeans!) : new Float64Array(channels);
  const sums = Int32Array.from(scales, (scale, o) => Math.round((biases[o] - shifts[o]) / (input.scale * scale)));
  const type = <Type extends 'int8' | 'int32'>(type: Type, scales: readonly number[], axis: number) =>
    perChannel ? { type, scales, axis } : { type, scale: scales[0], zeroPoint: 0 };
  const biasScales = scales.map((scale) => Math.fround(input.scale * scale));
  return {
    kernel: { shape: kernel.shape, data: integers, type: type('int8', scales, axis) },
    bias: { shape: [channels], data: sums, type: type('int32', biasScales, 0) },
  };
}

/** The scale of each output channel; all the same without `perChannel`. Large enough for the biases, and never 0: a channel may be dead. */
function scalesOf({ data }: Tensor, biases: ArrayLike<number>, perChannel: boolean, inputScale: number): number[] {
  const channels = biases.length;
  const largest = new Float64Array(channels);
  for (let i = 0; i < data.length; i++) largest[i % channels] = Math.max(largest[i % channels], Math.abs(data[i]));
  const scales = Array.from(largest, (most, o) => {
    const forBias = Math.abs(biases[o]) / (inputScale * MOST_BIAS);
    return Math.fround(Math.max(most / MOST_WEIGHT, forBias, 2 ** -60));
  });
  return perChannel ? scales : new Array<number>(channels).fill(Math.max(...scales));
}

/** Δ of bias correction. In every layout of a kernel the last axis but one is that of the channels that the layer reads. */
function shiftsOf(
  { shape, data }: Tensor,
  integers: Int8Array,
  scales: readonly number[],
  means: Float64Array,
  integerMeans: Float64Array,
): Float64Array {
  const channels = scales.length;
  const shifts = new Float64Array(channels);
  const [inputs, outputsOfEach] = shape.slice(-2);
  for (let i = 0; i < data.length; i++) {
    const input = Math.floor(i / outputsOfEach) % inputs;
    shifts[i % channels] += scales[i % channels] * integers[i] * integerMeans[input] - data[i] * means[input];
  }
  return shifts;
}
