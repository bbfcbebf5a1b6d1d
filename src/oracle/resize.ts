/**
 * Bilinear resize: a sum of four products whose factors, the shares, are computed too. With M the largest of the samples at hand and their
 * neighbours:
 *
 *   position = (at + ½)·in/out − ½ has 4 roundings at most, each of u times a number up to `in`: it is off by 4·in·u. The result is
 *   continuous in the position, also where another pair of samples takes over, with a slope of at most 2M: 8·(inH + inW)·u·M in all.
 *
 *   a + (b − a)·share, TensorFlow's way, has a difference, a product of up to 2M and a sum of up to M: 5u·M on each axis.
 *   (1 − share)·a + share·b has less.
 */
import { maxPool } from '../layers/index.js';
import type { Tensor } from '../tensor.js';
import { mapTensor, plus, type Sum, settle, sizes } from './estimate.js';
import { roundoff, smallestCounted } from './precision.js';
import type { Rule } from './rule.js';

export const resizeBilinear: Rule<object> = ({ inputs: [x], forward, precision }) => {
  const u = roundoff(precision.sums);
  const [, H, W] = x.value.shape;
  const least = smallestCounted(precision);
  const nearby = forward([largestNearby(sizes(x, least))]);
  const shifted = 8 * (H + W) * u;
  const carried = forward([x.error]);
  const sum: Sum = {
    carried: mapTensor(carried, (e, i) => e + shifted * nearby.data[i]),
    magnitude: plus(nearby, least),
    roundoffs: 10 * u,
  };
  const { value, error } = settle(forward([x.value]), sum, precision);
  return { value, error };
};

const largestNearby = (x: Tensor): Tensor =>
  maxPool.forward([x], {}, { poolSize: [3, 3], strides: [1, 1], padding: 'same' });
