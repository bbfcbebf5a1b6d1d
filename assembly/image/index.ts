/**
 * The two passes of an antialiased resize, which `src/image/antialias.ts` calls row by row. A pixel is four lanes of 32 bits while it is summed and four
 * bytes in memory; what is not a channel of the picture is computed along and never read. Shares are whole numbers of 2⁻²², so that no order of the
 * sums makes a difference, and the sums of Pillow's filters fit 32 bits.
 */

/** 1/2, for rounding to nearest. */
// @ts-ignore: decorator
@inline
const HALF: i32 = 1 << 21;

/** A pixel's bytes, or whatever follows it where it has fewer than four. */
// @ts-ignore: decorator
@inline
function pixel(at: usize): v128 {
  return i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(at)));
}

// @ts-ignore: decorator
@inline
function times(share: usize, samples: v128): v128 {
  return i32x4.mul(v128.load32_splat(share), samples);
}

/**
 * One row, narrower: `count` pixels of four bytes at `to`. Pixel i is the sum over t < taps of shares[i · taps + t] · the pixel that begins at
 * row + (first[i] + t) · step. Reads up to 3 bytes beyond the row.
 */
export function narrow(row: usize, step: usize, first: usize, shares: usize, taps: usize, count: usize, to: usize): void {
  for (const end = to + count * 4; to < end; to += 4) {
    let at = row + load<u32>(first) * step;
    first += 4;
    let sum = i32x4.splat(HALF);
    for (const last = shares + taps * 4; shares < last; shares += 4) {
      sum = i32x4.add(sum, times(shares, pixel(at)));
      at += step;
    }
    const words = i32x4.shr_s(sum, 22);
    const halves = i16x8.narrow_i32x4_s(words, words);
    v128.store32_lane(to, i8x16.narrow_i16x8_u(halves, halves), 0);
  }
}

/** `bytes` bytes at `to`, 16 at a time: the sum over t < taps of shares[t] · the byte of ring row t, which is `bytes` bytes long. */
export function mix(ring: usize, bytes: usize, shares: usize, taps: usize, to: usize): void {
  for (const end = ring + bytes; ring < end; ring += 16) {
    let a = i32x4.splat(HALF);
    let b = a;
    let c = a;
    let d = a;
    let at = ring;
    let share = shares;
    for (const last = shares + taps * 4; share < last; share += 4) {
      const samples = v128.load(at);
      const low = i16x8.extend_low_i8x16_u(samples);
      const high = i16x8.extend_high_i8x16_u(samples);
      a = i32x4.add(a, times(share, i32x4.extend_low_i16x8_u(low)));
      b = i32x4.add(b, times(share, i32x4.extend_high_i16x8_u(low)));
      c = i32x4.add(c, times(share, i32x4.extend_low_i16x8_u(high)));
      d = i32x4.add(d, times(share, i32x4.extend_high_i16x8_u(high)));
      at += bytes;
    }
    const left = i16x8.narrow_i32x4_s(i32x4.shr_s(a, 22), i32x4.shr_s(b, 22));
    const right = i16x8.narrow_i32x4_s(i32x4.shr_s(c, 22), i32x4.shr_s(d, 22));
    v128.store(to, i8x16.narrow_i16x8_u(left, right));
    to += 16;
  }
}
