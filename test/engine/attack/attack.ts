/**
 * A random network by the float64 reference against definitions of our own (`definitions.ts`), and by every target of the engine against the
 * reference within float32's bounds. Network n of a seed is always the same.
 */
import '../../kernels/relaxed.js';
import fc from 'fast-check';
import type { Network } from '../../../src/network/network.js';
import { trace } from '../../../src/network/run.js';
import type { Tensor } from '../../../src/tensor.js';
import { agree } from '../agree.js';
import { anyDraft, networkOf, randomInputs } from '../networks.js';
import { evaluate } from './definitions.js';

/** Of the largest number in the network: float64 with sums in another order is a thousand times closer. */
const TOLERANCE = 1e-10;

interface Compared {
  readonly layers: number;
  readonly numbers: number;
}

/** Network `index` of a seed, and how many layers and numbers were compared. Throws at the first number that is wrong. */
export async function attack(seed: number, index: number): Promise<Compared> {
  const [draft] = fc.sample(anyDraft, { seed: Math.imul(seed, 0x9e3779b1) ^ index, numRuns: 1 });
  const network = networkOf(draft);
  const inputs = randomInputs(network, 2, draft.seed);
  const compared = compare(network, evaluate(network, inputs), trace(network, inFloat64(inputs)));
  await agree(network, draft.seed);
  return compared;
}

function inFloat64(tensors: ReadonlyMap<string, Tensor>): Map<string, Tensor> {
  return new Map([...tensors].map(([name, { shape, data }]) => [name, { shape, data: Float64Array.from(data) }]));
}

function compare(network: Network, wanted: ReadonlyMap<string, Tensor>, found: ReadonlyMap<string, Tensor>): Compared {
  let largest = 1;
  let numbers = 0;
  for (const { name, kind, inputs } of network.nodes) {
    const [w, f] = [wanted.get(name) as Tensor, found.get(name) as Tensor];
    if (`${w.shape}` !== `${f.shape}`) throw new Error(`${name}: [${f.shape}], by its definition [${w.shape}]`);
    if (kind === 'argMax') {
      expectLargest(name, wanted.get(inputs[0]) as Tensor, f, TOLERANCE * largest);
      continue;
    }
    for (const [at, value] of w.data.entries()) {
      largest = Math.max(largest, Math.abs(value));
      if (Math.abs(value - f.data[at]) <= TOLERANCE * largest) continue;
      throw new Error(`${name}[${at}] is ${f.data[at]}, by its definition ${value}`);
    }
    numbers += w.data.length;
  }
  return { layers: network.nodes.length, numbers };
}

/** Where two numbers are as good as equal, either is the largest. */
function expectLargest(name: string, x: Tensor, found: Tensor, tolerance: number): void {
  const C = x.shape[x.shape.length - 1];
  for (const [row, index] of found.data.entries()) {
    const rows = x.data.slice(row * C, (row + 1) * C);
    if (!(rows[index] >= Math.max(...rows) - tolerance))
      throw new Error(`${name}[${row}] is ${index}, not the largest`);
  }
}
