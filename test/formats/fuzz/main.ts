/**
 * `npm run fuzz -- --files 200000`: damaged files of every format, each of which must become a network, tensors or a DepthwiseError within
 * a second and within a multiple of its size of memory. The readers run in a worker: one that hangs or runs out of memory is ended, and its
 * file reported. `--trial 123` repeats a trial, `--out FILE` keeps its file.
 */
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { Summary } from './summary.js';
import { type Outcome, Trials } from './trial.js';
import type { Job } from './worker.js';

/** After this long without a result a trial counts as hanging. */
const HANGS_MS = 60_000;
/** The heap of the worker. The young generation is large, so that the garbage collector seldom comes in between of a measurement. */
const LIMITS = { maxOldGenerationSizeMb: 256, maxYoungGenerationSizeMb: 96 };
const MOST_FAULTS = 20;

process.exitCode = await main();

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      files: { type: 'string', default: '20000' },
      seed: { type: 'string', default: '1' },
      from: { type: 'string', default: '0' },
      trial: { type: 'string' },
      out: { type: 'string' },
    },
  });
  const seed = Number(values.seed);
  if (values.trial !== undefined) return repeat(seed, Number(values.trial), values.out);
  const from = Number(values.from);
  return run(seed, from, from + Number(values.files));
}

/** All the trials, with a new worker after one that had to be ended. */
async function run(seed: number, from: number, to: number): Promise<number> {
  const summary = new Summary(to - from);
  let faults = 0;
  for (let next = from; next < to && faults < MOST_FAULTS; ) {
    const current = new Int32Array(new SharedArrayBuffer(4));
    const ended = await runWorker({ seed, from: next, to, current }, (trial, outcome) => {
      next = trial + 1;
      summary.add(outcome);
      if (outcome.fault === undefined) return;
      faults++;
      console.error(
        `\ntrial ${trial} (${outcome.specimen}): ${outcome.fault}\n  npm run fuzz -- --seed ${seed} --trial ${trial}`,
      );
    });
    if (ended === undefined) continue;
    faults++;
    next = current[0] + 1;
    console.error(`\ntrial ${current[0]}: ${ended}\n  npm run fuzz -- --seed ${seed} --trial ${current[0]}`);
  }
  summary.print();
  console.log(faults === 0 ? `${to - from} files, no fault (seed ${seed})` : `${faults} faults (seed ${seed})`);
  return faults === 0 ? 0 : 1;
}

/** Why the worker had to be ended before it was ready; undefined when it got through. */
function runWorker(job: Job, onOutcome: (trial: number, outcome: Outcome) => void): Promise<string | undefined> {
  const worker = new Worker(new URL('worker.js', import.meta.url), { workerData: job, resourceLimits: LIMITS });
  return new Promise((resolve) => {
    let seen = -1;
    let since = Date.now();
    const watch = setInterval(() => {
      const trial = Atomics.load(job.current, 0);
      if (trial !== seen) [seen, since] = [trial, Date.now()];
      else if (Date.now() - since > HANGS_MS) end(`hangs for ${HANGS_MS / 1000} s`);
    }, 1000);
    const end = (reason: string | undefined): void => {
      clearInterval(watch);
      worker.terminate().then(() => resolve(reason));
    };
    worker.on('message', (outcomes: [number, Outcome][] | 'done') => {
      if (outcomes === 'done') end(undefined);
      else for (const [trial, outcome] of outcomes) onOutcome(trial, outcome);
    });
    worker.on('error', (error) => end(`ended its process: ${error.message}`));
  });
}

async function repeat(seed: number, trial: number, out: string | undefined): Promise<number> {
  const trials = await Trials.load();
  const { bytes } = await trials.damagedFile(seed, trial);
  if (out !== undefined) await writeFile(out, bytes);
  const outcome = await trials.run(seed, trial);
  console.log(outcome);
  return outcome.fault === undefined ? 0 : 1;
}
