/**
 * Softmax over the last axis: logits to probabilities that sum to 1.
 *
 *   y[…, c] = e^(x[…, c] − max) / Σ_k e^(x[…, k] − max),   max the greatest of the row
 *
 * Subtracting the maximum changes nothing in exact arithmetic, and keeps logits of 10,000 from overflowing. A row with a NaN or an
 * infinite maximum has no answer: all of it is NaN.
 *
 * Backward, row by row: a logit raises its own probability and lowers all of the row.
 *
 *   dx[…, c] = y[…, c] · (dy[…, c] − Σ_k dy[…, k] · y[…, k])
 */
import { toFloat64 } from '../tensor.js';
import { defineBackward, defineLayer, type NoAttributes } from './layer.js';

export const softmax = /* @__PURE__ */ defineLayer<NoAttributes>('softmax', {
  attributes: {},
  takes: 'channels',
  inPlace: true,
  probabilities: true,
  compute({ data: y }, [{ data: x, shape }]) {
    const C = shape[shape.length - 1];
    const powers = new Float64Array(C);

    for (let row = 0; row < x.length; row += C) {
      let max = -Infinity;
      for (let c = 0; c < C; c++) max = Math.max(max, x[row + c]);
      let sum = 0;
      for (let c = 0; c < C; c++) {
        powers[c] = Math.exp(x[row + c] - max);
        sum += powers[c];
      }
      for (let c = 0; c < C; c++) y[row + c] = powers[c] / sum;
    }
  },
});

export const backward = /* @__PURE__ */ defineBackward(softmax, ({ data: dy }, [x]) => {
  const y = softmax.forward([toFloat64(x)]).data;
  const C = x.shape[x.shape.length - 1];
  const dx = new Float64Array(y.length);

  for (let row = 0; row < y.length; row += C) {
    let mean = 0;
    for (let c = 0; c < C; c++) mean += dy[row + c] * y[row + c];
    for (let c = 0; c < C; c++) dx[row + c] = y[row + c] * (dy[row + c] - mean);
  }
  return [[dx]];
});
