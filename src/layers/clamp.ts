/**
 * Clamp to a range, of which relu (0, ∞) and relu6 (0, 6) are cases. A quantised model's tensors are clamped to the range that its
 * integers can express.
 *
 *   y = min(max(x, min), max)
 *
 * NaN stays NaN.
 */
import { ShapeError } from '../errors.js';
import { type Shape, type Tensor, zerosLike } from '../tensor.js';
import { expectOne } from './expect.js';
import { type Cost, FREE } from './layer.js';

export interface ClampAttributes {
  readonly min: number;
  readonly max: number;
}

export function outputShape(inputs: readonly Shape[], { min, max }: ClampAttributes): Shape {
  if (!(min <= max)) throw new ShapeError(`clamp: min must not exceed max, found min ${min}, max ${max}`);
  return expectOne('clamp', inputs);
}

export function cost(): Cost {
  return FREE;
}

export function forward(inputs: readonly Tensor[], _weights: object, attributes: ClampAttributes): Tensor {
  const x = expectOne('clamp', inputs);
  const y = zerosLike(x, outputShape([x.shape], attributes));
  const { min, max } = attributes;
  for (let i = 0; i < x.data.length; i++) y.data[i] = Math.min(Math.max(x.data[i], min), max);
  return y;
}
