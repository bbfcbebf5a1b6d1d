/**
 * The activation of MobileNetV3 (§5.2 of arXiv:1905.02244), x times its hard sigmoid:
 *
 *   y = x · relu6(x + 3) / 6
 *
 * Backward, by pieces:
 *
 *   dx = 0 where x ≤ −3,   dy · (2x + 3) / 6 where −3 < x < 3,   dy where x ≥ 3
 *
 * NaN stays NaN, and at −∞ the formula has no value: NaN as well.
 */
import { defineElementwise, defineElementwiseBackward } from './layer.js';

export const hardSwish = /* @__PURE__ */ defineElementwise('hardSwish', {
  attributes: {},
  y: (x) => (x * Math.min(Math.max(x + 3, 0), 6)) / 6,
});

export const backward = /* @__PURE__ */ defineElementwiseBackward(hardSwish, (dy, x) => {
  if (x <= -3) return 0;
  return x >= 3 ? dy : (dy * (2 * x + 3)) / 6;
});
