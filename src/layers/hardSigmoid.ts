/**
 * The sigmoid of MobileNetV3, of straight lines (§5.2 of arXiv:1905.02244):
 *
 *   y = relu6(x + 3) / 6
 *
 * Backward: the slope of the middle piece is 1/6.
 *
 *   dx = dy / 6 where −3 < x < 3, otherwise 0
 *
 * NaN stays NaN, and passes the gradient.
 */
import { defineElementwise, defineElementwiseBackward } from './layer.js';

export const hardSigmoid = /* @__PURE__ */ defineElementwise('hardSigmoid', {
  attributes: {},
  y: (x) => Math.min(Math.max(x + 3, 0), 6) / 6,
});

export const backward = /* @__PURE__ */ defineElementwiseBackward(hardSigmoid, (dy, x) =>
  x <= -3 || x >= 3 ? 0 : dy / 6,
);
