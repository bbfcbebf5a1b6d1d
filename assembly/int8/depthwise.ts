/**
 * Depthwise convolution on integers, four channels × four pixels of a row at a time.
 *
 *   x        planes  [C' / 8][rows][columns][8]   int16; zero columns stand left and right, so that no tap needs a test
 *   rows     [input rows touched] bytes           where each (padded) input row begins in a plane
 *   weights  [C' / 8][KH] rows of                 int16
 *              three columns:  [2][4][4][2]       for each half of the channels the pairs (w0 w1) (w2 0) (0 w0) (w1 w2)
 *              otherwise:      [pairs][2][4][2]   the pairs (w0 w1) (w2 w3) …, the last one filled up with 0, of both
 *                                                 halves
 *   blocks   [C' / 8] of 256 bytes                bias and multipliers, see requantize.ts
 *   out      quads   [pixels / 4][C' / 2][4][2]   the layout that the following pointwise layer reads
 *              with `zero` of 0 or more, byte quads [pixels / 4][C' / 4][4][4] instead, as pointwise-bytes.ts reads
 *              them: uint8 with this zero point
 *   scratch  [group · width + 3][8] int16         results of some rows of one plane, before they become quads
 *
 * Two neighbouring pixels of four channels are interleaved, so that `i32x4.dot_i16x8_s` multiplies them by two taps:
 * three vectors of pairs and eight such products make four pixels of a kernel row with three columns and stride 1.
 * Rows, `group` and what may lie behind a row's end are as in ../depthwise.ts.
 */
import { dot } from './pointwise';
import { BLOCK, byAnyWay, fast, inFloat32, isFast, isFloat32 } from './requantize';
import { clampedOne, narrowed, storeTransposed } from './tile';

export function depthwise(
  x: usize, planeStride: usize, planes: i32, rows: usize,
  kernelHeight: i32, kernelWidth: i32, strideY: i32, strideX: i32, dilationY: i32, dilationX: i32,
  weights: usize, blocks: usize, lo: i32, hi: i32,
  width: i32, first: i32, count: i32, group: i32, out: usize, quadStride: usize, scratch: usize, zero: i32,
  flip: i32,
): void {
  const asBytes = ASC_FEATURE_RELAXED_SIMD && zero >= 0;
  const lineStep = <usize>dilationY << 2;
  const step = <usize>strideX << 4;
  const tap = <usize>dilationX << 4;
  const pairs = kernelWidth + 1 >> 1;
  const three = kernelWidth == 3 && dilationX == 1 && strideX <= 2;
  const planeBytes = <usize>kernelHeight * (three ? 128 : <usize>pairs << 5);
  const shape = three ? strideX : 0;
  for (let plane = 0; plane < planes; ++plane) {
    let y = out;
    for (let top = 0; top < count; top += group) {
      let rowEnd = scratch;
      let lines = rows + (<usize>((first + top) * strideY) << 2);
      for (let left = min(group, count - top); left > 0; --left, lines += <usize>strideY << 2) {
        let to = rowEnd;
        rowEnd += <usize>width << 4;
        for (let start = x; to < rowEnd; to += 64, start += step << 2) {
          if (ASC_FEATURE_SIMD) {
            half(false, shape, start, lines, lineStep, step, tap, pairs, weights, planeBytes, blocks, lo, hi, to);
            half(true, shape, start, lines, lineStep, step, tap, pairs, weights, planeBytes, blocks, lo, hi, to + 8);
          } else {
            byNumbers(shape, start, lines, lineStep, step, tap, pairs, weights, planeBytes, blocks, lo, hi, to);
          }
        }
      }
      for (let from = scratch; from < rowEnd; from += 64, y += quadStride) {
        if (asBytes) toByteQuad(from, zero, flip, y);
        else toQuad(from, y);
      }
    }
    x += planeStride;
    weights += planeBytes;
    blocks += BLOCK;
    out += asBytes ? 32 : 64;
  }
}

/** Channels 0-3 or 4-7 of four pixels. `shape` is the stride of a kernel of three columns, otherwise 0. */
// @ts-ignore: decorator
@inline
function half(
  upper: bool, shape: i32, start: usize, line: usize, lineStep: usize, step: usize, tap: usize, pairs: i32,
  weights: usize, planeBytes: usize, block: usize, lo: i32, hi: i32, out: usize,
): void {
  let c0 = upper ? v128.load(block, 16) : v128.load(block);
  let c1 = c0, c2 = c0, c3 = c0;
  let taps = weights;
  const end = weights + planeBytes;
  if (shape == 1) {
    do {
      const p = start + <usize>load<u32>(line);
      const p1 = v128.load(p, 16), p2 = v128.load(p, 32), p3 = v128.load(p, 48);
      const x0 = pair(upper, v128.load(p), p1), x2 = pair(upper, p2, p3);
      const x4 = pair(upper, v128.load(p, 64), v128.load(p, 80));
      const k0 = upper ? v128.load(taps, 64) : v128.load(taps), k1 = upper ? v128.load(taps, 80) : v128.load(taps, 16);
      c0 = dot(x0, k0, c0); c2 = dot(x2, k0, c2);
      c0 = dot(x2, k1, c0); c2 = dot(x4, k1, c2);
      const k2 = upper ? v128.load(taps, 96) : v128.load(taps, 32);
      const k3 = upper ? v128.load(taps, 112) : v128.load(taps, 48);
      c1 = dot(x0, k2, c1); c3 = dot(x2, k2, c3);
      c1 = dot(x2, k3, c1); c3 = dot(x4, k3, c3);
      taps += 128;
      line += lineStep;
    } while (taps != end);
  } else if (shape == 2) {
    do {
      const p = start + <usize>load<u32>(line);
      const k0 = upper ? v128.load(taps, 64) : v128.load(taps), k1 = upper ? v128.load(taps, 80) : v128.load(taps, 16);
      const x0 = pair(upper, v128.load(p), v128.load(p, 16)), x2 = pair(upper, v128.load(p, 32), v128.load(p, 48));
      c0 = dot(x0, k0, c0); c1 = dot(x2, k0, c1); c0 = dot(x2, k1, c0);
      const x4 = pair(upper, v128.load(p, 64), v128.load(p, 80)), x6 = pair(upper, v128.load(p, 96), v128.load(p, 112));
      c2 = dot(x4, k0, c2); c1 = dot(x4, k1, c1); c3 = dot(x6, k0, c3); c2 = dot(x6, k1, c2);
      const p8 = v128.load(p, 128);
      c3 = dot(pair(upper, p8, p8), k1, c3);
      taps += 128;
      line += lineStep;
    } while (taps != end);
  } else {
    do {
      let p = start + <usize>load<u32>(line);
      for (let j = 0; j < pairs; ++j, taps += 32, p += tap << 1) {
        const k = upper ? v128.load(taps, 16) : v128.load(taps);
        c0 = dot(pair(upper, v128.load(p), v128.load(p + tap)), k, c0);
        c1 = dot(pair(upper, v128.load(p + step), v128.load(p + step + tap)), k, c1);
        c2 = dot(pair(upper, v128.load(p + 2 * step), v128.load(p + 2 * step + tap)), k, c2);
        c3 = dot(pair(upper, v128.load(p + 3 * step), v128.load(p + 3 * step + tap)), k, c3);
      }
      line += lineStep;
    } while (taps != end);
  }
  if (isFloat32(block)) {
    const magic = v128.load32_splat(block, 228);
    const m = upper ? v128.load(block, 48) : v128.load(block, 32);
    const b = upper ? v128.load(block, 80) : v128.load(block, 64);
    const r = upper ? v128.load(block, 112) : v128.load(block, 96);
    c0 = inFloat32(c0, m, b, magic, r); c1 = inFloat32(c1, m, b, magic, r);
    c2 = inFloat32(c2, m, b, magic, r); c3 = inFloat32(c3, m, b, magic, r);
  } else if (isFast(block)) {
    const numbers = upper ? block + 32 : block;
    c0 = fast(c0, numbers, block); c1 = fast(c1, numbers, block);
    c2 = fast(c2, numbers, block); c3 = fast(c3, numbers, block);
  } else {
    const channel = upper ? 4 : 0;
    c0 = byAnyWay(c0, block, channel); c1 = byAnyWay(c1, block, channel);
    c2 = byAnyWay(c2, block, channel); c3 = byAnyWay(c3, block, channel);
  }
  const vlo = i16x8.splat(<i16>lo), vhi = i16x8.splat(<i16>hi);
  const p01 = narrowed(c0, c1, vlo, vhi), p23 = narrowed(c2, c3, vlo, vhi);
  v128.store64_lane(out, p01, 0); v128.store64_lane(out, p01, 1, 16);
  v128.store64_lane(out, p23, 0, 32); v128.store64_lane(out, p23, 1, 48);
}

/** The lower or upper four channels of two pixels, channel by channel. */
// @ts-ignore: decorator
@inline
function pair(upper: bool, a: v128, b: v128): v128 {
  return upper
    ? v128.shuffle<i16>(a, b, 4, 12, 5, 13, 6, 14, 7, 15)
    : v128.shuffle<i16>(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
}

/** Eight channels of four pixels [4][8], as a quad. */
// @ts-ignore: decorator
@inline
function toQuad(from: usize, out: usize): void {
  if (ASC_FEATURE_SIMD) {
    storeTransposed(v128.load(from), v128.load(from, 16), v128.load(from, 32), v128.load(from, 48), out);
  } else {
    for (let pixel: usize = 0; pixel < 16; pixel += 4, from += 16) {
      for (let pair: usize = 0; pair < 4; ++pair) store<u32>(out + (pair << 4) + pixel, load<u32>(from + (pair << 2)));
    }
  }
}

/** Eight channels of four pixels [4][8], as two vectors of a byte quad. */
// @ts-ignore: decorator
@inline
function toByteQuad(from: usize, zero: i32, flip: i32, out: usize): void {
  const zeros = i16x8.splat(<i16>zero);
  const p01 = i8x16.narrow_i16x8_u(i16x8.add(v128.load(from), zeros), i16x8.add(v128.load(from, 16), zeros));
  const p23 = i8x16.narrow_i16x8_u(i16x8.add(v128.load(from, 32), zeros), i16x8.add(v128.load(from, 48), zeros));
  const flips = i8x16.splat(<i8>flip);
  v128.store(out, v128.xor(v128.shuffle<i32>(p01, p23, 0, 2, 4, 6), flips));
  v128.store(out, v128.xor(v128.shuffle<i32>(p01, p23, 1, 3, 5, 7), flips), 16);
}

/** The scalar target's eight channels of four pixels. `shape` is as in `half`. */
function byNumbers(
  shape: i32, start: usize, lines: usize, lineStep: usize, step: usize, tap: usize, pairs: i32,
  weights: usize, planeBytes: usize, block: usize, lo: i32, hi: i32, out: usize,
): void {
  for (let channel = 0; channel < 8; ++channel, out += 2, start += 2) {
    let c0 = load<i32>(block + (<usize>channel << 2));
    let c1 = c0, c2 = c0, c3 = c0;
    let line = lines;
    let k = weights + (<usize>(channel & 3) << 2) + (channel < 4 ? 0 : shape ? 64 : 16);
    const end = k + planeBytes;
    if (shape == 1) {
      for (; k != end; line += lineStep, k += 128) {
        const p = start + <usize>load<u32>(line);
        const k0 = <i32>load<i16>(k), k1 = <i32>load<i16>(k, 2), k2 = <i32>load<i16>(k, 16);
        const x0 = <i32>load<i16>(p), x1 = <i32>load<i16>(p, 16), x2 = <i32>load<i16>(p, 32);
        const x3 = <i32>load<i16>(p, 48), x4 = <i32>load<i16>(p, 64), x5 = <i32>load<i16>(p, 80);
        c0 += x0 * k0 + x1 * k1 + x2 * k2;
        c1 += x1 * k0 + x2 * k1 + x3 * k2;
        c2 += x2 * k0 + x3 * k1 + x4 * k2;
        c3 += x3 * k0 + x4 * k1 + x5 * k2;
      }
    } else if (shape == 2) {
      for (; k != end; line += lineStep, k += 128) {
        const p = start + <usize>load<u32>(line);
        const k0 = <i32>load<i16>(k), k1 = <i32>load<i16>(k, 2), k2 = <i32>load<i16>(k, 16);
        const x2 = <i32>load<i16>(p, 32), x4 = <i32>load<i16>(p, 64), x6 = <i32>load<i16>(p, 96);
        c0 += load<i16>(p) * k0 + load<i16>(p, 16) * k1 + x2 * k2;
        c1 += x2 * k0 + load<i16>(p, 48) * k1 + x4 * k2;
        c2 += x4 * k0 + load<i16>(p, 80) * k1 + x6 * k2;
        c3 += x6 * k0 + load<i16>(p, 112) * k1 + load<i16>(p, 128) * k2;
      }
    } else {
      for (; k != end; line += lineStep) {
        let p = start + <usize>load<u32>(line);
        for (let j = 0; j < pairs; ++j, k += 32, p += tap << 1) {
          const k0 = <i32>load<i16>(k), k1 = <i32>load<i16>(k, 2);
          c0 += load<i16>(p) * k0 + load<i16>(p + tap) * k1;
          c1 += load<i16>(p + step) * k0 + load<i16>(p + step + tap) * k1;
          c2 += load<i16>(p + 2 * step) * k0 + load<i16>(p + 2 * step + tap) * k1;
          c3 += load<i16>(p + 3 * step) * k0 + load<i16>(p + 3 * step + tap) * k1;
        }
      }
    }
    store<i16>(out, clampedOne(c0, block, channel, lo, hi));
    store<i16>(out, clampedOne(c1, block, channel, lo, hi), 16);
    store<i16>(out, clampedOne(c2, block, channel, lo, hi), 32);
    store<i16>(out, clampedOne(c3, block, channel, lo, hi), 48);
  }
}
