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
  for (let panel = 0; panel < columns; panel += width, out += panelStride) {
    let to = out;
    for (let row = 0; row < rows; ++row) {
      let from = x + (<usize>(row * columns + panel) << 2);
      for (let i = panel; i < panel + width; ++i, from += 4, to += 4) {
        let value: f32 = 0;
        if (i < columns) {
          value = load<f32>(from);
          if (scale) value = <f32>(<f64>value * load<f64>(scale + (<usize>i << 3)));
        }
        store<f32>(to, value);
      }
    }
  }
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
