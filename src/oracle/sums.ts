/**
 * Layers that are sums of products: convolutions, dense, the average pools, add, and batch norm, which may be folded into one of them.
 *
 *   y = Σ_{t=1…n} x_t·w_t + bias
 *
 * In any order, with or without fused multiply-adds, each product is rounded at most once and takes part in at most n − 1 additions,
 * n with a bias; so S = (n [+ 1])·u. To this come, where the format asks for it, the rounding of each weight as it is stored and of both
 * factors of a product (tf32), and the float64 roundings of the reference itself, (n + 2)·2⁻⁵³. The magnitude Σ|x||w| + |bias| and the
 * carried error Σ|w|·e are the layer itself, run on absolute values: no loop is written twice.
 *
 * Algorithms that are not such sums, Winograd's and the FFT above all, round more: give a factor for them, or turn them off.
 */
import type { BatchNormAttributes } from '../layers/batchNorm.js';
import { channelScales } from '../network/rewriting/fold-batch-norm.js';
import { type Shape, sizeOf, type Tensor, toFloat64 } from '../tensor.js';
import { absolute, type Estimate, mapTensor, plus, type Sum, settle, sizes } from './estimate.js';
import { allRepresentable, type Precision, roundoff, smallestCounted } from './precision.js';
import type { Rule } from './rule.js';

const FLOAT64 = 2 ** -53;

/** Convolutions and dense layers. `productsOf` says how many products one output's sum has, from the kernel's shape. */
export const productSum =
  (productsOf: (kernel: Shape) => number): Rule<object> =>
  ({ inputs: [x], weights, forward, precision }) => {
    const value = forward([x.value], inFloat64(weights));
    const least = smallestCounted(precision);
    const kernel = absolute(weights.kernel, least);
    const noBias = weights.bias && mapTensor(weights.bias, () => 0);
    const bias = weights.bias && absolute(weights.bias, least);
    const carried = forward([x.error], { kernel, ...(noBias && { bias: noBias }) });
    const products = productsOf(weights.kernel.shape);
    // Each product may itself fall below the smallest number; so may the bias.
    const underflow = (products + 1) * least;
    const magnitude = plus(forward([sizes(x, least)], { kernel, ...(bias && { bias }) }), underflow);
    return settle(value, { carried, magnitude, roundoffs: roundoffsOf(products, weights, precision) }, precision);
  };

/** Of kernels [KH, KW, C, O] and [C, O]: all taps and all channels. */
export const allButLast = (kernel: Shape): number => sizeOf(kernel.slice(0, -1));

/** Of depthwise kernels [KH, KW, C, M]: the taps. */
export const taps = ([KH, KW]: Shape): number => KH * KW;

function roundoffsOf(
  products: number,
  { kernel, bias }: Readonly<Record<string, Tensor>>,
  { stored, factors, sums }: Precision,
): number {
  const operations = products + (bias ? 1 : 0);
  const storing = [kernel, bias].every((weight) => weight === undefined || allRepresentable(weight, stored)) ? 0 : 1;
  const converting = factors.bits < stored.bits ? 2 : 0;
  return (
    operations * roundoff(sums) + storing * roundoff(stored) + converting * roundoff(factors) + (products + 2) * FLOAT64
  );
}

/**
 * y = gamma·(x − mean) / √(variance + epsilon) + beta. The longest way of any term is that of the mean in
 * y = scale·x + (beta − mean·scale): epsilon and variance + epsilon (½ each, by the root), the reciprocal root (4: two units in the last
 * place), times gamma, times mean, the difference, the sum: 9 roundings, and as many stored weights (3: gamma, the root of variance, mean).
 *
 * Folded, the kernel is multiplied by scale before the sum of products and mean·scale enters its bias: a term's roundings are those of the
 * sum and the 9 together, one more for the folded kernel as it is stored, and the magnitude is that of the sum, scaled:
 *
 *   |scale|·(Σ|x||w| + |bias| + |mean|) + |beta|
 *
 * Since it is no less than the magnitude of the unfolded computation, one bound covers both. Of a sum that the backend has shown only the
 * rounding of showing it and the 9 are left. Statistics are taken to be folded or kept in float32 or better, also by float16 backends.
 */
export const batchNorm: Rule<Required<BatchNormAttributes>> = ({
  inputs: [x],
  weights,
  attributes,
  forward,
  precision,
}) => {
  const value = forward([x.value], inFloat64(weights));
  const { gamma, beta, movingMean, movingVariance } = weights;
  const least = smallestCounted(precision);
  const { carried, magnitude, roundoffs } = x.sum ?? { carried: x.error, magnitude: sizes(x, least), roundoffs: 0 };
  const channels = movingMean.data.length;
  const scale = channelScales({ gamma, movingVariance }, attributes.epsilon).map(Math.abs);
  const shift = Float64Array.from(
    { length: channels },
    (_, c) => Math.abs(movingMean.data[c]) * scale[c] + Math.abs(beta ? beta.data[c] : 0) + 2 * least,
  );
  const { stored, sums } = precision;
  const storing = Object.values(weights).every((weight) => allRepresentable(weight, stored)) ? 0 : 3;
  const folding = x.sum ? roundoff(stored) : 0;
  const sum: Sum = {
    carried: mapTensor(carried, (e, i) => scale[i % channels] * e),
    magnitude: mapTensor(magnitude, (size, i) => scale[i % channels] * size + shift[i % channels]),
    roundoffs: roundoffs + 9 * roundoff(sums) + storing * roundoff(stored) + folding + 8 * FLOAT64,
  };
  return settle(value, sum, precision);
};

/**
 * y = x₁ + x₂ + …. A backend may go on adding to the sums of a convolution before it, whose terms then take part in these additions too:
 * the magnitudes of those sums are added, and the roundings of the longest follow for all.
 */
export const add: Rule<object> = ({ inputs, forward, precision }) => {
  const value = forward(inputs.map((x) => x.value));
  const least = smallestCounted(precision);
  const parts = inputs.map((x) => x.sum ?? { carried: x.error, magnitude: sizes(x, least), roundoffs: 0 });
  const sum: Sum = {
    carried: forward(parts.map((part) => part.carried)),
    magnitude: forward(parts.map((part) => part.magnitude)),
    roundoffs:
      Math.max(...parts.map((part) => part.roundoffs)) + (inputs.length - 1) * (roundoff(precision.sums) + FLOAT64),
  };
  return closed(settle(value, sum, precision));
};

/** The mean of n numbers: n − 1 additions, and a division or the product with a rounded 1/n. */
export const mean =
  <Attributes>(countOf: (attributes: Attributes, input: Shape) => number): Rule<Attributes> =>
  ({ inputs: [x], attributes, forward, precision }) => {
    const least = smallestCounted(precision);
    const sum: Sum = {
      carried: forward([x.error]),
      magnitude: plus(forward([sizes(x, least)]), least),
      roundoffs: (countOf(attributes, x.value.shape) + 1) * (roundoff(precision.sums) + FLOAT64),
    };
    return closed(settle(forward([x.value]), sum, precision));
  };

/** A sum that no backend carries on. */
const closed = ({ value, error }: Estimate): Estimate => ({ value, error });

const inFloat64 = (weights: Readonly<Record<string, Tensor>>): Record<string, Tensor> =>
  Object.fromEntries(Object.entries(weights).map(([name, weight]) => [name, toFloat64(weight)]));
