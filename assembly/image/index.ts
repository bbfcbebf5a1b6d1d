/**
 * The two passes of a resize, which `src/image/kernels.ts` calls row by row. A pixel is four lanes; what is not a
 * channel of the picture is computed along and never read.
 *
 * Antialiased, `narrow` and `mix`: lanes of 32 bits while a pixel is summed, four bytes in memory. Shares are whole
 * numbers of 2⁻²², so that no order of the sums makes a difference, and the sums of Pillow's filters fit 32 bits.
 *
 * By two samples, `narrowTwo` and `mixTwo`: doubles, with the products and sums of the readable rule.
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
 * One row, narrower: `count` pixels of four bytes at `to`. Pixel i is the sum over t < taps of shares[i · taps + t] ·
 * the pixel that begins at row + (first[i] + t) · step. Reads up to 3 bytes beyond the row.
 */
export function narrow(
  row: usize, step: usize, first: usize, shares: usize, taps: i32, count: i32, to: usize,
): void {
  for (const end = to + <usize>count * 4; to < end; to += 4) {
    let at = row + load<u32>(first) * step;
    first += 4;
    let sum = i32x4.splat(HALF);
    for (const last = shares + <usize>taps * 4; shares < last; shares += 4) {
      sum = i32x4.add(sum, times(shares, pixel(at)));
      at += step;
    }
    const words = i32x4.shr_s(sum, 22);
    const halves = i16x8.narrow_i32x4_s(words, words);
    v128.store32_lane(to, i8x16.narrow_i16x8_u(halves, halves), 0);
  }
}

/**
 * `bytes` bytes at `to`, 16 at a time: the sum over t < taps of shares[t] · the byte of ring row t, which is `bytes`
 * bytes long.
 */
export function mix(ring: usize, bytes: usize, shares: usize, taps: i32, to: usize): void {
  for (const end = ring + bytes; ring < end; ring += 16) {
    let a = i32x4.splat(HALF);
    let b = a;
    let c = a;
    let d = a;
    let at = ring;
    let share = shares;
    for (const last = shares + <usize>taps * 4; share < last; share += 4) {
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

/**
 * One row, narrower, by a rule that mixes two samples: `count` pixels of four doubles at `to`. Pixel i is shares[2 ·
 * i] · the pixel that begins at row + first[i] · step, plus shares[2 · i + 1] · the next.
 */
export function narrowTwo(row: usize, step: usize, first: usize, shares: usize, count: i32, to: usize): void {
  for (const end = to + <usize>count * 32; to < end; to += 32) {
    const at = row + load<u32>(first) * step;
    const lower = pixel(at);
    const upper = pixel(at + step);
    const a = v128.load64_splat(shares);
    const b = v128.load64_splat(shares, 8);
    v128.store(to, mixed(a, lower, b, upper));
    v128.store(to, mixed(a, i64x2.shuffle(lower, lower, 1, 1), b, i64x2.shuffle(upper, upper, 1, 1)), 16);
    first += 4;
    shares += 16;
  }
}

/** a · lower + b · upper of the first two lanes, as doubles. */
// @ts-ignore: decorator
@inline
function mixed(a: v128, lower: v128, b: v128, upper: v128): v128 {
  return f64x2.add(
    f64x2.mul(a, f64x2.convert_low_i32x4_u(lower)),
    f64x2.mul(b, f64x2.convert_low_i32x4_u(upper)),
  );
}

/**
 * Two rows of the ring, mixed and normalised: pixels of four floats at `to`, cut off to whole numbers where `whole` is
 * 1. `numbers` are doubles: the shares of both rows, the scale, four means, four deviations.
 */
export function mixTwo(ring: usize, bytes: usize, numbers: usize, to: usize, whole: i32): void {
  for (const end = ring + bytes; ring < end; ring += 32) {
    v128.store64_lane(to, normalised(ring, bytes, numbers, 0, whole), 0);
    v128.store64_lane(to, normalised(ring + 16, bytes, numbers, 16, whole), 0, 8);
    to += 16;
  }
}

// @ts-ignore: decorator
@inline
function normalised(ring: usize, bytes: usize, numbers: usize, half: usize, whole: i32): v128 {
  const sum = f64x2.add(
    f64x2.mul(v128.load64_splat(numbers), v128.load(ring)),
    f64x2.mul(v128.load64_splat(numbers, 8), v128.load(ring + bytes)),
  );
  const scaled = f64x2.mul(sum, v128.load64_splat(numbers, 16));
  const centred = f64x2.sub(scaled, v128.load(numbers + half, 24));
  const real = f64x2.div(centred, v128.load(numbers + half, 56));
  return f32x4.demote_f64x2_zero(whole ? f64x2.floor(real) : real);
}
