/** Everything after the batch in one axis: [N, H, W, C] becomes [N, H·W·C], the numbers in the same order, as are their gradients. */
import { ShapeError } from '../errors.js';
import { type Shape, sizeOf, type Tensor, tensor, tensorLike } from '../tensor.js';
import { expectGradient, expectOne } from './expect.js';
import { type Cost, FREE, type Gradients, type NoAttributes } from './layer.js';

export type FlattenAttributes = NoAttributes;

export function outputShape(inputs: readonly Shape[], _attributes?: FlattenAttributes): Shape {
  const x = expectOne('flatten', inputs);
  if (x.length < 1) throw new ShapeError('flatten: wanted an input of shape [batch, ...], found []');
  return [x[0], sizeOf(x.slice(1))];
}

export function cost(): Cost {
  return FREE;
}

export function forward(inputs: readonly Tensor[], _weights?: object, _attributes?: FlattenAttributes): Tensor {
  const x = expectOne('flatten', inputs);
  return tensor(outputShape([x.shape]), x.data.slice());
}

export function backward(outputGradient: Tensor, inputs: readonly Tensor[]): Gradients {
  const x = expectOne('flatten', inputs);
  const dy = expectGradient('flatten', outputGradient, outputShape([x.shape])).data;
  return { inputs: [tensorLike(x, x.shape, dy)], weights: {} };
}
