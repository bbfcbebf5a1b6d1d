/**
 * Pointwise (1×1) convolution on integers as a matrix product, 4 pixels × 8 output channels at a time.
 *
 *   x        quads   [pixels / 4][C' / 2][4][2]   int16, a pair of channels of four neighbouring pixels; quads are
 *                                                 `quadStride` bytes apart
 *   weights  panels  [O' / 8][pairs][8][2]        int16, eight output channels of one pair of input channels lie
 *                                                 together; on the scalar target twice as wide, see tile.ts
 *   blocks           [O' / 8] of 256 bytes        bias and multipliers, see requantize.ts
 *   out      planes or quads, see tile.ts; `outStride` is the distance of planes, or of quads
 *
 * Activations and weights have no zero point any more: it is subtracted before. `i32x4.dot_i16x8_s` multiplies a pair
 * by a pair and adds both products, so that one step of the sum takes in two input channels; otherwise this is
 * ../pointwise.ts, tile, order of loops and all. Sums of 32 bits: exact up to 2³¹ / (255·255) input channels.
 */
import { BLOCK } from './requantize';
import { storePixel, storeTile, tileByNumbers } from './tile';

export function pointwise(
  x: usize, quadStride: usize, pixels: i32, pairs: i32, weights: usize, blocks: usize, panels: i32, lo: i32, hi: i32,
  out: usize, outStride: usize, offsets: usize,
): void {
  // What is left of 49 = 12 · 4 + 1 pixels is no quad.
  const alone = ASC_FEATURE_SIMD ? i32(pixels % 4 == 1) : 0;
  const quads = (pixels + 3 >> 2) - alone;
  const panelBytes = <usize>pairs << (ASC_FEATURE_SIMD ? 5 : 6);
  const nextPanel: usize = offsets ? outStride : 64;
  const nextQuad: usize = offsets ? 0 : outStride;
  let w = weights, block = blocks, y = out;
  for (let panel = 0; panel < panels; ++panel) {
    let a = x, to = y, place = offsets;
    for (let q = 0; q < quads; ++q) {
      if (ASC_FEATURE_SIMD) {
        tile(a, w, w + panelBytes, block, lo, hi, to, place);
      } else {
        tileByNumbers(a, a + 4, a + 8, a + 12, 16, 0, 1, <usize>pairs << 4, w, block, lo, hi, to, place);
      }
      a += quadStride;
      to += nextQuad;
      if (offsets) place += 16;
    }
    w += panelBytes;
    block += BLOCK;
    y += nextPanel;
  }
  if (alone) {
    const place = offsets ? offsets + (<usize>quads << 4) : 0;
    onePixel(
      x + <usize>quads * quadStride, panelBytes, weights, blocks, panels, lo, hi, out + <usize>quads * nextQuad,
      nextPanel, place,
    );
  }
}

// @ts-ignore: decorator
@inline
function tile(x: usize, weights: usize, end: usize, block: usize, lo: i32, hi: i32, out: usize, offsets: usize): void {
  let c00 = v128.load(block), c01 = v128.load(block, 16);
  let c10 = c00, c11 = c01, c20 = c00, c21 = c01, c30 = c00, c31 = c01;
  let a = x;
  let b = weights;
  while (true) {
    let b0 = v128.load(b), b1 = v128.load(b, 16);
    let a0 = v128.load32_splat(a), a1 = v128.load32_splat(a, 4);
    let a2 = v128.load32_splat(a, 8), a3 = v128.load32_splat(a, 12);
    c30 = dot(a3, b0, c30); c20 = dot(a2, b0, c20); c10 = dot(a1, b0, c10); c00 = dot(a0, b0, c00);
    c31 = dot(a3, b1, c31); c21 = dot(a2, b1, c21); c11 = dot(a1, b1, c11); c01 = dot(a0, b1, c01);
    a += 16; b += 32;
    if (b == end) break;
    b0 = v128.load(b); b1 = v128.load(b, 16);
    a0 = v128.load32_splat(a); a1 = v128.load32_splat(a, 4);
    a2 = v128.load32_splat(a, 8); a3 = v128.load32_splat(a, 12);
    c30 = dot(a3, b0, c30); c20 = dot(a2, b0, c20); c10 = dot(a1, b0, c10); c00 = dot(a0, b0, c00);
    c31 = dot(a3, b1, c31); c21 = dot(a2, b1, c21); c11 = dot(a1, b1, c11); c01 = dot(a0, b1, c01);
    a += 16; b += 32;
    if (b == end) break;
    b0 = v128.load(b); b1 = v128.load(b, 16);
    a0 = v128.load32_splat(a); a1 = v128.load32_splat(a, 4);
    a2 = v128.load32_splat(a, 8); a3 = v128.load32_splat(a, 12);
    c30 = dot(a3, b0, c30); c20 = dot(a2, b0, c20); c10 = dot(a1, b0, c10); c00 = dot(a0, b0, c00);
    c31 = dot(a3, b1, c31); c21 = dot(a2, b1, c21); c11 = dot(a1, b1, c11); c01 = dot(a0, b1, c01);
    a += 16; b += 32;
    if (b == end) break;
    b0 = v128.load(b); b1 = v128.load(b, 16);
    a0 = v128.load32_splat(a); a1 = v128.load32_splat(a, 4);
    a2 = v128.load32_splat(a, 8); a3 = v128.load32_splat(a, 12);
    c30 = dot(a3, b0, c30); c20 = dot(a2, b0, c20); c10 = dot(a1, b0, c10); c00 = dot(a0, b0, c00);
    c31 = dot(a3, b1, c31); c21 = dot(a2, b1, c21); c11 = dot(a1, b1, c11); c01 = dot(a0, b1, c01);
    a += 16; b += 32;
    if (b == end) break;
  }
  storeTile(c00, c01, c10, c11, c20, c21, c30, c31, block, i16x8.splat(<i16>lo), i16x8.splat(<i16>hi), out, offsets);
}

/**
 * A pixel by itself, 16 output channels at a time: two panels run together, since one pixel's two accumulators would
 * wait for each other's additions.
 */
function onePixel(
  x: usize, panelBytes: usize, weights: usize, block: usize, panels: i32, lo: i32, hi: i32, out: usize,
  nextPanel: usize, offsets: usize,
): void {
  for (let panel = 0; panel < panels; panel += 2) {
    const second = panel + 1 < panels ? panelBytes : 0;
    const other = second ? block + BLOCK : block;
    let c0 = v128.load(block), c1 = v128.load(block, 16), c2 = v128.load(other), c3 = v128.load(other, 16);
    const end = weights + panelBytes;
    for (let a = x, b = weights; b != end; a += 16, b += 32) {
      const s = v128.load32_splat(a);
      c0 = dot(s, v128.load(b), c0);
      c1 = dot(s, v128.load(b, 16), c1);
      c2 = dot(s, v128.load(b + second), c2);
      c3 = dot(s, v128.load(b + second, 16), c3);
    }
    storePixel(c0, c1, block, lo, hi, out, offsets);
    if (second) storePixel(c2, c3, other, lo, hi, out + nextPanel, offsets);
    weights += panelBytes << 1;
    block += BLOCK << 1;
    out += nextPanel << 1;
  }
}

/** c + the products of pairs of neighbouring lanes, two and two added. */
// @ts-ignore: decorator
@inline
export function dot(a: v128, b: v128, c: v128): v128 {
  return i32x4.add(i32x4.dot_i16x8_s(a, b), c);
}
