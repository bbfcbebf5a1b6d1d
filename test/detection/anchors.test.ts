/** Anchors by formula, against numbers computed from TensorFlow's configurations and against those that published files store. */
import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { readNpz } from '../../src/formats/tensors/npz.js';
import { anchors, SSD_SHAPES, ssdAnchors, ssdMaps } from '../../src/network/anchors.js';
import { dataPath, noData } from '../data.js';

const row = (data: ArrayLike<number>, at: number): number[] => Array.from({ length: 4 }, (_, i) => data[at * 4 + i]);
const sum = (data: ArrayLike<number>, column: number): number => {
  let total = 0;
  for (let at = column; at < data.length; at += 4) total += data[at];
  return total;
};
const near = (found: readonly number[], wanted: readonly number[], digits = 6): void =>
  wanted.forEach((number, i) => {
    expect(found[i]).toBeCloseTo(number, digits);
  });

describe("SSD's anchors", () => {
  test.each([
    [300, [19, 10, 5, 3, 2, 1], [0, 1083, 1683, 1833, 1887, 1911], 1917, [958.5, 958.5, 568.567776, 568.561136]],
    [320, [20, 10, 5, 3, 2, 1], [0, 1200, 1800, 1950, 2004, 2028], 2034, [1017, 1017, 589.014074, 589.007434]],
    [192, [12, 6, 3, 2, 1, 1], [0, 432, 648, 702, 726, 732], 738, [369, 369]],
  ])('input of %i: maps, first indices, count and sums', (side, sides, first, count, sums) => {
    const maps = ssdMaps([side, side]);
    expect(maps).toEqual(sides.map((n) => [n, n]));
    const counts = maps.map(([rows, columns], map) => rows * columns * SSD_SHAPES[map].length);
    expect(first.map((at, map) => (first[map + 1] ?? count) - at)).toEqual(counts);
    const { shape, data } = ssdAnchors([side, side]);
    expect(shape).toEqual([count, 4]);
    sums.forEach((wanted, column) => {
      expect(sum(data, column)).toBeCloseTo(wanted, 4);
    });
  });

  test('the first four and the last six at 300', () => {
    const { data } = ssdAnchors([300, 300]);
    near(row(data, 0), [0.0263158, 0.0263158, 0.1, 0.1]);
    near(row(data, 1), [0.0263158, 0.0263158, 0.1414214, 0.2828427]);
    near(row(data, 2), [0.0263158, 0.0263158, 0.2828427, 0.1414214]);
    near(row(data, 3), [0.0263158, 0.0789474, 0.1, 0.1]);
    const last = [
      [0.95, 0.95],
      [0.671751, 1.343503],
      [1.343503, 0.671751],
      [0.548483, 1.645448],
      [1.645531, 0.548455],
      [0.974679, 0.974679],
    ];
    last.forEach((size, i) => {
      near(row(data, 1911 + i), [0.5, 0.5, ...size]);
    });
  });

  test('heights and widths on the other maps', () => {
    const { data } = ssdAnchors([300, 300]);
    near(row(data, 1683).slice(2), [0.5, 0.5]);
    near(row(data, 1833 + 3).slice(2), [0.375278, 1.125833]);
    near(row(data, 1833 + 4).slice(2), [1.125889, 0.375259]);
    near(row(data, 1887 + 5).slice(2), [0.87178, 0.87178]);
  });

  test('an input that is not square: sizes as shares of the shorter side, centres of each side', () => {
    const { data, shape } = ssdAnchors([320, 640]);
    expect(ssdMaps([320, 640])[0]).toEqual([20, 40]);
    expect(shape[0]).toBe(20 * 40 * 3 + (10 * 20 + 5 * 10 + 3 * 5 + 2 * 3 + 1 * 2) * 6);
    near(row(data, 0), [0.025, 0.0125, 0.1, 0.05]);
    near(row(data, 1), [0.025, 0.0125, 0.141421, 0.141421]);
  });

  test('order: row, column, shape', () => {
    const shapes = [
      [
        { scale: 0.5, ratio: 1 },
        { scale: 0.5, ratio: 4 },
      ],
    ];
    const { data } = anchors({ resolution: [8, 8], maps: [[1, 2]], shapes });
    expect([...data]).toEqual([0.5, 0.25, 0.5, 0.5, 0.5, 0.25, 0.25, 1, 0.5, 0.75, 0.5, 0.5, 0.5, 0.75, 0.25, 1]);
  });

  test('sides below 33 and maps without shapes are refused', () => {
    expect(() => ssdAnchors([32, 300])).toThrow('anchors: sides must be whole numbers from 33, found 32×300');
    expect(() => anchors({ resolution: [300, 300], maps: [[1, 1]], shapes: [] })).toThrow(
      'anchors: found 1 maps and shapes for 0; each map needs its shapes',
    );
  });
});

test.skipIf(noData)('all 7,668 numbers that the SSD V1 file stores (needs DEPTHWISE_DATA)', async () => {
  const { tensors } = await readNpz(await readFile(dataPath('tables', 'ssd_v1_raw_outputs.npz')));
  const stored = tensors.get('anchors');
  const scale = 0.006453060545027256;
  const ours = Array.from(ssdAnchors([300, 300]).data, (share) =>
    Math.min(255, Math.max(0, Math.round(share / scale))),
  );
  expect(ours).toEqual(Array.from(stored?.data ?? []));
});
