/**
 * `resample` by the kernels of assembly/image: four numbers at a time, to the same bits. Where WebAssembly, its SIMD or the leave to compile
 * are missing, `resample` itself computes.
 *
 * Pixels have four lanes in the ring and in a mixed row, whatever the picture has.
 */
import type { Preprocessing } from '../network/conventions.js';
import { base64Bytes } from '../wasm/base64.js';
import type { Kernels as KernelsOf, KernelTable } from '../wasm/kernel-table.js';
import { PICTURE_KERNELS } from './generated/wasm.js';
import { convertRow, isPlain } from './grid.js';
import { eachRow, type Job, type Nearest, type Numbers, offsetOf, resample } from './resample.js';

/** The functions of assembly/image/index.ts. */
export const PICTURE_KERNEL_TABLE = {
  narrow: {
    does: 'one row of pixels of four bytes, narrower, by an antialiased rule',
    operands: ['reads row, bytes step, reads first, reads shares, i32 taps, i32 count, writes to'],
  },
  mix: {
    does: 'rows of a ring of bytes, mixed',
    operands: ['reads ring, bytes bytes, reads shares, i32 taps, writes to'],
  },
  narrowTwo: {
    does: 'one row of pixels of four doubles, narrower, by a rule that mixes two samples',
    operands: ['reads row, bytes step, reads first, reads shares, i32 count, writes to'],
  },
  mixTwo: {
    does: 'two rows of a ring of doubles, mixed and normalised, or cut off to whole numbers',
    operands: ['reads ring, bytes bytes, reads numbers, writes to, i32 whole'],
  },
} as const satisfies KernelTable;

interface Kernels extends KernelsOf<typeof PICTURE_KERNEL_TABLE> {
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): number };
}

let compiled: Kernels | null | undefined;

/** Compiled when first needed, and at once: browsers allow that for modules of less than 4 kB, of which this is a quarter. */
function kernels(): Kernels | null {
  if (compiled !== undefined) return compiled;
  try {
    const bytes = base64Bytes(PICTURE_KERNELS);
    compiled = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports as unknown as Kernels;
  } catch {
    compiled = null;
  }
  return compiled;
}

export function resampleByKernels(job: Job, x: Numbers): void {
  const wasm = kernels();
  if (wasm === null || (!job.rounded && !hasTwoTaps(job))) resample(job, x);
  else if (job.rounded) antialias(wasm, job, x);
  else mixTwo(wasm, job, x);
}

/** Along both axes; and the channels have a lane each, which those that are made of one grey byte have not. */
const hasTwoTaps = ({ grid, rows, columns, preprocessing }: Job): boolean =>
  rows.taps === 2 && columns.taps === 2 && (grid.channels > 1 || preprocessing.mean.length === 1);

/** By the antialiased rules: a byte in each lane of the ring. */
function antialias(wasm: Kernels, job: Job, x: Numbers): void {
  const { rows, columns, preprocessing, nearest } = job;
  const { taps } = rows;
  const channels = preprocessing.mean.length;
  const count = columns.first.length;
  const rowBytes = aligned(4 * count);
  const { buffer, row, step, places } = memoryFor(wasm, job, [
    4 * count,
    4 * columns.shares.length,
    4 * taps,
    taps * rowBytes,
    rowBytes,
  ]);
  const [first, shares, weights, ring, mixed] = places;
  new Int32Array(buffer, first).set(columns.first);
  new Int32Array(buffer, shares).set(columns.shares);
  const rowShares = new Int32Array(buffer, weights, taps);
  const bytes = new Uint8Array(buffer);
  fillTable(preprocessing, nearest);

  const narrow = (at: number, slot: number) => {
    copyRow(job, at, bytes, row);
    wasm.narrow(row, step, first, shares, columns.taps, count, ring + slot * rowBytes);
  };
  const mix = (i: number, slot: number) => {
    for (let t = 0; t < taps; t++) rowShares[(slot + t) % taps] = rows.shares[i * taps + t];
    wasm.mix(ring, rowBytes, weights, taps, mixed);
    const to = i * count * channels;
    for (let c = 0; c < channels; c++) {
      normalise(bytes, mixed + offsetOf(c, job), mixed + 4 * count, c, x, to + c, channels);
    }
  };
  eachRow(rows, narrow, mix);
}

/** By the rules that mix two samples: a double in each lane of the ring. */
function mixTwo(wasm: Kernels, job: Job, x: Numbers): void {
  const { rows, columns, preprocessing, nearest } = job;
  const { scale, mean, deviation } = preprocessing;
  const count = columns.first.length;
  const channels = mean.length;
  const { buffer, row, step, places } = memoryFor(wasm, job, [
    16 * count,
    4 * count,
    8 * (3 + 4 + 4),
    2 * 32 * count,
    16 * count,
  ]);
  const [shares, first, constants, ring, mixed] = places;
  new Float64Array(buffer, shares).set(columns.shares);
  new Int32Array(buffer, first).set(columns.first);
  const numbers = new Float64Array(buffer, constants, 11);
  numbers.fill(1); // also for lanes that mean nothing: what lies in memory may be denormal, and takes a hundred times as long
  if (nearest) {
    fillTable(preprocessing, nearest);
    numbers.fill(-0.5, 3, 7); // to bytes, halves up
  } else {
    numbers[2] = scale;
    for (let c = 0; c < channels; c++) {
      numbers[3 + offsetOf(c, job)] = mean[c];
      numbers[7 + offsetOf(c, job)] = deviation[c];
    }
  }
  const bytes = new Uint8Array(buffer);
  const floats = new Float32Array(buffer, mixed, 4 * count);

  const narrow = (at: number, slot: number) => {
    copyRow(job, at, bytes, row);
    wasm.narrowTwo(row, step, first, shares, count, ring + slot * 32 * count);
  };
  const mix = (i: number, slot: number) => {
    numbers[slot] = rows.shares[2 * i];
    numbers[1 - slot] = rows.shares[2 * i + 1];
    wasm.mixTwo(ring, 32 * count, constants, mixed, nearest ? 1 : 0);
    for (let c = 0; c < channels; c++) {
      pickLane(floats, offsetOf(c, job), x, i * count * channels + c, channels, nearest && 256 * c);
    }
  };
  eachRow(rows, narrow, mix);
}

/** Every fourth float, or what the table has from `values` on for it, as one channel of a row of the result. */
function pickLane(
  floats: Float32Array,
  from: number,
  x: Numbers,
  to: number,
  channels: number,
  values: number | undefined,
): void {
  if (values === undefined) for (let at = from, i = to; at < floats.length; at += 4, i += channels) x[i] = floats[at];
  else for (let at = from, i = to; at < floats.length; at += 4, i += channels) x[i] = table[values + floats[at]];
}

/** Whether the picture's own bytes are copied, a row at a time. */
const isCopied = ({ grid, conversion }: Job): boolean => isPlain(grid, conversion) && grid.columnStep === grid.channels;

/** Row `at` of the picture, to `to`. */
function copyRow(job: Job, at: number, bytes: Uint8Array, to: number): void {
  const { grid, conversion } = job;
  const from = grid.start + at * grid.rowStep;
  if (isCopied(job)) bytes.set(grid.data.subarray(from, from + grid.width * grid.channels), to);
  else convertRow(grid, conversion, at, bytes, to);
}

/**
 * Addresses of arrays of so many bytes, and of one row of the picture, whose pixels are `step` bytes each. The memory never shrinks, and holds
 * a few rows of the largest picture so far.
 */
function memoryFor({ memory }: Kernels, job: Job, sizes: readonly number[]) {
  let row = 0;
  const places = sizes.map((size) => {
    const place = row;
    row += aligned(size);
    return place;
  });
  const step = isCopied(job) ? job.grid.channels : job.preprocessing.mean.length;
  const missing = row + job.grid.width * step + 3 - memory.buffer.byteLength; // kernels read 3 bytes more
  if (missing > 0) memory.grow(Math.ceil(missing / 65_536));
  return { buffer: memory.buffer, row, step, places };
}

/** To the next multiple of 16 bytes, a vector's size. */
const aligned = (bytes: number): number => Math.ceil(bytes / 16) * 16;

/** What each byte becomes in each channel, [C, 256]. */
const table = new Float32Array(3 * 256);

function fillTable({ scale, mean, deviation }: Preprocessing, nearest: Nearest | undefined): void {
  for (let c = 0; c < mean.length; c++) {
    for (let byte = 0; byte < 256; byte++) table[256 * c + byte] = (byte * scale - mean[c]) / deviation[c];
  }
  if (nearest) for (let i = 0; i < 256 * mean.length; i++) table[i] = nearest(table[i]);
}

/** Every fourth of the bytes from `at` up to `end`, normalised, as channel c of a row of the result. */
function normalise(bytes: Uint8Array, at: number, end: number, c: number, x: Numbers, to: number, channels: number) {
  for (let i = to; at < end; at += 4, i += channels) x[i] = table[256 * c + bytes[at]];
}
