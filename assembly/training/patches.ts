/**
 * Any other convolution as a matrix product: every output pixel's window is written out as one row of numbers, its
 * patch ("im2col").
 *
 *   patches   [K' / 8][pixels][8]   K = KH · KW · C numbers of a window in the order of the kernel's HWIO: kernel
 *                                   row, kernel column, channel. Taps on
 *                                   padding are 0
 *   x, dx     [C' / 8][images · rows · columns][8]
 *
 * `addPatches` is the transposed step: it adds each patch's gradient to the pixels it came from.
 */
export function toPatches(
  x: usize, xGroup: usize, images: i32, rows: i32, columns: i32, channels: i32,
  kernelHeight: i32, kernelWidth: i32, strideY: i32, strideX: i32, dilationY: i32, dilationX: i32, top: i32, left: i32,
  outRows: i32, outColumns: i32, patches: usize, patchGroup: usize,
): void {
  let out = patches;
  for (let n = 0; n < images; ++n) {
    for (let row = 0; row < outRows; ++row) {
      for (let column = 0; column < outColumns; ++column, out += 32) {
        let k = 0;
        for (let i = 0; i < kernelHeight; ++i) {
          const h = row * strideY + i * dilationY - top;
          for (let j = 0; j < kernelWidth; ++j) {
            const v = column * strideX + j * dilationX - left;
            const inside = h >= 0 && h < rows && v >= 0 && v < columns;
            const from = x + (<usize>((n * rows + h) * columns + v) << 5);
            for (let c = 0; c < channels; ++c, ++k) {
              const value: f32 = inside ? load<f32>(from + element(c, xGroup)) : 0;
              store<f32>(out + element(k, patchGroup), value);
            }
          }
        }
        for (; (k & 7) != 0; ++k) store<f32>(out + element(k, patchGroup), 0);
      }
    }
  }
}

/** dx must be zero, or hold what is to be added to. */
export function addPatches(
  patches: usize, patchGroup: usize, images: i32, rows: i32, columns: i32, channels: i32,
  kernelHeight: i32, kernelWidth: i32, strideY: i32, strideX: i32, dilationY: i32, dilationX: i32, top: i32, left: i32,
  outRows: i32, outColumns: i32, dx: usize, dxGroup: usize,
): void {
  let from = patches;
  for (let n = 0; n < images; ++n) {
    for (let row = 0; row < outRows; ++row) {
      for (let column = 0; column < outColumns; ++column, from += 32) {
        let k = 0;
        for (let i = 0; i < kernelHeight; ++i) {
          const h = row * strideY + i * dilationY - top;
          for (let j = 0; j < kernelWidth; ++j) {
            const v = column * strideX + j * dilationX - left;
            if (h < 0 || h >= rows || v < 0 || v >= columns) {
              k += channels;
              continue;
            }
            const to = dx + (<usize>((n * rows + h) * columns + v) << 5);
            for (let c = 0; c < channels; ++c, ++k) {
              const at = to + element(c, dxGroup);
              store<f32>(at, load<f32>(at) + load<f32>(from + element(k, patchGroup)));
            }
          }
        }
      }
    }
  }
}

/** Bytes from a pixel's first number to its number of channel c. */
// @ts-ignore: decorator
@inline
function element(c: i32, group: usize): usize {
  return <usize>(c >> 3) * group + (<usize>(c & 7) << 2);
}
