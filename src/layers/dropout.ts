/**
 * Dropout. Training sets a fraction `rate` of the numbers to zero and divides the others by 1 − rate, so that at inference, here,
 * nothing is left to do:
 *
 *   y = x
 */
import { ShapeError } from '../errors.js';
import { type Shape, type Tensor, tensor } from '../tensor.js';
import { expectOne } from './expect.js';
import { type Cost, FREE } from './layer.js';

export interface DropoutAttributes {
  /** Fraction that training drops, not the fraction it keeps: 0.001 for V1, 0.2 for V2. */
  readonly rate: number;
}

export function outputShape(inputs: readonly Shape[], { rate }: DropoutAttributes): Shape {
  if (!(rate >= 0 && rate < 1)) throw new ShapeError(`dropout: rate must be at least 0 and below 1, found ${rate}`);
  return expectOne('dropout', inputs);
}

export function cost(): Cost {
  return FREE;
}

export function forward(inputs: readonly Tensor[], _weights: object, attributes: DropoutAttributes): Tensor {
  const x = expectOne('dropout', inputs);
  return tensor(outputShape([x.shape], attributes), x.data.slice());
}
