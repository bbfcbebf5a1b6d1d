/**
 * The readable layers beside TensorFlow.js's cpu backend: MobileNet V1 1.0 @224, seeded random weights and picture, in one process, in
 * turn. The outputs are compared before anything is timed.
 *
 *   npm run bench:reference [rounds]
 */
import { cpus } from 'node:os';
import { mobilenetV1 } from 'depthwise/models';
import { randomWeights, run } from 'depthwise/network';
import { executorOf } from './tfjs.mjs';

const rounds = Number(process.argv[2] ?? 5);
const network = randomWeights(mobilenetV1({ conventions: 'slim', output: 'logits' }), 1);
const [{ shape }] = network.inputs;
const picture = { shape, data: Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => Math.sin(i)) };

const peer = await executorOf(network);
const executors = {
  reference: () => run(network, picture).get(network.outputs[0]).data,
  'TensorFlow.js cpu': () => peer(picture),
};

compare(...Object.values(executors).map((execute) => execute()));
const times = Object.fromEntries(Object.keys(executors).map((name) => [name, []]));
for (let round = 0; round < rounds; round++) {
  const names = round % 2 === 0 ? Object.keys(executors) : Object.keys(executors).reverse();
  for (const name of names) {
    const start = performance.now();
    executors[name]();
    times[name].push(performance.now() - start);
  }
}

const medians = Object.values(times).map(medianOf);
console.log(`${network.name}, ${rounds} rounds in turn, Node ${process.version}, ${cpus()[0].model}`);
for (const [name, list] of Object.entries(times)) {
  console.log(
    `${name.padEnd(18)} median ${medianOf(list).toFixed(0)} ms  (${list.map((ms) => ms.toFixed(0)).join(' ')})`,
  );
}
console.log(`reference / TensorFlow.js = ${(medians[0] / medians[1]).toFixed(2)}`);

function medianOf(list) {
  const sorted = list.toSorted((a, b) => a - b);
  return (sorted[Math.floor((sorted.length - 1) / 2)] + sorted[Math.ceil((sorted.length - 1) / 2)]) / 2;
}

/** Both compute the same logits: TensorFlow.js rounds to float32 on the way, so that they agree to about 1e-5 of the greatest. */
function compare(ours, theirs) {
  const greatest = Math.max(...ours.map(Math.abs));
  const difference = Math.max(...ours.map((value, i) => Math.abs(value - theirs[i])));
  console.log(`logits: greatest ${greatest.toPrecision(4)}, greatest difference ${difference.toExponential(1)}`);
  if (ours.length !== theirs.length || !(greatest > 0) || !(difference <= 1e-5 * greatest)) {
    throw new Error('the two executors do not compute the same network; their times would not compare');
  }
}
