/** Counts how often a layer's loops read the numbers of a tensor: one read by the innermost loop is one product that was computed. */
import type { FloatArray, Tensor } from '../../src/tensor.js';

export function countReads({ shape, data }: Tensor): { counted: Tensor; reads: () => number } {
  let reads = 0;
  const proxy = new Proxy(data, {
    get(target, key) {
      if (typeof key === 'string' && /^\d+$/.test(key)) reads++;
      return Reflect.get(target, key);
    },
  }) as FloatArray;
  return { counted: { shape, data: proxy }, reads: () => reads };
}
