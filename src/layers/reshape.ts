/** Other sizes for the same numbers in the same order, as are their gradients. The batch stays; `shape` gives the sizes after it. */
import { ShapeError } from '../errors.js';
import { type Shape, sizeOf, type Tensor, tensor, tensorLike } from '../tensor.js';
import { expectGradient, expectOne } from './expect.js';
import { type Cost, FREE, type Gradients } from './layer.js';

export interface ReshapeAttributes {
  /** Sizes after the batch; one of them may be −1 and is then worked out from the others. */
  readonly shape: Shape;
}

export function outputShape(inputs: readonly Shape[], { shape }: ReshapeAttributes): Shape {
  const x = expectOne('reshape', inputs);
  if (x.length < 1) throw new ShapeError('reshape: wanted an input of shape [batch, ...], found []');
  const [batch, ...sizes] = x;
  const open = shape.filter((size) => size === -1).length;
  if (open > 1 || shape.some((size) => size !== -1 && !(Number.isInteger(size) && size > 0))) {
    throw new ShapeError(`reshape: sizes must be whole numbers of 1 or more, at most one of them -1, found [${shape}]`);
  }
  const rest = sizeOf(sizes) / sizeOf(shape.filter((size) => size !== -1));
  if (open === 1 ? !Number.isInteger(rest) : rest !== 1) {
    throw new ShapeError(`reshape: the ${sizeOf(sizes)} numbers of [${sizes}] do not fit into [${shape}]`);
  }
  return [batch, ...shape.map((size) => (size === -1 ? rest : size))];
}

export function cost(): Cost {
  return FREE;
}

export function forward(inputs: readonly Tensor[], _weights: object, attributes: ReshapeAttributes): Tensor {
  const x = expectOne('reshape', inputs);
  return tensor(outputShape([x.shape], attributes), x.data.slice());
}

export function backward(
  outputGradient: Tensor,
  inputs: readonly Tensor[],
  _weights: object,
  attributes: ReshapeAttributes,
): Gradients {
  const x = expectOne('reshape', inputs);
  const dy = expectGradient('reshape', outputGradient, outputShape([x.shape], attributes)).data;
  return { inputs: [tensorLike(x, x.shape, dy)], weights: {} };
}
