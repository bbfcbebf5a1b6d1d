/**
 * Any other convolution on integers: 4 pixels × 8 output channels at a time, reading a zero-padded NHWC picture.
 *
 *   x        [rows][columns][C] int16      padded: every tap of every window lies inside, and one number more
 *   pixels   [quads · 4] bytes             where each output pixel's window begins in x; missing pixels repeat the last
 *   runs     [runs] bytes                  where each run of taps begins in a window. With dilation 1 a run is one
 *                                          kernel row, KW · C
 *                                          neighbouring numbers; otherwise it is one tap of C numbers
 *   weights  panels [O' / 8][runs][pairs][8][2] int16; the second half of a run's last pair is 0 where its length is
 *            odd
 *   blocks, out    as in pointwise.ts
 *
 * For the first layer of every MobileNet, 3 channels with stride 2, the distances of the pixels are constants of the
 * code.
 */
import { dot } from './pointwise';
import { BLOCK } from './requantize';
import { storeTile, tileByNumbers } from './tile';

/** Bytes between the windows of neighbouring pixels: 3 channels, stride 2. */
const STEM: usize = 12;

export function convolution(
  x: usize, pixels: usize, quads: i32, runs: usize, runCount: i32, pairs: i32, weights: usize, blocks: usize,
  panels: i32, lo: i32, hi: i32,
  out: usize, outStride: usize, offsets: usize,
): void {
  const panelBytes = <usize>(runCount * pairs) << (ASC_FEATURE_SIMD ? 5 : 6);
  const runBytes = <usize>pairs << 2;
  for (let panel = 0; panel < panels; ++panel) {
    let window = pixels, y = out, place = offsets;
    for (let q = 0; q < quads; ++q) {
      const first = <usize>load<u32>(window), second = <usize>load<u32>(window, 4);
      const third = <usize>load<u32>(window, 8), fourth = <usize>load<u32>(window, 12);
      if (ASC_FEATURE_SIMD) {
        let c00 = v128.load(blocks), c01 = v128.load(blocks, 16);
        let c10 = c00, c11 = c01, c20 = c00, c21 = c01, c30 = c00, c31 = c01;
        const d1 = second - first, d2 = third - first, d3 = fourth - first;
        const stem = d1 == STEM && d2 == 2 * STEM && d3 == 3 * STEM;
        let b = weights;
        for (let run = 0; run < runCount; ++run) {
          let p = x + first + <usize>load<u32>(runs + (<usize>run << 2));
          const end = p + runBytes;
          if (stem) {
            do {
              const b0 = v128.load(b), b1 = v128.load(b, 16);
              const a0 = v128.load32_splat(p), a1 = v128.load32_splat(p, STEM);
              const a2 = v128.load32_splat(p, 2 * STEM), a3 = v128.load32_splat(p, 3 * STEM);
              c30 = dot(a3, b0, c30); c20 = dot(a2, b0, c20); c10 = dot(a1, b0, c10); c00 = dot(a0, b0, c00);
              c31 = dot(a3, b1, c31); c21 = dot(a2, b1, c21); c11 = dot(a1, b1, c11); c01 = dot(a0, b1, c01);
              p += 4;
              b += 32;
            } while (p != end);
          } else {
            do {
              const b0 = v128.load(b), b1 = v128.load(b, 16);
              const a0 = v128.load32_splat(p), a1 = v128.load32_splat(p + d1);
              const a2 = v128.load32_splat(p + d2), a3 = v128.load32_splat(p + d3);
              c30 = dot(a3, b0, c30); c20 = dot(a2, b0, c20); c10 = dot(a1, b0, c10); c00 = dot(a0, b0, c00);
              c31 = dot(a3, b1, c31); c21 = dot(a2, b1, c21); c11 = dot(a1, b1, c11); c01 = dot(a0, b1, c01);
              p += 4;
              b += 32;
            } while (p != end);
          }
        }
        storeTile(c00, c01, c10, c11, c20, c21, c30, c31, blocks, i16x8.splat(<i16>lo), i16x8.splat(<i16>hi), y, place);
      } else {
        tileByNumbers(
          x + first, x + second, x + third, x + fourth, 4, runs, runCount, runBytes, weights, blocks, lo, hi, y, place,
        );
      }
      window += 16;
      if (offsets) place += 16;
      else y += outStride;
    }
    weights += panelBytes;
    blocks += BLOCK;
    out += offsets ? outStride : 64;
  }
}
