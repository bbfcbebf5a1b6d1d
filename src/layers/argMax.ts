/**
 * Index of the greatest number along the last axis, as DeepLab's label map needs it:
 *
 *   y[…, 0] = the lowest c with x[…, c] = max_k x[…, k]
 *
 * x is [N, H, W, C] or any other [..., C], y is [N, H, W, 1]. A NaN counts as the greatest, as in NumPy, so that it is not passed over.
 * An index stays or jumps when x changes a little: there is no gradient, and `backward` says so.
 */
import { UsageError } from '../errors.js';
import { withSize } from '../tensor.js';
import { defineLayer, type NoAttributes } from './layer.js';

export const argMax = /* @__PURE__ */ defineLayer<NoAttributes>('argMax', {
  attributes: {},
  takes: 'channels',
  outputShape: ([x]) => withSize(x, x.length - 1, 1),
  compute(y, [x]) {
    const C = x.data.length / y.data.length;

    for (let row = 0; row < y.data.length; row++) {
      let best = 0;
      for (let c = 1; c < C; c++) {
        if (isGreater(x.data[row * C + c], x.data[row * C + best])) best = c;
      }
      y.data[row] = best;
    }
  },
});

/** NaN is greater than every number. */
export function isGreater(value: number, best: number): boolean {
  return value > best || (Number.isNaN(value) && !Number.isNaN(best));
}

export function backward(): never {
  throw new UsageError('argMax: an index has no gradient; train the network that ends before this layer');
}
