/**
 * Between the arrays that an optimiser sees and what the kernels of this folder read.
 *
 *   matrix    [K][O]                 a 1×1 or dense kernel, or a convolution's HWIO one with K = KH · KW · C
 *   panels    [O' / 8][K'][8]        for `product`; transposed, [K' / 8][O'][8], for the input's gradient. Zeros
 *                                    where rows or columns do not exist
 *   picture   [pixels][C]            NHWC
 *   groups    [C' / 8][pixels][8]
 */
export function packWeights(matrix: usize, rows: i32, columns: i32, panels: usize): void {
  const wideRows = (rows + 7) & ~7;
  for (let o = 0; o < columns; o += 8) {
    for (let k = 0; k < wideRows; ++k) {
      for (let c = o; c < o + 8; ++c, panels += 4) store<f32>(panels, entry(matrix, rows, columns, k, c));
    }
  }
}

export function packTransposedWeights(matrix: usize, rows: i32, columns: i32, panels: usize): void {
  const wideColumns = (columns + 7) & ~7;
  for (let k = 0; k < rows; k += 8) {
    for (let o = 0; o < wideColumns; ++o) {
      for (let r = k; r < k + 8; ++r, panels += 4) store<f32>(panels, entry(matrix, rows, columns, r, o));
    }
  }
}

/** The inverse of packWeights, for a weight gradient. */
export function unpackWeights(panels: usize, rows: i32, columns: i32, matrix: usize): void {
  const panelBytes = <usize>((rows + 7) & ~7) << 5;
  for (let k = 0; k < rows; ++k) {
    for (let o = 0; o < columns; ++o, matrix += 4) {
      store<f32>(matrix, load<f32>(panels + <usize>(o >> 3) * panelBytes + (<usize>(k * 8 + (o & 7)) << 2)));
    }
  }
}

/** Filters [C' / 8][taps][8] turned by 180°. */
export function turnFilters(filters: usize, groups: i32, taps: i32, turned: usize): void {
  for (let g = 0; g < groups; ++g) {
    for (let t = taps - 1; t >= 0; --t, turned += 32) memory.copy(turned, filters + (<usize>(g * taps + t) << 5), 32);
  }
}

export function toGroups(picture: usize, pixels: i32, channels: i32, groups: usize, group: usize): void {
  const wide = (channels + 7) & ~7;
  for (let p = 0; p < pixels; ++p, groups += 32) {
    for (let c = 0; c < wide; ++c) {
      const value: f32 = c < channels ? load<f32>(picture + (<usize>(p * channels + c) << 2)) : 0;
      store<f32>(groups + <usize>(c >> 3) * group + (<usize>(c & 7) << 2), value);
    }
  }
}

export function fromGroups(groups: usize, group: usize, pixels: i32, channels: i32, picture: usize): void {
  for (let p = 0; p < pixels; ++p, groups += 32) {
    for (let c = 0; c < channels; ++c, picture += 4) {
      store<f32>(picture, load<f32>(groups + <usize>(c >> 3) * group + (<usize>(c & 7) << 2)));
    }
  }
}

// @ts-ignore: decorator
@inline
function entry(matrix: usize, rows: i32, columns: i32, row: i32, column: i32): f32 {
  return row < rows && column < columns ? load<f32>(matrix + (<usize>(row * columns + column) << 2)) : 0;
}
