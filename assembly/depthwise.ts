/**
 * Depthwise convolution, four channels × four pixels of a row at a time.
 *
 *   x        planes  [C' / 4][rows][columns][4]   zero columns stand left and right, so that no tap needs a test;
 *                                                 planes are `planeStride` bytes apart
 *   rows     [input rows touched] bytes           where each (padded) input row begins in a plane: rows above and
 *                                                 below the picture point
 *                                                 to one row of zeros, and rows of a ring buffer to their slots
 *   weights  [C' / 4][KH][KW][4]
 *   bias     [C']
 *   out      quads   [pixels / 4][C'][4]          the layout that the following pointwise layer reads, so nothing is
 *                                                 ever repacked
 *   scratch  [group · width + 3][4]               sums of some rows of one plane, before they become quads
 *
 * Computes the rows [first, first + count) of an output of width `width`; `out` is the quad of their first pixel.
 * Four neighbours share the columns of their windows: 6 loads for 12 products (3×3, stride 1). The last four of a row
 * may reach beyond it; what they put there is overwritten by the next row or never read, and 3 · strideX columns
 * after the last plane must be readable. `group` rows, whole quads together, are summed before they are transposed,
 * so that a quad may lie in two rows: a width of 7 takes 14 sums for 49 pixels instead of 13 slower ones. Kernel rows
 * are a loop, not unrolled: unrolling all nine taps spills.
 *
 * Order of sums, in all targets: bias, then kernel rows, kernel columns.
 */
import { clampScalar } from './lanes';
import { madd } from './marks';
import { storeTransposed } from './tile';

export function depthwise(
  x: usize, planeStride: usize, planes: i32, rows: usize,
  kernelHeight: i32, kernelWidth: i32, strideY: i32, strideX: i32, dilationY: i32, dilationX: i32,
  weights: usize, bias: usize, lo: f32, hi: f32,
  width: i32, first: i32, count: i32, group: i32, out: usize, quadStride: usize, scratch: usize,
): void {
  const weightBytes = <usize>(kernelHeight * kernelWidth) << 4;
  const lineStep = <usize>dilationY << 2;
  const step = <usize>strideX << 4;
  // One number, since V8 would test each part of a condition again for every tile.
  const shape = dilationX == 1 ? shapeOf(kernelWidth, strideX) : 0;
  for (let plane = 0; plane < planes; ++plane) {
    if (ASC_FEATURE_SIMD) {
      let y = out;
      const initial = v128.load(bias);
      const vlo = f32x4.splat(lo), vhi = f32x4.splat(hi);
      for (let top = 0; top < count; top += group) {
        let rowEnd = scratch;
        let lines = rows + (<usize>((first + top) * strideY) << 2);
        for (let left = min(group, count - top); left > 0; --left, lines += <usize>strideY << 2) {
          let to = rowEnd;
          rowEnd += <usize>width << 4;
          for (let start = x; to < rowEnd; to += 64, start += step << 2) {
            let c0 = initial, c1 = c0, c2 = c0, c3 = c0;
            let taps = weights;
            let line = lines;
            const end = weights + weightBytes;
            if (shape == shapeOf(3, 1)) {
              do {
                const p = start + <usize>load<u32>(line);
                const k0 = v128.load(taps), k1 = v128.load(taps, 16), k2 = v128.load(taps, 32);
                const x0 = v128.load(p), x1 = v128.load(p, 16), x2 = v128.load(p, 32);
                const x3 = v128.load(p, 48), x4 = v128.load(p, 64), x5 = v128.load(p, 80);
                c0 = madd(x0, k0, c0); c1 = madd(x1, k0, c1); c2 = madd(x2, k0, c2); c3 = madd(x3, k0, c3);
                c0 = madd(x1, k1, c0); c1 = madd(x2, k1, c1); c2 = madd(x3, k1, c2); c3 = madd(x4, k1, c3);
                c0 = madd(x2, k2, c0); c1 = madd(x3, k2, c1); c2 = madd(x4, k2, c2); c3 = madd(x5, k2, c3);
                taps += 48;
                line += lineStep;
              } while (taps != end);
            } else if (shape == shapeOf(3, 2)) {
              do {
                const p = start + <usize>load<u32>(line);
                const k0 = v128.load(taps), k1 = v128.load(taps, 16), k2 = v128.load(taps, 32);
                const x0 = v128.load(p), x2 = v128.load(p, 32), x4 = v128.load(p, 64), x6 = v128.load(p, 96);
                c0 = madd(x0, k0, c0); c1 = madd(x2, k0, c1); c2 = madd(x4, k0, c2); c3 = madd(x6, k0, c3);
                c0 = madd(v128.load(p, 16), k1, c0); c1 = madd(v128.load(p, 48), k1, c1);
                c2 = madd(v128.load(p, 80), k1, c2); c3 = madd(v128.load(p, 112), k1, c3);
                c0 = madd(x2, k2, c0); c1 = madd(x4, k2, c1);
                c2 = madd(x6, k2, c2); c3 = madd(v128.load(p, 128), k2, c3);
                taps += 48;
                line += lineStep;
              } while (taps != end);
            } else if (shape == shapeOf(5, 1)) {
              do {
                const p = start + <usize>load<u32>(line);
                const x1 = v128.load(p, 16), x2 = v128.load(p, 32), x3 = v128.load(p, 48), x4 = v128.load(p, 64);
                const k0 = v128.load(taps), k1 = v128.load(taps, 16), k2 = v128.load(taps, 32);
                c0 = madd(v128.load(p), k0, c0); c1 = madd(x1, k0, c1); c2 = madd(x2, k0, c2); c3 = madd(x3, k0, c3);
                c0 = madd(x1, k1, c0); c1 = madd(x2, k1, c1); c2 = madd(x3, k1, c2); c3 = madd(x4, k1, c3);
                const x5 = v128.load(p, 80), x6 = v128.load(p, 96);
                c0 = madd(x2, k2, c0); c1 = madd(x3, k2, c1); c2 = madd(x4, k2, c2); c3 = madd(x5, k2, c3);
                const k3 = v128.load(taps, 48), k4 = v128.load(taps, 64);
                c0 = madd(x3, k3, c0); c1 = madd(x4, k3, c1); c2 = madd(x5, k3, c2); c3 = madd(x6, k3, c3);
                c0 = madd(x4, k4, c0); c1 = madd(x5, k4, c1);
                c2 = madd(x6, k4, c2); c3 = madd(v128.load(p, 112), k4, c3);
                taps += 80;
                line += lineStep;
              } while (taps != end);
            } else if (shape == shapeOf(5, 2)) {
              do {
                let p = start + <usize>load<u32>(line);
                const next = taps + 80;
                do {
                  const k = v128.load(taps);
                  c0 = madd(v128.load(p), k, c0); c1 = madd(v128.load(p, 32), k, c1);
                  c2 = madd(v128.load(p, 64), k, c2); c3 = madd(v128.load(p, 96), k, c3);
                  p += 16;
                  taps += 16;
                } while (taps != next);
                line += lineStep;
              } while (taps != end);
            } else {
              do {
                let p = start + <usize>load<u32>(line);
                for (let j = 0; j < kernelWidth; ++j, taps += 16) {
                  const k = v128.load(taps);
                  c0 = madd(v128.load(p), k, c0);
                  c1 = madd(v128.load(p + step), k, c1);
                  c2 = madd(v128.load(p + 2 * step), k, c2);
                  c3 = madd(v128.load(p + 3 * step), k, c3);
                  p += <usize>dilationX << 4;
                }
                line += lineStep;
              } while (taps != end);
            }
            v128.store(to, c0);
            v128.store(to, c1, 16);
            v128.store(to, c2, 32);
            v128.store(to, c3, 48);
          }
        }
        for (let from = scratch; from < rowEnd; from += 64, y += quadStride) {
          const c0 = v128.load(from), c1 = v128.load(from, 16), c2 = v128.load(from, 32), c3 = v128.load(from, 48);
          storeTransposed(c0, c1, c2, c3, vlo, vhi, y, 0, vlo, vhi);
        }
      }
    } else {
      for (let pixel = 0, row = 0; row < count; ++row) {
        const lines = rows + (<usize>((first + row) * strideY) << 2);
        let start = x;
        for (let left = width; left > 0; left -= 4, pixel += 4, start += step << 2) {
          for (let c: usize = 0; c < 16; c += 4) {
            let c0 = load<f32>(bias + c);
            let c1 = c0, c2 = c0, c3 = c0;
            let line = lines;
            for (let k = weights + c, end = k + weightBytes; k != end; line += lineStep) {
              let p = start + c + <usize>load<u32>(line);
              for (const next = k + (<usize>kernelWidth << 4); k != next; k += 16, p += <usize>dilationX << 4) {
                const tap = load<f32>(k);
                c0 += load<f32>(p) * tap;
                c1 += load<f32>(p + step) * tap;
                c2 += load<f32>(p + 2 * step) * tap;
                c3 += load<f32>(p + 3 * step) * tap;
              }
            }
            const y = out + (c << 2);
            storeAt(y, quadStride, pixel, clampScalar(c0, lo, hi));
            if (left > 1) storeAt(y, quadStride, pixel + 1, clampScalar(c1, lo, hi));
            if (left > 2) storeAt(y, quadStride, pixel + 2, clampScalar(c2, lo, hi));
            if (left > 3) storeAt(y, quadStride, pixel + 3, clampScalar(c3, lo, hi));
          }
        }
        pixel = (row + 1) * width;
      }
    }
    x += planeStride;
    weights += weightBytes;
    bias += 16;
    out += 64;
  }
}

/** One number of one channel's pixels in quads. */
// @ts-ignore: decorator
@inline
function storeAt(y: usize, quadStride: usize, pixel: i32, value: f32): void {
  store<f32>(y + <usize>(pixel >> 2) * quadStride + (<usize>(pixel & 3) << 2), value);
}

/** The kernel's columns and their stride as one number. */
// @ts-ignore: decorator
@inline
function shapeOf(kernelWidth: i32, strideX: i32): i32 {
  return (kernelWidth << 16) | strideX;
}
