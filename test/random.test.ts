import { describe, expect, test } from 'vitest';
import { normalRandom, seedOf, uniformRandom } from '../src/random.js';

describe('uniformRandom', () => {
  // From the C original of mulberry32, its 32-bit results divided by 2³².
  test.each([
    [0, [1144304738, 1416247, 958946056]],
    [1, [2693262067, 11749833, 2265367787]],
    [0xdeadbeef, [4043151706, 1147597007, 3315858022]],
  ])('seed %i', (seed, wanted) => {
    const random = uniformRandom(seed);
    expect(wanted.map(() => random() * 2 ** 32)).toEqual(wanted);
  });
});

describe('normalRandom', () => {
  test('mean 0, deviation 1, 68.3 % within one deviation and 95.4 % within two', () => {
    const random = normalRandom(7);
    const numbers = Array.from({ length: 100_000 }, random);
    const mean = numbers.reduce((sum, x) => sum + x, 0) / numbers.length;
    const variance = numbers.reduce((sum, x) => sum + (x - mean) ** 2, 0) / numbers.length;
    const within = (k: number) => numbers.filter((x) => Math.abs(x) < k).length / numbers.length;
    // Four standard errors of each estimate.
    expect(Math.abs(mean)).toBeLessThan(4 / Math.sqrt(numbers.length));
    expect(Math.abs(variance - 1)).toBeLessThan(4 * Math.sqrt(2 / numbers.length));
    expect(Math.abs(within(1) - 0.6827)).toBeLessThan(0.006);
    expect(Math.abs(within(2) - 0.9545)).toBeLessThan(0.003);
    expect(numbers.every(Number.isFinite)).toBe(true);
  });

  test('the same seed gives the same numbers', () => {
    const [a, b, c] = [normalRandom(3), normalRandom(3), normalRandom(4)];
    const first = a();
    expect(b()).toBe(first);
    expect(c()).not.toBe(first);
  });
});

describe('seedOf', () => {
  test('every number and its place matter', () => {
    const seeds = [[], [0], [1], [0, 0], [0, 1], [1, 0], [0, 1, 2], [0, 2, 1], [2 ** 32 - 1]].map((numbers) =>
      seedOf(...numbers),
    );
    expect(new Set(seeds).size).toBe(seeds.length);
    expect(seeds.every((seed) => Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32)).toBe(true);
  });

  test('neighbours share no more of their 32 bits than chance has it', () => {
    let different = 0;
    for (let n = 0; n < 10_000; n++) {
      for (let bits = seedOf(1, n) ^ seedOf(1, n + 1); bits !== 0; bits &= bits - 1) different += 1;
    }
    // 16 a pair, with a deviation of √8: four standard errors
    expect(Math.abs(different / 10_000 - 16)).toBeLessThan((4 * Math.sqrt(8)) / 100);
  });
});
