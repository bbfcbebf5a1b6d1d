/**
 * Bilinear resize. Along each axis, output sample `at` reads the input at a position between two samples and mixes the two:
 *
 *   tf1-legacy         position = at · in / out                        (TensorFlow 1's default)
 *   tf1-align-corners  position = at · (in − 1) / (out − 1)            (0 when out = 1; DeepLab)
 *   half-pixel         position = (at + 0.5) · in / out − 0.5          (TensorFlow 2, PyTorch, OpenCV)
 *
 *   y[n, i, j, c] = Σ over the two nearest rows r and columns s of rowShare(r) · columnShare(s) · x[n, r, s, c]
 *
 * x is [N, H, W, C], y is [N, size[0], size[1], C]. Positions beyond the first or last sample read that sample. Nothing is smoothed
 * before shrinking.
 *
 * Backward, each gradient to the samples that were mixed, in the same shares:
 *
 *   dx[n, r, s, c] = Σ over the i, j that read r and s of rowShare_i(r) · columnShare_j(s) · dy[n, i, j, c]
 */
import { oneOf, pair } from '../checks.js';
import type { Pair } from '../padding.js';
import { defineBackward, defineLayer } from './layer.js';

export interface ResizeBilinearAttributes {
  /** [height, width] of the result. */
  readonly size: Pair;
  /** Default 'half-pixel', as in TensorFlow 2, PyTorch and ONNX. */
  readonly rule?: BilinearRule;
}

export type BilinearRule = keyof typeof positions;

const positions = {
  'tf1-legacy': (at: number, size: number, out: number) => (at * size) / out,
  'tf1-align-corners': (at: number, size: number, out: number) => (out === 1 ? 0 : (at * (size - 1)) / (out - 1)),
  'half-pixel': (at: number, size: number, out: number) => ((at + 0.5) * size) / out - 0.5,
} as const;

export const resizeBilinear = /* @__PURE__ */ defineLayer<ResizeBilinearAttributes>('resizeBilinear', {
  attributes: { size: pair, rule: /* @__PURE__ */ oneOf('tf1-legacy', 'tf1-align-corners', 'half-pixel') },
  defaults: { rule: 'half-pixel' },
  takes: 'image',
  outputShape: ([[N, , , C]], { size }) => [N, ...size, C],
  compute(
    y,
    [
      {
        data: x,
        shape: [N, H, W, C],
      },
    ],
    _,
    { rule },
  ) {
    const [, outH, outW] = y.shape;
    const rows = mixes(rule, H, outH);
    const columns = mixes(rule, W, outW);

    for (let n = 0; n < N; n++) {
      for (let i = 0; i < outH; i++) {
        for (let j = 0; j < outW; j++) {
          for (let c = 0; c < C; c++) {
            const inRow = (r: number) => mix(columns[j], (s) => x[((n * H + r) * W + s) * C + c]);
            y.data[((n * outH + i) * outW + j) * C + c] = mix(rows[i], inRow);
          }
        }
      }
    }
  },
});

export interface Mix {
  readonly lower: number;
  readonly upper: number;
  /** Share of the upper sample, 0 to 1. */
  readonly share: number;
}

/** Which two of `size` input samples output sample `at` of `out` mixes. */
export function mixAt(rule: BilinearRule, at: number, size: number, out: number): Mix {
  const position = Math.min(Math.max(positions[rule](at, size, out), 0), size - 1);
  const lower = Math.floor(position);
  return { lower, upper: Math.ceil(position), share: position - lower };
}

export function mixes(rule: BilinearRule, size: number, out: number): Mix[] {
  return Array.from({ length: out }, (_, at) => mixAt(rule, at, size, out));
}

const mix = ({ lower, upper, share }: Mix, sample: (at: number) => number): number =>
  (1 - share) * sample(lower) + share * sample(upper);

export const backward = /* @__PURE__ */ defineBackward(resizeBilinear, (dy, [x], _, { rule }) => {
  const [N, H, W, C] = x.shape;
  const [, outH, outW] = dy.shape;
  const rows = mixes(rule, H, outH);
  const columns = mixes(rule, W, outW);
  const dx = new Float64Array(x.data.length);

  for (let n = 0; n < N; n++) {
    for (let i = 0; i < outH; i++) {
      for (let j = 0; j < outW; j++) {
        for (const [r, rowShare] of sharesOf(rows[i])) {
          for (const [s, columnShare] of sharesOf(columns[j])) {
            const sample = ((n * H + r) * W + s) * C;
            const from = ((n * outH + i) * outW + j) * C;
            for (let c = 0; c < C; c++) dx[sample + c] += rowShare * columnShare * dy.data[from + c];
          }
        }
      }
    }
  }
  return [[dx]];
});

const sharesOf = ({ lower, upper, share }: Mix) =>
  [
    [lower, 1 - share],
    [upper, share],
  ] as const;
