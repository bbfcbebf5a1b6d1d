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
import { explicitPadding, finite } from '../checks.js';
import type { ExplicitPadding } from '../padding.js';
import { defineBackward, defineLayer } from './layer.js';

export interface PadAttributes {
  readonly padding: ExplicitPadding;
  /** Default 0. */
  readonly value?: number;
}

export const pad = /* @__PURE__ */ defineLayer<PadAttributes>('pad', {
  attributes: { padding: explicitPadding, value: finite },
  defaults: { value: 0 },
  takes: 'image',
  inPlace: true,
  outputShape: ([[N, H, W, C]], { padding: { top, bottom, left, right } }) => [
    N,
    top + H + bottom,
    left + W + right,
    C,
  ],
  compute(
    y,
    [
      {
        data: x,
        shape: [N, H, W, C],
      },
    ],
    _,
    { padding: { top, left }, value },
  ) {
    const [, outH, outW] = y.shape;

    y.data.fill(value);
    for (let n = 0; n < N; n++) {
      for (let row = 0; row < H; row++) {
        const from = (n * H + row) * W * C;
        y.data.set(x.subarray(from, from + W * C), ((n * outH + top + row) * outW + left) * C);
      }
    }
  },
});

export const backward = /* @__PURE__ */ defineBackward(pad, (dy, [x], _, { padding: { top, left } }) => {
  const [N, H, W, C] = x.shape;
  const [, outH, outW] = dy.shape;
  const dx = new Float64Array(x.data.length);

  for (let n = 0; n < N; n++) {
    for (let row = 0; row < H; row++) {
      const from = ((n * outH + top + row) * outW + left) * C;
      dx.set(dy.data.subarray(from, from + W * C), (n * H + row) * W * C);
    }
  }
  return [[dx]];
});
