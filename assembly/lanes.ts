/** What the kernels share: one multiply-add, one clamp, one 4×4 transposition. */

/** c + a·b in each lane: two roundings (SIMD), or whatever the machine does fastest (relaxed SIMD: usually one). */
// @ts-ignore: decorator
@inline
export function madd(a: v128, b: v128, c: v128): v128 {
  return ASC_FEATURE_RELAXED_SIMD ? f32x4.relaxed_madd(a, b, c) : f32x4.add(c, f32x4.mul(a, b));
}

/**
 * min(max(x, lo), hi) in each lane. pmax(x, lo) is `x < lo ? lo : x`: one instruction on x86 where f32x4.max is many, and with the
 * operands in this order NaN stays NaN.
 */
// @ts-ignore: decorator
@inline
export function clamp(x: v128, lo: v128, hi: v128): v128 {
  return f32x4.pmin(f32x4.pmax(x, lo), hi);
}

/** The same clamp for one number, bit for bit. */
// @ts-ignore: decorator
@inline
export function clampScalar(x: f32, lo: f32, hi: f32): f32 {
  const raised = x < lo ? lo : x;
  return hi < raised ? hi : raised;
}

/** Lane i of a, b, c and d, as one vector: row i of the transposed 4×4 matrix whose rows are a, b, c, d. */
// @ts-ignore: decorator
@inline
export function column0(a: v128, b: v128, c: v128, d: v128): v128 {
  return v128.shuffle<f32>(v128.shuffle<f32>(a, b, 0, 4, 1, 5), v128.shuffle<f32>(c, d, 0, 4, 1, 5), 0, 1, 4, 5);
}
// @ts-ignore: decorator
@inline
export function column1(a: v128, b: v128, c: v128, d: v128): v128 {
  return v128.shuffle<f32>(v128.shuffle<f32>(a, b, 0, 4, 1, 5), v128.shuffle<f32>(c, d, 0, 4, 1, 5), 2, 3, 6, 7);
}
// @ts-ignore: decorator
@inline
export function column2(a: v128, b: v128, c: v128, d: v128): v128 {
  return v128.shuffle<f32>(v128.shuffle<f32>(a, b, 2, 6, 3, 7), v128.shuffle<f32>(c, d, 2, 6, 3, 7), 0, 1, 4, 5);
}
// @ts-ignore: decorator
@inline
export function column3(a: v128, b: v128, c: v128, d: v128): v128 {
  return v128.shuffle<f32>(v128.shuffle<f32>(a, b, 2, 6, 3, 7), v128.shuffle<f32>(c, d, 2, 6, 3, 7), 2, 3, 6, 7);
}
