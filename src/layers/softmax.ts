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
import { type Shape, type Tensor, toFloat64, zerosLike } from '../tensor.js';
import { expectChannels, expectGradient, expectOne } from './expect.js';
import { type Cost, FREE, type Gradients, type NoAttributes } from './layer.js';

export type SoftmaxAttributes = NoAttributes;

export function outputShape(inputs: readonly Shape[], _attributes?: SoftmaxAttributes): Shape {
  const x = expectOne('softmax', inputs);
  expectChannels('softmax', x);
  return x;
}

export function cost(): Cost {
  return FREE;
}

export function forward(inputs: readonly Tensor[], _weights?: object, _attributes?: SoftmaxAttributes): Tensor {
  const x = expectOne('softmax', inputs);
  const y = zerosLike(x, outputShape([x.shape]));
  const C = expectChannels('softmax', x.shape);
  const powers = new Float64Array(C);

  for (let row = 0; row < x.data.length; row += C) {
    let max = -Infinity;
    for (let c = 0; c < C; c++) max = Math.max(max, x.data[row + c]);
    let sum = 0;
    for (let c = 0; c < C; c++) {
      powers[c] = Math.exp(x.data[row + c] - max);
      sum += powers[c];
    }
    for (let c = 0; c < C; c++) y.data[row + c] = powers[c] / sum;
  }
  return y;
}

export function backward(outputGradient: Tensor, inputs: readonly Tensor[]): Gradients {
  const x = expectOne('softmax', inputs);
  const dy = expectGradient('softmax', outputGradient, outputShape([x.shape])).data;
  const y = forward([toFloat64(x)]).data;
  const dx = zerosLike(x, x.shape);
  const C = expectChannels('softmax', x.shape);

  for (let row = 0; row < dy.length; row += C) {
    let mean = 0;
    for (let c = 0; c < C; c++) mean += dy[row + c] * y[row + c];
    for (let c = 0; c < C; c++) dx.data[row + c] = y[row + c] * (dy[row + c] - mean);
  }
  return { inputs: [dx], weights: {} };
}
