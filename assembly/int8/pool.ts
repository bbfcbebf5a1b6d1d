/** Pooling of 8-bit integers. Windows are clipped to the picture, so that padding costs nothing and does not count. */

/**
 * NHWC in and out, int8 or (`unsigned`) uint8. Each output is the maximum of its window, or (`average`) its sum
 * divided by the taps inside the picture, rounded with halves away from zero.
 */
export function pool(
  x: usize, height: i32, width: i32, channels: i32, unsigned: i32,
  kernelHeight: i32, kernelWidth: i32, strideY: i32, strideX: i32, top: i32, left: i32,
  outHeight: i32, outWidth: i32, average: i32, lo: i32, hi: i32, out: usize,
): void {
  for (let row = 0; row < outHeight; ++row) {
    const y0 = max(row * strideY - top, 0);
    const y1 = min(row * strideY - top + kernelHeight, height);
    for (let column = 0; column < outWidth; ++column) {
      const x0 = max(column * strideX - left, 0);
      const x1 = min(column * strideX - left + kernelWidth, width);
      const count = (y1 - y0) * (x1 - x0);
      for (let c = 0; c < channels; ++c, ++out) {
        let result = average ? 0 : i32.MIN_VALUE;
        for (let i = y0; i < y1; ++i) {
          let at = x + <usize>((i * width + x0) * channels + c);
          for (let j = x0; j < x1; ++j, at += <usize>channels) {
            const q = unsigned ? <i32>load<u8>(at) : <i32>load<i8>(at);
            result = average ? result + q : max(result, q);
          }
        }
        if (average) result = divided(result, count);
        store<u8>(out, <u8>min(max(result, lo), hi));
      }
    }
  }
}

/** sum / count, halves away from zero; like TFLite with truncated divisions. */
// @ts-ignore: decorator
@inline
function divided(sum: i32, count: i32): i32 {
  return sum > 0 ? (sum + count / 2) / count : (sum - count / 2) / count;
}

/** Sums over all pixels of quads [pixels / 4][C' / 2][4][2] → i32 [C']. */
export function sums(x: usize, quadStride: usize, pixels: i32, pairs: i32, out: usize): void {
  for (let pair = 0; pair < pairs; ++pair, x += 16, out += 8) {
    let even = 0, odd = 0;
    let at = x;
    let left = pixels;
    if (ASC_FEATURE_SIMD) {
      let s0 = i32x4.splat(0), s1 = s0;
      for (; left >= 4; left -= 4, at += quadStride) {
        const q = v128.load(at);
        s0 = i32x4.add(s0, i32x4.extend_low_i16x8_s(q));
        s1 = i32x4.add(s1, i32x4.extend_high_i16x8_s(q));
      }
      const s = i32x4.add(s0, s1);
      even = i32x4.extract_lane(s, 0) + i32x4.extract_lane(s, 2);
      odd = i32x4.extract_lane(s, 1) + i32x4.extract_lane(s, 3);
    }
    for (let pixel: usize = 0; left > 0; --left, pixel += 4) {
      if (pixel == 16) {
        pixel = 0;
        at += quadStride;
      }
      even += load<i16>(at + pixel);
      odd += load<i16>(at + pixel, 2);
    }
    store<i32>(out, even);
    store<i32>(out, odd, 4);
  }
}

/**
 * i32 [C'] sums → one pixel of quads: averages of `count` numbers with the zero point back in for the division,
 * clamped, as `pool` gives them.
 */
export function averages(x: usize, channels: i32, count: i32, zero: i32, lo: i32, hi: i32, out: usize): void {
  for (let c = 0; c < channels; ++c, x += 4) {
    const q = min(max(divided(load<i32>(x) + count * zero, count), lo), hi);
    store<i16>(out + (<usize>(c >> 1) << 4) + (<usize>(c & 1) << 1), <i16>(q - zero));
  }
}

/** Likewise ⌊(sum·m + half ± e) / 2^shift⌋, in 64-bit integers; `numbers` are m, half, e i64 and shift i64. */
export function means(x: usize, channels: i32, numbers: usize, lo: i32, hi: i32, out: usize): void {
  const m = load<i64>(numbers), half = load<i64>(numbers, 8);
  const e = load<i64>(numbers, 16), shift = load<i64>(numbers, 24);
  for (let c = 0; c < channels; ++c, x += 4) {
    const sum = <i64>load<i32>(x);
    const r = min<i64>(max<i64>(sum * m + half + (sum < 0 ? -e : e) >> shift, <i64>lo), <i64>hi);
    store<i16>(out + (<usize>(c >> 1) << 4) + (<usize>(c & 1) << 1), <i16>r);
  }
}
