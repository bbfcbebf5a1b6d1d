/**
 * Rows and columns of a constant around a picture, as Keras puts them before its stride-2 convolutions:
 *
 *   y[n, i, j, c] = x[n, i − top, j − left, c] inside the picture, value outside
 *
 * x is [N, H, W, C], y is [N, top + H + bottom, left + W + right, C].
 *
 * Backward, the picture cut out again:
 *
 *   dx[n, i, j, c] = dy[n, top + i, left + j, c]
 */
import { ShapeError } from '../errors.js';
import type { ExplicitPadding } from '../padding.js';
import { type Shape, type Tensor, zerosLike } from '../tensor.js';
import { expectGradient, expectImage, expectOne } from './expect.js';
import { type Cost, FREE, type Gradients } from './layer.js';

export interface PadAttributes {
  readonly padding: ExplicitPadding;
  readonly value: number;
}

export function outputShape(inputs: readonly Shape[], { padding }: PadAttributes): Shape {
  const [N, H, W, C] = expectImage('pad', expectOne('pad', inputs));
  const { top, bottom, left, right } = padding;
  for (const [side, samples] of Object.entries({ top, bottom, left, right })) {
    if (!Number.isInteger(samples) || samples < 0) {
      throw new ShapeError(`pad: ${side} must be a whole number of 0 or more, found ${samples}`);
    }
  }
  return [N, top + H + bottom, left + W + right, C];
}

export function cost(): Cost {
  return FREE;
}

export function forward(inputs: readonly Tensor[], _weights: object, attributes: PadAttributes): Tensor {
  const x = expectOne('pad', inputs);
  const y = zerosLike(x, outputShape([x.shape], attributes));
  const { padding, value } = attributes;
  const [N, H, W, C] = x.shape;
  const [, outH, outW] = y.shape;

  y.data.fill(value);
  for (let n = 0; n < N; n++) {
    for (let row = 0; row < H; row++) {
      const from = (n * H + row) * W * C;
      const to = ((n * outH + padding.top + row) * outW + padding.left) * C;
      y.data.set(x.data.subarray(from, from + W * C), to);
    }
  }
  return y;
}

export function backward(
  outputGradient: Tensor,
  inputs: readonly Tensor[],
  _weights: object,
  attributes: PadAttributes,
): Gradients {
  const x = expectOne('pad', inputs);
  const dy = expectGradient('pad', outputGradient, outputShape([x.shape], attributes));
  const dx = zerosLike(x, x.shape);
  const { top, left } = attributes.padding;
  const [N, H, W, C] = x.shape;
  const [, outH, outW] = dy.shape;

  for (let n = 0; n < N; n++) {
    for (let row = 0; row < H; row++) {
      const from = ((n * outH + top + row) * outW + left) * C;
      dx.data.set(dy.data.subarray(from, from + W * C), (n * H + row) * W * C);
    }
  }
  return { inputs: [dx], weights: {} };
}
