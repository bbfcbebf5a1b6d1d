/**
 * Dense layer on one row of integers: a matrix-vector product, 16 outputs at a time.
 *
 *   x        one pixel of quads [C / 2][4][2]   int16 without zero point
 *   weights  panels [O' / 16][pairs][16][2]     int8, widened as they are read: this kernel is bound by memory
 *   offset                                      what is added to every weight: those of uint8 are stored less 128
 *   blocks   [O' / 8] of 256 bytes              bias and multipliers, see requantize.ts
 *   out      one pixel of quads, O' a multiple of 16
 *
 * acc[o] = bias[o] + Σ x · w[o] + offset · Σ x.
 */
import { dot } from './pointwise';
import { BLOCK } from './requantize';
import { clampedOne, storePixel } from './tile';

export function dense(
  x: usize, pairs: i32, weights: usize, offset: i32, blocks: usize, panels: i32, lo: i32, hi: i32, out: usize,
): void {
  const end = x + (<usize>pairs << 4);
  let common = 0;
  if (offset) {
    for (let a = x; a != end; a += 16) common += load<i16>(a) + load<i16>(a, 2);
    common *= offset;
  }
  for (let panel = 0; panel < panels; ++panel, blocks += BLOCK << 1, out += 128) {
    const second = blocks + BLOCK;
    if (ASC_FEATURE_SIMD) {
      const shared = i32x4.splat(common);
      let c0 = i32x4.add(shared, v128.load(blocks)), c1 = i32x4.add(shared, v128.load(blocks, 16));
      let c2 = i32x4.add(shared, v128.load(second)), c3 = i32x4.add(shared, v128.load(second, 16));
      for (let a = x; a != end; a += 16, weights += 32) {
        const s = v128.load32_splat(a);
        c0 = dot(s, v128.load8x8_s(weights), c0);
        c1 = dot(s, v128.load8x8_s(weights, 8), c1);
        c2 = dot(s, v128.load8x8_s(weights, 16), c2);
        c3 = dot(s, v128.load8x8_s(weights, 24), c3);
      }
      storePixel(c0, c1, blocks, lo, hi, out, 0);
      storePixel(c2, c3, second, lo, hi, out + 64, 0);
    } else {
      for (let o = 0; o < 16; ++o) {
        const block = o < 8 ? blocks : second;
        let c = common + load<i32>(block + (<usize>(o & 7) << 2));
        let w = weights + (<usize>o << 1);
        for (let a = x; a != end; a += 16, w += 32) c += load<i16>(a) * load<i8>(w) + load<i16>(a, 2) * load<i8>(w, 1);
        store<i16>(out + (<usize>(o >> 1) << 4) + (<usize>(o & 1) << 1), clampedOne(c, block, o & 7, lo, hi));
      }
      weights += <usize>pairs << 5;
    }
  }
}
