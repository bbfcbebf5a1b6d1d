/**
 * Rectifier, the activation drawn in Fig. 3 of arXiv:1704.04861:
 *
 *   y = max(x, 0)
 *
 * Backward: the gradient passes where y follows x.
 *
 *   dx = dy where x > 0, otherwise 0
 *
 * NaN stays NaN, and passes the gradient.
 */
import { defineElementwise, defineElementwiseBackward } from './layer.js';

export const relu = /* @__PURE__ */ defineElementwise('relu', { attributes: {}, y: (x) => Math.max(x, 0) });

export const backward = /* @__PURE__ */ defineElementwiseBackward(relu, (dy, x) => (x <= 0 ? 0 : dy));
