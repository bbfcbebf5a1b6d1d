/**
 * `npm run attack -- --networks 1000000`: random networks, each judged by `attack.ts`. `--from` goes on where an earlier run of the same seed
 * stopped, `--network n` repeats one network.
 */
import { parseArgs } from 'node:util';
import { attack } from './attack.js';

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
    const compared = await attack(seed, next);
    layers += compared.layers;
    numbers += compared.numbers;
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
