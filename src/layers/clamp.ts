/**
 * Clamp to a range, of which relu (0, ∞) and relu6 (0, 6) are cases. A quantised model's tensors are clamped to the range that its
 * integers can express.
 *
 *   y = min(max(x, min), max)
 *
 * Backward: the gradient passes where y follows x.
 *
 *   dx = dy where min < x < max, otherwise 0
 *
 * NaN stays NaN, and passes the gradient.
 */
import { finite } from '../checks.js';
import { ShapeError } from '../errors.js';
import { defineElementwise, defineElementwiseBackward } from './layer.js';

export interface ClampAttributes {
  readonly min: number;
  readonly max: number;
}

export const clamp = /* @__PURE__ */ defineElementwise<ClampAttributes>('clamp', {
  attributes: { min: finite, max: finite },
  outputShape([x], { min, max }) {
    if (!(min <= max)) throw new ShapeError(`clamp: min must not exceed max, found min ${min}, max ${max}`);
    return x;
  },
  y: (x, { min, max }) => Math.min(Math.max(x, min), max),
});

export const backward = /* @__PURE__ */ defineElementwiseBackward(clamp, (dy, x, { min, max }) =>
  x <= min || x >= max ? 0 : dy,
);
