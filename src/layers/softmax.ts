/**
 * Softmax over the last axis: logits to probabilities that sum to 1.
 *
 *   y[…, c] = e^(x[…, c] − max) / Σ_k e^(x[…, k] − max),   max the greatest of the row
 *
 * Subtracting the maximum changes nothing in exact arithmetic, and keeps logits of 10,000 from overflowing. A row with a NaN or an
 * infinite maximum has no answer: all of it is NaN.
 */
import { type Shape, type Tensor, zerosLike } from '../tensor.js';
import { expectChannels, expectOne } from './expect.js';
import { type Cost, FREE, type NoAttributes } from './layer.js';

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
