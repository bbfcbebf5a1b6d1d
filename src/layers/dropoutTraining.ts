/**
 * Dropout while a network is trained:
 *
 *   y = x · mask,   mask = 0 with probability rate, otherwise 1 / (1 − rate);   backward dx = dy · mask
 *
 * The mask is a tensor that a seed makes, so that a step of training can be repeated.
 */
import { ShapeError } from '../errors.js';
import { uniformRandom } from '../random.js';
import { type Shape, sameShape, sizeOf, type Tensor, tensor, zerosLike } from '../tensor.js';
import { type DropoutAttributes, dropout } from './dropout.js';
import { expectGradient, expectOne } from './expect.js';
import type { Gradients } from './layer.js';

/** The factors of one step of training, in float64: 0 or 1 / (1 − rate). The same seed gives the same mask on every machine. */
export function maskOf(shape: Shape, attributes: DropoutAttributes, seed: number): Tensor {
  const { rate } = attributes;
  const uniform = uniformRandom(seed);
  const size = sizeOf(dropout.outputShape([shape], attributes));
  return tensor(
    shape,
    Float64Array.from({ length: size }, () => (uniform() < rate ? 0 : 1 / (1 - rate))),
  );
}

/** x · mask, the mask of `maskOf` for the input's shape. */
export function forwardTraining(inputs: readonly Tensor[], mask: Tensor): Tensor {
  const x = expectOne('dropout', inputs);
  expectMask(mask, x.shape);
  return masked(x, x, mask);
}

export function backwardTraining(outputGradient: Tensor, inputs: readonly Tensor[], mask: Tensor): Gradients {
  const x = expectOne('dropout', inputs);
  expectMask(mask, x.shape);
  return { inputs: [masked(x, expectGradient('dropout', outputGradient, x.shape), mask)], weights: {} };
}

function expectMask(mask: Tensor, wanted: Shape): void {
  if (!sameShape(mask.shape, wanted)) {
    throw new ShapeError(`dropout: the mask must have the input's shape [${wanted}], found [${mask.shape}]`);
  }
}

function masked(like: Tensor, x: Tensor, mask: Tensor): Tensor {
  const y = zerosLike(like, x.shape);
  for (let i = 0; i < y.data.length; i++) y.data[i] = x.data[i] * mask.data[i];
  return y;
}
