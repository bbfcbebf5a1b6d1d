/** Bilinear resizing, whatever rule made the tables. */
import fc from 'fast-check';
import { anyNumbers, count, draw, type Numbers, ordinary } from '../numbers.js';
import { family, Sheet } from '../problem.js';
import { boundOf } from '../sums.js';
import { filled } from './layouts.js';

type Entry = readonly [lower: number, upper: number, share: number];

interface Resize {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /** For each output row and column: two places, 0 … 1 of the way through the input, and the share of the second. */
  readonly rows: readonly Entry[];
  readonly columns: readonly Entry[];
  readonly numbers: Numbers;
}

const unit = fc.float({ min: 0, max: 1, noNaN: true });
const anyAxis = fc.array(fc.tuple(unit, unit, fc.oneof(unit, fc.constantFrom(0, 0.5, 1))), {
  minLength: 1,
  maxLength: 9,
});

/** 1 − share, two products and a sum, twice over, and one for the second order. */
const ROUNDINGS = 8;

export const resizeBilinear = family<Resize>(
  'resizeBilinear',
  'all',
  fc.record({
    height: count(9),
    width: count(9),
    channels: count(7),
    rows: anyAxis,
    columns: anyAxis,
    numbers: anyNumbers,
  }),
  {
    'one pixel to 2×2': {
      height: 1,
      width: 1,
      channels: 3,
      rows: [
        [0, 0, 0],
        [0, 0, 0.5],
      ],
      columns: [
        [0, 0, 0],
        [0, 0, 0.5],
      ],
      numbers: ordinary(1),
    },
  },
  ({ height, width, channels, rows, columns, numbers }) => {
    const x = filled(height * width * channels, draw(numbers));
    const place = (share: number, size: number) => Math.min(Math.floor(share * size), size - 1);
    const table = (axis: readonly Entry[], size: number, stepWords: number) => {
      const words = new Uint32Array(axis.length * 3);
      axis.forEach(([lower, upper, share], i) => {
        words.set([place(lower, size) * stepWords * 4, place(upper, size) * stepWords * 4], i * 3);
        new Float32Array(words.buffer)[i * 3 + 2] = share;
      });
      return words;
    };
    const out = new Sheet(rows.length * columns.length * channels);
    const sample = (row: number, column: number, c: number) =>
      x[(place(row, height) * width + place(column, width)) * channels + c];
    rows.forEach(([above, below, fy], i) => {
      columns.forEach(([left, right, fx], j) => {
        for (let c = 0; c < channels; c++) {
          const mix = (part: (value: number) => number) => {
            const upper = part(sample(above, left, c)) * (1 - fx) + part(sample(above, right, c)) * fx;
            const lower = part(sample(below, left, c)) * (1 - fx) + part(sample(below, right, c)) * fx;
            return upper * (1 - fy) + lower * fy;
          };
          const magnitude = mix((value) => (Number.isFinite(value) ? Math.abs(value) : 0));
          out.expect(
            (i * columns.length + j) * channels + c,
            mix((value) => value),
            boundOf(ROUNDINGS, magnitude),
            i,
            j,
            c,
          );
        }
      });
    });
    return {
      inputs: { x, rows: table(rows, height, width * channels), columns: table(columns, width, channels) },
      out,
      args: (address) => ({
        x: address('x'),
        channels,
        rows: address('rows'),
        outHeight: rows.length,
        columns: address('columns'),
        outWidth: columns.length,
        out: address('out'),
      }),
    };
  },
);
