/** Tensors to test with, and comparison that prints where two tensors differ, both values and the bound. */
import { expect } from 'vitest';
import { uniformRandom } from '../../src/random.js';
import { coordinateOf, type FloatArray, type Shape, sizeOf, type Tensor, tensor } from '../../src/tensor.js';

/** A float32 tensor from its numbers as they lie in memory, so that a test can draw them as a grid. */
export const grid = (shape: Shape, numbers: readonly number[]): Tensor => tensor(shape, numbers);

/** Signed float32 numbers between −2 and 2: sums of positive numbers alone would never cancel. */
export function randomTensor(shape: Shape, seed: number): Tensor {
  const uniform = uniformRandom(seed);
  return tensor(
    shape,
    Float32Array.from({ length: sizeOf(shape) }, () => 4 * uniform() - 2),
  );
}

/** Small whole numbers, whose sums of products float32 holds exactly. */
export function wholeTensor(shape: Shape, seed: number): Tensor {
  const uniform = uniformRandom(seed);
  return tensor(
    shape,
    Float32Array.from({ length: sizeOf(shape) }, () => Math.floor(uniform() * 15) - 7),
  );
}

/** The pictures from `first` on, `count` of them. */
export function batchSlice(x: Tensor, first: number, count = 1): Tensor {
  const size = sizeOf(x.shape.slice(1));
  return { shape: [count, ...x.shape.slice(1)], data: x.data.slice(first * size, (first + count) * size) };
}

interface Expected {
  readonly shape: Shape;
  readonly data: ArrayLike<number>;
}

/** Both shapes equal, and every number within its bound (0 unless told). NaN equals NaN and nothing else; infinities must agree. */
export function expectClose(actual: Tensor, expected: Expected, bound: (index: number) => number = () => 0): void {
  expect(actual.shape).toEqual(expected.shape);
  expect(actual.data.length).toBe(sizeOf(actual.shape));
  for (let i = 0; i < actual.data.length; i++) {
    const [found, wanted] = [actual.data[i], expected.data[i]];
    if (Object.is(found, wanted) || Math.abs(found - wanted) <= bound(i)) continue;
    const where = coordinateOf(actual.shape, i);
    expect.fail(`[${where}]: found ${found}, wanted ${wanted}, off by ${found - wanted}, allowed ${bound(i)}`);
  }
}

/** The exact numbers, also telling −0 from 0. */
export const numbersOf = (x: Tensor): number[] => Array.from(x.data as FloatArray);

/** 2⁻²⁴, half the distance from 1 to the next float32: the relative error of one rounding. */
export const ROUNDING = 2 ** -24;

/** Error of a float32 sum of that many products in any order: terms · 2⁻²⁴ · Σ|x||w|, and one subnormal a term. */
export const sumBound = (terms: number, magnitude: number): number => terms * (ROUNDING * magnitude + 2 ** -149);

/** Error of the same sum in float64, rounded once to float32. */
export const onceRounded = (value: number, terms: number, magnitude: number): number =>
  ROUNDING * Math.abs(value) + terms * 2 ** -52 * magnitude + 2 ** -149;
