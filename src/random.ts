/** Seeded random numbers: the same seed gives the same numbers on every machine. */

/** Uniform numbers in [0, 1): the generator mulberry32 (Tommy Ettinger, public domain algorithm). */
export function uniformRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Standard normal numbers by Box and Muller's transform of two uniform ones. */
export function normalRandom(seed: number): () => number {
  const uniform = uniformRandom(seed);
  return () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
}

/**
 * One seed of several whole numbers, e.g. of (seed, epoch, picture), so that what is drawn for one picture does not depend on what was
 * drawn before: each is mixed in by MurmurHash3's finaliser (Austin Appleby, public domain algorithm).
 */
export function seedOf(...numbers: readonly number[]): number {
  let hash = 0x9e3779b9;
  for (const number of numbers) {
    hash = (Math.imul(hash, 0x9e3779b1) + number) | 0;
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    hash ^= hash >>> 16;
  }
  return hash >>> 0;
}
