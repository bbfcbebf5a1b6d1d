/**
 * Pointwise (1×1) convolution as a matrix product, 4 pixels × 8 output channels at a time.
 *
 *   x        quads   [pixels / 4][C'][4]   four neighbouring pixels of one channel lie together; quads are `quadStride` bytes apart
 *   weights  panels  [O' / 8][C][8]        eight output channels of one input channel lie together
 *   bias             [O']
 *   out      groups or quads, see tile.ts; `outStride` is the distance of channel groups, or of quads
 *
 * so that one step of the sum over input channels reads two vectors of weights and four splatted pixels, each from one pointer that
 * only moves forward, and feeds eight accumulators: 14 live vectors, all that V8 has registers for on x86. The loop over channels
 * is not unrolled: V8 moves all loads of a loop body in front of its arithmetic, and would spill.
 *
 * Order of sums, in all targets: bias, then input channels 0, 1, 2, …
 *
 * Panels are the outer loop: a panel of weights (C · 32 bytes) stays in the first-level cache while the pixels stream by.
 */
import { madd } from './lanes';
import { storeGroups, storeOne, storePixel, storeQuads } from './tile';

export function pointwise(
  x: usize, quadStride: usize, quads: i32, channels: i32,
  weights: usize, bias: usize, panels: i32, lo: f32, hi: f32,
  out: usize, outStride: usize, offsets: usize, residual: usize, lo2: f32, hi2: f32,
): void {
  const panelBytes = <usize>channels << 5;
  const quadBytes = <usize>channels << 4;
  for (let panel = 0; panel < panels; ++panel) {
    let quad = x;
    let y = out;
    let place = offsets;
    let r = residual;
    for (let q = 0; q < quads; ++q) {
      if (ASC_FEATURE_SIMD) {
        let c00 = v128.load(bias), c01 = v128.load(bias, 16);
        let c10 = c00, c11 = c01, c20 = c00, c21 = c01, c30 = c00, c31 = c01;
        let a = quad;
        let b = weights;
        const end = quad + quadBytes;
        do {
          const b0 = v128.load(b), b1 = v128.load(b, 16);
          const a0 = v128.load32_splat(a), a1 = v128.load32_splat(a, 4);
          const a2 = v128.load32_splat(a, 8), a3 = v128.load32_splat(a, 12);
          c30 = madd(a3, b0, c30); c20 = madd(a2, b0, c20); c10 = madd(a1, b0, c10); c00 = madd(a0, b0, c00);
          c31 = madd(a3, b1, c31); c21 = madd(a2, b1, c21); c11 = madd(a1, b1, c11); c01 = madd(a0, b1, c01);
          a += 16;
          b += 32;
        } while (a != end);
        if (offsets) {
          storeGroups(c00, c01, c10, c11, c20, c21, c30, c31, f32x4.splat(lo), f32x4.splat(hi), out, outStride, place);
        } else {
          storeQuads(c00, c01, c10, c11, c20, c21, c30, c31, f32x4.splat(lo), f32x4.splat(hi), y, r, f32x4.splat(lo2), f32x4.splat(hi2));
        }
      } else {
        for (let pixel = 0; pixel < 4; ++pixel) {
          for (let o = 0; o < 8; ++o) {
            let sum = load<f32>(bias + (<usize>o << 2));
            let a = quad + (<usize>pixel << 2);
            let b = weights + (<usize>o << 2);
            for (let c = 0; c < channels; ++c, a += 16, b += 32) sum += load<f32>(a) * load<f32>(b);
            storeOne(sum, pixel, o, lo, hi, offsets ? out : y, outStride, place, r, lo2, hi2);
          }
        }
      }
      quad += quadStride;
      if (offsets) {
        place += 16;
      } else {
        y += outStride;
        if (residual) r += outStride;
      }
    }
    weights += panelBytes;
    bias += 32;
    out += offsets ? outStride << 1 : 128;
    if (residual) residual += 128;
  }
}

/**
 * The same for the first pixel of one quad alone, 16 output channels at a time: what is left of 49 = 12 · 4 + 1 pixels. Two panels run together,
 * since one pixel's two accumulators would wait for each other's additions.
 */
export function pointwisePixel(
  x: usize, channels: i32, weights: usize, bias: usize, panels: i32, lo: f32, hi: f32,
  out: usize, outStride: usize, offsets: usize, residual: usize, lo2: f32, hi2: f32,
): void {
  const panelBytes = <usize>channels << 5;
  const end = x + (<usize>channels << 4);
  for (let panel = 0; panel < panels; panel += 2) {
    const second = panel + 1 < panels ? panelBytes : 0;
    if (ASC_FEATURE_SIMD) {
      let c0 = v128.load(bias), c1 = v128.load(bias, 16), c2 = v128.load(bias, 32), c3 = v128.load(bias, 48);
      let b = weights;
      for (let a = x; a != end; a += 16, b += 32) {
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
    } else {
      const outputs = second ? 16 : 8;
      for (let o = 0; o < outputs; ++o) {
        let sum = load<f32>(bias + (<usize>o << 2));
        let b = weights + (o < 8 ? 0 : second) + (<usize>(o & 7) << 2);
        for (let a = x; a != end; a += 16, b += 32) sum += load<f32>(a) * load<f32>(b);
        const next: usize = o < 8 ? 0 : offsets ? outStride << 1 : 128;
        storeOne(sum, 0, o & 7, lo, hi, out + next, outStride, offsets, residual && o >= 8 ? residual + 128 : residual, lo2, hi2);
      }
    }
    weights += panelBytes << 1;
    bias += 64;
    out += offsets ? outStride << 2 : 256;
    if (residual) residual += 256;
  }
}
