/**
 * Sum of two or more tensors of the same shape, the shortcut of the residual blocks (Fig. 4d of arXiv:1801.04381):
 *
 *   y = x₁ + x₂ + …
 *
 * Backward, the whole gradient to each, which is how it reaches the layers below a block undiminished:
 *
 *   dx₁ = dx₂ = … = dy
 */
import { ShapeError } from '../errors.js';
import { type Shape, sameShape, type Tensor, tensorLike, zerosLike } from '../tensor.js';
import { expectGradient } from './expect.js';
import { type Cost, FREE, type Gradients, type NoAttributes } from './layer.js';

export type AddAttributes = NoAttributes;

export function outputShape(inputs: readonly Shape[], _attributes?: AddAttributes): Shape {
  if (inputs.length < 2) throw new ShapeError(`add: takes two or more inputs, found ${inputs.length}`);
  if (!inputs.every((shape) => sameShape(shape, inputs[0]))) {
    throw new ShapeError(
      `add: the inputs must have the same shape, found ${inputs.map((shape) => `[${shape}]`).join(', ')}`,
    );
  }
  return inputs[0];
}

/** Sums without products are not multiply-adds. */
export function cost(): Cost {
  return FREE;
}

export function forward(inputs: readonly Tensor[], _weights?: object, _attributes?: AddAttributes): Tensor {
  const y = zerosLike(inputs[0], outputShape(inputs.map(({ shape }) => shape)));
  for (let i = 0; i < y.data.length; i++) {
    let sum = 0;
    for (const x of inputs) sum += x.data[i];
    y.data[i] = sum;
  }
  return y;
}

export function backward(outputGradient: Tensor, inputs: readonly Tensor[]): Gradients {
  const shape = outputShape(inputs.map((x) => x.shape));
  const dy = expectGradient('add', outputGradient, shape).data;
  return { inputs: inputs.map(() => tensorLike(inputs[0], shape, dy)), weights: {} };
}
