/**
 * Bilinear resize of 8-bit integers, NHWC in and out, in the input's scale and zero point. Each output row and column
 * has an entry of 12 bytes: the lower and the upper sample, i32, and the share of the upper one. int8: shares of 10
 * bits below the point, sums in integers; uint8 (`unsigned`): in float32, rounded up from the half. `twice` rounds
 * int8's halves away from zero instead of up.
 *
 * Order of sums: upper left, lower left, upper right, lower right.
 */
export function resizeBilinear(
  x: usize, width: i32, channels: i32, unsigned: i32, twice: i32, rows: usize, outHeight: i32, columns: usize,
  outWidth: i32, out: usize,
): void {
  for (let i = 0; i < outHeight; ++i, rows += 12) {
    let column = columns;
    for (let j = 0; j < outWidth; ++j, column += 12, out += <usize>channels) {
      mixed(x, width, channels, unsigned, twice, rows, column, out);
    }
  }
}

/** One pixel of the result, by the entries of its row and column. */
function mixed(
  x: usize, width: i32, channels: i32, unsigned: i32, twice: i32, row: usize, column: usize, out: usize,
): void {
  const pixelBytes = <usize>channels;
  const rowBytes = <usize>width * pixelBytes;
  const top = x + <usize>load<i32>(row) * rowBytes, bottom = x + <usize>load<i32>(row, 4) * rowBytes;
  const left = <usize>load<i32>(column) * pixelBytes, right = <usize>load<i32>(column, 4) * pixelBytes;
  const a = top + left, b = bottom + left, c = top + right, d = bottom + right;
  if (unsigned) inFloat(a, b, c, d, load<f32>(row, 8), load<f32>(column, 8), pixelBytes, out);
  else inIntegers(a, b, c, d, load<i32>(row, 8), load<i32>(column, 8), twice, pixelBytes, out);
}

/**
 * `argMax` of what `resizeBilinear` makes. Most pixels lie between four that agree on their class, and mixing keeps
 * order: where each of the four has no greater number than its class's, and none within 1 of it among the lower
 * classes, the class is the result's, and nothing needs to be mixed.
 *
 * `scratch` takes the class of each pixel of x, or NONE, and one mixed pixel.
 */
export function resizeArgMax(
  x: usize, height: i32, width: i32, channels: i32, unsigned: i32, twice: i32, rows: usize, outHeight: i32,
  columns: usize, outWidth: i32, out: usize, scratch: usize,
): void {
  const mix = scratch + <usize>(height * width << 2);
  for (let pixel = 0; pixel < height * width; ++pixel) {
    store<i32>(scratch + <usize>(pixel << 2), clearClass(x + <usize>(pixel * channels), channels, unsigned));
  }
  for (let i = 0; i < outHeight; ++i, rows += 12) {
    const top = scratch + <usize>(load<i32>(rows) * width << 2);
    const bottom = scratch + <usize>(load<i32>(rows, 4) * width << 2);
    const rowIsBetween = isShare(rows, unsigned);
    let column = columns;
    for (let j = 0; j < outWidth; ++j, column += 12, out += 4) {
      const left = <usize>load<i32>(column) << 2, right = <usize>load<i32>(column, 4) << 2;
      const found = load<i32>(top + left);
      const below = found ^ load<i32>(bottom + left) | found ^ load<i32>(bottom + right);
      const differ = found ^ load<i32>(top + right) | below;
      if (!differ && found != NONE && rowIsBetween && isShare(column, unsigned)) store<i32>(out, found);
      else {
        mixed(x, width, channels, unsigned, twice, rows, column, mix);
        argMax(mix, 1, channels, unsigned, out);
      }
    }
  }
}

const NONE: i32 = -1;

/** Outside of the outer pixels' centres shares may be negative. */
// @ts-ignore: decorator
@inline
function isShare(entry: usize, unsigned: i32): bool {
  return unsigned ? load<f32>(entry, 8) >= 0 : load<i32>(entry, 8) >= 0;
}

/** The lowest class with the greatest number, if that is the next lower classes' by 2 or more. */
function clearClass(x: usize, classes: i32, unsigned: i32): i32 {
  let best = NONE, most = i32.MIN_VALUE, before = i32.MIN_VALUE;
  for (let c = 0; c < classes; ++c, ++x) {
    const q = unsigned ? <i32>load<u8>(x) : <i32>load<i8>(x);
    if (q > most) {
      before = most;
      most = q;
      best = c;
    }
  }
  return best == 0 || most > before + 1 ? best : NONE;
}

// @ts-ignore: decorator
@inline
function inFloat(a: usize, b: usize, c: usize, d: usize, down: f32, across: f32, count: usize, out: usize): void {
  const up = <f32>1 - down, back = <f32>1 - across;
  let k: usize = 0;
  if (ASC_FEATURE_SIMD) {
    const vdown = f32x4.splat(down), vacross = f32x4.splat(across), vup = f32x4.splat(up), vback = f32x4.splat(back);
    for (; k + 4 <= count; k += 4) {
      let sum = f32x4.mul(f32x4.mul(four(a + k), vup), vback);
      sum = f32x4.add(sum, f32x4.mul(f32x4.mul(four(b + k), vdown), vback));
      sum = f32x4.add(sum, f32x4.mul(f32x4.mul(four(c + k), vup), vacross));
      sum = f32x4.add(sum, f32x4.mul(f32x4.mul(four(d + k), vdown), vacross));
      const whole = i32x4.trunc_sat_f32x4_s(f32x4.add(sum, f32x4.splat(0.5)));
      const words = i16x8.narrow_i32x4_s(whole, whole);
      v128.store32_lane(out + k, i8x16.narrow_i16x8_u(words, words), 0);
    }
  }
  for (; k < count; ++k) {
    let sum = <f32>load<u8>(a + k) * up * back;
    sum += <f32>load<u8>(b + k) * down * back;
    sum += <f32>load<u8>(c + k) * up * across;
    sum += <f32>load<u8>(d + k) * down * across;
    store<u8>(out + k, <u8><i32>(sum + 0.5));
  }
}

/** Four bytes as float32. */
// @ts-ignore: decorator
@inline
function four(at: usize): v128 {
  return f32x4.convert_i32x4_u(i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(at))));
}

// @ts-ignore: decorator
@inline
function inIntegers(
  a: usize, b: usize, c: usize, d: usize, down: i32, across: i32, twice: i32, count: usize, out: usize,
): void {
  const up = 1024 - down, back = 1024 - across;
  for (let k: usize = 0; k < count; ++k) {
    const left = <i32>load<i8>(a + k) * up + <i32>load<i8>(b + k) * down;
    const right = <i32>load<i8>(c + k) * up + <i32>load<i8>(d + k) * down;
    const sum = left * back + right * across;
    store<u8>(out + k, <u8>(twice ? (sum + (sum > 0 ? 1 << 19 : -(1 << 19))) / (1 << 20) : sum + (1 << 19) >> 20));
  }
}

/** Index of the greatest byte of each row, the lowest of equals. */
export function argMax(x: usize, rows: i32, classes: i32, unsigned: i32, out: usize): void {
  for (let row = 0; row < rows; ++row, out += 4) {
    let best = 0, most = i32.MIN_VALUE;
    for (let c = 0; c < classes; ++c, ++x) {
      const q = unsigned ? <i32>load<u8>(x) : <i32>load<i8>(x);
      if (q > most) {
        most = q;
        best = c;
      }
    }
    store<i32>(out, best);
  }
}
