/**
 * From a sum to a result's integer: r = ⌊x·M + ½ + e⌋, exactly. x is a 32-bit sum, M = m / 2^(31+s) the channel's
 * multiplier (m a 31-bit integer), and e is 0 where the product is rounded once, ±2^−(s+1) with the sign of x where
 * it is rounded twice: gemmlowp's rounding doubling high multiplication, then its rounding shift.
 *
 * In float64 for s from 0 to 12: where |r| < 256, x·M + e has at most 53 bits, so that the product and the sums are
 * exact. 2⁻⁴⁵ more breaks ties upward, and adding 1.5·2⁵² leaves the nearest integer in the low word. Beyond ±256 the
 * clamp decides. All other multipliers take integers of 64 bits.
 *
 * Vectors take float32 where that gives the same: r = r0 + the nearest integer of fl(fl((x − x0)·M') + b). As both ways
 * are monotone, it is enough that they agree on both sides of the at most 255 sums where r changes; the engine looks
 * for an M' beside M and a b with which they do. x0, which brings results around 0, is in the bias already.
 *
 * Eight channels have one block of 256 bytes:
 *
 *     0  bias     i32 [8]   the sum's first term
 *    32  M        f64 [8]   or m, i64
 *    96  e + 2⁻⁴⁵ f64 [8]   FAST. SIGNED: e. WIDE: half of the last bit, i64
 *   160  e        i32 [8]   WIDE, before the shift
 *   192  shift    i32 [8]   WIDE: 31 + s
 *   224  way      i32       FAST, SIGNED, WIDE or FLOAT32, for all eight
 *   240  1.5·2⁵²  f64 [2]   from memory, since V8 makes a vector constant anew at each use
 *
 * and in float32:
 *
 *     0  bias − x0      i32 [8]
 *    32  M'             f32 [8]
 *    64  b              f32 [8]
 *    96  bits of 1.5·2²³, less r0, i32 [8]
 *   224  way            i32
 *   228  1.5·2²³        f32
 */

export const BLOCK: usize = 256;

/** In float64; e of a negative sum does not matter, or is 0. */
const FAST: i32 = 0;
/** In float64; e has the sum's sign. */
const SIGNED: i32 = 1;
/** In 64-bit integers. */
const WIDE: i32 = 2;
/** In float32, which the scalar target does not do. */
const FLOAT32: i32 = 3;

const MAGIC: f64 = 6755399441055744;
const TIE: f64 = 2.842170943040401e-14;

/** Whether `fast` is the block's way. */
// @ts-ignore: decorator
@inline
export function isFast(block: usize): bool {
  return load<i32>(block, 224) == FAST;
}

/** Whether `inFloat32` is the block's way. */
// @ts-ignore: decorator
@inline
export function isFloat32(block: usize): bool {
  return load<i32>(block, 224) == FLOAT32;
}

/** Four sums by the M', b and bits of their channels; `magic` is 1.5·2²³. */
// @ts-ignore: decorator
@inline
export function inFloat32(x: v128, m: v128, b: v128, magic: v128, bits: v128): v128 {
  return i32x4.sub(f32x4.add(f32x4.add(f32x4.mul(f32x4.convert_i32x4_s(x), m), b), magic), bits);
}

/** Four sums of the block's channels 0-3; of 4-7 with `numbers` 32 bytes, and `block` itself, further. */
// @ts-ignore: decorator
@inline
export function fast(x: v128, numbers: usize, block: usize): v128 {
  const magic = v128.load(block, 240);
  const low = f64x2.mul(f64x2.convert_low_i32x4_s(x), v128.load(numbers, 32));
  const high = f64x2.mul(f64x2.convert_low_i32x4_s(v128.shuffle<i32>(x, x, 2, 3, 2, 3)), v128.load(numbers, 48));
  return v128.shuffle<i32>(
    f64x2.add(f64x2.add(low, v128.load(numbers, 96)), magic),
    f64x2.add(f64x2.add(high, v128.load(numbers, 112)), magic), 0, 2, 4, 6,
  );
}

/** Likewise by any way in 64 bits, for the channels from `first` on: 0 or 4. */
export function byAnyWay(x: v128, block: usize, first: i32): v128 {
  const numbers = block + (<usize>first << 3);
  if (isFast(block)) return fast(x, numbers, block);
  if (load<i32>(block, 224) == SIGNED) {
    const low = f64x2.mul(f64x2.convert_low_i32x4_s(x), v128.load(numbers, 32));
    const high = f64x2.mul(f64x2.convert_low_i32x4_s(v128.shuffle<i32>(x, x, 2, 3, 2, 3)), v128.load(numbers, 48));
    return v128.shuffle<i32>(rounded(low, v128.load(numbers, 96)), rounded(high, v128.load(numbers, 112)), 0, 2, 4, 6);
  }
  let y = i32x4.splat(one(i32x4.extract_lane(x, 0), block, first));
  y = i32x4.replace_lane(y, 1, one(i32x4.extract_lane(x, 1), block, first + 1));
  y = i32x4.replace_lane(y, 2, one(i32x4.extract_lane(x, 2), block, first + 2));
  return i32x4.replace_lane(y, 3, one(i32x4.extract_lane(x, 3), block, first + 3));
}

/** product + e, with the product's sign, + 2⁻⁴⁵ + 1.5·2⁵²: the rounded number in each low word. */
// @ts-ignore: decorator
@inline
export function rounded(product: v128, e: v128): v128 {
  const signed = v128.or(e, v128.and(product, i64x2.splat(i64.MIN_VALUE)));
  return f64x2.add(f64x2.add(f64x2.add(product, signed), f64x2.splat(TIE)), f64x2.splat(MAGIC));
}

/** The same for one sum of one channel of the block. */
export function one(x: i32, block: usize, channel: i32): i32 {
  const way = load<i32>(block, 224);
  const at = block + (<usize>channel << 3);
  if (way == WIDE) {
    const words = block + (<usize>channel << 2);
    const e = <i64>load<i32>(words, 160);
    const sum = <i64>x * load<i64>(at, 32) + load<i64>(at, 96) + (x < 0 ? -e : e);
    return <i32>max<i64>(min<i64>(sum >> <i64>load<i32>(words, 192), 0x7fff), -0x8000);
  }
  const product = <f64>x * load<f64>(at, 32);
  return way == FAST
    ? lowWord(product + load<f64>(at, 96))
    : lowWord(product + copysign<f64>(load<f64>(at, 96), product) + TIE);
}

/** The integer nearest to y, which is no tie. */
// @ts-ignore: decorator
@inline
export function lowWord(y: f64): i32 {
  return <i32>reinterpret<i64>(y + MAGIC);
}
