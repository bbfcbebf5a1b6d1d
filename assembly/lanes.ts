/** What the kernels share: one clamp. */

/**
 * min(max(x, lo), hi) in each lane. pmax(x, lo) is `x < lo ? lo : x`: one instruction on x86 where f32x4.max is many,
 * and with the operands in this order NaN stays NaN.
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
