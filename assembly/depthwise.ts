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
 * A quad that crosses into the next row reads each pixel's own window. Kernel rows are a loop, not unrolled: unrolling all nine taps spills.
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
    let row = first / width;
    let column = first - row * width;
    for (let left = pixels; left > 0; left -= 4) {
      const inside = column + 4 <= width && left >= 4;
      if (ASC_FEATURE_SIMD) {
        let c0 = v128.load(bias), c1 = c0, c2 = c0, c3 = c0;
        let taps = weights;
        let line = rows + (<usize>(row * stride) << 2);
        const lineStep = <usize>dilation << 2;
        if (inside) {
          const start = x + (<usize>(column * strideX) << 4);
          if (kernelWidth == 3 && strideX == 1 && dilationX == 1) {
            for (let i = 0; i < kernelHeight; ++i) {
              const p = start + <usize>load<u32>(line);
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
              const p = start + <usize>load<u32>(line);
              const k0 = v128.load(taps), k1 = v128.load(taps, 16), k2 = v128.load(taps, 32);
              c0 = madd(v128.load(p), k0, c0); c1 = madd(v128.load(p, 32), k0, c1); c2 = madd(v128.load(p, 64), k0, c2); c3 = madd(v128.load(p, 96), k0, c3);
              c0 = madd(v128.load(p, 16), k1, c0); c1 = madd(v128.load(p, 48), k1, c1); c2 = madd(v128.load(p, 80), k1, c2); c3 = madd(v128.load(p, 112), k1, c3);
              c0 = madd(v128.load(p, 32), k2, c0); c1 = madd(v128.load(p, 64), k2, c1); c2 = madd(v128.load(p, 96), k2, c2); c3 = madd(v128.load(p, 128), k2, c3);
              taps += 48;
              line += lineStep;
            }
          } else if (kernelWidth == 5 && strideX == 1 && dilationX == 1) {
            for (let i = 0; i < kernelHeight; ++i) {
              const p = start + <usize>load<u32>(line);
              const x1 = v128.load(p, 16), x2 = v128.load(p, 32), x3 = v128.load(p, 48), x4 = v128.load(p, 64);
              const k0 = v128.load(taps), k1 = v128.load(taps, 16), k2 = v128.load(taps, 32);
              c0 = madd(v128.load(p), k0, c0); c1 = madd(x1, k0, c1); c2 = madd(x2, k0, c2); c3 = madd(x3, k0, c3);
              c0 = madd(x1, k1, c0); c1 = madd(x2, k1, c1); c2 = madd(x3, k1, c2); c3 = madd(x4, k1, c3);
              const x5 = v128.load(p, 80), x6 = v128.load(p, 96);
              c0 = madd(x2, k2, c0); c1 = madd(x3, k2, c1); c2 = madd(x4, k2, c2); c3 = madd(x5, k2, c3);
              const k3 = v128.load(taps, 48), k4 = v128.load(taps, 64);
              c0 = madd(x3, k3, c0); c1 = madd(x4, k3, c1); c2 = madd(x5, k3, c2); c3 = madd(x6, k3, c3);
              c0 = madd(x4, k4, c0); c1 = madd(x5, k4, c1); c2 = madd(x6, k4, c2); c3 = madd(v128.load(p, 112), k4, c3);
              taps += 80;
              line += lineStep;
            }
          } else if (strideX == 2 && dilationX == 1) {
            for (let i = 0; i < kernelHeight; ++i) {
              let p = start + <usize>load<u32>(line);
              for (let j = 0; j < kernelWidth; ++j, p += 16, taps += 16) {
                const k = v128.load(taps);
                c0 = madd(v128.load(p), k, c0); c1 = madd(v128.load(p, 32), k, c1);
                c2 = madd(v128.load(p, 64), k, c2); c3 = madd(v128.load(p, 96), k, c3);
              }
              line += lineStep;
            }
          } else {
            const step = <usize>strideX << 4;
            for (let i = 0; i < kernelHeight; ++i) {
              let p = start + <usize>load<u32>(line);
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
          // Row and column of each pixel; one that does not exist repeats the one before it.
          let r1 = row, r2 = row, r3 = row;
          let q1 = column, q2 = column, q3 = column;
          if (left > 1) {
            if (++q1 == width) { q1 = 0; ++r1; }
            r2 = r1; q2 = q1;
            r3 = r1; q3 = q1;
          }
          if (left > 2) {
            if (++q2 == width) { q2 = 0; ++r2; }
            r3 = r2; q3 = q2;
          }
          if (left > 3 && ++q3 == width) { q3 = 0; ++r3; }
          const s0 = x + (<usize>(column * strideX) << 4), s1 = x + (<usize>(q1 * strideX) << 4);
          const s2 = x + (<usize>(q2 * strideX) << 4), s3 = x + (<usize>(q3 * strideX) << 4);
          const line1 = <usize>((r1 - row) * stride) << 2, line2 = <usize>((r2 - row) * stride) << 2, line3 = <usize>((r3 - row) * stride) << 2;
          for (let i = 0; i < kernelHeight; ++i) {
            let p0 = s0 + <usize>load<u32>(line), p1 = s1 + <usize>load<u32>(line + line1);
            let p2 = s2 + <usize>load<u32>(line + line2), p3 = s3 + <usize>load<u32>(line + line3);
            for (let j = 0; j < kernelWidth; ++j) {
              const k = v128.load(taps);
              c0 = madd(v128.load(p0), k, c0);
              c1 = madd(v128.load(p1), k, c1);
              c2 = madd(v128.load(p2), k, c2);
              c3 = madd(v128.load(p3), k, c3);
              const step = <usize>dilationX << 4;
              p0 += step;
              p1 += step;
              p2 += step;
              p3 += step;
              taps += 16;
            }
            line += lineStep;
          }
        }
        const vlo = f32x4.splat(lo), vhi = f32x4.splat(hi);
        c0 = clamp(c0, vlo, vhi); c1 = clamp(c1, vlo, vhi); c2 = clamp(c2, vlo, vhi); c3 = clamp(c3, vlo, vhi);
        v128.store(y, column0(c0, c1, c2, c3));
        v128.store(y, column1(c0, c1, c2, c3), 16);
        v128.store(y, column2(c0, c1, c2, c3), 32);
        v128.store(y, column3(c0, c1, c2, c3), 48);
      } else {
        for (let pixel = 0; pixel < 4; ++pixel) {
          const at = column + min(pixel, left - 1);
          const top = row + at / width;
          const start = x + (<usize>((at % width) * strideX) << 4);
          for (let c: usize = 0; c < 16; c += 4) {
            let k = weights + c;
            let sum = load<f32>(bias + c);
            for (let i = 0; i < kernelHeight; ++i) {
              let p = start + c + <usize>load<u32>(rows + (<usize>(top * stride + i * dilation) << 2));
              for (let j = 0; j < kernelWidth; ++j, k += 16, p += <usize>dilationX << 4) sum += load<f32>(p) * load<f32>(k);
            }
            store<f32>(y + (c << 2) + (<usize>pixel << 2), clampScalar(sum, lo, hi));
          }
        }
      }
      y += quadStride;
      for (column += 4; column >= width; column -= width) ++row;
    }
    x += planeStride;
    weights += weightBytes;
    bias += 16;
    out += 64;
  }
}
