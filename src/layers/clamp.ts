/**
 * Clamp to a range, of which relu (0, ∞) and relu6 (0, 6) are cases. A quantised model's tensors are clamped to the range that its
 * integers can express.
 *
 *   y = min(max(x, min), max)
 *
 * Backward: the gradient passes where y follows x.
 *
 *   dx = dy where min < x < max, otherwise 0
 *
 * NaN stays NaN, and passes the gradient.
 */
import { ShapeError } from '../errors.js';
import { type Shape, type Tensor, zerosLike } from '../tensor.js';
import { expectGradient, expectOne } from './expect.js';
import { type Cost, FREE, type Gradients } from './layer.js';

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

export function backward(
  outputGradient: Tensor,
  inputs: readonly Tensor[],
  _weights: object,
  attributes: ClampAttributes,
): Gradients {
  const x = expectOne('clamp', inputs);
  const dy = expectGradient('clamp', outputGradient, outputShape([x.shape], attributes)).data;
  const dx = zerosLike(x, x.shape);
  const { min, max } = attributes;
  for (let i = 0; i < dy.length; i++) dx.data[i] = x.data[i] <= min || x.data[i] >= max ? 0 : dy[i];
  return { inputs: [dx], weights: {} };
}
