/**
 * Pointwise (1×1) convolution as a matrix product, 4 pixels × 8 output channels at a time; with fused multiply-adds,
 * 5 × 8.
 *
 *   x        quads   [pixels / 4][C'][4]   four neighbouring pixels of one channel lie together; quads are
 *                                          `quadStride` bytes apart
 *   weights  panels  [O' / 8][C][8]        eight output channels of one input channel lie together
 *   bias             [O']
 *   out      groups or quads, see tile.ts; `outStride` is the distance of channel groups, or of quads
 *
 * so that one step of the sum over input channels reads two vectors of weights and four splatted pixels, each from
 * one pointer that only moves forward, and feeds eight accumulators: 14 live vectors, of the 15 that V8 has registers
 * for on x86. It moves all loads of a basic block in front of the block's arithmetic: two steps in one block would
 * spill. The tests between steps, whether the sum is complete, keep them in blocks of their own.
 *
 * A fused multiply-add that takes five cycles, where two begin in each, wants ten accumulators. So the relaxed target
 * adds a fifth pixel to the tile. Quads have no fifth pixel: of five quads in a row, four take one pixel of the last
 * each.
 *
 *   quads  a b c d | e f g h | i j k l | m n o p | q r s t        tiles  a b c d q | e f g h r | i j k l s | m n o p t
 *
 * Order of sums, in all targets: bias, then input channels 0, 1, 2, …
 *
 * Panels are the outer loop: a panel of weights (C · 32 bytes) stays in the first-level cache while the pixels stream
 * by.
 */
import { madd, MORE_THAN_32_IF_RELAXED } from './marks';
import { storeGroups, storePixel, storeQuads, tileByNumbers } from './tile';

export function pointwise(
  x: usize, quadStride: usize, pixels: i32, channels: i32,
  weights: usize, bias: usize, panels: i32, lo: f32, hi: f32,
  out: usize, outStride: usize, offsets: usize, residual: usize, lo2: f32, hi2: f32,
): void {
  // What is left of 49 = 12 · 4 + 1 pixels is no quad. Behind the last five quads, the first tile takes it along as
  // its fifth pixel, if it has one.
  const alone = ASC_FEATURE_SIMD ? i32(pixels % 4 == 1) : 0;
  const quads = (pixels + 3 >> 2) - alone;
  // Few terms do not pay for the fifth pixel's own stores.
  const wide = ASC_FEATURE_SIMD && channels > MORE_THAN_32_IF_RELAXED;
  const panelBytes = <usize>channels << 5;
  const nextPanel: usize = offsets ? outStride << 1 : 128;
  let w = weights, b = bias, y = out, r = residual;
  for (let panel = 0; panel < panels; ++panel) {
    for (let q = 0; q < quads; ++q) {
      const last = wide && q + 4 < quads ? q + 4 : quads;
      const shared = last < quads ? 4 : alone;
      for (let pixel = 0; q < last; ++q, ++pixel) {
        if (ASC_FEATURE_SIMD) {
          const five = wide && pixel < shared;
          tile(x, quadStride, q, five, last, pixel, panelBytes, w, b, lo, hi, y, outStride, offsets, r, lo2, hi2);
        } else {
          const a = x + <usize>q * quadStride, at: usize = offsets ? 0 : <usize>q * outStride;
          const place = offsets ? offsets + (<usize>q << 4) : 0;
          tileByNumbers(
            a, a + 4, a + 8, a + 12, 16, 0, 1, <usize>channels << 4, w, b, lo, hi, y + at, outStride, place,
            r ? r + at : 0, lo2, hi2,
          );
        }
      }
    }
    w += panelBytes;
    b += 32;
    y += nextPanel;
    if (residual) r += 128;
  }
  if (alone && !(wide && quads % 5)) {
    const rest: usize = offsets ? 0 : <usize>quads * outStride;
    x += <usize>quads * quadStride;
    const place = offsets ? offsets + (<usize>quads << 4) : 0;
    onePixel(
      x, panelBytes, weights, bias, panels, lo, hi, out + rest, outStride, place, residual ? residual + rest : 0, lo2,
      hi2,
    );
  }
}

/** Quad q, 4 × 8; with `five`, and one pixel of the quad `other`, 5 × 8. */
// @ts-ignore: decorator
@inline
function tile(
  x: usize, quadStride: usize, q: i32, five: bool, other: i32, pixel: i32, panelBytes: usize, weights: usize,
  bias: usize, lo: f32, hi: f32,
  out: usize, outStride: usize, offsets: usize, residual: usize, lo2: f32, hi2: f32,
): void {
  let c00 = v128.load(bias), c01 = v128.load(bias, 16);
  let c10 = c00, c11 = c01, c20 = c00, c21 = c01, c30 = c00, c31 = c01, c40 = c00, c41 = c01;
  let a = x + <usize>q * quadStride;
  let b = weights;
  const end = weights + panelBytes;
  if (ASC_FEATURE_SIMD && five) {
    let fifth = x + <usize>other * quadStride + (<usize>pixel << 2);
    while (true) {
      const b0 = v128.load(b), b1 = v128.load(b, 16);
      const a0 = v128.load32_splat(a), a1 = v128.load32_splat(a, 4), a2 = v128.load32_splat(a, 8);
      c20 = madd(a2, b0, c20); c10 = madd(a1, b0, c10); c00 = madd(a0, b0, c00);
      c21 = madd(a2, b1, c21); c11 = madd(a1, b1, c11); c01 = madd(a0, b1, c01);
      // Never true here. The test ends V8's basic block, so that it does not load all operands first.
      if (b == end) break;
      const a3 = v128.load32_splat(a, 12), a4 = v128.load32_splat(fifth);
      c40 = madd(a4, b0, c40); c30 = madd(a3, b0, c30);
      c41 = madd(a4, b1, c41); c31 = madd(a3, b1, c31);
      a += 16; fifth += 16; b += 32;
      if (b == end) break;
    }
  } else {
    while (true) {
      let b0 = v128.load(b), b1 = v128.load(b, 16);
      let a0 = v128.load32_splat(a), a1 = v128.load32_splat(a, 4);
      let a2 = v128.load32_splat(a, 8), a3 = v128.load32_splat(a, 12);
      c30 = madd(a3, b0, c30); c20 = madd(a2, b0, c20); c10 = madd(a1, b0, c10); c00 = madd(a0, b0, c00);
      c31 = madd(a3, b1, c31); c21 = madd(a2, b1, c21); c11 = madd(a1, b1, c11); c01 = madd(a0, b1, c01);
      a += 16; b += 32;
      if (b == end) break;
      b0 = v128.load(b); b1 = v128.load(b, 16);
      a0 = v128.load32_splat(a); a1 = v128.load32_splat(a, 4);
      a2 = v128.load32_splat(a, 8); a3 = v128.load32_splat(a, 12);
      c30 = madd(a3, b0, c30); c20 = madd(a2, b0, c20); c10 = madd(a1, b0, c10); c00 = madd(a0, b0, c00);
      c31 = madd(a3, b1, c31); c21 = madd(a2, b1, c21); c11 = madd(a1, b1, c11); c01 = madd(a0, b1, c01);
      a += 16; b += 32;
      if (b == end) break;
      b0 = v128.load(b); b1 = v128.load(b, 16);
      a0 = v128.load32_splat(a); a1 = v128.load32_splat(a, 4);
      a2 = v128.load32_splat(a, 8); a3 = v128.load32_splat(a, 12);
      c30 = madd(a3, b0, c30); c20 = madd(a2, b0, c20); c10 = madd(a1, b0, c10); c00 = madd(a0, b0, c00);
      c31 = madd(a3, b1, c31); c21 = madd(a2, b1, c21); c11 = madd(a1, b1, c11); c01 = madd(a0, b1, c01);
      a += 16; b += 32;
      if (b == end) break;
      b0 = v128.load(b); b1 = v128.load(b, 16);
      a0 = v128.load32_splat(a); a1 = v128.load32_splat(a, 4);
      a2 = v128.load32_splat(a, 8); a3 = v128.load32_splat(a, 12);
      c30 = madd(a3, b0, c30); c20 = madd(a2, b0, c20); c10 = madd(a1, b0, c10); c00 = madd(a0, b0, c00);
      c31 = madd(a3, b1, c31); c21 = madd(a2, b1, c21); c11 = madd(a1, b1, c11); c01 = madd(a0, b1, c01);
      a += 16; b += 32;
      if (b == end) break;
    }
  }
  if (offsets) {
    storeGroups(
      c00, c01, c10, c11, c20, c21, c30, c31, f32x4.splat(lo), f32x4.splat(hi), out, outStride,
      offsets + (<usize>q << 4),
    );
  } else {
    const y = <usize>q * outStride;
    storeQuads(
      c00, c01, c10, c11, c20, c21, c30, c31, f32x4.splat(lo), f32x4.splat(hi), out + y,
      residual ? residual + y : 0, f32x4.splat(lo2), f32x4.splat(hi2),
    );
  }
  if (ASC_FEATURE_SIMD && five) {
    const y: usize = offsets ? 0 : <usize>other * outStride + (<usize>pixel << 2);
    const place = offsets ? offsets + (<usize>(other * 4 + pixel) << 2) : 0;
    storePixel(c40, c41, lo, hi, out + y, outStride, place, residual ? residual + y : 0, lo2, hi2);
  }
}

/**
 * A pixel by itself, 16 output channels at a time: two panels run together, since one pixel's two accumulators would
 * wait for each other's additions.
 */
function onePixel(
  x: usize, panelBytes: usize, weights: usize, bias: usize, panels: i32, lo: f32, hi: f32,
  out: usize, outStride: usize, offsets: usize, residual: usize, lo2: f32, hi2: f32,
): void {
  for (let panel = 0; panel < panels; panel += 2) {
    const second = panel + 1 < panels ? panelBytes : 0;
    let c0 = v128.load(bias), c1 = v128.load(bias, 16), c2 = v128.load(bias, 32), c3 = v128.load(bias, 48);
    const end = weights + panelBytes;
    for (let a = x, b = weights; b != end; a += 16, b += 32) {
      const s = v128.load32_splat(a);
      c0 = madd(s, v128.load(b), c0);
      c1 = madd(s, v128.load(b, 16), c1);
      c2 = madd(s, v128.load(b + second), c2);
      c3 = madd(s, v128.load(b + second, 16), c3);
    }
    storePixel(c0, c1, lo, hi, out, outStride, offsets, residual, lo2, hi2);
    if (second) {
      const next = offsets ? outStride << 1 : 128;
      storePixel(c2, c3, lo, hi, out + next, outStride, offsets, residual ? residual + 128 : 0, lo2, hi2);
    }
    weights += panelBytes << 1;
    bias += 64;
    out += offsets ? outStride << 2 : 256;
    if (residual) residual += 256;
  }
}
