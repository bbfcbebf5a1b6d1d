/**
 * The relaxed target's pointwise convolution on bytes, for processors whose `i16x8.relaxed_dot_i8x16_i7x16_s`
 * multiplies its first operand's signed bytes by its second's unsigned ones and saturates the sums of two (x86:
 * pmaddubsw). `probe` tells them.
 *
 *   x        byte quads  [pixels / 4][C' / 4][4][4]   uint8 with zero point, four channels of four neighbouring
 *                                                     pixels; C' is a multiple of 8
 *   weights  panels      [O' / 8][C' / 8][2][8][4]    int8 without zero point, four input channels of eight output
 *                                                     channels, twice
 *   starts               [O' / 8 + 1]                 each panel's first of the further steps, and the end of the
 *                                                     last panel's
 *   places               [further steps] bytes        the eight channels of a further step in a quad of x
 *   further              [further steps][2][8][4]     their weights
 *   blocks, out          as in pointwise.ts; the bias has taken in the activations' zero point
 *
 * Sums of four products, of two quads of channels and two channels each, are made in 16 bits, and only then added to
 * those of 32. That is exact where of the four weights in one place the positive ones sum to at most 128, and so do
 * the negative ones (255 · 128 < 2¹⁵). Weights beyond that are split: the rest of a step of 8 × 8 goes into a further
 * step.
 */
import { BLOCK } from './requantize';
import { storeTile } from './tile';

/** 100 · 200 added up four times, the second factor in bytes: what this machine makes of it. */
export function probe(): i32 {
  if (!ASC_FEATURE_RELAXED_SIMD) return 0;
  // From memory, so that no compiler computes it by rules of its own.
  store<u32>(0, 0x64646464);
  store<u32>(4, 0xc8c8c8c8);
  const w = v128.load32_splat(0), x = v128.load32_splat(4);
  store<u64>(0, 0);
  const sum = i32x4.extract_lane(i32x4.relaxed_dot_i8x16_i7x16_add_s(w, x, i32x4.splat(0)), 0);
  const two = i16x8.extract_lane_s(i16x8.relaxed_dot_i8x16_i7x16_s(w, x), 0);
  // Exact sums of four are what decides; without them, whether sums of two saturate.
  return sum == EXACT || sum == EXACT_SIGNED ? sum : two;
}

/** Bytes of the second factor are unsigned: x86 with VNNI. */
const EXACT: i32 = 80000;
/** They are signed: ARM. */
const EXACT_SIGNED: i32 = -22400;

export function pointwiseBytes(
  x: usize, quadStride: usize, pixels: i32, steps: i32, weights: usize, starts: usize, places: usize, further: usize,
  blocks: usize, panels: i32, lo: i32, hi: i32, out: usize, outStride: usize, offsets: usize,
): void {
  if (ASC_FEATURE_RELAXED_SIMD) {
    product(
      false, x, quadStride, pixels, steps, weights, starts, places, further, blocks, panels, lo, hi,
      out, outStride, offsets,
    );
  }
}

/**
 * The same for machines with exact dot products of four bytes, unsigned or signed ones in x: only weights that do not
 * fit into −127 … 127 are split. Bytes of x that are signed have 128 subtracted.
 */
export function pointwiseDots(
  x: usize, quadStride: usize, pixels: i32, steps: i32, weights: usize, starts: usize, places: usize, further: usize,
  blocks: usize, panels: i32, lo: i32, hi: i32, out: usize, outStride: usize, offsets: usize,
): void {
  if (ASC_FEATURE_RELAXED_SIMD) {
    product(
      true, x, quadStride, pixels, steps, weights, starts, places, further, blocks, panels, lo, hi,
      out, outStride, offsets,
    );
  }
}

// @ts-ignore: decorator
@inline
function product(
  dots: bool,
  x: usize, quadStride: usize, pixels: i32, steps: i32, weights: usize, starts: usize, places: usize, further: usize,
  blocks: usize, panels: i32, lo: i32, hi: i32, out: usize, outStride: usize, offsets: usize,
): void {
  const quads = pixels + 3 >> 2;
  const panelBytes = <usize>steps << 6;
  for (let panel = 0; panel < panels; ++panel) {
    const end = weights + panelBytes;
    const begin = load<u32>(starts + (<usize>panel << 2)), last = load<u32>(starts + (<usize>panel << 2), 4);
    let a = x, y = out, place = offsets;
    for (let q = 0; q < quads; ++q, a += quadStride) {
      let c00 = v128.load(blocks), c01 = v128.load(blocks, 16);
      let c10 = c00, c11 = c01, c20 = c00, c21 = c01, c30 = c00, c31 = c01;
      let p = a, b = weights;
      let rest = begin;
      while (true) {
        const w0 = v128.load(b), w1 = v128.load(b, 32);
        c00 = quad(dots, c00, w0, w1, v128.load32_splat(p), v128.load32_splat(p, 16));
        c10 = quad(dots, c10, w0, w1, v128.load32_splat(p, 4), v128.load32_splat(p, 20));
        // Never so, here and below: what follows is a block of its own, for whose operands there are registers.
        if (p == 0) break;
        c20 = quad(dots, c20, w0, w1, v128.load32_splat(p, 8), v128.load32_splat(p, 24));
        c30 = quad(dots, c30, w0, w1, v128.load32_splat(p, 12), v128.load32_splat(p, 28));
        if (p == 0) break;
        const w2 = v128.load(b, 16), w3 = v128.load(b, 48);
        c01 = quad(dots, c01, w2, w3, v128.load32_splat(p), v128.load32_splat(p, 16));
        c11 = quad(dots, c11, w2, w3, v128.load32_splat(p, 4), v128.load32_splat(p, 20));
        if (p == 0) break;
        c21 = quad(dots, c21, w2, w3, v128.load32_splat(p, 8), v128.load32_splat(p, 24));
        c31 = quad(dots, c31, w2, w3, v128.load32_splat(p, 12), v128.load32_splat(p, 28));
        b += 64;
        p += 32;
        if (b != end && rest == begin) continue;
        if (rest == last) break;
        p = a + <usize>load<u32>(places + (<usize>rest << 2));
        b = further + (<usize>rest << 6);
        ++rest;
      }
      storeTile(c00, c01, c10, c11, c20, c21, c30, c31, blocks, i16x8.splat(<i16>lo), i16x8.splat(<i16>hi), y, place);
      if (offsets) place += 16;
      else y += outStride;
    }
    weights = end;
    blocks += BLOCK;
    out += offsets ? outStride : 64;
  }
}

/** c + the products of eight channels of one pixel and four output channels. */
// @ts-ignore: decorator
@inline
function quad(dots: bool, c: v128, w0: v128, w1: v128, x0: v128, x1: v128): v128 {
  if (dots) return i32x4.relaxed_dot_i8x16_i7x16_add_s(w1, x1, i32x4.relaxed_dot_i8x16_i7x16_add_s(w0, x0, c));
  const sums = i16x8.add(i16x8.relaxed_dot_i8x16_i7x16_s(w0, x0), i16x8.relaxed_dot_i8x16_i7x16_s(w1, x1));
  return i32x4.add(c, i32x4.extadd_pairwise_i16x8_s(sums));
}

/**
 * Quads of int16 without zero point → byte quads. `count` quads; `zero` is the zero point of the bytes;
 * `flip`, 0 or 128, makes them signed.
 */
export function quadsToByteQuads(x: usize, quadStride: usize, count: i32, zero: i32, flip: i32, out: usize): void {
  if (!ASC_FEATURE_RELAXED_SIMD) return;
  const zeros = i16x8.splat(<i16>zero), flips = i8x16.splat(<i8>flip);
  for (const end = x + <usize>count * quadStride; x != end; x += 32, out += 16) {
    // Pairs of channels of four pixels: those of one pixel come together, then 16 bits become 8.
    const low = v128.load(x), high = v128.load(x, 16);
    const p01 = i16x8.add(v128.shuffle<i32>(low, high, 0, 4, 1, 5), zeros);
    const p23 = i16x8.add(v128.shuffle<i32>(low, high, 2, 6, 3, 7), zeros);
    v128.store(out, v128.xor(i8x16.narrow_i16x8_u(p01, p23), flips));
  }
}
