/**
 * Depthwise convolution in training, with one filter a channel, group by group of eight channels.
 *
 *   forward           z[k, l] = Σ_{i, j} x[k·s + i·d, l·s + j·d] · w[i, j]
 *   weight gradient   dw[i, j] = Σ_{n, k, l} dz[k, l] · x[k·s + i·d, l·s + j·d]
 *   input gradient    dx[h, v] = Σ_{i, j} dz[(h + top − i) / s, (v + left − j) / s] · w[i, j],   over the taps whose
 *                     quotients are whole and inside
 *
 * With stride 1 the input gradient is the forward kernel on dz with margins and the filter turned by 180°;
 * `depthwiseInputGradient` is for the others.
 *
 *   x, dz     [C' / 8][images][rows][columns][8]   `…Group`, `…Image` and `…Row` are distances in bytes. x has its
 *                                                  zero margins inside, so that no tap needs
 *                                                  a test
 *   weights   [C' / 8][KH][KW][8]
 *   z, dx     [C' / 8][pixels][8]
 *
 * Four channels × four pixels at a time; the weight gradient keeps the nine taps of a 3×3 filter in accumulators,
 * other sizes take a pass a tap.
 *
 * Order of sums, in all targets: forward over taps; the weight gradient over an image's pixels, then over images.
 */
import { madd } from './madd';

export function depthwiseGroups(
  x: usize, xGroup: usize, xImage: usize, xRow: usize, groups: i32, images: i32,
  weights: usize, kernelHeight: i32, kernelWidth: i32, strideY: i32, strideX: i32, dilationY: i32, dilationX: i32,
  rows: i32, columns: i32, z: usize, zGroup: usize,
): void {
  const tapRow = xRow * dilationY;
  const tap = <usize>dilationX << 5;
  const pixel = <usize>strideX << 5;
  const adjacent = kernelWidth == 3 && dilationX == 1;
  const imageBytes = <usize>(rows * columns) << 5;
  for (let g = 0; g < groups; ++g) {
    if (ASC_FEATURE_SIMD) {
      for (let n = 0; n < images; ++n) {
        for (let half: usize = 0; half < 32; half += 16) {
          let out = z + <usize>n * imageBytes + half;
          for (let row = 0; row < rows; ++row) {
            let line = x + <usize>n * xImage + <usize>(row * strideY) * xRow + half;
            let column = 0;
            for (; column + 4 <= columns; column += 4) {
              let c0 = f32x4.splat(0), c1 = c0, c2 = c0, c3 = c0;
              let k = weights + half;
              let p = line;
              if (adjacent && strideX == 1) {
                for (let i = 0; i < kernelHeight; ++i) {
                  const k0 = v128.load(k), k1 = v128.load(k, 32), k2 = v128.load(k, 64);
                  const x0 = v128.load(p), x1 = v128.load(p, 32), x2 = v128.load(p, 64);
                  const x3 = v128.load(p, 96), x4 = v128.load(p, 128), x5 = v128.load(p, 160);
                  c0 = madd(x0, k0, c0); c1 = madd(x1, k0, c1); c2 = madd(x2, k0, c2); c3 = madd(x3, k0, c3);
                  c0 = madd(x1, k1, c0); c1 = madd(x2, k1, c1); c2 = madd(x3, k1, c2); c3 = madd(x4, k1, c3);
                  c0 = madd(x2, k2, c0); c1 = madd(x3, k2, c1); c2 = madd(x4, k2, c2); c3 = madd(x5, k2, c3);
                  k += 96;
                  p += tapRow;
                }
              } else {
                for (let i = 0; i < kernelHeight; ++i) {
                  let q = p;
                  for (let j = 0; j < kernelWidth; ++j) {
                    const w = v128.load(k);
                    c0 = madd(v128.load(q), w, c0);
                    c1 = madd(v128.load(q + pixel), w, c1);
                    c2 = madd(v128.load(q + 2 * pixel), w, c2);
                    c3 = madd(v128.load(q + 3 * pixel), w, c3);
                    k += 32;
                    q += tap;
                  }
                  p += tapRow;
                }
              }
              v128.store(out, c0); v128.store(out, c1, 32); v128.store(out, c2, 64); v128.store(out, c3, 96);
              out += 128;
              line += pixel << 2;
            }
            for (; column < columns; ++column) {
              let c = f32x4.splat(0);
              let k = weights + half;
              let p = line;
              for (let i = 0; i < kernelHeight; ++i) {
                let q = p;
                for (let j = 0; j < kernelWidth; ++j) {
                  c = madd(v128.load(q), v128.load(k), c);
                  k += 32;
                  q += tap;
                }
                p += tapRow;
              }
              v128.store(out, c);
              out += 32;
              line += pixel;
            }
          }
        }
      }
    } else {
      let out = z;
      for (let n = 0; n < images; ++n) {
        for (let row = 0; row < rows; ++row) {
          for (let column = 0; column < columns; ++column) {
            const line = x + <usize>n * xImage + <usize>(row * strideY) * xRow + <usize>column * pixel;
            for (let c: usize = 0; c < 32; c += 4, out += 4) {
              let sum: f32 = 0;
              let k = weights + c;
              for (let i = 0; i < kernelHeight; ++i) {
                let q = line + <usize>i * tapRow + c;
                for (let j = 0; j < kernelWidth; ++j, k += 32, q += tap) sum += load<f32>(q) * load<f32>(k);
              }
              store<f32>(out, sum);
            }
          }
        }
      }
    }
    x += xGroup;
    z += zGroup;
    weights += <usize>(kernelHeight * kernelWidth) << 5;
  }
}

export function depthwiseWeightGradient(
  x: usize, xGroup: usize, xImage: usize, xRow: usize, groups: i32, images: i32,
  dz: usize, dzGroup: usize, dzImage: usize, dzRow: usize,
  kernelHeight: i32, kernelWidth: i32, strideY: i32, strideX: i32, dilationY: i32, dilationX: i32,
  rows: i32, columns: i32, dw: usize,
): void {
  const taps = kernelHeight * kernelWidth;
  const tap = <usize>dilationX << 5;
  const tapRow = xRow * dilationY;
  const pixel = <usize>strideX << 5;
  memory.fill(dw, 0, <usize>(groups * taps) << 5);
  for (let g = 0; g < groups; ++g) {
    for (let n = 0; n < images; ++n) {
      const image = x + <usize>n * xImage;
      const gradient = dz + <usize>n * dzImage;
      if (ASC_FEATURE_SIMD && kernelHeight == 3 && kernelWidth == 3) {
        for (let half: usize = 0; half < 32; half += 16) {
          let c0 = f32x4.splat(0), c1 = c0, c2 = c0, c3 = c0, c4 = c0, c5 = c0, c6 = c0, c7 = c0, c8 = c0;
          for (let row = 0; row < rows; ++row) {
            let p0 = image + <usize>(row * strideY) * xRow + half;
            let p1 = p0 + tapRow, p2 = p1 + tapRow;
            let q = gradient + <usize>row * dzRow + half;
            for (let column = 0; column < columns; ++column) {
              const d = v128.load(q);
              c0 = madd(d, v128.load(p0), c0); c1 = madd(d, v128.load(p0 + tap), c1);
              c2 = madd(d, v128.load(p0 + 2 * tap), c2);
              c3 = madd(d, v128.load(p1), c3); c4 = madd(d, v128.load(p1 + tap), c4);
              c5 = madd(d, v128.load(p1 + 2 * tap), c5);
              c6 = madd(d, v128.load(p2), c6); c7 = madd(d, v128.load(p2 + tap), c7);
              c8 = madd(d, v128.load(p2 + 2 * tap), c8);
              p0 += pixel;
              p1 += pixel;
              p2 += pixel;
              q += 32;
            }
          }
          const out = dw + half;
          addTo(out, c0); addTo(out + 32, c1); addTo(out + 64, c2); addTo(out + 96, c3); addTo(out + 128, c4);
          addTo(out + 160, c5); addTo(out + 192, c6); addTo(out + 224, c7); addTo(out + 256, c8);
        }
      } else {
        for (let t = 0; t < taps; ++t) {
          const first = image + <usize>(t / kernelWidth) * tapRow + <usize>(t % kernelWidth) * tap;
          for (let c: usize = 0; c < 32; c += 4) {
            let sum: f32 = 0;
            for (let row = 0; row < rows; ++row) {
              let p = first + <usize>(row * strideY) * xRow + c;
              let q = gradient + <usize>row * dzRow + c;
              for (let column = 0; column < columns; ++column, p += pixel, q += 32) sum += load<f32>(q) * load<f32>(p);
            }
            const out = dw + (<usize>t << 5) + c;
            store<f32>(out, load<f32>(out) + sum);
          }
        }
      }
    }
    x += xGroup;
    dz += dzGroup;
    dw += <usize>taps << 5;
  }
}

/**
 * For strides above 1, and dilation 1. dz here is [C' / 8][pixels][8], without margins. The rows of dz that an input
 * row has gone into are found once a row, its columns by counting along: no division in the loops.
 */
export function depthwiseInputGradient(
  dz: usize, dzGroup: usize, groups: i32, images: i32, outRows: i32, outColumns: i32,
  weights: usize, kernelHeight: i32, kernelWidth: i32, strideY: i32, strideX: i32, top: i32, left: i32,
  rows: i32, columns: i32, dx: usize, dxGroup: usize,
): void {
  const tap = <usize>strideX << 5;
  for (let g = 0; g < groups; ++g) {
    let out = dx;
    for (let n = 0; n < images; ++n) {
      const gradient = dz + (<usize>(n * outRows * outColumns) << 5);
      for (let row = 0; row < rows; ++row) {
        const firstI = (row + top) % strideY, firstK = (row + top) / strideY;
        let firstJ = left % strideX, firstL = left / strideX;
        for (let column = 0; column < columns; ++column, out += 32) {
          if (ASC_FEATURE_SIMD) {
            let c0 = f32x4.splat(0), c1 = c0;
            let k = firstK;
            for (let i = firstI; i < kernelHeight; i += strideY, --k) {
              if (k < 0 || k >= outRows) continue;
              let w = weights + (<usize>(i * kernelWidth + firstJ) << 5);
              let l = firstL;
              for (let j = firstJ; j < kernelWidth; j += strideX, --l, w += tap) {
                if (l < 0 || l >= outColumns) continue;
                const q = gradient + (<usize>(k * outColumns + l) << 5);
                c0 = madd(v128.load(q), v128.load(w), c0);
                c1 = madd(v128.load(q, 16), v128.load(w, 16), c1);
              }
            }
            v128.store(out, c0);
            v128.store(out, c1, 16);
          } else {
            for (let c: usize = 0; c < 32; c += 4) {
              let sum: f32 = 0;
              let k = firstK;
              for (let i = firstI; i < kernelHeight; i += strideY, --k) {
                if (k < 0 || k >= outRows) continue;
                let w = weights + (<usize>(i * kernelWidth + firstJ) << 5) + c;
                let l = firstL;
                for (let j = firstJ; j < kernelWidth; j += strideX, --l, w += tap) {
                  if (l < 0 || l >= outColumns) continue;
                  sum += load<f32>(gradient + (<usize>(k * outColumns + l) << 5) + c) * load<f32>(w);
                }
              }
              store<f32>(out + c, sum);
            }
          }
          if (++firstJ == strideX) {
            firstJ = 0;
            ++firstL;
          }
        }
      }
    }
    dz += dzGroup;
    dx += dxGroup;
    weights += <usize>(kernelHeight * kernelWidth) << 5;
  }
}

// @ts-ignore: decorator
@inline
function addTo(at: usize, c: v128): void {
  v128.store(at, f32x4.add(v128.load(at), c));
}
