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
import { type Shape, type Tensor, zerosLike } from '../tensor.js';
import { expectGradient, expectOne } from './expect.js';
import { type Cost, FREE, type Gradients, type NoAttributes } from './layer.js';

export type SigmoidAttributes = NoAttributes;

export function outputShape(inputs: readonly Shape[], _attributes?: SigmoidAttributes): Shape {
  return expectOne('sigmoid', inputs);
}

export function cost(): Cost {
  return FREE;
}

export function forward(inputs: readonly Tensor[], _weights?: object, _attributes?: SigmoidAttributes): Tensor {
  const x = expectOne('sigmoid', inputs);
  const y = zerosLike(x, x.shape);
  for (let i = 0; i < x.data.length; i++) y.data[i] = 1 / (1 + Math.exp(-x.data[i]));
  return y;
}

export function backward(outputGradient: Tensor, inputs: readonly Tensor[]): Gradients {
  const x = expectOne('sigmoid', inputs);
  const dy = expectGradient('sigmoid', outputGradient, x.shape).data;
  const dx = zerosLike(x, x.shape);
  for (let i = 0; i < dy.length; i++) {
    const power = Math.exp(-Math.abs(x.data[i]));
    dx.data[i] = (dy[i] * power) / (1 + power) ** 2;
  }
  return { inputs: [dx], weights: {} };
}
