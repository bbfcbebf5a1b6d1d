/**
 * Pointwise convolution of integers (CONV_2D with a 1 × 1 kernel): at every position, with distances from the zero points,
 *
 *   acc[o] = bias[o] + Σ_m F[m] · K[m, o]
 *
 * and each sum becomes an integer of the result as `sums.ts` says. The kernel is [M, O], with one scale or one for each o.
 */
import { pointwiseConv2d } from '../pointwiseConv2d.js';
import { integerLayer } from './layer.js';
import { finisherOf, multiplyRows } from './sums.js';

export const forward = /* @__PURE__ */ integerLayer(pointwiseConv2d, (y, [x], weights, { filters }, rounding) =>
  multiplyRows(y, x, weights.kernel, finisherOf('pointwiseConv2d', x, weights, filters, y.type, rounding)),
);
