/**
 * Joins tensors along one axis, in the order given; all other sizes must agree.
 *
 *   y[…, offset_p + a, …] = x_p[…, a, …],   offset_p the sum of the sizes along the axis of x_1 … x_{p−1}
 *
 * Backward, to each input its own piece:
 *
 *   dx_p[…, a, …] = dy[…, offset_p + a, …]
 */
import { ShapeError } from '../errors.js';
import { type Shape, sizeOf, type Tensor, withSize, zerosLike } from '../tensor.js';
import { expectGradient } from './expect.js';
import { type Cost, FREE, type Gradients } from './layer.js';

export interface ConcatAttributes {
  /** Counted from the front; negative from the back, so that −1 is the channels. */
  readonly axis: number;
}

function axisOf(inputs: readonly Shape[], { axis }: ConcatAttributes): number {
  const rank = inputs[0].length;
  if (!Number.isInteger(axis) || axis < -rank || axis >= rank) {
    throw new ShapeError(`concat: axis must be a whole number from ${-rank} to ${rank - 1}, found ${axis}`);
  }
  return axis < 0 ? axis + rank : axis;
}

export function outputShape(inputs: readonly Shape[], attributes: ConcatAttributes): Shape {
  if (inputs.length < 1) throw new ShapeError('concat: takes one or more inputs, found 0');
  const axis = axisOf(inputs, attributes);
  const agree = (shape: Shape) =>
    shape.length === inputs[0].length && shape.every((size, at) => at === axis || size === inputs[0][at]);
  if (!inputs.every(agree)) {
    const found = inputs.map((shape) => `[${shape}]`).join(', ');
    throw new ShapeError(`concat: the inputs may differ along axis ${axis} only, found ${found}`);
  }
  const joined = inputs.reduce((sum, shape) => sum + shape[axis], 0);
  return withSize(inputs[0], axis, joined);
}

export function cost(): Cost {
  return FREE;
}

export function forward(inputs: readonly Tensor[], _weights: object, attributes: ConcatAttributes): Tensor {
  const shapes = inputs.map(({ shape }) => shape);
  const y = zerosLike(inputs[0], outputShape(shapes, attributes));
  const axis = axisOf(shapes, attributes);
  const blocks = sizeOf(y.shape.slice(0, axis));

  let offset = 0;
  for (let block = 0; block < blocks; block++) {
    for (const { shape, data } of inputs) {
      const size = sizeOf(shape.slice(axis));
      y.data.set(data.subarray(block * size, (block + 1) * size), offset);
      offset += size;
    }
  }
  return y;
}

export function backward(
  outputGradient: Tensor,
  inputs: readonly Tensor[],
  _weights: object,
  attributes: ConcatAttributes,
): Gradients {
  const shapes = inputs.map(({ shape }) => shape);
  const dy = expectGradient('concat', outputGradient, outputShape(shapes, attributes));
  const gradients = shapes.map((shape) => zerosLike(inputs[0], shape));
  const axis = axisOf(shapes, attributes);
  const blocks = sizeOf(dy.shape.slice(0, axis));

  let offset = 0;
  for (let block = 0; block < blocks; block++) {
    for (const { shape, data } of gradients) {
      const size = sizeOf(shape.slice(axis));
      data.set(dy.data.subarray(offset, offset + size), block * size);
      offset += size;
    }
  }
  return { inputs: gradients, weights: {} };
}
