/** Counts how often a layer's loops read a weight: one read is one product that was really computed. */
import type { FloatArray, Tensor } from '../../src/tensor.js';

export function countReads(weight: Tensor): { weight: Tensor; reads: () => number } {
  let reads = 0;
  const data = new Proxy(weight.data, {
    get(target, key) {
      if (typeof key === 'string' && /^\d+$/.test(key)) reads++;
      return Reflect.get(target, key);
    },
  }) as FloatArray;
  return { weight: { shape: weight.shape, data }, reads: () => reads };
}
