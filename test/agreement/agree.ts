/** Two runtimes' numbers for the same tensor: where they differ most, and whether that is too much. */
import { expect } from 'vitest';
import { coordinateOf, type Shape, type Tensor } from '../../src/tensor.js';

/**
 * Holds two tensors together: |found − wanted| ≤ bound · max(1, max |wanted|) everywhere. A failure names the coordinate, both
 * numbers and what was allowed; NaN agrees with NaN only.
 */
export function expectAgreement(
  what: string,
  found: Tensor,
  wanted: { shape: Shape; data: ArrayLike<number> },
  bound: number,
) {
  expect(found.shape, what).toEqual([...wanted.shape]);
  const allowed = bound * Math.max(1, ...Array.from(wanted.data, Math.abs));
  let worst = { at: 0, difference: 0 };
  for (let at = 0; at < found.data.length; at++) {
    const difference = Object.is(found.data[at], wanted.data[at]) ? 0 : Math.abs(found.data[at] - wanted.data[at]);
    if (!(difference <= worst.difference)) worst = { at, difference };
  }
  const { at, difference } = worst;
  const text = `${what}[${coordinateOf(found.shape, at)}]: ${found.data[at]} here, ${wanted.data[at]} there, off by ${difference}, allowed ${allowed}`;
  expect(difference <= allowed, text).toBe(true);
}
