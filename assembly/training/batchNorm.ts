/**
 * Batch normalisation in training mode with the clamp that follows it, group by group of eight channels
 * (arXiv:1502.03167, Algorithm 1 and §3):
 *
 *   forward    μ = Σ z / m,  σ² = Σ (z − μ)² / m,  ẑ = (z − μ) / √(σ² + ε),  y = clamp(γ ẑ + β, lo, hi)
 *   backward   g = dy where lo < γ ẑ + β < hi, otherwise 0
 *              dβ = Σ g,  dγ = Σ g ẑ,  dz = γ / √(σ² + ε) · (g − dβ / m − ẑ dγ / m)
 *
 *   z, dy     [C' / 8][m][8]                          the convolution's output and the gradient of y: `group` bytes
 *                                                     from one group to the next
 *   y, dz     [C' / 8][images][rows][columns][8]      may have margins: distances of groups, images and rows are given
 *   gamma …   [C']                                    zeros where channels do not exist, which then stay zero all the
 *                                                     way if ε > 0
 *
 * Order of sums, in all targets: forward over the pixels of a block, then over blocks; backward over an image's
 * pixels, then over images.
 */
import { clamp, clampScalar } from '../lanes';

/**
 * Bytes of a block of 256 pixels: its sum is made by itself, which keeps the rounding error of a sum over 10⁵ pixels
 * at that of some hundred terms.
 */
const BLOCK: usize = 256 << 5;

export function normalise(
  z: usize, group: usize, groups: i32, images: i32, rows: i32, columns: i32,
  gamma: usize, beta: usize, epsilon: f32, lo: f32, hi: f32,
  y: usize, yGroup: usize, yImage: usize, yRow: usize, mean: usize, variance: usize,
): void {
  const pixels = images * rows * columns;
  const rowBytes = <usize>columns << 5;
  for (let g = 0; g < groups; ++g) {
    const end = z + (<usize>pixels << 5);
    if (ASC_FEATURE_SIMD) {
      statistics(z, end, pixels, mean, variance);
      const a0 = slope(gamma, variance, epsilon), a1 = slope(gamma + 16, variance + 16, epsilon);
      const b0 = offset(beta, mean, a0), b1 = offset(beta + 16, mean + 16, a1);
      const vlo = f32x4.splat(lo), vhi = f32x4.splat(hi);
      let from = z;
      for (let n = 0; n < images; ++n) {
        for (let row = 0; row < rows; ++row) {
          let to = y + <usize>n * yImage + <usize>row * yRow;
          const end = from + rowBytes;
          do {
            v128.store(to, clamp(affine(v128.load(from), a0, b0), vlo, vhi));
            v128.store(to, clamp(affine(v128.load(from, 16), a1, b1), vlo, vhi), 16);
            from += 32;
            to += 32;
          } while (from != end);
        }
      }
    } else {
      for (let c: usize = 0; c < 32; c += 4) {
        statisticsScalar(z + c, end + c, pixels, mean + c, variance + c);
        const a = load<f32>(gamma + c) / sqrt(load<f32>(variance + c) + epsilon);
        const b = load<f32>(beta + c) - load<f32>(mean + c) * a;
        let from = z + c;
        for (let n = 0; n < images; ++n) {
          for (let row = 0; row < rows; ++row) {
            let to = y + <usize>n * yImage + <usize>row * yRow + c;
            for (let column = 0; column < columns; ++column, from += 32, to += 32) {
              store<f32>(to, clampScalar(load<f32>(from) * a + b, lo, hi));
            }
          }
        }
      }
    }
    z += group;
    y += yGroup;
    gamma += 32;
    beta += 32;
    mean += 32;
    variance += 32;
  }
}

export function normaliseBackward(
  dy: usize, z: usize, group: usize, groups: i32, images: i32, rows: i32, columns: i32,
  gamma: usize, beta: usize, epsilon: f32, lo: f32, hi: f32, mean: usize, variance: usize,
  dz: usize, dzGroup: usize, dzImage: usize, dzRow: usize, dgamma: usize, dbeta: usize,
): void {
  const pixels = images * rows * columns;
  const m = <f32>pixels;
  const rowBytes = <usize>columns << 5;
  const imageBytes = rowBytes * rows;
  for (let g = 0; g < groups; ++g) {
    if (ASC_FEATURE_SIMD) {
      const vlo = f32x4.splat(lo), vhi = f32x4.splat(hi), vm = f32x4.splat(m);
      for (let half: usize = 0; half < 32; half += 16) {
        v128.store(dbeta + half, f32x4.splat(0));
        v128.store(dgamma + half, f32x4.splat(0));
      }
      // g goes into dz, and its sums are made. Half an image at a time, which stays in the cache for the other half.
      for (let n = 0; n < images; ++n) {
        for (let half: usize = 0; half < 32; half += 16) {
          const mu = v128.load(mean + half);
          const a = slope(gamma + half, variance + half, epsilon);
          const b = offset(beta + half, mean + half, a);
          let s = f32x4.splat(0), t = s;
          let p = z + <usize>n * imageBytes + half;
          const toDy = dy - z;
          for (let row = 0; row < rows; ++row) {
            let to = dz + <usize>n * dzImage + <usize>row * dzRow + half;
            const end = p + rowBytes;
            do {
              const v = v128.load(p);
              const g = passing(v128.load(p + toDy), affine(v, a, b), vlo, vhi);
              v128.store(to, g);
              s = f32x4.add(s, g);
              t = f32x4.add(t, f32x4.mul(g, f32x4.sub(v, mu)));
              p += 32;
              to += 32;
            } while (p != end);
          }
          v128.store(dbeta + half, f32x4.add(v128.load(dbeta + half), s));
          v128.store(dgamma + half, f32x4.add(v128.load(dgamma + half), t));
        }
      }
      for (let half: usize = 0; half < 32; half += 16) {
        v128.store(dgamma + half, f32x4.div(v128.load(dgamma + half), deviation(variance + half, epsilon)));
      }
      const a0 = slope(gamma, variance, epsilon), a1 = slope(gamma + 16, variance + 16, epsilon);
      const s0 = tilt(dgamma, variance, epsilon, a0, vm), s1 = tilt(dgamma + 16, variance + 16, epsilon, a1, vm);
      const l0 = level(dbeta, mean, a0, s0, vm), l1 = level(dbeta + 16, mean + 16, a1, s1, vm);
      let p = z;
      for (let n = 0; n < images; ++n) {
        for (let row = 0; row < rows; ++row) {
          let to = dz + <usize>n * dzImage + <usize>row * dzRow;
          const end = p + rowBytes;
          do {
            v128.store(to, f32x4.add(f32x4.mul(a0, v128.load(to)), affine(v128.load(p), s0, l0)));
            v128.store(to, f32x4.add(f32x4.mul(a1, v128.load(to, 16)), affine(v128.load(p, 16), s1, l1)), 16);
            p += 32;
            to += 32;
          } while (p != end);
        }
      }
    } else {
      for (let c: usize = 0; c < 32; c += 4) {
        const mu = load<f32>(mean + c);
        const d = sqrt(load<f32>(variance + c) + epsilon);
        const a = load<f32>(gamma + c) / d;
        const b = load<f32>(beta + c) - mu * a;
        let sum: f32 = 0, products: f32 = 0;
        let p = z + c, q = dy + c;
        for (let n = 0; n < images; ++n) {
          let s: f32 = 0, t: f32 = 0;
          for (let row = 0; row < rows; ++row) {
            let to = dz + <usize>n * dzImage + <usize>row * dzRow + c;
            for (let column = 0; column < columns; ++column, p += 32, q += 32, to += 32) {
              const v = load<f32>(p);
              const g = passingScalar(load<f32>(q), v * a + b, lo, hi);
              store<f32>(to, g);
              s += g;
              t += g * (v - mu);
            }
          }
          sum += s;
          products += t;
        }
        const dg = products / d;
        store<f32>(dbeta + c, sum);
        store<f32>(dgamma + c, dg);
        const tilt = -(a * (dg / d / m));
        const level = -(a * (sum / m) + mu * tilt);
        p = z + c;
        for (let n = 0; n < images; ++n) {
          for (let row = 0; row < rows; ++row) {
            let to = dz + <usize>n * dzImage + <usize>row * dzRow + c;
            for (let column = 0; column < columns; ++column, p += 32, to += 32) {
              store<f32>(to, a * load<f32>(to) + (load<f32>(p) * tilt + level));
            }
          }
        }
      }
    }
    dy += group;
    z += group;
    dz += dzGroup;
    gamma += 32;
    beta += 32;
    mean += 32;
    variance += 32;
    dgamma += 32;
    dbeta += 32;
  }
}

/**
 * Mean and variance of a group in one pass, by the numbers' distance from the first pixel's, z₀: μ = z₀ + Σ (z − z₀)
 * / m and σ² = Σ (z − z₀)² / m − (μ − z₀)², which cancels no more than z₀ lies away from μ in units of σ.
 */
function statistics(z: usize, end: usize, pixels: i32, mean: usize, variance: usize): void {
  const m = f32x4.splat(<f32>pixels);
  for (let half: usize = 0; half < 32; half += 16) {
    v128.store(mean + half, f32x4.splat(0));
    v128.store(variance + half, f32x4.splat(0));
  }
  const z0 = v128.load(z), z1 = v128.load(z, 16);
  for (let p = z; p != end;) {
    const stop = min(p + BLOCK, end);
    let s0 = f32x4.splat(0), s1 = s0, t0 = s0, t1 = s0;
    do {
      const d0 = f32x4.sub(v128.load(p), z0), d1 = f32x4.sub(v128.load(p, 16), z1);
      s0 = f32x4.add(s0, d0);
      s1 = f32x4.add(s1, d1);
      t0 = f32x4.add(t0, f32x4.mul(d0, d0));
      t1 = f32x4.add(t1, f32x4.mul(d1, d1));
      p += 32;
    } while (p != stop);
    v128.store(mean, f32x4.add(v128.load(mean), s0));
    v128.store(mean, f32x4.add(v128.load(mean, 16), s1), 16);
    v128.store(variance, f32x4.add(v128.load(variance), t0));
    v128.store(variance, f32x4.add(v128.load(variance, 16), t1), 16);
  }
  for (let half: usize = 0; half < 32; half += 16) {
    const shift = f32x4.div(v128.load(mean + half), m);
    const square = f32x4.div(v128.load(variance + half), m);
    v128.store(mean + half, f32x4.add(v128.load(z + half), shift));
    v128.store(variance + half, f32x4.pmax(f32x4.sub(square, f32x4.mul(shift, shift)), f32x4.splat(0)));
  }
}

function statisticsScalar(z: usize, end: usize, pixels: i32, mean: usize, variance: usize): void {
  const z0 = load<f32>(z);
  let sum: f32 = 0, squares: f32 = 0;
  for (let p = z; p != end;) {
    const stop = min(p + BLOCK, end);
    let s: f32 = 0, t: f32 = 0;
    for (; p != stop; p += 32) {
      const d = load<f32>(p) - z0;
      s += d;
      t += d * d;
    }
    sum += s;
    squares += t;
  }
  const shift = sum / <f32>pixels;
  const square = squares / <f32>pixels - shift * shift;
  store<f32>(mean, z0 + shift);
  store<f32>(variance, square < 0 ? 0 : square);
}

/** √(σ² + ε) */
// @ts-ignore: decorator
@inline
function deviation(variance: usize, epsilon: f32): v128 {
  return f32x4.sqrt(f32x4.add(v128.load(variance), f32x4.splat(epsilon)));
}

/** γ / √(σ² + ε) */
// @ts-ignore: decorator
@inline
function slope(gamma: usize, variance: usize, epsilon: f32): v128 {
  return f32x4.div(v128.load(gamma), deviation(variance, epsilon));
}

/** β − μ · slope */
// @ts-ignore: decorator
@inline
function offset(beta: usize, mean: usize, slope: v128): v128 {
  return f32x4.sub(v128.load(beta), f32x4.mul(v128.load(mean), slope));
}

/** −a · dγ / (√(σ² + ε) m): the slope of dz in z */
// @ts-ignore: decorator
@inline
function tilt(dgamma: usize, variance: usize, epsilon: f32, a: v128, m: v128): v128 {
  return f32x4.neg(f32x4.mul(a, f32x4.div(f32x4.div(v128.load(dgamma), deviation(variance, epsilon)), m)));
}

/** −(a · dβ / m + μ · tilt) */
// @ts-ignore: decorator
@inline
function level(dbeta: usize, mean: usize, a: v128, tilt: v128, m: v128): v128 {
  return f32x4.neg(f32x4.add(f32x4.mul(a, f32x4.div(v128.load(dbeta), m)), f32x4.mul(v128.load(mean), tilt)));
}

// @ts-ignore: decorator
@inline
function affine(z: v128, a: v128, b: v128): v128 {
  return f32x4.add(f32x4.mul(z, a), b);
}

/** The gradient where the activation lets it pass. */
// @ts-ignore: decorator
@inline
function passing(dy: v128, y: v128, lo: v128, hi: v128): v128 {
  return v128.andnot(dy, v128.or(f32x4.le(y, lo), f32x4.ge(y, hi)));
}

// @ts-ignore: decorator
@inline
function passingScalar(dy: f32, y: f32, lo: f32, hi: f32): f32 {
  return y <= lo || y >= hi ? 0 : dy;
}
