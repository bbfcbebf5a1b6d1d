/**
 * Pictures a second of whole training steps (forward, backward, update by SGD with momentum): MobileNet V2 for small pictures, this project beside
 * TensorFlow.js, in one run, in turns. Who computes another loss is not timed.
 */
import { cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { mobilenetV2 } from '../../dist/models/index.js';
import { randomWeights } from '../../dist/network/index.js';
import { parameterLayout, withoutSoftmax } from './build/training-steps.mjs';
import { depthwiseContestant } from './depthwise.mjs';
import { tfjsContestant } from './tfjs.mjs';

const { values: given } = parseArgs({
  options: {
    batches: { type: 'string', default: '64,128' },
    alpha: { type: 'string', default: '0.5' },
    resolution: { type: 'string', default: '32' },
    /** Steps of the fast; the slow, of more than SLOW seconds a step, take two. */
    steps: { type: 'string', default: '20' },
    /** Only contestants with this in their names. */
    only: { type: 'string', default: '' },
    /** 'cpu': the processor's time of all threads, for a machine that is busy with other things. */
    clock: { type: 'string', default: 'wall' },
  },
});
const SLOW = 5;
const now = () => (given.clock === 'cpu' ? cpuSeconds() : performance.now() / 1000);

function cpuSeconds() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

const resolution = Number(given.resolution);
const classes = 10;

const architecture = mobilenetV2({
  alpha: Number(given.alpha),
  resolution,
  smallPictures: true,
  classes,
  output: 'logits',
});
const network = withoutDropout(withoutSoftmax(randomWeights(architecture, 1)));

/** Its mask would be another in every library. */
function withoutDropout(network) {
  const dropout = network.nodes.find(({ kind }) => kind === 'dropout');
  if (dropout === undefined) return network;
  const past = (input) => (input === dropout.name ? dropout.inputs[0] : input);
  const nodes = network.nodes
    .filter((node) => node !== dropout)
    .map((node) => ({ ...node, inputs: node.inputs.map(past) }));
  return { ...network, nodes, outputs: network.outputs.map(past) };
}

/** Seeded numbers of both signs. */
function pictureBatch(batch) {
  let state = 1;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  };
  const data = Float32Array.from({ length: batch * resolution * resolution * 3 }, next);
  return { shape: [batch, resolution, resolution, 3], data };
}

function targetBatch(batch) {
  const data = new Float32Array(batch * classes);
  for (let n = 0; n < batch; n++) data[n * classes + (n % classes)] = 1;
  return { shape: [batch, classes], data };
}

console.log(
  `${network.name}, ${classes} classes; Node ${process.version}, ${cpus()[0].model}, load ${loadavg()[0].toFixed(1)}, ${given.clock} clock`,
);
for (const batch of given.batches.split(',').map(Number)) await compare(batch);

async function compare(batch) {
  const problem = {
    ...{ network, slots: parameterLayout(network).trainable, learningRate: 0.01, momentum: 0.9 },
    ...{ pictures: pictureBatch(batch), targets: targetBatch(batch) },
  };
  const makers = {
    'depthwise simd 1': () => depthwiseContestant('simd', 1, problem),
    'depthwise simd 2': () => depthwiseContestant('simd', 2, problem),
    'depthwise relaxed 1': () => depthwiseContestant('relaxed', 1, problem),
    'depthwise relaxed 2': () => depthwiseContestant('relaxed', 2, problem),
    'TF.js wasm': () => tfjsContestant('wasm', problem),
    'TF.js cpu': () => tfjsContestant('cpu', problem),
  };
  console.log(`\nbatch ${batch}`);
  const contestants = [];
  for (const [name, make] of Object.entries(makers)) {
    if (!name.includes(given.only)) continue;
    try {
      const contestant = await make();
      const began = now();
      const loss = await contestant.step();
      contestants.push({ ...contestant, loss, seconds: [now() - began] });
    } catch (error) {
      console.log(`  ${name} cannot train it: ${error.message.split('\n')[0]}`);
    }
  }
  const timed = contestants.filter((contestant) => agrees(contestant, contestants));
  for (let round = 0; round < Number(given.steps); round++) {
    for (const { step, seconds } of round % 2 ? timed : [...timed].reverse()) {
      if (seconds[0] > SLOW && round > 0) continue;
      const began = now();
      await step();
      seconds.push(now() - began);
    }
  }
  for (const { name, loss, seconds } of timed) {
    const [, ...counted] = seconds; // the first step also compiles
    const median = counted.sort((a, b) => a - b)[Math.floor(counted.length / 2)];
    const speed = `${(batch / median).toPrecision(3)} pictures/s`.padStart(18);
    console.log(
      `  ${name.padEnd(36)} ${speed}   ${median.toFixed(3)} s a step, ${counted.length} steps, loss ${loss.toFixed(5)}`,
    );
  }
  for (const { close } of contestants) await close();
}

/** Of the same first step the same loss as the first contestant; two shards have batch norms of half as many pictures, and a loss near it. */
function agrees({ name, loss }, [first]) {
  const allowed = name.includes('2 threads') ? 0.2 : 1e-3;
  const agreed = Math.abs(loss - first.loss) <= allowed;
  if (!agreed) console.log(`  ${name} is not timed: its loss is ${loss}, ${first.name}'s is ${first.loss}`);
  return agreed;
}
