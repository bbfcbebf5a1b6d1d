/** The first networks of the long run, so that a layer without a definition is noticed at once. */
import { expect, test } from 'vitest';
import { attack } from './attack.js';

test.each(Array.from({ length: 40 }, (_, index) => index))('network %i of seed 1', async (index) => {
  expect((await attack(1, index)).layers).toBeGreaterThan(0);
});
