/**
 * Global average pooling: the mean of each channel over the whole picture, whatever its size ("Avg Pool" of both papers' tables):
 *
 *   y[n, c] = (1 / (H·W)) · Σ_{i, j} x[n, i, j, c]
 *
 * x is [N, H, W, C], y is [N, C], or [N, 1, 1, C] with `keepDims`.
 *
 * Backward, an equal share to every position:
 *
 *   dx[n, i, j, c] = dy[n, c] / (H·W)
 */
import { type Shape, type Tensor, zerosLike } from '../tensor.js';
import { expectGradient, expectImage, expectOne } from './expect.js';
import { type Cost, FREE, type Gradients } from './layer.js';

export interface GlobalAveragePoolAttributes {
  readonly keepDims: boolean;
}

export function outputShape(inputs: readonly Shape[], { keepDims }: GlobalAveragePoolAttributes): Shape {
  const [N, , , C] = expectImage('globalAveragePool', expectOne('globalAveragePool', inputs));
  return keepDims ? [N, 1, 1, C] : [N, C];
}

/** Sums without products are not multiply-adds. */
export function cost(): Cost {
  return FREE;
}

export function forward(inputs: readonly Tensor[], _weights: object, attributes: GlobalAveragePoolAttributes): Tensor {
  const x = expectOne('globalAveragePool', inputs);
  const y = zerosLike(x, outputShape([x.shape], attributes));
  const [N, H, W, C] = x.shape;

  for (let n = 0; n < N; n++) {
    for (let c = 0; c < C; c++) {
      let sum = 0;
      for (let position = 0; position < H * W; position++) sum += x.data[(n * H * W + position) * C + c];
      y.data[n * C + c] = sum / (H * W);
    }
  }
  return y;
}

export function backward(
  outputGradient: Tensor,
  inputs: readonly Tensor[],
  _weights: object,
  attributes: GlobalAveragePoolAttributes,
): Gradients {
  const x = expectOne('globalAveragePool', inputs);
  const dy = expectGradient('globalAveragePool', outputGradient, outputShape([x.shape], attributes)).data;
  const dx = zerosLike(x, x.shape);
  const [N, H, W, C] = x.shape;

  for (let n = 0; n < N; n++) {
    for (let position = 0; position < H * W; position++) {
      for (let c = 0; c < C; c++) dx.data[(n * H * W + position) * C + c] = dy[n * C + c] / (H * W);
    }
  }
  return { inputs: [dx], weights: {} };
}
