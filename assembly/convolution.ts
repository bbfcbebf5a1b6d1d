/**
 * Any other convolution: 4 pixels × 8 output channels at a time, reading a zero-padded NHWC picture.
 *
 *   x        [rows][columns][C]            padded: every tap of every window lies inside
 *   pixels   [quads · 4] bytes             where each output pixel's window begins in x; missing pixels repeat the last
 *   runs     [runs] bytes                  where each run of taps begins in a window. With dilation 1 a run is one
 *                                          kernel row, KW · C
 *                                          neighbouring numbers; otherwise it is one tap of C numbers
 *   weights  panels [O' / 8][runs · length][8]
 *   bias     [O']
 *   out      groups or quads, see tile.ts
 *
 * The tile is pointwise.ts's with four pointers in place of one, which is what frees it from strides and sizes and
 * costs a quarter of the speed. For the first layer of every MobileNet, 3 channels with stride 2, the distances of
 * the pixels are constants of the code instead.
 *
 * Order of sums, in all targets: bias, then kernel rows, kernel columns, input channels.
 */
import { madd } from './marks';
import { storeGroups, storeQuads, tileByNumbers } from './tile';

/** Bytes between the windows of neighbouring pixels: 3 channels, stride 2. */
const STEM: usize = 24;

export function convolution(
  x: usize, pixels: usize, quads: i32, runs: usize, runCount: i32, runLength: i32,
  weights: usize, bias: usize, panels: i32, lo: f32, hi: f32,
  out: usize, outStride: usize, offsets: usize, residual: usize, lo2: f32, hi2: f32,
): void {
  const panelBytes = <usize>(runCount * runLength) << 5;
  const runBytes = <usize>runLength << 2;
  for (let panel = 0; panel < panels; ++panel) {
    let window = pixels;
    let y = out;
    let place = offsets;
    let r = residual;
    for (let q = 0; q < quads; ++q) {
      if (ASC_FEATURE_SIMD) {
        let c00 = v128.load(bias), c01 = v128.load(bias, 16);
        let c10 = c00, c11 = c01, c20 = c00, c21 = c01, c30 = c00, c31 = c01;
        let b = weights;
        const first = <usize>load<u32>(window);
        const d1 = <usize>load<u32>(window, 4) - first;
        const d2 = <usize>load<u32>(window, 8) - first;
        const d3 = <usize>load<u32>(window, 12) - first;
        const stem = d1 == STEM && d2 == 2 * STEM && d3 == 3 * STEM;
        for (let run = 0; run < runCount; ++run) {
          let p0 = x + first + <usize>load<u32>(runs + (<usize>run << 2));
          const end = p0 + runBytes;
          if (stem) {
            do {
              const b0 = v128.load(b), b1 = v128.load(b, 16);
              const a0 = v128.load32_splat(p0), a1 = v128.load32_splat(p0, STEM);
              const a2 = v128.load32_splat(p0, 2 * STEM), a3 = v128.load32_splat(p0, 3 * STEM);
              c30 = madd(a3, b0, c30); c20 = madd(a2, b0, c20); c10 = madd(a1, b0, c10); c00 = madd(a0, b0, c00);
              c31 = madd(a3, b1, c31); c21 = madd(a2, b1, c21); c11 = madd(a1, b1, c11); c01 = madd(a0, b1, c01);
              p0 += 4;
              b += 32;
            } while (p0 != end);
          } else {
            do {
              const b0 = v128.load(b), b1 = v128.load(b, 16);
              const a0 = v128.load32_splat(p0), a1 = v128.load32_splat(p0 + d1);
              const a2 = v128.load32_splat(p0 + d2), a3 = v128.load32_splat(p0 + d3);
              c30 = madd(a3, b0, c30); c20 = madd(a2, b0, c20); c10 = madd(a1, b0, c10); c00 = madd(a0, b0, c00);
              c31 = madd(a3, b1, c31); c21 = madd(a2, b1, c21); c11 = madd(a1, b1, c11); c01 = madd(a0, b1, c01);
              p0 += 4;
              b += 32;
            } while (p0 != end);
          }
        }
        if (offsets) {
          storeGroups(c00, c01, c10, c11, c20, c21, c30, c31, f32x4.splat(lo), f32x4.splat(hi), out, outStride, place);
        } else {
          storeQuads(
            c00, c01, c10, c11, c20, c21, c30, c31, f32x4.splat(lo), f32x4.splat(hi), y, r, f32x4.splat(lo2),
            f32x4.splat(hi2),
          );
        }
      } else {
        tileByNumbers(
          x + <usize>load<u32>(window), x + <usize>load<u32>(window, 4), x + <usize>load<u32>(window, 8),
          x + <usize>load<u32>(window, 12),
          4, runs, runCount, runBytes, weights, bias, lo, hi, offsets ? out : y, outStride, place, r, lo2, hi2,
        );
      }
      window += 16;
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
