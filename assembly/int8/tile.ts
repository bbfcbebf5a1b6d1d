/**
 * The end of a matrix product on integers: a tile of 4 pixels × 8 output channels, sums of 32 bits in eight
 * accumulators c{pixel}{half}, is requantised, clamped and stored as 16-bit numbers without their zero point.
 *
 * Two layouts, chosen by `offsets`:
 *   planes  (offsets ≠ 0) each pixel's eight channels as one vector at `out + offsets[pixel]`
 *   quads   (offsets = 0) [pixels / 4][O' / 2][4][2] for the next matrix product: pairs of channels, transposed
 */
import { byAnyWay, fast, inFloat32, isFast, isFloat32, one } from './requantize';

// @ts-ignore: decorator
@inline
export function storeTile(
  c00: v128, c01: v128, c10: v128, c11: v128, c20: v128, c21: v128, c30: v128, c31: v128,
  block: usize, lo: v128, hi: v128, out: usize, offsets: usize,
): void {
  if (isFloat32(block)) {
    const magic = v128.load32_splat(block, 228);
    const m0 = v128.load(block, 32), b0 = v128.load(block, 64), r0 = v128.load(block, 96);
    c00 = inFloat32(c00, m0, b0, magic, r0); c10 = inFloat32(c10, m0, b0, magic, r0);
    c20 = inFloat32(c20, m0, b0, magic, r0); c30 = inFloat32(c30, m0, b0, magic, r0);
    const m1 = v128.load(block, 48), b1 = v128.load(block, 80), r1 = v128.load(block, 112);
    c01 = inFloat32(c01, m1, b1, magic, r1); c11 = inFloat32(c11, m1, b1, magic, r1);
    c21 = inFloat32(c21, m1, b1, magic, r1); c31 = inFloat32(c31, m1, b1, magic, r1);
  } else if (isFast(block)) {
    const second = block + 32;
    c00 = fast(c00, block, block); c01 = fast(c01, second, block);
    c10 = fast(c10, block, block); c11 = fast(c11, second, block);
    c20 = fast(c20, block, block); c21 = fast(c21, second, block);
    c30 = fast(c30, block, block); c31 = fast(c31, second, block);
  } else {
    c00 = byAnyWay(c00, block, 0); c01 = byAnyWay(c01, block, 4);
    c10 = byAnyWay(c10, block, 0); c11 = byAnyWay(c11, block, 4);
    c20 = byAnyWay(c20, block, 0); c21 = byAnyWay(c21, block, 4);
    c30 = byAnyWay(c30, block, 0); c31 = byAnyWay(c31, block, 4);
  }
  const p0 = narrowed(c00, c01, lo, hi), p1 = narrowed(c10, c11, lo, hi);
  const p2 = narrowed(c20, c21, lo, hi), p3 = narrowed(c30, c31, lo, hi);
  if (offsets) {
    v128.store(out + <usize>load<u32>(offsets), p0);
    v128.store(out + <usize>load<u32>(offsets, 4), p1);
    v128.store(out + <usize>load<u32>(offsets, 8), p2);
    v128.store(out + <usize>load<u32>(offsets, 12), p3);
  } else {
    storeTransposed(p0, p1, p2, p3, out);
  }
}

/** Eight integers of 32 bits as 16, clamped. */
// @ts-ignore: decorator
@inline
export function narrowed(low: v128, high: v128, lo: v128, hi: v128): v128 {
  return i16x8.min_s(i16x8.max_s(i16x8.narrow_i32x4_s(low, high), lo), hi);
}

/**
 * Eight channels of four pixels, a pixel each in a, b, c and d, become four vectors of a quad: each has one pair of
 * channels of all four.
 */
// @ts-ignore: decorator
@inline
export function storeTransposed(a: v128, b: v128, c: v128, d: v128, out: usize): void {
  const ab01 = v128.shuffle<i32>(a, b, 0, 4, 1, 5), cd01 = v128.shuffle<i32>(c, d, 0, 4, 1, 5);
  const ab23 = v128.shuffle<i32>(a, b, 2, 6, 3, 7), cd23 = v128.shuffle<i32>(c, d, 2, 6, 3, 7);
  v128.store(out, v128.shuffle<i32>(ab01, cd01, 0, 1, 4, 5));
  v128.store(out, v128.shuffle<i32>(ab01, cd01, 2, 3, 6, 7), 16);
  v128.store(out, v128.shuffle<i32>(ab23, cd23, 0, 1, 4, 5), 32);
  v128.store(out, v128.shuffle<i32>(ab23, cd23, 2, 3, 6, 7), 48);
}

/** The eight channels of one pixel alone, a tile's first. */
export function storePixel(c0: v128, c1: v128, block: usize, lo: i32, hi: i32, out: usize, offsets: usize): void {
  const p = narrowed(byWay(c0, block, 0), byWay(c1, block, 4), i16x8.splat(<i16>lo), i16x8.splat(<i16>hi));
  if (offsets) {
    v128.store(out + <usize>load<u32>(offsets), p);
  } else {
    v128.store32_lane(out, p, 0);
    v128.store32_lane(out, p, 1, 16);
    v128.store32_lane(out, p, 2, 32);
    v128.store32_lane(out, p, 3, 48);
  }
}

function byWay(x: v128, block: usize, first: i32): v128 {
  if (!isFloat32(block)) return byAnyWay(x, block, first);
  const at = block + (<usize>first << 2);
  return inFloat32(x, v128.load(at, 32), v128.load(at, 64), v128.load32_splat(block, 228), v128.load(at, 96));
}

/**
 * A tile of the scalar target. Its weights are pairs of output channels in one number, [runs][pairs][2][4] i64, the
 * second channel's times 2³²: one multiplication makes the products of both, and sums of 64 bits hold two of 32. The
 * pair of numbers of pixel i lies at p{i} + tap, where tap goes from the begin of each run to `runBytes` further,
 * `step` bytes at a time. Without `runs` there is one, from 0 on.
 */
export function tileByNumbers(
  p0: usize, p1: usize, p2: usize, p3: usize, step: usize, runs: usize, runCount: i32, runBytes: usize, weights: usize,
  block: usize,
  lo: i32, hi: i32, out: usize, offsets: usize,
): void {
  for (let o = 0; o < 8; o += 2, weights += 8) {
    const bias = block + (<usize>o << 2);
    let c0 = <i64>load<i32>(bias) + (<i64>load<i32>(bias, 4) << 32);
    let c1 = c0, c2 = c0, c3 = c0;
    let b = weights;
    for (let run = 0; run < runCount; ++run) {
      let tap: usize = runs ? <usize>load<u32>(runs + (<usize>run << 2)) : 0;
      for (const end = tap + runBytes; tap != end; tap += step, b += 64) {
        let w = load<i64>(b);
        c0 += <i64>load<i16>(p0 + tap) * w;
        c1 += <i64>load<i16>(p1 + tap) * w;
        c2 += <i64>load<i16>(p2 + tap) * w;
        c3 += <i64>load<i16>(p3 + tap) * w;
        w = load<i64>(b, 32);
        c0 += <i64>load<i16>(p0 + tap, 2) * w;
        c1 += <i64>load<i16>(p1 + tap, 2) * w;
        c2 += <i64>load<i16>(p2 + tap, 2) * w;
        c3 += <i64>load<i16>(p3 + tap, 2) * w;
      }
    }
    const y = out + (offsets ? <usize>o << 1 : <usize>o << 3);
    store<u32>(y + (offsets ? <usize>load<u32>(offsets) : 0), clampedTwo(c0, block, o, lo, hi));
    store<u32>(y + (offsets ? <usize>load<u32>(offsets, 4) : 4), clampedTwo(c1, block, o, lo, hi));
    store<u32>(y + (offsets ? <usize>load<u32>(offsets, 8) : 8), clampedTwo(c2, block, o, lo, hi));
    store<u32>(y + (offsets ? <usize>load<u32>(offsets, 12) : 12), clampedTwo(c3, block, o, lo, hi));
  }
}

/** The results of two neighbouring channels, whose sums are low + high · 2³². */
function clampedTwo(sums: i64, block: usize, channel: i32, lo: i32, hi: i32): u32 {
  const low = <i32>sums, high = <i32>(sums - <i64>low >> 32);
  const first = <u32>(<u16>clampedOne(low, block, channel, lo, hi));
  return first | (<u32>(<u16>clampedOne(high, block, channel + 1, lo, hi)) << 16);
}

export function clampedOne(x: i32, block: usize, channel: i32, lo: i32, hi: i32): i16 {
  return <i16>min(max(one(x, block, channel), lo), hi);
}
