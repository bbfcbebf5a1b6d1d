/**
 * Clamped rectifier, the activation of both networks ("robustness when used with low-precision computation", §4 of arXiv:1801.04381):
 *
 *   y = min(max(x, 0), 6)
 *
 * Backward: the gradient passes where y follows x.
 *
 *   dx = dy where 0 < x < 6, otherwise 0
 *
 * NaN stays NaN, and passes the gradient.
 */
import { type Shape, type Tensor, zerosLike } from '../tensor.js';
import { expectGradient, expectOne } from './expect.js';
import { type Cost, FREE, type Gradients, type NoAttributes } from './layer.js';

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

export function backward(outputGradient: Tensor, inputs: readonly Tensor[]): Gradients {
  const x = expectOne('relu6', inputs);
  const dy = expectGradient('relu6', outputGradient, x.shape).data;
  const dx = zerosLike(x, x.shape);
  for (let i = 0; i < dy.length; i++) dx.data[i] = x.data[i] <= 0 || x.data[i] >= 6 ? 0 : dy[i];
  return { inputs: [dx], weights: {} };
}
