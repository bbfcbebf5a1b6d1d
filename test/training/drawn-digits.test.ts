/** The data set that is drawn here, and parts of data sets. */
import { describe, expect, test } from 'vitest';
import { emptyDataset, WHOLE } from '../../src/training/data/dataset.js';
import { drawnDigits } from '../../src/training/data/drawn-digits.js';
import { limited } from '../../src/training/data/limit.js';
import type { Dataset } from '../../src/training/index.js';

const { train, test: held } = drawnDigits();
const picture = (data: Dataset, index: number): Uint8Array => data.pictures.subarray(index * 1024, (index + 1) * 1024);

describe('drawn digits', () => {
  test('2,000 and 500 grey pictures of 32 × 32, ten classes in equal parts', () => {
    for (const [data, count] of [
      [train, 2000],
      [held, 500],
    ] as const) {
      expect([data.height, data.width, data.channels]).toEqual([32, 32, 1]);
      expect([data.labels.length, data.pictures.length]).toEqual([count, count * 32 * 32]);
      for (let digit = 0; digit < 10; digit++) {
        expect(data.labels.filter((label) => label === digit)).toHaveLength(count / 10);
      }
    }
    expect(train.classes).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
  });

  test('the same seed draws the same, another one others; none of the test pictures is learnt from', () => {
    const same = ({ pictures }: Dataset): boolean => Buffer.from(pictures).equals(train.pictures);
    expect(same(drawnDigits().train)).toBe(true);
    expect(same(drawnDigits(2).train)).toBe(false);
    const bytes = (data: Dataset, i: number): string => Buffer.from(picture(data, i)).toString('latin1');
    const learnt = new Set(Array.from({ length: 2000 }, (_, i) => bytes(train, i)));
    expect(learnt.size).toBe(2000);
    for (let i = 0; i < 500; i++) expect(learnt.has(bytes(held, i))).toBe(false);
  });

  // With what a child would say: the mean picture of each digit is nearest to more than half of the pictures of that digit.
  test('show their digit: nearest mean picture, brightness and contrast taken away', () => {
    const dot = (a: Uint8Array | Float64Array, b: Float64Array): number => {
      let sum = 0;
      for (let i = 0; i < b.length; i++) sum += a[i] * b[i];
      return sum;
    };
    const standard = (pixels: Uint8Array | Float64Array): Float64Array => {
      const mean = dot(pixels, new Float64Array(pixels.length).fill(1)) / pixels.length;
      const centred = Float64Array.from(pixels, (value) => value - mean);
      const norm = Math.sqrt(dot(centred, centred));
      return centred.map((value) => value / norm);
    };
    const means = Array.from({ length: 10 }, () => new Float64Array(1024));
    for (let i = 0; i < 2000; i++) {
      for (const [at, value] of standard(picture(train, i)).entries()) means[train.labels[i]][at] += value;
    }
    const prototypes = means.map(standard);
    const right = new Array<number>(10).fill(0);
    for (let i = 0; i < 500; i++) {
      const x = standard(picture(held, i));
      const scores = prototypes.map((prototype) => dot(prototype, x));
      if (scores.indexOf(Math.max(...scores)) === held.labels[i]) right[held.labels[i]] += 1;
    }

    expect(Math.min(...right)).toBeGreaterThan(25);
  });
});

describe('a part of a data set', () => {
  const data = emptyDataset(6, { name: 'six', classes: ['a', 'b'], height: 1, width: 2, channels: 1, sizing: WHOLE });
  data.pictures.set([0, 1, 10, 11, 20, 21, 30, 31, 40, 41, 50, 51]);
  data.labels.set([0, 1, 0, 1, 0, 1]);

  test('has pictures with their labels, in order, each at most once', () => {
    const part = limited(data, 4, 3);
    expect([part.name, part.labels.length]).toEqual(['six, 4 of 6', 4]);
    const firsts = Array.from({ length: 4 }, (_, i) => part.pictures[2 * i]);
    expect(firsts).toEqual([...new Set(firsts)].sort((a, b) => a - b));
    for (const [i, first] of firsts.entries()) {
      expect([first % 10, part.pictures[2 * i + 1], part.labels[i]]).toEqual([0, first + 1, (first / 10) % 2]);
    }
  });

  test('is decided by the seed; each picture is drawn as often as any other', () => {
    expect(limited(data, 3, 5)).toEqual(limited(data, 3, 5));
    const counts = new Array(6).fill(0);
    for (let seed = 0; seed < 600; seed++) counts[limited(data, 2, seed).pictures[0] / 10] += 1;
    // The first of two of six is 0 in 1/3 of all cases, 1 in 4/15, …, never 5.
    expect(counts[0] / 600).toBeCloseTo(1 / 3, 1);
    expect(counts[1] / 600).toBeCloseTo(4 / 15, 1);
    expect(counts[5]).toBe(0);
  });

  test('of as many or more is the whole', () => {
    expect(limited(data, 6, 1)).toBe(data);
    expect(limited(data, 100, 1)).toBe(data);
  });
});
