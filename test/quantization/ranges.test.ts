/** How the range of a tensor's numbers becomes a scale and a zero point. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Histogram } from '../../src/quantization/histogram.js';
import { RangeCollector, type RangeRule, rangeRules, typeOfRange } from '../../src/quantization/ranges.js';

const rangeOf = (rule: RangeRule, pictures: readonly (readonly number[])[]) => {
  const collector = new RangeCollector(rule);
  for (const numbers of pictures) collector.add(Float32Array.from(numbers));
  return collector.range();
};

describe('rules', () => {
  const pictures = [
    [0, 1, -2, 3],
    [0, 5, -4, 1],
  ];

  test('min-max: the least and the greatest of all', () => {
    expect(rangeOf('min-max', pictures)).toEqual({ least: -4, greatest: 5 });
  });

  test('moving-average: the mean of each picture’s', () => {
    expect(rangeOf('moving-average', pictures)).toEqual({ least: -3, greatest: 4 });
  });

  test('percentile: without the highest and the lowest number in ten thousand', () => {
    const even = Array.from({ length: 100_000 }, (_, i) => i / 100_000);
    const { least, greatest } = rangeOf('percentile', [[-1000, ...even, 1000]]);
    // A bin is 1000 / 1024 of a unit wide or narrower.
    expect(Math.abs(least)).toBeLessThan(1);
    expect(Math.abs(greatest - 1)).toBeLessThan(1);
  });

  test('least-squares: a lonely number far away is clipped, an even distribution is not', () => {
    const even = Array.from({ length: 100_000 }, (_, i) => i / 100_000);
    expect(rangeOf('least-squares', [even]).greatest).toBeCloseTo(1, 1);
    const { greatest } = rangeOf('least-squares', [[...even, 2]]);
    expect(greatest).toBeLessThan(1.9);
    expect(greatest).toBeGreaterThan(0.9);
  });

  test.each(rangeRules)('%s: within the numbers', (rule) => {
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.float({ noNaN: true, min: -1e6, max: 1e6 }), { minLength: 1 }), {
          minLength: 1,
          maxLength: 4,
        }),
        (pictures) => {
          const { least, greatest } = rangeOf(rule, pictures);
          const all = pictures.flat();
          expect(least).toBeGreaterThanOrEqual(Math.min(...all, 0));
          expect(greatest).toBeLessThanOrEqual(Math.max(...all, 0));
        },
      ),
    );
  });
});

describe('typeOfRange', () => {
  test.each([
    // relu6's range: 0 is the least integer, a step is 6 / 255
    [{ least: 0, greatest: 6 }, Math.fround(6 / 255), -128],
    // pixels from −1 to 1: 0 lies between −1 and 0, and −128 + 1 / float32(2 / 255) is −0.50001
    [{ least: -1, greatest: 1 }, Math.fround(2 / 255), -1],
    // numbers that are all above 0: the range begins at 0 nevertheless
    [{ least: 2, greatest: 5.1 }, Math.fround(5.1 / 255), -128],
    [{ least: -5.1, greatest: -2 }, Math.fround(5.1 / 255), 127],
    // nothing but 0
    [{ least: 0, greatest: 0 }, Math.fround(1 / 255), -128],
  ])('%j', (range, scale, zeroPoint) => {
    expect(typeOfRange(range)).toEqual({ type: 'int8', scale, zeroPoint });
  });

  test('0 is an integer, and every number of the range is half a step from one at most', () => {
    const number = fc.double({ min: -1e4, max: 1e4, noNaN: true });
    fc.assert(
      fc.property(number, number, fc.double({ min: 0, max: 1, noNaN: true }), (a, b, share) => {
        const range = { least: Math.min(a, b), greatest: Math.max(a, b) };
        fc.pre(range.greatest - range.least > 1e-6);
        const { scale, zeroPoint } = typeOfRange(range);
        const x = range.least + share * (range.greatest - range.least);
        const q = Math.min(Math.max(Math.round(x / scale) + zeroPoint, -128), 127);
        expect(Math.abs(scale * (q - zeroPoint) - x)).toBeLessThanOrEqual(scale * 1.001);
      }),
    );
  });
});

describe('Histogram', () => {
  test('numbers fall into the bin around them, whatever came before', () => {
    fc.assert(
      fc.property(fc.array(fc.float({ noNaN: true, min: -1000, max: 1000 }), { minLength: 1 }), (numbers) => {
        const histogram = new Histogram();
        for (const number of numbers) histogram.add([number]);
        expect(histogram.counts.reduce((a, b) => a + b)).toBe(numbers.length);
        const width = histogram.limit / 2048;
        for (const number of numbers) {
          const bin = histogram.counts.findIndex(
            (count, i) => count > 0 && Math.abs(histogram.middle(i) - number) <= width / 2 + 1e-9,
          );
          expect(bin).toBeGreaterThanOrEqual(0);
        }
      }),
    );
  });
});
