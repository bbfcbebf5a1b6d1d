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
import { boolean } from '../checks.js';
import { defineBackward, defineLayer } from './layer.js';

export interface GlobalAveragePoolAttributes {
  /** Whether the result is [N, 1, 1, C] in place of [N, C]. Default false. */
  readonly keepDims?: boolean;
}

export const globalAveragePool = /* @__PURE__ */ defineLayer<GlobalAveragePoolAttributes>('globalAveragePool', {
  attributes: { keepDims: boolean },
  defaults: { keepDims: false },
  takes: 'image',
  window: 'map',
  pools: true,
  outputShape: ([[N, , , C]], { keepDims }) => (keepDims ? [N, 1, 1, C] : [N, C]),
  compute(
    y,
    [
      {
        data: x,
        shape: [N, H, W, C],
      },
    ],
  ) {
    for (let n = 0; n < N; n++) {
      for (let c = 0; c < C; c++) {
        let sum = 0;
        for (let position = 0; position < H * W; position++) sum += x[(n * H * W + position) * C + c];
        y.data[n * C + c] = sum / (H * W);
      }
    }
  },
});

export const backward = /* @__PURE__ */ defineBackward(
  globalAveragePool,
  (
    dy,
    [
      {
        shape: [N, H, W, C],
      },
    ],
  ) => {
    const dx = new Float64Array(N * H * W * C);

    for (let n = 0; n < N; n++) {
      for (let position = 0; position < H * W; position++) {
        for (let c = 0; c < C; c++) dx[(n * H * W + position) * C + c] = dy.data[n * C + c] / (H * W);
      }
    }
    return [[dx]];
  },
);
