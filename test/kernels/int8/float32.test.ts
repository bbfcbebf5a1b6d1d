/** Results in float32: those of whole numbers around every sum at which the result changes, and far from them. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { float32Way } from '../../../src/engine/int8/float32-ways.js';
import type { Multiplier } from '../../../src/layers/int8/fixed-point.js';
import { anyBounds, anyRounding, clamp, requantize } from './formulas.js';

const anyScale: fc.Arbitrary<Multiplier> = fc.record({
  m: fc.oneof(fc.integer({ min: 2 ** 30, max: 2 ** 31 - 1 }), fc.constantFrom(2 ** 30, 3 * 2 ** 29, 2 ** 31 - 1)),
  shift: fc.integer({ min: -12, max: 0 }),
});

/** Step by step as the kernels do it, see assembly/int8/requantize.ts. */
function inFloat32(sum: number, { factor, term, origin, middle }: NonNullable<ReturnType<typeof float32Way>>) {
  const result = Math.fround(Math.fround((sum - origin) * factor) + term);
  return Math.fround(result + 1.5 * 2 ** 23) - 1.5 * 2 ** 23 + middle;
}

describe('float32Way', () => {
  test('300 random multipliers', () => {
    fc.assert(
      fc.property(anyScale, anyBounds, anyRounding, (scale, bounds, rounding) => {
        const way = float32Way(scale, bounds, rounding);
        if (way === undefined) return;
        const step = 2 ** (31 - scale.shift) / scale.m;
        for (let result = bounds[0] - 2; result <= bounds[1] + 2; result++) {
          const change = Math.round((result + 0.5) * step);
          for (const sum of [change - 2, change - 1, change, change + 1, change + 2, 100 * change]) {
            const wanted = clamp(requantize(sum, scale, rounding), ...bounds);
            const found = clamp(inFloat32(sum, way), ...bounds);
            if (found !== wanted) throw new Error(`the sum ${sum} gives ${found}, wanted ${wanted}`);
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  test('is found for usual multipliers, and not where results change more finely than float32 tells', () => {
    const ways = (shift: number) =>
      [1.1447, 1.2721, Math.SQRT2, 1.618, 1.7725, 1.9021].map((factor) =>
        float32Way({ m: Math.round(factor * 2 ** 30), shift }, [0, 255], 'single'),
      );
    expect(ways(-5)).not.toContain(undefined);
    expect(ways(-12).filter((way) => way !== undefined)).toEqual([]);
  });
});
