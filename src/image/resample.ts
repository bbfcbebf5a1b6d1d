/**
 * `resample` of resize.ts, row by row. Each row of the result mixes some rows of the picture, which are narrowed to its width just
 * before, unless they have been already:
 *
 *   picture row 6  ─narrow→  ring, slot 0  ╲
 *   picture row 7  ─narrow→  ring, slot 1  ─┼─ mix, normalise →  row 3 of the result
 *   picture row 8  ─narrow→  ring, slot 2  ╱
 */
import type { Preprocessing } from '../network/conventions.js';
import type { Axis } from './axis.js';
import { type Conversion, convertRow, type Grid, isPlain } from './grid.js';
import { roundToByte } from './resize.js';

/** Where the pixels are, which of them are read, and what becomes of them. */
export interface Job {
  readonly grid: Grid;
  readonly conversion: Conversion;
  readonly rows: Axis;
  readonly columns: Axis;
  readonly preprocessing: Preprocessing;
  /** Whether sums are rounded to bytes, as the antialiased rules want it. */
  readonly rounded: boolean;
  /**
   * What is written of each number of float32; the number itself unless stated. Integers stand for bytes: sums are rounded to bytes before, halves
   * up, as where a quantised network is given a picture that was resized in bytes.
   */
  readonly nearest: Nearest | undefined;
}

/** The integer of a quantised input that stands for a number of float32. */
export type Nearest = (real: number) => number;

/** float32, or the integers of a quantised input. */
export type Numbers = Float32Array | Uint8Array | Int8Array;

/** Fills x with the result's rows: `resample`, or `resampleByKernels` of kernels.ts. */
export type Resample = (job: Job, x: Numbers) => void;

export function resample(job: Job, x: Numbers): void {
  const { grid, conversion, rows, columns, preprocessing } = job;
  const stride = columns.first.length * preprocessing.mean.length;
  const plain = isPlain(grid, conversion);
  const step = plain ? grid.columnStep : preprocessing.mean.length;
  const pixels = new Uint8Array(plain ? 0 : grid.width * 3);
  const ring = new Float64Array(rows.taps * stride);
  eachRow(
    rows,
    (row, slot) => {
      if (!plain) convertRow(grid, conversion, row, pixels, 0);
      const start = plain ? grid.start + row * grid.rowStep : 0;
      narrow(plain ? grid.data : pixels, start, step, job, ring, slot * stride);
    },
    (i, slot) => mix(ring, i, slot, stride, job, x),
  );
}

/** Where the pixel's byte of channel c is, of the channels that are wanted. */
export const offsetOf = (c: number, { grid, preprocessing }: Job): number =>
  grid.channels === 1 ? 0 : preprocessing.channels === 'bgr' ? 2 - c : c;

/** Channel by channel, since a loop over three of them in the middle takes longer. */
function narrow(bytes: Grid['data'], start: number, step: number, job: Job, ring: Float64Array, to: number): void {
  const { columns, preprocessing, rounded } = job;
  const { first, shares, taps } = columns;
  const channels = preprocessing.mean.length;
  for (let c = 0; c < channels; c++) {
    const from = start + offsetOf(c, job);
    for (let j = 0; j < first.length; j++) {
      const k = j * taps;
      const at = from + first[j] * step;
      let sum = shares[k] * bytes[at];
      if (taps === 2) sum += shares[k + 1] * bytes[at + step];
      else for (let t = 1; t < taps; t++) sum += shares[k + t] * bytes[at + t * step];
      ring[to + j * channels + c] = rounded ? roundToByte(sum) : sum;
    }
  }
}

/** Slot by slot: what is added to what in another order makes no difference, since sums have two terms or are whole numbers. */
function mix(
  ring: Float64Array,
  i: number,
  slot: number,
  stride: number,
  { rows, preprocessing, rounded, nearest }: Job,
  x: Numbers,
): void {
  const { shares, taps } = rows;
  const weights = new Float64Array(taps);
  const { scale, mean, deviation } = preprocessing;
  const channels = mean.length;
  for (let t = 0; t < taps; t++) weights[(slot + t) % taps] = shares[i * taps + t];
  for (let c = 0; c < channels; c++) {
    const m = mean[c];
    const d = deviation[c];
    for (let k = c; k < stride; k += channels) {
      let sum = weights[0] * ring[k];
      if (taps === 2) sum += weights[1] * ring[stride + k];
      else for (let t = 1; t < taps; t++) sum += weights[t] * ring[t * stride + k];
      const value = rounded ? roundToByte(sum) : nearest ? Math.floor(sum + 0.5) : sum;
      const real = (value * scale - m) / d;
      x[i * stride + k] = nearest ? nearest(Math.fround(real)) : real;
    }
  }
}

/**
 * Calls `narrow` for every picture row that is read, once, and `mix` for every row of the result, as soon as its rows are there. A
 * row's slot is its number modulo the number of taps, so that the last rows are kept; `mix` gets the slot of its first.
 */
export function eachRow(
  { first, taps }: Axis,
  narrow: (row: number, slot: number) => void,
  mix: (i: number, slot: number) => void,
): void {
  let row = 0;
  for (let i = 0; i < first.length; i++) {
    for (row = Math.max(row, first[i]); row < first[i] + taps; row++) narrow(row, row % taps);
    mix(i, first[i] % taps);
  }
}
