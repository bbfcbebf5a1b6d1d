/**
 * `resample` for the antialiased rules, by the kernels of assembly/image: with whole numbers, four at a time, to the same bytes. Where
 * WebAssembly, its SIMD or the leave to compile are missing, `resample` itself computes.
 *
 * Pixels have four bytes in the ring and in a mixed row, whatever the picture has.
 */
import type { Preprocessing } from '../network/conventions.js';
import { PICTURE_KERNELS } from './generated/wasm.js';
import { convertRow, isPlain } from './grid.js';
import { eachRow, type Job, offsetOf, resample, setAntialias } from './resample.js';

/** assembly/image/index.ts. Addresses are in bytes. */
interface Kernels {
  readonly memory: WebAssembly.Memory;
  readonly narrow: (
    row: number,
    step: number,
    first: number,
    shares: number,
    taps: number,
    count: number,
    to: number,
  ) => void;
  readonly mix: (ring: number, bytes: number, shares: number, taps: number, to: number) => void;
}

/** From now on `prepare` resizes by these kernels, which are compiled when first needed. */
export function usePictureKernels(): void {
  setAntialias(antialias);
}

let compiled: Kernels | null | undefined;

/** Compiled at once: browsers allow that for modules of less than 4 kB, of which this is a seventh. */
function kernels(): Kernels | null {
  if (compiled !== undefined) return compiled;
  try {
    const bytes = Uint8Array.from(atob(PICTURE_KERNELS), (character) => character.charCodeAt(0));
    compiled = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports as unknown as Kernels;
  } catch {
    compiled = null;
  }
  return compiled;
}

function antialias(job: Job, x: Float32Array): void {
  const wasm = kernels();
  if (wasm === null) resample(job, x);
  else resampleBy(wasm, job, x);
}

function resampleBy(wasm: Kernels, job: Job, x: Float32Array): void {
  const { grid, conversion, rows, columns, preprocessing } = job;
  const isCopied = isPlain(grid, conversion) && grid.columnStep === grid.channels;
  const step = isCopied ? grid.channels : preprocessing.mean.length;
  const count = columns.first.length;
  const rowBytes = aligned(4 * count);
  const first = 0;
  const shares = aligned(4 * count);
  const weights = shares + aligned(4 * columns.shares.length);
  const ring = weights + aligned(4 * rows.taps);
  const mixed = ring + rows.taps * rowBytes;
  const source = mixed + rowBytes;
  const buffer = memoryOf(wasm, source + aligned(grid.width * step + 3));
  new Int32Array(buffer, first).set(columns.first);
  new Int32Array(buffer, shares).set(columns.shares);
  const rowShares = new Int32Array(buffer, weights, rows.taps);
  const bytes = new Uint8Array(buffer);
  fillTable(preprocessing);

  const narrow = (row: number, slot: number) => {
    const from = grid.start + row * grid.rowStep;
    if (isCopied) bytes.set(grid.data.subarray(from, from + grid.width * step), source);
    else convertRow(grid, conversion, row, bytes, source);
    wasm.narrow(source, step, first, shares, columns.taps, count, ring + slot * rowBytes);
  };
  const mix = (i: number, slot: number) => {
    const { shares, taps } = rows;
    for (let t = 0; t < taps; t++) rowShares[(slot + t) % taps] = shares[i * taps + t];
    wasm.mix(ring, rowBytes, weights, taps, mixed);
    normalise(bytes, mixed, job, x, i * count * preprocessing.mean.length);
  };
  eachRow(rows, narrow, mix);
}

/** To the next multiple of 16 bytes, a vector's size. */
const aligned = (bytes: number): number => Math.ceil(bytes / 16) * 16;

/** At least so many bytes. It never shrinks, and holds a few rows of the largest picture so far. */
function memoryOf({ memory }: Kernels, bytes: number): ArrayBuffer {
  const missing = bytes - memory.buffer.byteLength;
  if (missing > 0) memory.grow(Math.ceil(missing / 65_536));
  return memory.buffer;
}

/** What each byte becomes in each channel, [C, 256]. */
const table = new Float32Array(3 * 256);

function fillTable({ scale, mean, deviation }: Preprocessing): void {
  for (let c = 0; c < mean.length; c++) {
    for (let byte = 0; byte < 256; byte++) table[256 * c + byte] = (byte * scale - mean[c]) / deviation[c];
  }
}

/** A mixed row, pixels of four bytes from `from` on, as a row of the result that begins at x[to]. */
function normalise(bytes: Uint8Array, from: number, job: Job, x: Float32Array, to: number): void {
  const count = job.columns.first.length;
  const channels = job.preprocessing.mean.length;
  for (let c = 0; c < channels; c++) {
    const start = from + offsetOf(c, job);
    for (let j = 0; j < count; j++) x[to + j * channels + c] = table[256 * c + bytes[start + 4 * j]];
  }
}
