/**
 * Logistic function, which turns one logit into one probability:
 *
 *   y = 1 / (1 + e^(−x))
 *
 * Backward, the slope written so that it does not cancel where y is nearly 1:
 *
 *   dx = dy · y · (1 − y) = dy · e^(−|x|) / (1 + e^(−|x|))²
 *
 * Large |x| saturate at 0 and 1; NaN stays NaN.
 */
import { defineElementwise, defineElementwiseBackward } from './layer.js';

export const sigmoid = /* @__PURE__ */ defineElementwise('sigmoid', {
  attributes: {},
  probabilities: true,
  y: (x) => 1 / (1 + Math.exp(-x)),
});

export const backward = /* @__PURE__ */ defineElementwiseBackward(sigmoid, (dy, x) => {
  const power = Math.exp(-Math.abs(x));
  return (dy * power) / (1 + power) ** 2;
});
