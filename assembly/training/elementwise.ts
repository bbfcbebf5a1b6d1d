/**
 * What is left of a training step: activations without a batch norm, additions, biases, the global average pool.
 *
 *   maps   [C' / 8][pixels][8], all groups at once where a kernel takes a number of `bytes`
 *
 * Order of sums, in all targets: `biasGradient` over the pixels of a block of 256, then over blocks; `poolForward`
 * over an image's pixels.
 */
import { clamp, clampScalar } from '../lanes';

const BLOCK: usize = 256 << 5;

/** y = clamp(x, lo, hi) */
export function clampForward(x: usize, bytes: usize, lo: f32, hi: f32, y: usize): void {
  for (let i: usize = 0; i < bytes; i += 16) {
    if (ASC_FEATURE_SIMD) {
      v128.store(y + i, clamp(v128.load(x + i), f32x4.splat(lo), f32x4.splat(hi)));
    } else {
      for (let c: usize = i; c < i + 16; c += 4) store<f32>(y + c, clampScalar(load<f32>(x + c), lo, hi));
    }
  }
}

/** dx = dy where lo < x < hi, otherwise 0 */
export function clampBackward(dy: usize, x: usize, bytes: usize, lo: f32, hi: f32, dx: usize): void {
  for (let i: usize = 0; i < bytes; i += 16) {
    if (ASC_FEATURE_SIMD) {
      const v = v128.load(x + i);
      const stops = v128.or(f32x4.le(v, f32x4.splat(lo)), f32x4.ge(v, f32x4.splat(hi)));
      v128.store(dx + i, v128.andnot(v128.load(dy + i), stops));
    } else {
      for (let c: usize = i; c < i + 16; c += 4) {
        const v = load<f32>(x + c);
        store<f32>(dx + c, v <= lo || v >= hi ? 0 : load<f32>(dy + c));
      }
    }
  }
}

/**
 * x = scale · clamp(x / scale rounded, lo, hi): what integers from lo to hi can say of x. Halves are rounded to
 * even.
 */
export function fakeQuantize(x: usize, bytes: usize, scale: f32, lo: f32, hi: f32): void {
  for (let i: usize = x; i < x + bytes; i += 16) {
    if (ASC_FEATURE_SIMD) {
      const q = f32x4.nearest(f32x4.div(v128.load(i), f32x4.splat(scale)));
      v128.store(i, f32x4.mul(clamp(q, f32x4.splat(lo), f32x4.splat(hi)), f32x4.splat(scale)));
    } else {
      for (let c: usize = i; c < i + 16; c += 4) {
        store<f32>(c, clampScalar(nearest<f32>(load<f32>(c) / scale), lo, hi) * scale);
      }
    }
  }
}

/** y = a + b; y may be a or b. */
export function addMaps(a: usize, b: usize, bytes: usize, y: usize): void {
  for (let i: usize = 0; i < bytes; i += 16) {
    if (ASC_FEATURE_SIMD) {
      v128.store(y + i, f32x4.add(v128.load(a + i), v128.load(b + i)));
    } else {
      for (let c: usize = i; c < i + 16; c += 4) store<f32>(y + c, load<f32>(a + c) + load<f32>(b + c));
    }
  }
}

export function zeroBytes(y: usize, bytes: usize): void {
  memory.fill(y, 0, bytes);
}

export function copyBytes(x: usize, bytes: usize, y: usize): void {
  memory.copy(y, x, bytes);
}

/** A map without margins to one with them. */
export function copyRows(
  x: usize, group: usize, groups: i32, images: i32, rows: i32, columns: i32,
  y: usize, yGroup: usize, yImage: usize, yRow: usize,
): void {
  const bytes = <usize>columns << 5;
  for (let g = 0; g < groups; ++g) {
    let from = x + <usize>g * group;
    for (let n = 0; n < images; ++n) {
      for (let row = 0; row < rows; ++row, from += bytes) {
        memory.copy(y + <usize>g * yGroup + <usize>n * yImage + <usize>row * yRow, from, bytes);
      }
    }
  }
}

/** Every pixel begins as the bias: before a `product` that accumulates. */
export function biasForward(bias: usize, groups: i32, pixels: i32, y: usize, group: usize): void {
  for (let g = 0; g < groups; ++g) {
    const from = bias + (<usize>g << 5);
    const begin = y + <usize>g * group;
    for (let p: usize = 0; p < <usize>pixels << 5; p += 32) memory.copy(begin + p, from, 32);
  }
}

/** db = Σ dy over the pixels */
export function biasGradient(dy: usize, group: usize, groups: i32, pixels: i32, db: usize): void {
  for (let g = 0; g < groups; ++g) {
    const begin = dy + <usize>g * group;
    for (let c: usize = 0; c < 32; c += 4) {
      let sum: f32 = 0;
      const end = begin + (<usize>pixels << 5);
      for (let p = begin; p < end;) {
        const stop = min(p + BLOCK, end);
        let block: f32 = 0;
        for (; p < stop; p += 32) block += load<f32>(p + c);
        sum += block;
      }
      store<f32>(db + (<usize>g << 5) + c, sum);
    }
  }
}

/** y[n] = Σ x[n, pixel] / pixels; y is [C' / 8][images][8]. */
export function poolForward(
  x: usize, xGroup: usize, groups: i32, images: i32, pixels: i32, y: usize, yGroup: usize,
): void {
  for (let g = 0; g < groups; ++g) {
    for (let n = 0; n < images; ++n) {
      const begin = x + <usize>g * xGroup + (<usize>(n * pixels) << 5);
      const out = y + <usize>g * yGroup + (<usize>n << 5);
      for (let c: usize = 0; c < 32; c += 4) {
        let sum: f32 = 0;
        for (let p = begin; p < begin + (<usize>pixels << 5); p += 32) sum += load<f32>(p + c);
        store<f32>(out + c, sum / <f32>pixels);
      }
    }
  }
}

/** dx[n, pixel] = dy[n] / pixels */
export function poolBackward(
  dy: usize, yGroup: usize, groups: i32, images: i32, pixels: i32, dx: usize, xGroup: usize,
): void {
  for (let g = 0; g < groups; ++g) {
    for (let n = 0; n < images; ++n) {
      const begin = dx + <usize>g * xGroup + (<usize>(n * pixels) << 5);
      const from = dy + <usize>g * yGroup + (<usize>n << 5);
      for (let c: usize = 0; c < 32; c += 4) {
        const share = load<f32>(from + c) / <f32>pixels;
        for (let p = begin; p < begin + (<usize>pixels << 5); p += 32) store<f32>(p + c, share);
      }
    }
  }
}
