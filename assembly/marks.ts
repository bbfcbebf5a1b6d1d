/**
 * What differs between SIMD and relaxed SIMD. Both are one module, so that a page downloads it once: it has marks where
 * they differ, instructions that no kernel uses otherwise. scripts/embed-wasm.mjs says what replaces each of them in
 * which target, bytes by as many bytes.
 */

/**
 * c + a·b in each lane: two roundings (SIMD), or whatever the machine does fastest (relaxed SIMD: usually one).
 *
 *   mark      a b f64x2.div c f64x2.sub
 *   simd      a b f32x4.mul c f32x4.add
 *   relaxed   a b           c f32x4.relaxed_madd
 */
// @ts-ignore: decorator
@inline
export function madd(a: v128, b: v128, c: v128): v128 {
  return f64x2.sub(f64x2.div(a, b), c);
}

/** The mark of 32 for relaxed SIMD and of 1,048,575 for SIMD, in the three bytes that numbers of this size take. */
export const MORE_THAN_32_IF_RELAXED: i32 = 0x5555;
