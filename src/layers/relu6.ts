/**
 * Clamped rectifier, the activation of both papers ("robustness when used with low-precision computation", §4.1 of arXiv:1801.04381):
 *
 *   y = min(max(x, 0), 6)
 *
 * NaN stays NaN.
 */
import { type Shape, type Tensor, zerosLike } from '../tensor.js';
import { expectInput } from './expect.js';
import { type Cost, FREE } from './layer.js';

export type Relu6Attributes = Record<never, never>;

export function outputShape([x]: readonly Shape[], _: Relu6Attributes): Shape {
  return expectInput('relu6', x);
}

/** Activations are not multiply-adds. */
export function cost(): Cost {
  return FREE;
}

export function forward([x]: readonly Tensor[], _weights: object, _: Relu6Attributes): Tensor {
  const y = zerosLike(x!, outputShape([x!.shape], {}));
  for (let i = 0; i < y.data.length; i++) y.data[i] = Math.min(Math.max(x!.data[i]!, 0), 6);
  return y;
}
