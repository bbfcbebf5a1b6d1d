/**
 * The three matrix products of a 1×1 convolution in training. All maps are groups of eight channels, [C' /
 * 8][pixels][8]:
 *
 *   product          Y = X · W       forward; with the transposed weights, the input's gradient dX = dY · Wᵀ
 *   weightGradient   dW = Xᵀ · dY
 *
 *   x, dy     [C' / 8][pixels][8]      groups `xGroup`, `yGroup` bytes apart; `product` reads and writes pixels up to
 *                                      the next multiple of 4
 *   weights   panels [O' / 8][C'][8]   eight outputs of one input lie together
 *
 * A group is at once the A operand of a product (four pixels' numbers of one channel lie 32 bytes apart: constants of
 * the code), the B operand of a weight gradient and its result's layout, so that training never rearranges a map.
 * Tiles are 4 × 8 with eight accumulators, or 5 × 8 with ten, as in ../pointwise.ts, and for the same reasons. Pixels
 * go by blocks, whose numbers of all channels stay in the second-level cache while the panels pass.
 *
 * Order of sums, in all targets: `product` over input channels 0, 1, 2, … from 0 (or from what is there);
 * `weightGradient` over the pixels of a block, then over blocks.
 */
import { madd } from './madd';

/** Pixels of a block of `product`: whole tiles of 4, and of 5. */
const PRODUCT_BLOCK = 120;

/** Pixels of a block of `weightGradient`. */
const BLOCK = 128;

/** `accumulate`: adds to what y holds. */
export function product(
  x: usize, xGroup: usize, pixels: i32, groups: i32,
  weights: usize, panels: i32, y: usize, yGroup: usize, accumulate: i32,
): void {
  for (let first = 0; first < pixels; first += PRODUCT_BLOCK) {
    const count = min(PRODUCT_BLOCK, pixels - first);
    let w = weights;
    for (let panel = 0; panel < panels; ++panel) {
      let a = x + (<usize>first << 5);
      let out = y + <usize>panel * yGroup + (<usize>first << 5);
      let left = count;
      if (ASC_FEATURE_RELAXED_SIMD) {
        // Four tiles at once, so that what is left begins at a multiple of 4.
        for (; left >= 20; left -= 20) {
          for (const stop = out + 20 * 32; out < stop; a += 160, out += 160) {
            tile5x8(a, xGroup, groups, w, out, accumulate);
          }
        }
      }
      for (; left > 0; left -= 4, a += 128, out += 128) {
        if (ASC_FEATURE_SIMD) tile4x8(a, xGroup, groups, w, out, accumulate);
        else tileByNumbers(a, xGroup, groups, w, out, accumulate);
      }
      w += <usize>groups << 8;
    }
  }
}

// @ts-ignore: decorator
@inline
function tile4x8(a: usize, xGroup: usize, groups: i32, b: usize, out: usize, accumulate: i32): void {
  let c00 = f32x4.splat(0), c01 = c00, c10 = c00, c11 = c00, c20 = c00, c21 = c00, c30 = c00, c31 = c00;
  if (accumulate) {
    c00 = v128.load(out); c01 = v128.load(out, 16); c10 = v128.load(out, 32); c11 = v128.load(out, 48);
    c20 = v128.load(out, 64); c21 = v128.load(out, 80); c30 = v128.load(out, 96); c31 = v128.load(out, 112);
  }
  for (let g = 0; g < groups; ++g, a += xGroup) {
    let p = a;
    const end = p + 32;
    do {
      const b0 = v128.load(b), b1 = v128.load(b, 16);
      const a0 = v128.load32_splat(p), a1 = v128.load32_splat(p, 32);
      const a2 = v128.load32_splat(p, 64), a3 = v128.load32_splat(p, 96);
      c30 = madd(a3, b0, c30); c20 = madd(a2, b0, c20); c10 = madd(a1, b0, c10); c00 = madd(a0, b0, c00);
      c31 = madd(a3, b1, c31); c21 = madd(a2, b1, c21); c11 = madd(a1, b1, c11); c01 = madd(a0, b1, c01);
      p += 4;
      b += 32;
    } while (p != end);
  }
  v128.store(out, c00); v128.store(out, c01, 16); v128.store(out, c10, 32); v128.store(out, c11, 48);
  v128.store(out, c20, 64); v128.store(out, c21, 80); v128.store(out, c30, 96); v128.store(out, c31, 112);
}

// @ts-ignore: decorator
@inline
function tile5x8(a: usize, xGroup: usize, groups: i32, b: usize, out: usize, accumulate: i32): void {
  let c00 = f32x4.splat(0), c01 = c00, c10 = c00, c11 = c00, c20 = c00;
  let c21 = c00, c30 = c00, c31 = c00, c40 = c00, c41 = c00;
  if (accumulate) {
    c00 = v128.load(out); c01 = v128.load(out, 16); c10 = v128.load(out, 32); c11 = v128.load(out, 48);
    c20 = v128.load(out, 64); c21 = v128.load(out, 80); c30 = v128.load(out, 96); c31 = v128.load(out, 112);
    c40 = v128.load(out, 128); c41 = v128.load(out, 144);
  }
  for (let g = 0; g < groups; ++g, a += xGroup) {
    let p = a;
    const end = p + 32;
    while (true) {
      const b0 = v128.load(b), b1 = v128.load(b, 16);
      const a0 = v128.load32_splat(p), a1 = v128.load32_splat(p, 32), a2 = v128.load32_splat(p, 64);
      c20 = madd(a2, b0, c20); c10 = madd(a1, b0, c10); c00 = madd(a0, b0, c00);
      c21 = madd(a2, b1, c21); c11 = madd(a1, b1, c11); c01 = madd(a0, b1, c01);
      // Never true here. The test ends V8's basic block, so that it does not load all operands first.
      if (p == end) break;
      const a3 = v128.load32_splat(p, 96), a4 = v128.load32_splat(p, 128);
      c40 = madd(a4, b0, c40); c30 = madd(a3, b0, c30);
      c41 = madd(a4, b1, c41); c31 = madd(a3, b1, c31);
      p += 4; b += 32;
      if (p == end) break;
    }
  }
  v128.store(out, c00); v128.store(out, c01, 16); v128.store(out, c10, 32); v128.store(out, c11, 48);
  v128.store(out, c20, 64); v128.store(out, c21, 80); v128.store(out, c30, 96); v128.store(out, c31, 112);
  v128.store(out, c40, 128); v128.store(out, c41, 144);
}

/** Four pixels for the scalar target. */
// @ts-ignore: decorator
@inline
function tileByNumbers(a: usize, xGroup: usize, groups: i32, w: usize, out: usize, accumulate: i32): void {
  for (let i: usize = 0; i < 128; i += 4) {
    let sum: f32 = accumulate ? load<f32>(out + i) : 0;
    let b = w + (i & 28);
    for (let g = 0; g < groups; ++g) {
      const p = a + <usize>g * xGroup + (i & ~31);
      for (let k: usize = 0; k < 32; k += 4, b += 32) sum += load<f32>(p + k) * load<f32>(b);
    }
    store<f32>(out + i, sum);
  }
}

/** dW, as panels like the weights', over all pixels; what dw held is lost. */
export function weightGradient(
  x: usize, xGroup: usize, pixels: i32, groups: i32,
  dy: usize, yGroup: usize, panels: i32, dw: usize,
): void {
  memory.fill(dw, 0, <usize>(panels * groups) << 8);
  for (let first = 0; first < pixels; first += BLOCK) {
    const size = <usize>min(BLOCK, pixels - first) << 5;
    let out = dw;
    for (let panel = 0; panel < panels; ++panel) {
      const b0 = dy + <usize>panel * yGroup + (<usize>first << 5);
      const end = b0 + size;
      for (let quad = 0; quad < groups << 1; ++quad) {
        let a = x + <usize>(quad >> 1) * xGroup + (<usize>first << 5) + (<usize>(quad & 1) << 4);
        if (ASC_FEATURE_SIMD) {
          let c00 = f32x4.splat(0), c01 = c00, c10 = c00, c11 = c00, c20 = c00, c21 = c00, c30 = c00, c31 = c00;
          let b = b0;
          do {
            const y0 = v128.load(b), y1 = v128.load(b, 16);
            const a0 = v128.load32_splat(a), a1 = v128.load32_splat(a, 4);
            const a2 = v128.load32_splat(a, 8), a3 = v128.load32_splat(a, 12);
            c30 = madd(a3, y0, c30); c20 = madd(a2, y0, c20); c10 = madd(a1, y0, c10); c00 = madd(a0, y0, c00);
            c31 = madd(a3, y1, c31); c21 = madd(a2, y1, c21); c11 = madd(a1, y1, c11); c01 = madd(a0, y1, c01);
            a += 32;
            b += 32;
          } while (b != end);
          addTo(out, c00); addTo(out + 16, c01); addTo(out + 32, c10); addTo(out + 48, c11);
          addTo(out + 64, c20); addTo(out + 80, c21); addTo(out + 96, c30); addTo(out + 112, c31);
        } else {
          for (let i: usize = 0; i < 128; i += 4) {
            let sum: f32 = 0;
            let p = a + (i >> 5 << 2);
            for (let b = b0 + (i & 28), stop = end + (i & 28); b != stop; b += 32, p += 32) {
              sum += load<f32>(p) * load<f32>(b);
            }
            store<f32>(out + i, load<f32>(out + i) + sum);
          }
        }
        out += 128;
      }
    }
  }
}

// @ts-ignore: decorator
@inline
function addTo(at: usize, c: v128): void {
  v128.store(at, f32x4.add(v128.load(at), c));
}
