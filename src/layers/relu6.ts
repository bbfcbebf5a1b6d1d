/**
 * Clamped rectifier, the activation of both networks ("robustness when used with low-precision computation", §4 of arXiv:1801.04381):
 *
 *   y = min(max(x, 0), 6)
 *
 * Backward: the gradient passes where y follows x.
 *
 *   dx = dy where 0 < x < 6, otherwise 0
 *
 * NaN stays NaN, and passes the gradient.
 */
import { defineElementwise, defineElementwiseBackward } from './layer.js';

export const relu6 = /* @__PURE__ */ defineElementwise('relu6', {
  attributes: {},
  y: (x) => Math.min(Math.max(x, 0), 6),
});

export const backward = /* @__PURE__ */ defineElementwiseBackward(relu6, (dy, x) => (x <= 0 || x >= 6 ? 0 : dy));
