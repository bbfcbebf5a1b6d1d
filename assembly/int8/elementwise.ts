/**
 * Additions, and what replaces each 8-bit integer by another.
 *
 * `add`, on int16 without zero points, any layout that both have: r1 = ⌊a·2²⁰·M1 + ½ + e1⌋, r2 of b likewise, r =
 * ⌊(r1 + r2)·m3 / 2^(31+s3) + ½ + e3⌋, clamped. The first two in float64 (see requantize.ts; at most 53 bits if no
 * scale is 2¹³ times the other), the last in 64-bit integers, for s3 ≥ 1:
 *
 *   0 M1·2²⁰, 8 e1, 16 tie 1, 24 M2·2²⁰, 32 e2, 40 tie 2   f64; ties, less than the last bit of what they are added to
 *   48 half: 2^(30+s3) i64,  56 m3,  60 2³⁰ if e3 is not 0, otherwise 0,  64 s3 − 1   i32
 */
import { byAnyWay, fast, isFast, lowWord, one } from './requantize';

const MAGIC: f64 = 6755399441055744;

/** `count` numbers; whole vectors of eight are written. */
export function add(a: usize, b: usize, count: i32, numbers: usize, lo: i32, hi: i32, out: usize): void {
  const end = out + (<usize>count << 1);
  if (ASC_FEATURE_SIMD) {
    const m1 = v128.load64_splat(numbers), e1 = v128.load64_splat(numbers, 8), t1 = v128.load64_splat(numbers, 16);
    const m2 = v128.load64_splat(numbers, 24), e2 = v128.load64_splat(numbers, 32), t2 = v128.load64_splat(numbers, 40);
    const half = v128.load64_splat(numbers, 48), m3 = v128.load32_splat(numbers, 56);
    const e3 = v128.load32_splat(numbers, 60);
    const shift = load<i32>(numbers, 64);
    const vlo = i16x8.splat(<i16>lo), vhi = i16x8.splat(<i16>hi);
    for (; out < end; a += 16, b += 16, out += 16) {
      const x = v128.load(a), y = v128.load(b);
      const x0 = i32x4.extend_low_i16x8_s(x), x1 = i32x4.extend_high_i16x8_s(x);
      const y0 = i32x4.extend_low_i16x8_s(y), y1 = i32x4.extend_high_i16x8_s(y);
      const s0 = third(sum(x0, y0, m1, e1, t1, m2, e2, t2), half, m3, e3, shift);
      const s1 = third(sum(x1, y1, m1, e1, t1, m2, e2, t2), half, m3, e3, shift);
      v128.store(out, i16x8.min_s(i16x8.max_s(i16x8.narrow_i32x4_s(s0, s1), vlo), vhi));
    }
  } else {
    const half = load<i64>(numbers, 48), m3 = <i64>load<i32>(numbers, 56);
    const e3 = <i64>load<i32>(numbers, 60), shift = <i64>(load<i32>(numbers, 64) + 32);
    for (; out < end; a += 2, b += 2, out += 2) {
      const s = <i64>(scaled(load<i16>(a), numbers) + scaled(load<i16>(b), numbers + 24));
      const r = <i32>(s * m3 + half + (s < 0 ? -e3 : e3) >> shift);
      store<i16>(out, <i16>min(max(r, lo), hi));
    }
  }
}

function scaled(q: i32, numbers: usize): i32 {
  const product = <f64>q * load<f64>(numbers);
  return lowWord(product + copysign<f64>(load<f64>(numbers, 8), product) + load<f64>(numbers, 16));
}

/** r1 + r2 of four pairs of numbers. */
// @ts-ignore: decorator
@inline
function sum(x: v128, y: v128, m1: v128, e1: v128, t1: v128, m2: v128, e2: v128, t2: v128): v128 {
  const low = f64x2.add(
    term(f64x2.convert_low_i32x4_s(x), m1, e1, t1),
    f64x2.sub(term(f64x2.convert_low_i32x4_s(y), m2, e2, t2), f64x2.splat(MAGIC)),
  );
  const high = f64x2.add(
    term(f64x2.convert_low_i32x4_s(v128.shuffle<i32>(x, x, 2, 3, 2, 3)), m1, e1, t1),
    f64x2.sub(term(f64x2.convert_low_i32x4_s(v128.shuffle<i32>(y, y, 2, 3, 2, 3)), m2, e2, t2), f64x2.splat(MAGIC)),
  );
  return v128.shuffle<i32>(low, high, 0, 2, 4, 6);
}

// @ts-ignore: decorator
@inline
function term(x: v128, m: v128, e: v128, tie: v128): v128 {
  const product = f64x2.mul(x, m);
  const signed = v128.or(e, v128.and(product, i64x2.splat(i64.MIN_VALUE)));
  return f64x2.add(f64x2.add(f64x2.add(product, signed), tie), f64x2.splat(MAGIC));
}

/** The last rounding: the high words of s·m3 + half ± e3, shifted further. */
// @ts-ignore: decorator
@inline
function third(s: v128, half: v128, m: v128, e: v128, shift: i32): v128 {
  const sign = i32x4.shr_s(s, 31);
  const signed = i32x4.sub(v128.xor(e, sign), sign);
  const low = i64x2.add(i64x2.add(i64x2.extmul_low_i32x4_s(s, m), half), i64x2.extend_low_i32x4_s(signed));
  const high = i64x2.add(i64x2.add(i64x2.extmul_high_i32x4_s(s, m), half), i64x2.extend_high_i32x4_s(signed));
  return i32x4.shr_s(v128.shuffle<i32>(low, high, 1, 3, 5, 7), shift);
}

/**
 * Products of quads, requantised by `block`, whose eight channels are the same. `vectors` of eight numbers are a
 * quad. As a `gate`, b is the quad whose first pixel has a number for each channel.
 */
export function multiply(
  a: usize, b: usize, quads: i32, vectors: i32, gate: i32, block: usize, lo: i32, hi: i32, out: usize,
): void {
  const bytes = <usize>vectors << 4;
  for (let quad = 0; quad < quads; ++quad, a += bytes, b += gate ? 0 : bytes, out += bytes) {
    if (ASC_FEATURE_SIMD) {
      const vlo = i16x8.splat(<i16>lo), vhi = i16x8.splat(<i16>hi);
      const inFloat64 = isFast(block);
      for (let i: usize = 0; i < bytes; i += 16) {
        const x = v128.load(a + i), y = gate ? v128.load32_splat(b + i) : v128.load(b + i);
        const low = i32x4.extmul_low_i16x8_s(x, y), high = i32x4.extmul_high_i16x8_s(x, y);
        const r = inFloat64
          ? i16x8.narrow_i32x4_s(fast(low, block, block), fast(high, block, block))
          : i16x8.narrow_i32x4_s(byAnyWay(low, block, 0), byAnyWay(high, block, 0));
        v128.store(out + i, i16x8.min_s(i16x8.max_s(r, vlo), vhi));
      }
    } else {
      for (let i: usize = 0; i < bytes; i += 2) {
        const y = load<i16>(gate ? b + (i & ~15) + (i & 2) : b + i);
        const r = one(<i32>load<i16>(a + i) * <i32>y, block, 0);
        store<i16>(out + i, <i16>min(max(r, lo), hi));
      }
    }
  }
}

/** Each byte through its channel's table of 256: activations, requantisation, sigmoid. */
export function lookup(x: usize, pixels: i32, channels: i32, table: usize, tableStride: usize, out: usize): void {
  for (let pixel = 0; pixel < pixels; ++pixel) {
    let own = table;
    for (const end = x + <usize>channels; x < end; ++x, ++out, own += tableStride) {
      store<u8>(out, load<u8>(own + <usize>load<u8>(x)));
    }
  }
}

/** Tables are of int16 without zero point. Pixels and channels that do not exist may hold any number. */
export function lookupQuads(
  x: usize, quads: i32, pairs: i32, zero: i32, table: usize, tableStride: usize, out: usize,
): void {
  for (let quad = 0; quad < quads; ++quad) {
    let even = table, odd = table + tableStride;
    for (let pair = 0; pair < pairs; ++pair, even += 2 * tableStride, odd += 2 * tableStride) {
      for (const end = x + 16; x < end; x += 4, out += 4) {
        store<i16>(out, load<i16>(even + (<usize>(load<i16>(x) + zero & 255) << 1)));
        store<i16>(out, load<i16>(odd + (<usize>(load<i16>(x, 2) + zero & 255) << 1)), 2);
      }
    }
  }
}
