/**
 * Rectifier, the activation drawn in Fig. 3 of arXiv:1704.04861:
 *
 *   y = max(x, 0)
 *
 * Backward: the gradient passes where y follows x.
 *
 *   dx = dy where x > 0, otherwise 0
 *
 * NaN stays NaN, and passes the gradient.
 */
import { type Shape, type Tensor, zerosLike } from '../tensor.js';
import { expectGradient, expectOne } from './expect.js';
import { type Cost, FREE, type Gradients, type NoAttributes } from './layer.js';

export type ReluAttributes = NoAttributes;

export function outputShape(inputs: readonly Shape[], _attributes?: ReluAttributes): Shape {
  return expectOne('relu', inputs);
}

export function cost(): Cost {
  return FREE;
}

export function forward(inputs: readonly Tensor[], _weights?: object, _attributes?: ReluAttributes): Tensor {
  const x = expectOne('relu', inputs);
  const y = zerosLike(x, x.shape);
  for (let i = 0; i < x.data.length; i++) y.data[i] = Math.max(x.data[i], 0);
  return y;
}

export function backward(outputGradient: Tensor, inputs: readonly Tensor[]): Gradients {
  const x = expectOne('relu', inputs);
  const dy = expectGradient('relu', outputGradient, x.shape).data;
  const dx = zerosLike(x, x.shape);
  for (let i = 0; i < dy.length; i++) dx.data[i] = x.data[i] <= 0 ? 0 : dy[i];
  return { inputs: [dx], weights: {} };
}
