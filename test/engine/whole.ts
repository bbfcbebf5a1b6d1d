/** How far a whole network of many layers may be off, where errors added up layer by layer would allow far too much. */
import type { Network } from '../../src/network/network.js';
import { run } from '../../src/network/run.js';
import { type Tensor, toFloat64 } from '../../src/tensor.js';
import { type Bounds, longestSum } from './bounds.js';

const ROUNDING = 2 ** -24;

const known = new WeakMap<Network, Bounds>();

/**
 * The reference is run twice: in float64, and in float32, where it rounds each number once. A kernel rounds it once for each term of its
 * sum, so the network's own sensitivity to rounding is what the two runs differ by, and √terms of that is expected, terms are allowed.
 */
export function wholeNetworkBounds(network: Network, inputs: ReadonlyMap<string, Tensor>): Bounds {
  const before = known.get(network);
  if (before !== undefined) return before;
  const values = run(network, new Map([...inputs].map(([name, x]) => [name, toFloat64(x)])));
  const rounded = run(network, inputs);
  const errors = new Map<string, Tensor>();
  for (const [name, { shape, data }] of values) {
    const other = rounded.get(name)!.data;
    let [largest, distance] = [0, 0];
    data.forEach((value, i) => {
      largest = Math.max(largest, Math.abs(value));
      distance = Math.max(distance, Math.abs(value - other[i]));
    });
    const allowed = longestSum(network) * (distance + ROUNDING * largest);
    errors.set(name, { shape, data: new Float64Array(data.length).fill(allowed) });
  }
  const bounds = { values, errors };
  known.set(network, bounds);
  return bounds;
}
