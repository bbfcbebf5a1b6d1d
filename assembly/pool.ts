/**
 * Pooling. The window's bounds are clipped to the picture here, so padding costs nothing and counts only where the
 * layer says so.
 */

/**
 * NHWC in and out. Each output is the maximum of its window, or (average) its sum divided by the taps inside the
 * picture, or by all `divisor` taps when divisor > 0. Order of sums: rows, columns.
 */
export function pool(
  x: usize, height: i32, width: i32, channels: i32,
  kernelHeight: i32, kernelWidth: i32, strideY: i32, strideX: i32, top: i32, left: i32,
  outHeight: i32, outWidth: i32, average: i32, divisor: i32, out: usize,
): void {
  const pixelBytes = <usize>channels << 2;
  for (let row = 0; row < outHeight; ++row) {
    const y0 = max(row * strideY - top, 0);
    const y1 = min(row * strideY - top + kernelHeight, height);
    for (let column = 0; column < outWidth; ++column) {
      const x0 = max(column * strideX - left, 0);
      const x1 = min(column * strideX - left + kernelWidth, width);
      const count = <f32>(divisor > 0 ? divisor : (y1 - y0) * (x1 - x0));
      let c: usize = 0;
      if (ASC_FEATURE_SIMD) {
        for (; c + 16 <= pixelBytes; c += 16) {
          let result = f32x4.splat(average ? 0 : -Infinity);
          for (let i = y0; i < y1; ++i) {
            for (let j = x0; j < x1; ++j) {
              const value = v128.load(x + <usize>(i * width + j) * pixelBytes + c);
              result = average ? f32x4.add(result, value) : f32x4.max(result, value);
            }
          }
          v128.store(out + c, average ? f32x4.div(result, f32x4.splat(count)) : result);
        }
      }
      for (; c < pixelBytes; c += 4) {
        let result: f32 = average ? 0 : -Infinity;
        for (let i = y0; i < y1; ++i) {
          for (let j = x0; j < x1; ++j) {
            const value = load<f32>(x + <usize>(i * width + j) * pixelBytes + c);
            result = average ? result + value : max(result, value);
          }
        }
        store<f32>(out + c, average ? result / count : result);
      }
      out += pixelBytes;
    }
  }
}

/**
 * Mean over all pixels of quads [pixels / 4][C'][4] → [C]. Four running sums, one for each place in a quad, added at
 * the end as (0 + 2) + (1 + 3). Vectors would be no faster: the sums wait for each other, not for their numbers.
 */
export function globalAveragePool(x: usize, quadStride: usize, pixels: i32, channels: i32, out: usize): void {
  const whole = pixels >> 2;
  const rest = pixels & 3;
  for (let c = 0; c < channels; ++c, x += 16, out += 4) {
    let s0: f32 = 0, s1: f32 = 0, s2: f32 = 0, s3: f32 = 0;
    let at = x;
    for (let q = 0; q < whole; ++q, at += quadStride) {
      s0 += load<f32>(at);
      s1 += load<f32>(at, 4);
      s2 += load<f32>(at, 8);
      s3 += load<f32>(at, 12);
    }
    if (rest > 0) s0 += load<f32>(at);
    if (rest > 1) s1 += load<f32>(at, 4);
    if (rest > 2) s2 += load<f32>(at, 8);
    store<f32>(out, (s0 + s2 + (s1 + s3)) / <f32>pixels);
  }
}
