/** Expected patterns: IEEE 754-2019 §3.4, table 3.5, and NumPy 2.4 (`numpy.float64(x).astype('f2').view('u2')`). */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fromBfloat16, fromFloat16, toFloat16 } from '../../src/formats/tensors/float16.js';

describe('float16', () => {
  test.each([
    [0x0000, 0],
    [0x8000, -0],
    [0x0001, 2 ** -24],
    [0x03ff, 6.097555160522461e-5],
    [0x0400, 2 ** -14],
    [0x3555, 0.333251953125],
    [0x3c00, 1],
    [0xc000, -2],
    [0x7bff, 65504],
    [0x7c00, Infinity],
    [0xfc00, -Infinity],
    [0x7e00, Number.NaN],
  ])('pattern %i is %d, both ways', (bits, value) => {
    expect(fromFloat16(bits)).toBe(value);
    expect(toFloat16(value)).toBe(bits);
  });

  test.each([
    [1 / 3, 0x3555],
    [0.1, 0x2e66],
    [-1234.5, 0xe4d2],
    [1e-5, 0x00a8],
    [6.1e-5, 0x03ff],
    // ties go to the even pattern
    [1 + 2 ** -11, 0x3c00],
    [1 + 3 * 2 ** -11, 0x3c02],
    [2 ** -25, 0x0000],
    [2.980530261993408e-8, 0x0001],
    // a round-up into the next power of two
    [2 - 2 ** -12, 0x4000],
    [65519.9, 0x7bff],
    [65520, 0x7c00],
    [1e300, 0x7c00],
    [5e-324, 0x0000],
  ])('%d rounds to pattern %i', (value, bits) => {
    expect(toFloat16(value)).toBe(bits);
  });

  test('all 65,536 patterns survive the way through a number', () => {
    for (let bits = 0; bits <= 0xffff; bits++) {
      const value = fromFloat16(bits);
      if (!Number.isNaN(value)) expect(toFloat16(value)).toBe(bits);
    }
  });

  test('no neighbour is nearer than the one chosen', () => {
    fc.assert(
      fc.property(fc.double({ min: -65504, max: 65504, noNaN: true }), (value) => {
        const bits = toFloat16(value);
        const distance = (pattern: number) => Math.abs(fromFloat16(pattern) - value);
        const neighbours = [bits - 1, bits + 1].filter((pattern) => (pattern & 0x7fff) <= 0x7bff && pattern >= 0);
        for (const neighbour of neighbours) expect(distance(bits)).toBeLessThanOrEqual(distance(neighbour));
      }),
    );
  });
});

test.each([
  [0x3f80, 1],
  [0xc000, -2],
  [0x3eab, 0.333984375],
  [0x0001, 9.183549615799121e-41],
  [0x7f7f, 3.3895313892515355e38],
  [0xff80, -Infinity],
])('bfloat16 pattern %i is %d', (bits, value) => {
  expect(fromBfloat16(bits)).toBe(value);
});
