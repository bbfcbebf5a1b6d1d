/**
 * Depthwise convolution, four channels × four pixels at a time.
 *
 *   x        planes  [C' / 4][rows][columns][4]   zero columns stand left and right, so that no tap needs a test; planes are `planeStride` bytes apart
 *   rows     [input rows touched] bytes           where each (padded) input row begins in a plane: rows above and below the picture point
 *                                                 to one row of zeros, and rows of a ring buffer to their slots
 *   weights  [C' / 4][KH][KW][4]
 *   bias     [C']
 *   out      quads   [pixels / 4][C'][4]          the layout that the following pointwise layer reads, so nothing is ever repacked
 *
 * Computes the pixels [first, first + pixels) of an output of width `width`, in reading order, `first` a multiple of 4; `out` is the quad of
 * `first`. A quad that lies within one row shares its columns between neighbouring windows: 6 loads for 12 products (3×3, stride 1).
 * A quad that crosses into the next row takes each pixel's own nine. Kernel rows are a loop, not unrolled: unrolling all nine taps spills.
 *
 * Order of sums, in all targets: bias, then kernel rows, kernel columns.
 */
import { clamp, clampScalar, column0, column1, column2, column3, madd } from './lanes';

export function depthwise(
  x: usize, planeStride: usize, planes: i32, rows: usize,
  kernelHeight: i32, kernelWidth: i32, stride: i32, strideX: i32, dilation: i32, dilationX: i32,
  weights: usize, bias: usize, lo: f32, hi: f32,
  width: i32, first: i32, pixels: i32, out: usize, quadStride: usize,
): void {
  const weightBytes = <usize>(kernelHeight * kernelWidth) << 4;
  for (let plane = 0; plane < planes; ++plane) {
    let y = out;
    for (let at = first; at < first + pixels; at += 4) {
      const row = at / width;
      const column = at - row * width;
      const inside = column + 4 <= width && at + 4 <= first + pixels;
      if (ASC_FEATURE_SIMD) {
        const start = v128.load(bias);
        let c0 = start, c1 = start, c2 = start, c3 = start;
        let taps = weights;
        let line = rows + (<usize>(row * stride) << 2);
        const lineStep = <usize>dilation << 2;
        if (inside) {
          const left = x + (<usize>(column * strideX) << 4);
          if (kernelWidth == 3 && strideX == 1 && dilationX == 1) {
            for (let i = 0; i < kernelHeight; ++i) {
              const p = left + <usize>load<u32>(line);
              const k0 = v128.load(taps), k1 = v128.load(taps, 16), k2 = v128.load(taps, 32);
              const x0 = v128.load(p), x1 = v128.load(p, 16), x2 = v128.load(p, 32);
              const x3 = v128.load(p, 48), x4 = v128.load(p, 64), x5 = v128.load(p, 80);
              c0 = madd(x0, k0, c0); c1 = madd(x1, k0, c1); c2 = madd(x2, k0, c2); c3 = madd(x3, k0, c3);
              c0 = madd(x1, k1, c0); c1 = madd(x2, k1, c1); c2 = madd(x3, k1, c2); c3 = madd(x4, k1, c3);
              c0 = madd(x2, k2, c0); c1 = madd(x3, k2, c1); c2 = madd(x4, k2, c2); c3 = madd(x5, k2, c3);
              taps += 48;
              line += lineStep;
            }
          } else if (kernelWidth == 3 && strideX == 2 && dilationX == 1) {
            for (let i = 0; i < kernelHeight; ++i) {
              const p = left + <usize>load<u32>(line);
              const k0 = v128.load(taps), k1 = v128.load(taps, 16), k2 = v128.load(taps, 32);
              c0 = madd(v128.load(p), k0, c0); c1 = madd(v128.load(p, 32), k0, c1); c2 = madd(v128.load(p, 64), k0, c2); c3 = madd(v128.load(p, 96), k0, c3);
              c0 = madd(v128.load(p, 16), k1, c0); c1 = madd(v128.load(p, 48), k1, c1); c2 = madd(v128.load(p, 80), k1, c2); c3 = madd(v128.load(p, 112), k1, c3);
              c0 = madd(v128.load(p, 32), k2, c0); c1 = madd(v128.load(p, 64), k2, c1); c2 = madd(v128.load(p, 96), k2, c2); c3 = madd(v128.load(p, 128), k2, c3);
              taps += 48;
              line += lineStep;
            }
          } else {
            const step = <usize>strideX << 4;
            for (let i = 0; i < kernelHeight; ++i) {
              let p = left + <usize>load<u32>(line);
              for (let j = 0; j < kernelWidth; ++j) {
                const k = v128.load(taps);
                c0 = madd(v128.load(p), k, c0);
                c1 = madd(v128.load(p + step), k, c1);
                c2 = madd(v128.load(p + 2 * step), k, c2);
                c3 = madd(v128.load(p + 3 * step), k, c3);
                p += <usize>dilationX << 4;
                taps += 16;
              }
              line += lineStep;
            }
          }
        } else {
          const end = first + pixels;
          c0 = onePixel(x, rows, kernelHeight, kernelWidth, stride, strideX, dilation, dilationX, weights, start, width, at, end);
          c1 = onePixel(x, rows, kernelHeight, kernelWidth, stride, strideX, dilation, dilationX, weights, start, width, at + 1, end);
          c2 = onePixel(x, rows, kernelHeight, kernelWidth, stride, strideX, dilation, dilationX, weights, start, width, at + 2, end);
          c3 = onePixel(x, rows, kernelHeight, kernelWidth, stride, strideX, dilation, dilationX, weights, start, width, at + 3, end);
        }
        const vlo = f32x4.splat(lo), vhi = f32x4.splat(hi);
        c0 = clamp(c0, vlo, vhi); c1 = clamp(c1, vlo, vhi); c2 = clamp(c2, vlo, vhi); c3 = clamp(c3, vlo, vhi);
        v128.store(y, column0(c0, c1, c2, c3));
        v128.store(y, column1(c0, c1, c2, c3), 16);
        v128.store(y, column2(c0, c1, c2, c3), 32);
        v128.store(y, column3(c0, c1, c2, c3), 48);
      } else {
        for (let pixel = 0; pixel < 4; ++pixel) {
          const here = at + pixel;
          for (let c = 0; c < 4; ++c) {
            let sum: f32 = 0;
            if (here < first + pixels) {
              const top = here / width;
              const left = x + (<usize>((here - top * width) * strideX) << 4) + (<usize>c << 2);
              let k = weights + (<usize>c << 2);
              sum = load<f32>(bias + (<usize>c << 2));
              for (let i = 0; i < kernelHeight; ++i) {
                let p = left + <usize>load<u32>(rows + (<usize>(top * stride + i * dilation) << 2));
                for (let j = 0; j < kernelWidth; ++j, k += 16, p += <usize>dilationX << 4) sum += load<f32>(p) * load<f32>(k);
              }
              sum = clampScalar(sum, lo, hi);
            }
            store<f32>(y + (<usize>(c * 4 + pixel) << 2), sum);
          }
        }
      }
      y += quadStride;
    }
    x += planeStride;
    weights += weightBytes;
    bias += 16;
    out += 64;
  }
}

/** One output pixel's four channels, or zeros for a pixel past the end. */
function onePixel(
  x: usize, rows: usize, kernelHeight: i32, kernelWidth: i32, stride: i32, strideX: i32, dilation: i32, dilationX: i32,
  weights: usize, start: v128, width: i32, at: i32, end: i32,
): v128 {
  if (at >= end) return f32x4.splat(0);
  const row = at / width;
  const left = x + (<usize>((at - row * width) * strideX) << 4);
  let sum = start;
  for (let i = 0; i < kernelHeight; ++i) {
    let p = left + <usize>load<u32>(rows + (<usize>(row * stride + i * dilation) << 2));
    for (let j = 0; j < kernelWidth; ++j) {
      sum = madd(v128.load(p), v128.load(weights), sum);
      p += <usize>dilationX << 4;
      weights += 16;
    }
  }
  return sum;
}
