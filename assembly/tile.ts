/**
 * The end of a matrix product: a tile of 4 pixels × 8 output channels, held in eight accumulators c{pixel}{half}, is
 * clamped and stored.
 *
 * Two layouts, chosen by `offsets`:
 *   groups   (offsets ≠ 0) each pixel's channels as vectors of four at `out + offsets[pixel]`, and the next four
 *            channels `stride` bytes on:
 *            planes [O' / 4][rows][columns][4] for a depthwise layer, or NHWC (stride 16) when O is a multiple of 8.
 *            Entries are bytes; a pixel that does not exist points to a place that nobody reads.
 *   quads    (offsets = 0) [pixels / 4][O'][4] for the next matrix product: the tile is transposed, since there the
 *            four pixels lie together.
 *            With `residual` ≠ 0, quads of the same shape, the result is clamp(clamp(sum, lo, hi) + residual, lo2,
 *            hi2).
 */
import { clamp, clampScalar } from './lanes';

// @ts-ignore: decorator
@inline
export function storeGroups(
  c00: v128, c01: v128, c10: v128, c11: v128, c20: v128, c21: v128, c30: v128, c31: v128,
  lo: v128, hi: v128, out: usize, stride: usize, offsets: usize,
): void {
  const y0 = out + <usize>load<u32>(offsets), y1 = out + <usize>load<u32>(offsets, 4);
  const y2 = out + <usize>load<u32>(offsets, 8), y3 = out + <usize>load<u32>(offsets, 12);
  v128.store(y0, clamp(c00, lo, hi)); v128.store(y0 + stride, clamp(c01, lo, hi));
  v128.store(y1, clamp(c10, lo, hi)); v128.store(y1 + stride, clamp(c11, lo, hi));
  v128.store(y2, clamp(c20, lo, hi)); v128.store(y2 + stride, clamp(c21, lo, hi));
  v128.store(y3, clamp(c30, lo, hi)); v128.store(y3 + stride, clamp(c31, lo, hi));
}

// @ts-ignore: decorator
@inline
export function storeQuads(
  c00: v128, c01: v128, c10: v128, c11: v128, c20: v128, c21: v128, c30: v128, c31: v128,
  lo: v128, hi: v128, out: usize, residual: usize, lo2: v128, hi2: v128,
): void {
  storeHalf(c00, c10, c20, c30, lo, hi, out, residual, lo2, hi2);
  storeHalf(c01, c11, c21, c31, lo, hi, out + 64, residual ? residual + 64 : 0, lo2, hi2);
}

/** Not inlined: the calls cost little beside a tile's sums, four copies some hundred bytes of download. */
function storeHalf(
  a: v128, b: v128, c: v128, d: v128,
  lo: v128, hi: v128, out: usize, residual: usize, lo2: v128, hi2: v128,
): void {
  storeTransposed(a, b, c, d, lo, hi, out, residual, lo2, hi2);
}

/**
 * Four pixels of four channels, a pixel each in a, b, c and d: the 4×4 matrix whose rows they are is stored by
 * columns.
 */
// @ts-ignore: decorator
@inline
export function storeTransposed(
  a: v128, b: v128, c: v128, d: v128,
  lo: v128, hi: v128, out: usize, residual: usize, lo2: v128, hi2: v128,
): void {
  const ab01 = v128.shuffle<f32>(a, b, 0, 4, 1, 5), cd01 = v128.shuffle<f32>(c, d, 0, 4, 1, 5);
  const ab23 = v128.shuffle<f32>(a, b, 2, 6, 3, 7), cd23 = v128.shuffle<f32>(c, d, 2, 6, 3, 7);
  let y0 = clamp(v128.shuffle<f32>(ab01, cd01, 0, 1, 4, 5), lo, hi);
  let y1 = clamp(v128.shuffle<f32>(ab01, cd01, 2, 3, 6, 7), lo, hi);
  let y2 = clamp(v128.shuffle<f32>(ab23, cd23, 0, 1, 4, 5), lo, hi);
  let y3 = clamp(v128.shuffle<f32>(ab23, cd23, 2, 3, 6, 7), lo, hi);
  if (residual) {
    y0 = clamp(f32x4.add(y0, v128.load(residual)), lo2, hi2);
    y1 = clamp(f32x4.add(y1, v128.load(residual, 16)), lo2, hi2);
    y2 = clamp(f32x4.add(y2, v128.load(residual, 32)), lo2, hi2);
    y3 = clamp(f32x4.add(y3, v128.load(residual, 48)), lo2, hi2);
  }
  v128.store(out, y0); v128.store(out, y1, 16); v128.store(out, y2, 32); v128.store(out, y3, 48);
}

/** The eight channels of a tile's first pixel alone. */
export function storePixel(
  c0: v128, c1: v128,
  lo: f32, hi: f32, out: usize, stride: usize, offsets: usize, residual: usize, lo2: f32, hi2: f32,
): void {
  c0 = clamp(c0, f32x4.splat(lo), f32x4.splat(hi));
  c1 = clamp(c1, f32x4.splat(lo), f32x4.splat(hi));
  if (offsets) {
    const y = out + <usize>load<u32>(offsets);
    v128.store(y, c0);
    v128.store(y + stride, c1);
  } else {
    storeLanes(c0, out, residual, lo2, hi2);
    storeLanes(c1, out + 64, residual ? residual + 64 : 0, lo2, hi2);
  }
}

// @ts-ignore: decorator
@inline
function storeLanes(c: v128, out: usize, residual: usize, lo: f32, hi: f32): void {
  if (residual) {
    let r = v128.load32_zero(residual);
    r = v128.load32_lane(residual, r, 1, 16);
    r = v128.load32_lane(residual, r, 2, 32);
    r = v128.load32_lane(residual, r, 3, 48);
    c = clamp(f32x4.add(c, r), f32x4.splat(lo), f32x4.splat(hi));
  }
  v128.store32_lane(out, c, 0);
  v128.store32_lane(out, c, 1, 16);
  v128.store32_lane(out, c, 2, 32);
  v128.store32_lane(out, c, 3, 48);
}

/**
 * A tile of the scalar target, two output channels at a time: eight sums and what feeds them fit V8's registers. The
 * numbers of pixel i lie at p{i} + tap, where tap goes from the begin of each run to `runBytes` further, `step` bytes
 * at a time. Without `runs` there is one, from 0 on.
 */
export function tileByNumbers(
  p0: usize, p1: usize, p2: usize, p3: usize, step: usize, runs: usize, runCount: i32, runBytes: usize, weights: usize,
  bias: usize,
  lo: f32, hi: f32, out: usize, stride: usize, offsets: usize, residual: usize, lo2: f32, hi2: f32,
): void {
  for (let o = 0; o < 8; o += 2, weights += 8, bias += 8) {
    let c00 = load<f32>(bias), c01 = load<f32>(bias, 4);
    let c10 = c00, c11 = c01, c20 = c00, c21 = c01, c30 = c00, c31 = c01;
    let b = weights;
    for (let run = 0; run < runCount; ++run) {
      let tap: usize = runs ? <usize>load<u32>(runs + (<usize>run << 2)) : 0;
      for (const end = tap + runBytes; tap != end; tap += step, b += 32) {
        const b0 = load<f32>(b), b1 = load<f32>(b, 4);
        const a0 = load<f32>(p0 + tap), a1 = load<f32>(p1 + tap), a2 = load<f32>(p2 + tap), a3 = load<f32>(p3 + tap);
        c00 += a0 * b0; c10 += a1 * b0; c20 += a2 * b0; c30 += a3 * b0;
        c01 += a0 * b1; c11 += a1 * b1; c21 += a2 * b1; c31 += a3 * b1;
      }
    }
    storeFour(c00, c10, c20, c30, o, lo, hi, out, stride, offsets, residual, lo2, hi2);
    storeFour(c01, c11, c21, c31, o + 1, lo, hi, out, stride, offsets, residual, lo2, hi2);
  }
}

/** The four pixels of one of a tile's channels. */
function storeFour(
  c0: f32, c1: f32, c2: f32, c3: f32, channel: i32,
  lo: f32, hi: f32, out: usize, stride: usize, offsets: usize, residual: usize, lo2: f32, hi2: f32,
): void {
  c0 = clampScalar(c0, lo, hi);
  c1 = clampScalar(c1, lo, hi);
  c2 = clampScalar(c2, lo, hi);
  c3 = clampScalar(c3, lo, hi);
  if (offsets) {
    const y = out + (channel < 4 ? 0 : stride) + (<usize>(channel & 3) << 2);
    store<f32>(y + <usize>load<u32>(offsets), c0);
    store<f32>(y + <usize>load<u32>(offsets, 4), c1);
    store<f32>(y + <usize>load<u32>(offsets, 8), c2);
    store<f32>(y + <usize>load<u32>(offsets, 12), c3);
    return;
  }
  const at = <usize>channel << 4;
  out += at;
  if (residual) {
    residual += at;
    c0 = clampScalar(c0 + load<f32>(residual), lo2, hi2);
    c1 = clampScalar(c1 + load<f32>(residual, 4), lo2, hi2);
    c2 = clampScalar(c2 + load<f32>(residual, 8), lo2, hi2);
    c3 = clampScalar(c3 + load<f32>(residual, 12), lo2, hi2);
  }
  store<f32>(out, c0);
  store<f32>(out, c1, 4);
  store<f32>(out, c2, 8);
  store<f32>(out, c3, 12);
}
