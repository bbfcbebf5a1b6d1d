/**
 * Between layouts, and weights into theirs.
 *
 *   NHWC    [pixels][C]               pictures, results, and every layer without a kernel of its own
 *   quads   [pixels / 4][C'][4]       what a matrix product reads; C' is C rounded up to 8
 *   planes  [C' / 4][rows][columns][4] what a depthwise convolution reads, with zero margins
 */

/**
 * Lays out `rows` × `columns` numbers as panels [⌈columns / width⌉][rows][width], the last panel filled up with
 * zeros. Panels are `panelStride` bytes apart, so that a large matrix can be packed a few rows at a time. With
 * `scale` ≠ 0 (float64, one for each column) every number is multiplied in float64 and rounded once: a folded batch
 * norm.
 */
export function packPanels(
  x: usize, rows: i32, columns: i32, width: i32, scale: usize, out: usize, panelStride: usize,
): void {
  const rowBytes = <usize>columns << 2;
  for (let panel = 0; panel < columns; panel += width, out += panelStride) {
    const wanted = min(width, columns - panel);
    for (let i = 0; i < width; i += 4) {
      let from = x + (<usize>(panel + i) << 2);
      let to = out + (<usize>i << 2);
      if (ASC_FEATURE_SIMD && i + 4 <= wanted) {
        const factors = scale + (<usize>(panel + i) << 3);
        for (let row = 0; row < rows; ++row, from += rowBytes, to += <usize>width << 2) {
          v128.store(to, scale ? scaled(v128.load(from), v128.load(factors), v128.load(factors, 16)) : v128.load(from));
        }
      } else {
        for (let row = 0; row < rows; ++row, from += rowBytes, to += <usize>width << 2) {
          for (let lane = 0; lane < 4; ++lane) {
            const at = <usize>lane << 2;
            let value: f32 = 0;
            if (i + lane < wanted) {
              value = load<f32>(from + at);
              if (scale) value = <f32>(<f64>value * load<f64>(scale + (<usize>(panel + i + lane) << 3)));
            }
            store<f32>(to + at, value);
          }
        }
      }
    }
  }
}

/** x · [low, high] in float64, rounded to float32. */
// @ts-ignore: decorator
@inline
function scaled(x: v128, low: v128, high: v128): v128 {
  const y0 = f32x4.demote_f64x2_zero(f64x2.mul(f64x2.promote_low_f32x4(x), low));
  const y1 = f32x4.demote_f64x2_zero(f64x2.mul(f64x2.promote_low_f32x4(v128.shuffle<i32>(x, x, 2, 3, 2, 3)), high));
  return v128.shuffle<i32>(y0, y1, 0, 1, 4, 5);
}

export function nhwcToQuads(x: usize, pixels: i32, channels: i32, out: usize, quadStride: usize): void {
  for (let first = 0; first < pixels; first += 4, out += quadStride) {
    for (let pixel = 0; pixel < 4; ++pixel) {
      const from = x + (<usize>((first + pixel) * channels) << 2);
      const exists = first + pixel < pixels;
      for (let c = 0; c < channels; ++c) {
        store<f32>(out + (<usize>(c * 4 + pixel) << 2), exists ? load<f32>(from + (<usize>c << 2)) : 0);
      }
    }
  }
}

export function quadsToNhwc(x: usize, quadStride: usize, pixels: i32, channels: i32, out: usize): void {
  for (let pixel = 0; pixel < pixels; ++pixel) {
    const from = x + <usize>(pixel >> 2) * quadStride + (<usize>(pixel & 3) << 2);
    for (let c = 0; c < channels; ++c, out += 4) store<f32>(out, load<f32>(from + (<usize>c << 4)));
  }
}

/**
 * `offsets` [pixels] are the bytes at which each pixel lies in a plane, as in tile.ts. Channels that do not exist
 * become zeros.
 */
export function nhwcToPlanes(
  x: usize, pixels: i32, channels: i32, out: usize, planeStride: usize, planes: i32, offsets: usize,
): void {
  for (let plane = 0; plane < planes; ++plane, out += planeStride) {
    for (let pixel = 0; pixel < pixels; ++pixel) {
      const to = out + <usize>load<u32>(offsets + (<usize>pixel << 2));
      const from = x + (<usize>(pixel * channels + plane * 4) << 2);
      for (let i = 0; i < 4; ++i) {
        store<f32>(to + (<usize>i << 2), plane * 4 + i < channels ? load<f32>(from + (<usize>i << 2)) : 0);
      }
    }
  }
}

/** Copies `count` runs of `bytes` from every `fromStride` bytes to every `toStride` bytes: padding, concatenation. */
export function copyRuns(from: usize, fromStride: usize, to: usize, toStride: usize, bytes: usize, count: i32): void {
  for (let i = 0; i < count; ++i, from += fromStride, to += toStride) memory.copy(to, from, bytes);
}

/**
 * [pixels][C] → [pixels][C·times], each channel `times` times in a row: a depthwise layer with a depth multiplier
 * reads this.
 */
export function repeatChannels(x: usize, count: i32, times: i32, out: usize): void {
  for (let i = 0; i < count; ++i, x += 4) {
    for (let t = 0; t < times; ++t, out += 4) store<f32>(out, load<f32>(x));
  }
}

/**
 * Copies a picture of `height` rows into the middle of a larger one, and writes `value` into the border. All widths
 * in bytes.
 */
export function padPicture(
  x: usize, height: i32, rowBytes: usize, out: usize, top: i32, bottom: i32, left: usize, right: usize, value: f32,
): void {
  const outBytes = left + rowBytes + right;
  fill(out, <usize>top * outBytes + left, value);
  out += <usize>top * outBytes + left;
  for (let row = 0; row < height; ++row, x += rowBytes, out += outBytes) {
    memory.copy(out, x, rowBytes);
    const after = row + 1 < height ? right + left : right + <usize>bottom * outBytes;
    fill(out + rowBytes, after, value);
  }
}

function fill(out: usize, bytes: usize, value: f32): void {
  for (let i: usize = 0; i < bytes; i += 4) store<f32>(out + i, value);
}

/**
 * Writes zeros into the margins of planes: `left` and `right` bytes of each of `rows` rows, and the row of zeros that
 * follows them.
 */
export function zeroMargins(
  out: usize, planeStride: usize, planes: i32, rows: i32, rowBytes: usize, left: usize, right: usize,
): void {
  for (let plane = 0; plane < planes; ++plane, out += planeStride) {
    let row = out;
    zero(row, left);
    // A row's right margin and the next one's left margin lie side by side.
    for (let i = 1; i < rows; ++i) {
      row += rowBytes;
      zero(row - right, right + left);
    }
    row += rowBytes;
    zero(row - right, right + rowBytes);
  }
}

/** `bytes` is a multiple of 16, and small: memory.fill would cost more than it writes. */
// @ts-ignore: decorator
@inline
function zero(at: usize, bytes: usize): void {
  for (const end = at + bytes; at < end; at += 16) {
    store<u64>(at, 0);
    store<u64>(at, 0, 8);
  }
}
