/**
 * Logistic function, which turns one logit into one probability:
 *
 *   y = 1 / (1 + e^(−x))
 *
 * Large |x| saturate at 0 and 1; NaN stays NaN.
 */
import { type Shape, type Tensor, zerosLike } from '../tensor.js';
import { expectOne } from './expect.js';
import { type Cost, FREE, type NoAttributes } from './layer.js';

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
