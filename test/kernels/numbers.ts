/** The numbers that problems are made of, float32 and seeded. */
import fc from 'fast-check';
import { uniformRandom } from '../../src/random.js';

const SPECIAL = [Number.NaN, Infinity, -Infinity, 0, -0, 2 ** -149, -(2 ** -140), 2 ** -126, 1e30, -1e30, 3e38];

/**
 * ordinary  −2 … 2                  tiny     subnormal and just above; sums of products vanish
 * special   ordinary, one in 30 of  wide     any sign and a power of two from 2⁻⁶⁰ to 2⁵⁹, so that terms swallow each other
 *           NaN, ±Infinity, ±0,     huge     around 1e19, whose products overflow
 *           subnormals, ±1e30 …
 */
const kinds = ['ordinary', 'special', 'wide', 'tiny', 'huge'] as const;

export interface Numbers {
  readonly kind: (typeof kinds)[number];
  readonly seed: number;
}

export const ordinary = (seed: number): Numbers => ({ kind: 'ordinary', seed });

/** Mostly ordinary and special numbers. */
export const anyNumbers: fc.Arbitrary<Numbers> = fc.record({
  kind: fc.constantFrom<Numbers['kind']>(
    'ordinary',
    'ordinary',
    'ordinary',
    'special',
    'special',
    'wide',
    'tiny',
    'huge',
  ),
  seed: fc.nat(2 ** 31),
});

/** A generator of such numbers. */
export function draw({ kind, seed }: Numbers): () => number {
  const uniform = uniformRandom(seed);
  const signed = () => 2 * uniform() - 1;
  const makers: Record<Numbers['kind'], () => number> = {
    ordinary: () => 2 * signed(),
    special: () => (uniform() < 1 / 30 ? SPECIAL[Math.floor(uniform() * SPECIAL.length)] : 2 * signed()),
    wide: () => signed() * 2 ** Math.floor(uniform() * 120 - 60),
    tiny: () => signed() * 2 ** -125,
    huge: () => signed() * 2e19,
  };
  const make = makers[kind];
  return () => Math.fround(make());
}

/** Bounds of a clamp: none, relu, relu6, a general one, one that leaves a single value. */
export const anyClamp = fc.constantFrom<readonly [lo: number, hi: number]>(
  [-Infinity, Infinity],
  [0, Infinity],
  [0, 6],
  [-1, 0.5],
  [0.25, 0.25],
);

export const UNCLAMPED = [-Infinity, Infinity] as const;

/** Whole numbers up to `max`, the tails of vectors, tiles and panels among them more often than not. */
export const count = (max: number): fc.Arbitrary<number> =>
  fc.oneof(
    fc.constantFrom(...[1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 49].filter((size) => size <= max)),
    fc.integer({ min: 1, max }),
  );
