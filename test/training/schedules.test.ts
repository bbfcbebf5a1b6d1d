import { describe, expect, test } from 'vitest';
import type { Schedule } from '../../src/training/index.js';
import { learningRateAt, schedules } from '../../src/training/loop/schedules.js';

/** Rates at the given steps of 4 epochs of 10 steps, peak 2. */
function rates(schedule: Schedule, steps: readonly number[], warmupEpochs = 0): number[] {
  return steps.map((step) => learningRateAt({ schedule, learningRate: 2, epochs: 4, warmupEpochs }, step, 10));
}

describe('learning rates over 40 steps', () => {
  test.each<[Schedule, readonly number[], readonly number[]]>([
    ['constant', [0, 9, 39], [2, 2, 2]],
    // 0.98 an epoch, the same within one
    ['exponential', [0, 9, 10, 39], [2, 2, 2 * 0.98, 2 * 0.98 ** 3]],
    ['linear', [0, 10, 20, 39], [2, 1.5, 1, 0.05]],
    // cos 0, cos π/4, cos π/2, cos 3π/4
    ['cosine', [0, 10, 20, 30], [2, 1 + Math.SQRT1_2, 1, 1 - Math.SQRT1_2]],
    // 0.08 at first, half-way up after 15 %, the peak after 30 %, half-way down after 65 %
    ['one-cycle', [0, 6, 12, 26], [0.08, (0.08 + 2) / 2, 2, (2 + 2 / 250_000) / 2]],
  ])('%s', (schedule, steps, wanted) => {
    for (const [at, rate] of rates(schedule, steps).entries()) expect(rate).toBeCloseTo(wanted[at], 12);
  });

  test('a warm-up grows by equal steps, reaches the rate with its last, and what follows begins there', () => {
    expect(rates('constant', [0, 4, 9, 10], 1)).toEqual([0.2, 1, 2, 2]);
    // three epochs remain: after one and a half of them a cosine and a line are half-way down
    for (const schedule of ['cosine', 'linear'] as const) {
      const [first, middle] = rates(schedule, [10, 25], 1);
      expect([first, middle]).toEqual([2, expect.closeTo(1, 12)]);
    }
    expect(rates('one-cycle', [0], 1)).toEqual(rates('one-cycle', [0], 0)); // has its own
  });

  test('a warm-up of half an epoch', () => {
    expect(rates('constant', [0, 1, 4, 5], 0.5)).toEqual([0.4, 0.8, 2, 2]);
  });

  // 4 epochs of 10 steps: a cosine from 2 over one epoch after one of warm-up, one from 1 over two; the last of the first is 2 · ½ · (1 + cos 0.9 π)
  test('restarts begin another cosine from their rate, which ends at the next or with all', () => {
    const options = { schedule: 'cosine', learningRate: 2, epochs: 4, warmupEpochs: 1 } as const;
    const restarted = { ...options, restarts: [{ epoch: 2, learningRate: 1 }] };
    const at = (step: number) => learningRateAt(restarted, step, 10);
    expect([at(9), at(10), at(15)]).toEqual([2, 2, expect.closeTo(1, 12)]);
    expect(at(19)).toBeCloseTo(0.0489434837, 10);
    expect([at(20), at(25), at(30)]).toEqual([1, expect.closeTo(0.5 + Math.SQRT1_2 / 2, 12), expect.closeTo(0.5, 12)]);
    const before = { ...options, epochs: 2 };
    for (let step = 0; step < 20; step++) expect(at(step)).toBe(learningRateAt(before, step, 10));
  });

  test.each(schedules)('%s: above 0 and at most the peak in every step', (schedule) => {
    const all = rates(
      schedule,
      Array.from({ length: 40 }, (_, step) => step),
    );
    expect(Math.min(...all)).toBeGreaterThan(0);
    expect(Math.max(...all)).toBeLessThanOrEqual(2);
  });
});
