/**
 * Bilinear resizing of an NHWC picture. The rule (which source rows and columns, and their shares) is decided
 * outside: for each output row and column a table entry [offset of the first neighbour in bytes: u32, offset of the
 * second: u32, share of the second: f32].
 *
 *   y = (p00·(1 − fx) + p01·fx)·(1 − fy) + (p10·(1 − fx) + p11·fx)·fy
 */
export function resizeBilinear(
  x: usize, channels: i32, rows: usize, outHeight: i32, columns: usize, outWidth: i32, out: usize,
): void {
  const pixelBytes = <usize>channels << 2;
  for (let row = 0; row < outHeight; ++row, rows += 12) {
    const upper = x + <usize>load<u32>(rows);
    const lower = x + <usize>load<u32>(rows, 4);
    const fy = load<f32>(rows, 8);
    let entry = columns;
    for (let column = 0; column < outWidth; ++column, entry += 12) {
      const left = <usize>load<u32>(entry);
      const right = <usize>load<u32>(entry, 4);
      const fx = load<f32>(entry, 8);
      for (let c: usize = 0; c < pixelBytes; c += 4, out += 4) {
        const above = load<f32>(upper + left + c) * (1 - fx) + load<f32>(upper + right + c) * fx;
        const below = load<f32>(lower + left + c) * (1 - fx) + load<f32>(lower + right + c) * fx;
        store<f32>(out, above * (1 - fy) + below * fy);
      }
    }
  }
}
