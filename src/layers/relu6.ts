/**
 * Clamped rectifier, the activation of both networks ("robustness when used with low-precision computation", §4 of arXiv:1801.04381):
 *
 *   y = min(max(x, 0), 6)
 *
 * NaN stays NaN.
 */
import { type Shape, type Tensor, zerosLike } from '../tensor.js';
import { expectOne } from './expect.js';
import { type Cost, FREE, type NoAttributes } from './layer.js';

export type Relu6Attributes = NoAttributes;

export function outputShape(inputs: readonly Shape[], _attributes?: Relu6Attributes): Shape {
  return expectOne('relu6', inputs);
}

export function cost(): Cost {
  return FREE;
}

export function forward(inputs: readonly Tensor[], _weights?: object, _attributes?: Relu6Attributes): Tensor {
  const x = expectOne('relu6', inputs);
  const y = zerosLike(x, x.shape);
  for (let i = 0; i < x.data.length; i++) y.data[i] = Math.min(Math.max(x.data[i], 0), 6);
  return y;
}
