/**
 * Bilinear resize of integers (RESIZE_BILINEAR), in the input's scale and zero point. int8 mixes with weights of 10 bits below the point:
 *
 *   step = 1024 · in / out rounded,    position = at · step, or for half-pixel at · step + step / 2 − 512
 *   q_y = Σ of the four nearest, weights 1024 − f and f of both axes, / 2^20 rounded
 *
 * uint8 mixes in float32, from left to right, and rounds up from the half.
 */
import type { BilinearRule } from '../resizeBilinear.js';
import { resizeBilinear } from '../resizeBilinear.js';
import type { Rounding } from './fixed-point.js';
import { sameScaleLayer } from './layer.js';

export const forward = /* @__PURE__ */ sameScaleLayer(resizeBilinear, (y, [x], _, { rule }, rounding) => {
  const inFloat = x.type.type === 'uint8';
  const mix = inFloat ? floatMix : integerMix(rounding);
  const [N, H, W, C] = x.shape;
  const [, outH, outW] = y.shape;
  const rows = placesOf(rule, inFloat, H, outH);
  const columns = placesOf(rule, inFloat, W, outW);

  for (let n = 0; n < N; n++) {
    for (let i = 0; i < outH; i++) {
      const row = rows[i];
      for (let j = 0; j < outW; j++) {
        const column = columns[j];
        const to = ((n * outH + i) * outW + j) * C;
        for (let c = 0; c < C; c++) {
          const sample = (p: number, q: number) => x.data[((n * H + p) * W + q) * C + c];
          const left = [sample(row.lower, column.lower), sample(row.upper, column.lower)] as const;
          const right = [sample(row.lower, column.upper), sample(row.upper, column.upper)] as const;
          y.data[to + c] = mix(left, right, row.share, column.share);
        }
      }
    }
  }
});

/** Where each sample of an axis lies among those of the input. */
export function placesOf(rule: BilinearRule, inFloat: boolean, size: number, out: number): Place[] {
  const place = inFloat ? floatPlace : integerPlace;
  return Array.from({ length: out }, (_, at) => place(rule, at, size, out));
}

interface Place {
  readonly lower: number;
  readonly upper: number;
  /** Share of the upper sample: 0 to 1 in float32, or 0 to 1024. */
  readonly share: number;
}

type Column = readonly [above: number, below: number];
type Mix = (left: Column, right: Column, down: number, across: number) => number;

function integerPlace(rule: BilinearRule, at: number, size: number, out: number): Place {
  const corners = rule === 'tf1-align-corners' && out > 1 ? 1 : 0;
  const [inputs, outputs] = [size - corners, out - corners];
  const step = Math.floor((1024 * inputs + Math.floor(outputs / 2)) / outputs);
  const position = at * step + (rule === 'half-pixel' ? Math.floor(step / 2) - 512 : 0);
  const lower = Math.min(Math.max(Math.trunc(position / 1024), 0), size - 1);
  const upper = Math.min(Math.trunc((position + 1023) / 1024), size - 1);
  return { lower, upper, share: position - 1024 * lower };
}

const integerMix =
  (rounding: Rounding): Mix =>
  (left, right, down, across) => {
    const sum =
      (left[0] * (1024 - down) + left[1] * down) * (1024 - across) +
      (right[0] * (1024 - down) + right[1] * down) * across;
    if (rounding === 'single') return Math.floor((sum + 2 ** 19) / 2 ** 20);
    return Math.trunc((sum + (sum > 0 ? 2 ** 19 : -(2 ** 19))) / 2 ** 20);
  };

const f32 = Math.fround;

function floatPlace(rule: BilinearRule, at: number, size: number, out: number): Place {
  const step = rule === 'tf1-align-corners' && out > 1 ? f32((size - 1) / (out - 1)) : f32(size / out);
  const position = rule === 'half-pixel' ? f32(f32(f32(at + 0.5) * step) - 0.5) : f32(at * step);
  const lower = Math.min(Math.max(Math.floor(position), 0), size - 1);
  const upper = Math.min(Math.ceil(position), size - 1);
  return { lower, upper, share: f32(position - lower) };
}

const floatMix: Mix = (left, right, down, across) => {
  const [up, back] = [f32(1 - down), f32(1 - across)];
  let sum = f32(f32(left[0] * up) * back);
  sum = f32(sum + f32(f32(left[1] * down) * back));
  sum = f32(sum + f32(f32(right[0] * up) * across));
  sum = f32(sum + f32(f32(right[1] * down) * across));
  return Math.trunc(f32(sum + 0.5));
};
