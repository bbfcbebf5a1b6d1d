/** One picture tensor for two runtimes: this library takes real numbers, an integer runtime the bytes that they stand for. */
import type { Preprocessing } from '../../src/network/index.js';
import { type Tensor, tensor } from '../../src/tensor.js';

export interface SameInput {
  /** The bytes 0…255 of the picture, resized. */
  readonly bytes: Uint8Array;
  /** byte · scale − mean: exactly what the bytes mean. */
  readonly x: Tensor;
}

/** Moves each number to the nearest of the 256 that a quantised input can express. */
export function onGrid({ shape, data }: Tensor, { scale, mean, deviation }: Preprocessing): SameInput {
  const bytes = Uint8Array.from(data, (value, at) => {
    const c = at % mean.length;
    return Math.min(255, Math.max(0, Math.round((value * deviation[c] + mean[c]) / scale)));
  });
  const real = Float32Array.from(bytes, (byte, at) => {
    const c = at % mean.length;
    return (byte * scale - mean[c]) / deviation[c];
  });
  return { bytes, x: tensor(shape, real) };
}

/** The bytes as the file's input wants them: int8 counts from −128. */
export function asInputType(bytes: Uint8Array, type: 'uint8' | 'int8'): Uint8Array | Int8Array {
  return type === 'uint8' ? bytes : Int8Array.from(bytes, (byte) => byte - 128);
}

/** Position of the greatest number; of equal ones the first. */
export function top1(scores: ArrayLike<number>): number {
  let best = 0;
  for (let index = 1; index < scores.length; index++) if (scores[index] > scores[best]) best = index;
  return best;
}
