/** IEEE 754 binary16 (1 sign, 5 exponent, 10 fraction bits) and bfloat16 (the upper half of a float32), as 16-bit patterns. */

import { roundHalfToEven } from '../../rounding.js';

/** The one place where numbers are looked at as bits. */
const scratch = new DataView(new ArrayBuffer(8));

/**
 * Value of a binary16 pattern: (−1)^sign · 2^(exponent − 15) · 1.fraction, or 2⁻¹⁴ · 0.fraction below the normal range. Exponent and fraction are
 * put where float32 has them, whose exponents are 112 more.
 */
export function fromFloat16(bits: number): number {
  const size = bits & 0x7fff;
  if (size > 0x7c00) return Number.NaN;
  scratch.setUint32(0, size << 13);
  const value = size === 0x7c00 ? Infinity : scratch.getFloat32(0) * 2 ** 112;
  return bits & 0x8000 ? -value : value;
}

/** Pattern of the nearest binary16 value, ties to even; beyond 65504 (from 65520 on) that is infinity. */
export function toFloat16(value: number): number {
  if (Number.isNaN(value)) return 0x7e00;
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  if (size >= 65520) return sign | 0x7c00;
  const exponent = Math.max(exponentOf(size), -14);
  const steps = roundHalfToEven(size / 2 ** (exponent - 10));
  // `steps` holds the leading 1 of a normal number, which adds 1 to the exponent field; so does a round-up to the next power of 2.
  return sign | ((exponent + 14) * 1024 + steps);
}

/** ⌊log₂ size⌋, read from the float64's own bits; -1023 for 0. */
function exponentOf(size: number): number {
  scratch.setFloat64(0, size);
  return (scratch.getUint16(0) >> 4) - 1023;
}

/** Value of a bfloat16 pattern. */
export function fromBfloat16(bits: number): number {
  scratch.setUint32(0, bits << 16);
  return scratch.getFloat32(0);
}
