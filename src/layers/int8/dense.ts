/**
 * Fully connected layer of integers (FULLY_CONNECTED): for every row, with distances from the zero points,
 *
 *   acc[u] = bias[u] + Σ_c x[c] · K[c, u]
 *
 * and each sum becomes an integer of the result as `sums.ts` says. The kernel is [C, U], with one scale or one for each u. LiteRT's present
 * reference kernel multiplies in float64 instead; tflite-micro's and all optimised kernels compute what is written here.
 */
import { dense } from '../dense.js';
import { integerLayer } from './layer.js';
import { finisherOf, multiplyRows } from './sums.js';

export const forward = /* @__PURE__ */ integerLayer(dense, (y, [x], weights, { units }, rounding) =>
  multiplyRows(y, x, weights.kernel, finisherOf('dense', x, weights, units, y.type, rounding)),
);
