/**
 * Layers that treat every number by itself. All tensors are NHWC; `count` is in numbers. Input and output may be the
 * same place.
 */
import { exp } from './exp';
import { clamp, clampScalar } from './lanes';

/** out = clamp(a + b, lo, hi); without `b`, clamp(a, lo, hi): relu, relu6, clamp. */
export function addAll(a: usize, b: usize, count: i32, lo: f32, hi: f32, out: usize): void {
  // A distance, since 0 has to stay 0 while the others move on.
  const further = b ? b - a : 0;
  let i = 0;
  if (ASC_FEATURE_SIMD) {
    const vlo = f32x4.splat(lo), vhi = f32x4.splat(hi);
    for (; i + 4 <= count; i += 4, a += 16, out += 16) {
      const x = v128.load(a);
      v128.store(out, clamp(b ? f32x4.add(x, v128.load(a + further)) : x, vlo, vhi));
    }
  }
  for (; i < count; ++i, a += 4, out += 4) {
    const x = load<f32>(a);
    store<f32>(out, clampScalar(b ? x + load<f32>(a + further) : x, lo, hi));
  }
}

/** out[row, i] = x[row, i]·factor[i], in rows of `length` numbers. */
export function multiply(x: usize, rows: i32, length: i32, factor: usize, out: usize): void {
  for (let row = 0; row < rows; ++row) {
    let i = 0, from = factor;
    if (ASC_FEATURE_SIMD) {
      for (; i + 4 <= length; i += 4, x += 16, from += 16, out += 16) {
        v128.store(out, f32x4.mul(v128.load(x), v128.load(from)));
      }
    }
    for (; i < length; ++i, x += 4, from += 4, out += 4) store<f32>(out, load<f32>(x) * load<f32>(from));
  }
}

/** out = g = clamp(x/6 + 1/2, 0, 1): hardSigmoid; or x·g: hardSwish. */
export function hard(x: usize, count: i32, swish: i32, out: usize): void {
  for (let i = 0; i < count; ++i, x += 4, out += 4) {
    const value = load<f32>(x);
    const gate = clampScalar(value / 6 + 0.5, 0, 1);
    store<f32>(out, swish ? value * gate : gate);
  }
}

/** out[pixel, c] = x[pixel, c]·scale[c] + shift[c]: a batch norm that no convolution could take in. */
export function affine(x: usize, pixels: i32, channels: i32, scale: usize, shift: usize, out: usize): void {
  for (let pixel = 0; pixel < pixels; ++pixel) {
    let c = 0;
    if (ASC_FEATURE_SIMD) {
      for (; c + 4 <= channels; c += 4, x += 16, out += 16) {
        const at = <usize>c << 2;
        v128.store(out, f32x4.add(f32x4.mul(v128.load(x), v128.load(scale + at)), v128.load(shift + at)));
      }
    }
    for (; c < channels; ++c, x += 4, out += 4) {
      const at = <usize>c << 2;
      store<f32>(out, load<f32>(x) * load<f32>(scale + at) + load<f32>(shift + at));
    }
  }
}

/** out = 1 / (1 + e^−x), in float64, rounded once. */
export function sigmoid(x: usize, count: i32, out: usize): void {
  for (let i = 0; i < count; ++i, x += 4, out += 4) {
    store<f32>(out, <f32>(1.0 / (1.0 + exp(-<f64>load<f32>(x)))));
  }
}

/**
 * Each row of `length` numbers becomes e^(x − max) / Σ e^(x − max). Sums are float64; each power and each result is
 * rounded to float32.
 */
export function softmax(x: usize, rows: i32, length: i32, out: usize): void {
  const bytes = <usize>length << 2;
  for (let row = 0; row < rows; ++row, x += bytes, out += bytes) {
    let max: f32 = load<f32>(x);
    for (let i: usize = 4; i < bytes; i += 4) {
      const value = load<f32>(x + i);
      if (value > max || value != value) max = value;
    }
    let sum: f64 = 0;
    for (let i: usize = 0; i < bytes; i += 4) {
      const power = exp(<f64>load<f32>(x + i) - <f64>max);
      sum += power;
      store<f32>(out + i, <f32>power);
    }
    for (let i: usize = 0; i < bytes; i += 4) store<f32>(out + i, <f32>(<f64>load<f32>(out + i) / sum));
  }
}

/**
 * Index of the largest number of each row of `length`, the lowest one on a tie, as float32. NaN counts as larger than
 * any number.
 */
export function argMax(x: usize, rows: i32, length: i32, out: usize): void {
  for (let row = 0; row < rows; ++row, out += 4) {
    let best = 0;
    let max: f32 = load<f32>(x);
    for (let i = 0; i < length; ++i, x += 4) {
      const value = load<f32>(x);
      if (value > max || (value != value && max == max)) {
        max = value;
        best = i;
      }
    }
    store<f32>(out, <f32>best);
  }
}
