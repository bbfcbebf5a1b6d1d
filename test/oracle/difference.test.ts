import { expect, test } from 'vitest';
import { decodePicture } from '../../src/image/decode.js';
import { difference, HISTOGRAM_EDGES } from '../../src/oracle/difference.js';
import { differencePixels, differencePng } from '../../src/oracle/difference-map.js';
import { tensor } from '../../src/tensor.js';

const row = (...values: number[]) => tensor([1, values.length], Float64Array.from(values));

test('the worst element is the one that uses most of its bound, not the furthest off', () => {
  const { maxAbs, maxUnits, worst, verdict } = difference(row(11, 2.5), row(10, 2), row(4, 0.25));
  expect({ maxAbs, maxUnits, verdict }).toEqual({ maxAbs: 1, maxUnits: 2, verdict: 'beyond' });
  expect(worst).toEqual({ coordinate: [0, 1], theirs: 2.5, reference: 2, bound: 0.25 });
});

test.each([
  ['equal', 1, 1, 0, 'exact'],
  ['the two zeros', 0, -0, 0, 'exact'],
  ['at the bound', 1.5, 1, 0.5, 'within rounding'],
  ['a hair beyond', 1.5000001, 1, 0.5, 'beyond'],
  ['NaN twice', NaN, NaN, 0, 'exact'],
  ['NaN for a number', NaN, 1, 1e30, 'beyond'],
  ['a number for NaN', 1, NaN, 1e30, 'beyond'],
  ['NaN for infinity', NaN, Infinity, 0, 'beyond'],
  ['infinity twice', Infinity, Infinity, 0, 'exact'],
  ['the other infinity', -Infinity, Infinity, 0, 'beyond'],
  ['infinity for a number', Infinity, 1, 1e30, 'beyond'],
  ['an overflow on the way', Infinity, 1, Infinity, 'not decided'],
  ['an overflow both ways', NaN, 1, Infinity, 'not decided'],
  ['a bound above the number', 1.5, 1, 1.1, 'not decided'],
  ['the number itself, whatever the bound', 1, 1, 1.1, 'exact'],
  ['beyond a bound above the number', 3, 1, 1.1, 'beyond'],
])('%s', (_, theirs, reference, bound, verdict) => {
  expect(difference(row(theirs), row(reference), row(bound)).verdict).toBe(verdict);
});

test('NaN and infinities are counted, the histogram counts everything once', () => {
  const { nan, infinite, histogram } = difference(
    row(NaN, Infinity, 1, 1.1, 2),
    row(0, 0, 1, 1, 1),
    row(1, 1, 1, 1, 1),
  );
  expect([nan, infinite]).toEqual([1, 1]);
  //                 0  2⁻¹⁰ 2⁻⁸ 2⁻⁶ 2⁻⁴ 2⁻² 1 4 16 256 ∞
  expect(histogram).toEqual([1, 0, 0, 0, 0, 1, 1, 0, 0, 0, 2]);
  expect(histogram).toHaveLength(HISTOGRAM_EDGES.length);
});

test('cosine: 1 for a multiple, 0 for a right angle, −1 for the opposite', () => {
  const cosine = (a: number[], b: number[]) => difference(row(...a), row(...b), row(...a.map(() => 0))).cosine;
  expect(cosine([1, 2], [2, 4])).toBeCloseTo(1, 12);
  expect(cosine([1, 0], [0, 1])).toBe(0);
  expect(cosine([1, 2], [-1, -2])).toBeCloseTo(-1, 12);
});

test('where the bound is 0 a difference is beyond it, and measured in units of the median bound', () => {
  const { verdict, maxUnits, worst } = difference(row(6.5, 1, 2, 3), row(6, 1, 2, 3), row(0, 0.1, 0.25, 0.5));
  expect({ verdict, maxUnits, at: worst.coordinate }).toEqual({ verdict: 'beyond', maxUnits: 3, at: [0, 0] });
  // no bound at all: the rounding of the largest number
  expect(difference(row(6.5, 8), row(6, 8), row(0, 0)).maxUnits).toBe(1 + 0.5 / (8 * 2 ** -24));
  expect(difference(row(0.5), row(0), row(0)).maxUnits).toBe(1.5);
});

test('loose: bounds larger than the numbers', () => {
  expect(difference(row(1, 2), row(1, 2), row(0.1, 0.1)).loose).toBe(false);
  expect(difference(row(1, 2), row(1, 2), row(3, 3)).loose).toBe(true);
});

test('the picture of a difference: the worst channel of each pixel; black, blue, yellow, red', () => {
  //            two channels each:   equal   1/2 of the bound   1.5 bounds   far beyond
  const units = tensor([1, 2, 2, 2], [0, 0, 0.5, 0.1, 1.5, 0, 99, 0]);
  const { width, height, data } = differencePixels(units);
  expect([width, height]).toEqual([2, 2]);
  const pixel = (i: number) => [...data.subarray(3 * i, 3 * i + 3)];
  expect(pixel(0)).toEqual([0, 0, 0]);
  expect(pixel(1)[0]).toBe(0);
  expect(pixel(1)[2]).toBeGreaterThan(200);
  expect(pixel(2)[0]).toBe(255);
  expect(pixel(2)[1]).toBeGreaterThan(150);
  expect(pixel(3)).toEqual([255, 0, 0]);
});

test('the picture of numbers that are no feature map: in rows of a square, black behind the last', () => {
  const far = [255, 0, 0];
  const { width, height, data } = differencePixels(tensor([1, 7], [99, 0, 0, 0, 99, 0, 99]));
  expect([width, height]).toEqual([3, 3]);
  const red = Array.from({ length: 9 }, (_, i) => i).filter((i) => `${data.subarray(3 * i, 3 * i + 3)}` === `${far}`);
  expect(red).toEqual([0, 4, 6]);
  expect(data.length).toBe(27);
  expect(differencePixels(tensor([1, 5], new Float64Array(5)))).toMatchObject({ width: 3, height: 2 });
});

test.each([
  [8, 3],
  [6, 2],
  [2, 1],
])('as a PNG file of at least %i pixels: each number a square of %i', async (side, times) => {
  const units = tensor([1, 2, 3, 1], [0, 1, 16, 2, 0, 0.5]);
  const { data: small } = differencePixels(units);
  const { width, height, data } = await decodePicture(await differencePng(units, side));
  expect([width, height]).toEqual([3 * times, 2 * times]);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const from = 3 * (Math.floor(y / times) * 3 + Math.floor(x / times));
      const at = 4 * (y * width + x);
      expect([...data.subarray(at, at + 4)]).toEqual([...small.subarray(from, from + 3), 255]);
    }
  }
});
