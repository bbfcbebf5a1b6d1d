/**
 * `npm run attack -- --networks 1000000`: random networks, each by the float64 reference against definitions of our own (`definitions.ts`), and
 * by every target of the engine against the reference within float32's bounds. Network n of a seed is always the same: `--from` goes on
 * where an earlier run stopped, `--network n` repeats one.
 */
import '../../kernels/relaxed.js';
import { parseArgs } from 'node:util';
import fc from 'fast-check';
import type { Network } from '../../../src/network/network.js';
import { trace } from '../../../src/network/run.js';
import type { Tensor } from '../../../src/tensor.js';
import { agree } from '../agree.js';
import { anyDraft, networkOf, randomInputs } from '../networks.js';
import { evaluate } from './definitions.js';

/** Of the largest number in the network: float64 with sums in another order is a thousand times closer. */
const TOLERANCE = 1e-10;
const MOST_FAULTS = 20;
const PROGRESS_MS = 10_000;

const { values } = parseArgs({
  options: {
    networks: { type: 'string', default: '1000' },
    seed: { type: 'string', default: process.env.NIGHTLY ? `${Date.now() % 2 ** 31}` : '1' },
    from: { type: 'string', default: '0' },
    network: { type: 'string' },
  },
});
const seed = Number(values.seed);
const from = Number(values.network ?? values.from);
const to = values.network === undefined ? from + Number(values.networks) : from + 1;

let faults = 0;
let numbers = 0;
let layers = 0;
const began = Date.now();
let told = began;
let next = from;
for (; next < to && faults < MOST_FAULTS; next++) {
  try {
    await attack(next);
  } catch (error) {
    faults++;
    console.error(`network ${next}: ${(error as Error).message}\n  npm run attack -- --seed ${seed} --network ${next}`);
  }
  if (Date.now() - told < PROGRESS_MS) continue;
  told = Date.now();
  console.log(`${next + 1 - from} of ${to - from} networks; --seed ${seed} --from ${next + 1} goes on here`);
}
const seconds = Math.round((Date.now() - began) / 1000);
console.log(
  `${next - from} networks, ${layers} layers, ${numbers} numbers in ${seconds} s: ${faults} faults (seed ${seed})`,
);
process.exitCode = faults === 0 ? 0 : 1;

async function attack(index: number): Promise<void> {
  const [draft] = fc.sample(anyDraft, { seed: Math.imul(seed, 0x9e3779b1) ^ index, numRuns: 1 });
  const network = networkOf(draft);
  const inputs = randomInputs(network, 2, draft.seed);
  compare(network, evaluate(network, inputs), trace(network, inFloat64(inputs)));
  await agree(network, draft.seed);
}

function inFloat64(tensors: ReadonlyMap<string, Tensor>): Map<string, Tensor> {
  return new Map([...tensors].map(([name, { shape, data }]) => [name, { shape, data: Float64Array.from(data) }]));
}

function compare(network: Network, wanted: ReadonlyMap<string, Tensor>, found: ReadonlyMap<string, Tensor>): void {
  let largest = 1;
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
    layers++;
  }
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
