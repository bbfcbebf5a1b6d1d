/** Fixed point against the formulas in exact whole numbers, and against real numbers. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { highProduct, multiplierOf, roundAway, scalerOf } from '../../../src/layers/int8/fixed-point.js';
import { differencesOf, expOnNegative, reciprocalOf } from '../../../src/layers/int8/softmax.js';

const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const factors = fc.record({
  m: fc.integer({ min: 2 ** 30, max: 2 ** 31 - 1 }),
  shift: fc.integer({ min: -31, max: 6 }),
});

/** ⌊a / 2^bits + ½⌋. */
const halfUp = (a: bigint, bits: number): bigint => (a + (1n << BigInt(bits - 1))) >> BigInt(bits);

/** a / 2^bits, halves away from zero. */
const halfAway = (a: bigint, bits: number): bigint => (bits === 0 ? a : a < 0n ? -halfUp(-a, bits) : halfUp(a, bits));

describe('multiplierOf', () => {
  test.each([
    [0, 0, 0],
    [1, 2 ** 30, 1],
    [0.5, 2 ** 30, 0],
    [0.75, 3 * 2 ** 29, 0],
    [6, 3 * 2 ** 29, 3],
    [1 - 2 ** -33, 2 ** 30, 1],
    [2 ** -32, 2 ** 30, -31],
    [2 ** -33, 0, 0],
  ])('%f is %i · 2^(%i − 31)', (factor, m, shift) => expect(multiplierOf(factor)).toEqual({ m, shift }));

  test('is the nearest with 31 bits', () => {
    fc.assert(
      fc.property(fc.double({ min: 2 ** -31, max: 2 ** 20, noNaN: true }), (factor) => {
        const { m, shift } = multiplierOf(factor);
        expect(m).toBeGreaterThanOrEqual(2 ** 30);
        expect(m).toBeLessThan(2 ** 31);
        expect(Math.abs(m - factor * 2 ** (31 - shift))).toBeLessThanOrEqual(0.5);
      }),
    );
  });

  test.each([-1, Number.NaN, Infinity])('of %f is refused', (factor) =>
    expect(() => multiplierOf(factor)).toThrow(`fixed point: a factor must be a number of 0 or more, found ${factor}`),
  );
});

describe('scalerOf', () => {
  test('single rounding is ⌊x·m / 2^(31 − shift) + ½⌋', () => {
    fc.assert(
      fc.property(int32, factors, (x, { m, shift }) => {
        expect(BigInt(scalerOf({ m, shift }, 'single')(x))).toBe(halfUp(BigInt(x) * BigInt(m), 31 - shift));
      }),
      { numRuns: 2000 },
    );
  });

  test('double rounding is that with shift 0, and then away from zero', () => {
    fc.assert(
      fc.property(int32, factors, (x, { m, shift }) => {
        const shifted = BigInt(x) << BigInt(Math.max(shift, 0));
        const wanted = halfAway(halfUp(shifted * BigInt(m), 31), Math.max(-shift, 0));
        expect(BigInt(scalerOf({ m, shift }, 'double')(x))).toBe(wanted);
      }),
      { numRuns: 2000 },
    );
  });

  test('ties: up, or away from zero', () => {
    const quarter = { m: 2 ** 30, shift: -1 };
    const numbers = [-6, -2, 2, 6];
    expect(numbers.map((x) => scalerOf(quarter, 'single')(x) + 0)).toEqual([-1, 0, 1, 2]);
    expect(numbers.map((x) => scalerOf(quarter, 'double')(x))).toEqual([-2, -1, 1, 2]);
  });

  test('the double rounding can lift what lies just below the half', () => {
    // 11 · 0.136… = 1.4999…: first rounded to 3 halves, then to 2.
    const factor = multiplierOf(1.49 / 11);
    expect(scalerOf(factor, 'single')(11)).toBe(1);
    expect(scalerOf(factor, 'double')(11)).toBe(2);
  });
});

test('highProduct is ⌊a·b / 2^31 + ½⌋', () => {
  fc.assert(
    fc.property(int32, int32, (a, b) => {
      expect(BigInt(highProduct(a, b))).toBe(halfUp(BigInt(a) * BigInt(b), 31));
    }),
    { numRuns: 2000 },
  );
});

test('roundAway', () => {
  expect([-2.5, -1.4, -0.5, 0.5, 1.4, 2.5].map(roundAway)).toEqual([-3, -1, -1, 1, 1, 3]);
});

describe('softmax in fixed point', () => {
  test('e^a within 2^-21, the error of the polynomial', () => {
    fc.assert(
      fc.property(fc.integer({ min: -31 * 2 ** 26, max: 0 }), (a) => {
        expect(Math.abs(expOnNegative(a) / 2 ** 31 - Math.exp(a / 2 ** 26))).toBeLessThan(2 ** -21);
      }),
    );
  });

  test('1 / sum within 2^-27 of itself', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2 ** 19, max: 2 ** 31 - 1 }), (sum) => {
        const { reciprocal, bits } = reciprocalOf(sum);
        expect(Math.abs((reciprocal / 2 ** (31 + bits)) * (sum / 2 ** 19) - 1)).toBeLessThan(2 ** -27);
      }),
    );
  });

  test('differences of scale 1: 1 is 2^26; of scale below 1, 31 is the largest', () => {
    const { scaled, smallest } = differencesOf(1);
    expect(scaled(-3)).toBe(-3 * 2 ** 26);
    expect(smallest).toBe(-15);
    expect(differencesOf(1 - 2 ** -20).smallest).toBe(-31);
  });
});
