/**
 * Between layouts.
 *
 *   bytes    [pixels][C]                   8-bit integers as the tensor's type has them: pictures, results, layers
 *                                          without a kernel of their own
 *   picture  [rows][columns][C]            int16 without zero point, padded with zeros: what `convolution` reads
 *   quads    [pixels / 4][C' / 2][4][2]    int16 without zero point: what a matrix product reads; C' is C rounded up
 *                                          to 8
 *   planes   [C' / 8][rows][columns][8]    int16 without zero point: what a depthwise convolution reads, with zero
 *                                          margins
 */

/** The byte at `at` without its zero point. */
// @ts-ignore: decorator
@inline
function centred(at: usize, zero: i32, unsigned: i32): i16 {
  return <i16>((unsigned ? <i32>load<u8>(at) : <i32>load<i8>(at)) - zero);
}

/** All channels up to C' and all pixels of the last quad are written. */
export function bytesToQuads(
  x: usize, pixels: i32, channels: i32, zero: i32, unsigned: i32, out: usize, quadStride: usize,
): void {
  const padded = channels + 7 & ~7;
  for (let first = 0; first < pixels; first += 4, out += quadStride) {
    for (let pixel = 0; pixel < 4; ++pixel) {
      const from = x + <usize>((first + pixel) * channels);
      const there = first + pixel < pixels ? channels : 0;
      let to = out + (<usize>pixel << 2);
      for (let c = 0; c < padded; c += 2, to += 16) {
        store<i16>(to, c < there ? centred(from + <usize>c, zero, unsigned) : 0);
        store<i16>(to, c + 1 < there ? centred(from + <usize>c + 1, zero, unsigned) : 0, 2);
      }
    }
  }
}

export function quadsToBytes(x: usize, quadStride: usize, pixels: i32, channels: i32, zero: i32, out: usize): void {
  for (let pixel = 0; pixel < pixels; ++pixel) {
    const from = x + <usize>(pixel >> 2) * quadStride + (<usize>(pixel & 3) << 2);
    for (let c = 0; c < channels; ++c, ++out) {
      store<u8>(out, <u8>(load<i16>(from + (<usize>(c >> 1) << 4) + (<usize>(c & 1) << 1)) + zero));
    }
  }
}

/** `offsets` [quads · 4] are the bytes at which each pixel lies in a plane, as in tile.ts. */
export function quadsToPlanes(
  x: usize, quadStride: usize, quads: i32, out: usize, planeStride: usize, planes: i32, offsets: usize,
): void {
  for (let plane = 0; plane < planes; ++plane, x += 64, out += planeStride) {
    let from = x, place = offsets;
    for (let quad = 0; quad < quads; ++quad, from += quadStride, place += 16) {
      const p0 = out + <usize>load<u32>(place), p1 = out + <usize>load<u32>(place, 4);
      const p2 = out + <usize>load<u32>(place, 8), p3 = out + <usize>load<u32>(place, 12);
      if (ASC_FEATURE_SIMD) {
        const a = v128.load(from), b = v128.load(from, 16), c = v128.load(from, 32), d = v128.load(from, 48);
        const ab01 = v128.shuffle<i32>(a, b, 0, 4, 1, 5), cd01 = v128.shuffle<i32>(c, d, 0, 4, 1, 5);
        const ab23 = v128.shuffle<i32>(a, b, 2, 6, 3, 7), cd23 = v128.shuffle<i32>(c, d, 2, 6, 3, 7);
        v128.store(p0, v128.shuffle<i32>(ab01, cd01, 0, 1, 4, 5));
        v128.store(p1, v128.shuffle<i32>(ab01, cd01, 2, 3, 6, 7));
        v128.store(p2, v128.shuffle<i32>(ab23, cd23, 0, 1, 4, 5));
        v128.store(p3, v128.shuffle<i32>(ab23, cd23, 2, 3, 6, 7));
      } else {
        for (let pair: usize = 0; pair < 4; ++pair) {
          const at = from + (pair << 4), to = pair << 2;
          store<u32>(p0 + to, load<u32>(at));
          store<u32>(p1 + to, load<u32>(at, 4));
          store<u32>(p2 + to, load<u32>(at, 8));
          store<u32>(p3 + to, load<u32>(at, 12));
        }
      }
    }
  }
}

/** `width` is the numbers of a row, as are `left` and `right`. */
export function bytesToPicture(
  x: usize, height: i32, width: i32, zero: i32, unsigned: i32, out: usize, top: i32, bottom: i32, left: i32, right: i32,
): void {
  const rowBytes = <usize>(left + width + right) << 1;
  memory.fill(out, 0, <usize>top * rowBytes);
  out += <usize>top * rowBytes;
  for (let row = 0; row < height; ++row) {
    memory.fill(out, 0, <usize>left << 1);
    out += <usize>left << 1;
    const end = x + <usize>width;
    if (ASC_FEATURE_SIMD) {
      const zeros = i16x8.splat(<i16>zero);
      for (; x + 8 <= end; x += 8, out += 16) {
        v128.store(out, i16x8.sub(unsigned ? v128.load8x8_u(x) : v128.load8x8_s(x), zeros));
      }
    }
    for (; x < end; ++x, out += 2) store<i16>(out, centred(x, zero, unsigned));
    memory.fill(out, 0, <usize>right << 1);
    out += <usize>right << 1;
  }
  memory.fill(out, 0, <usize>bottom * rowBytes);
}

/** Copies `count` runs of `bytes` from every `fromStride` bytes to every `toStride` bytes: concatenation. */
export function copyRuns(from: usize, fromStride: usize, to: usize, toStride: usize, bytes: usize, count: i32): void {
  for (let i = 0; i < count; ++i, from += fromStride, to += toStride) memory.copy(to, from, bytes);
}

/**
 * [pixels][C] → [pixels][C·times], each channel `times` times in a row: a depthwise layer with a depth multiplier
 * reads this.
 */
export function repeatBytes(x: usize, count: i32, times: i32, out: usize): void {
  for (let i = 0; i < count; ++i, ++x) {
    for (let t = 0; t < times; ++t, ++out) store<u8>(out, load<u8>(x));
  }
}
