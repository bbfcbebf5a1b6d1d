/**
 * e^x in float64, without the tables of the standard library's (they would lie in the memory that plans use, and
 * double the module's size).
 *
 *   x = k·ln 2 + 4r, |r| ≤ ⅛ ln 2     e^x = 2^k · (e^r)⁴,  e^r by its Taylor series up to r⁷ / 7!
 *
 * The first term left out is below 8e-14, so the result is within 4e-13 of itself: far below the rounding to float32,
 * 6e-8, that follows.
 */

// ln 2 in two parts, the first with so many trailing zeros that k·LN2_HIGH is exact (the constants of fdlibm's
// e_exp.c).
const LN2_HIGH: f64 = 6.93147180369123816490e-1;
const LN2_LOW: f64 = 1.90821492927058770002e-10;

export function exp(x: f64): f64 {
  if (x != x) return x;
  if (x > 709) return Infinity;
  if (x < -708) return 0; // below the smallest normal float64, and below every float32
  const k = nearest(x * 1.4426950408889634);
  const r = (x - k * LN2_HIGH - k * LN2_LOW) * 0.25;
  let sum: f64 = 1.0 / 5040.0; // 1 / 7!
  sum = sum * r + 1.0 / 720.0;
  sum = sum * r + 1.0 / 120.0;
  sum = sum * r + 1.0 / 24.0;
  sum = sum * r + 1.0 / 6.0;
  sum = sum * r + 0.5;
  sum = sum * r + 1;
  sum = sum * r + 1;
  sum *= sum;
  return sum * sum * reinterpret<f64>((<i64>k + 1023) << 52);
}
