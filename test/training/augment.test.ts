import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Preprocessing } from '../../src/network/index.js';
import type { Pair } from '../../src/padding.js';
import { uniformRandom } from '../../src/random.js';
import { centralView, drawBeta, drawView, NO_AUGMENTATION, reflect } from '../../src/training/data/augment.js';
import { Renderer } from '../../src/training/data/batches.js';
import { emptyDataset, WHOLE } from '../../src/training/data/dataset.js';
import type { Augmentation, View } from '../../src/training/index.js';

/** Grey pictures of these rows, shown as they are: byte · 1 − 0. */
function shown(rows: readonly (readonly number[])[], view: View, size: Pair, cutout = 0, share = 1): number[][] {
  const [height, width] = [rows.length, rows[0].length];
  const data = emptyDataset(1, { name: 'x', classes: ['a'], height, width, channels: 1, sizing: WHOLE });
  data.pictures.set(rows.flat());
  const plain = {
    ...WHOLE,
    channels: 'rgb',
    scale: 1,
    mean: [0, 0, 0],
    deviation: [1, 1, 1],
    size,
  } satisfies Preprocessing;
  const output = new Float32Array(size[0] * size[1] * 3);
  new Renderer(data, plain).add(0, view, cutout, size, share, output);
  const grey = Array.from({ length: size[0] * size[1] }, (_, pixel) => output[3 * pixel]);
  return Array.from({ length: size[0] }, (_, y) => grey.slice(y * size[1], (y + 1) * size[1]));
}

// prettier-ignore
const PICTURE = [
  [1, 2, 3],
  [4, 5, 6],
  [7, 8, 9],
];

describe('a picture of 3 × 3', () => {
  test('as it is, and flipped', () => {
    expect(shown(PICTURE, { top: 0, left: 0, flipped: false }, [3, 3])).toEqual(PICTURE);
    expect(shown(PICTURE, { top: 0, left: 0, flipped: true }, [3, 3])).toEqual([
      [3, 2, 1],
      [6, 5, 4],
      [9, 8, 7],
    ]);
  });

  test('shifted: what comes in is mirrored at the edge pixel', () => {
    expect(shown(PICTURE, { top: -1, left: 2, flipped: false }, [3, 3])).toEqual([
      [6, 5, 4], // row 1
      [3, 2, 1], // row 0, columns 2, 1 (reflected), 0
      [6, 5, 4],
    ]);
  });

  test('a window of 2 × 2, flipped', () => {
    expect(shown(PICTURE, { top: 1, left: 0, flipped: true }, [2, 2])).toEqual([
      [5, 4],
      [8, 7],
    ]);
    expect(shown(PICTURE, centralView([3, 3], [1, 1]), [1, 1])).toEqual([[5]]);
  });

  test('a hole of 2 × 2 that begins above the picture', () => {
    expect(shown(PICTURE, { top: 0, left: 0, flipped: false, hole: [-1, 1] }, [3, 3], 2)).toEqual([
      [1, 0, 0],
      [4, 5, 6],
      [7, 8, 9],
    ]);
  });

  test('a share of it', () => {
    expect(shown([[8, 4]], { top: 0, left: 0, flipped: false }, [1, 2], 0, 0.25)).toEqual([[2, 1]]);
  });
});

test('reflect: … 2 1 0 1 2 3 2 1 0 1 …', () => {
  expect([-3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7].map((at) => reflect(at, 4))).toEqual([3, 2, 1, 0, 1, 2, 3, 2, 1, 0, 1]);
  expect([-1, 0, 1, 5].map((at) => reflect(at, 1))).toEqual([0, 0, 0, 0]);
});

describe('drawing views', () => {
  const all: Augmentation = { flip: true, crop: 2, cutout: 3, mixup: 0 };
  const draws = (augmentation: Augmentation, size: Pair, count = 2000): View[] => {
    const random = uniformRandom(5);
    return Array.from({ length: count }, () => drawView(random, augmentation, [8, 6], size));
  };
  const range = (numbers: readonly number[]) => [Math.min(...numbers), Math.max(...numbers)];

  test('every shift up to the padding occurs, and none beyond; half are flipped; holes are centred within', () => {
    const views = draws(all, [8, 6]);
    expect(range(views.map(({ top }) => top))).toEqual([-2, 2]);
    expect(range(views.map(({ left }) => left))).toEqual([-2, 2]);
    expect(range(views.map(({ hole }) => hole![0]))).toEqual([-1, 6]);
    expect(range(views.map(({ hole }) => hole![1]))).toEqual([-1, 4]);
    const flipped = views.filter((view) => view.flipped).length;
    expect(Math.abs(flipped - 1000)).toBeLessThan(4 * Math.sqrt(500)); // four standard deviations
  });

  test('a smaller size is a window anywhere within the picture', () => {
    const views = draws(all, [5, 5]);
    expect(range(views.map(({ top }) => top))).toEqual([0, 3]);
    expect(range(views.map(({ left }) => left))).toEqual([0, 1]);
  });

  test('without augmentation every view is the whole picture', () => {
    for (const view of draws(NO_AUGMENTATION, [8, 6], 50)) expect(view).toEqual({ top: 0, left: 0, flipped: false });
  });

  test('switching the cut-out on changes no flip and no shift', () => {
    const without = draws({ ...all, cutout: 0 }, [8, 6], 50);
    expect(draws(all, [8, 6], 50).map(({ hole: _, ...view }) => view)).toEqual(without);
  });
});

describe('Beta(a, a)', () => {
  test.each([0.1, 0.2, 0.5, 1])('a = %d: mean ½, variance 1 / (4 · (2a + 1))', (a) => {
    const random = uniformRandom(11);
    const count = 20_000;
    const values = Float64Array.from({ length: count }, () => drawBeta(random, a));
    const mean = values.reduce((sum, x) => sum + x, 0) / count;
    const variance = values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / count;
    expect(Math.abs(mean - 0.5)).toBeLessThan(0.02);
    expect(Math.abs(variance - 1 / (4 * (2 * a + 1)))).toBeLessThan(0.01);
    expect(Math.min(...values)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...values)).toBeLessThanOrEqual(1);
  });

  test('always ends with a number', () => {
    fc.assert(
      fc.property(fc.nat(), fc.double({ min: 0.01, max: 1, noNaN: true }), (seed, a) => {
        const value = drawBeta(uniformRandom(seed), a);
        return value >= 0 && value <= 1;
      }),
    );
  });
});

test('the central view of an oblong picture at an oblong size', () => {
  expect(centralView([10, 20], [4, 12])).toEqual({ top: 3, left: 4, flipped: false });
});
