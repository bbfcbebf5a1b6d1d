/** Runs trials one after the other and tells the main thread what became of them, in batches. */
import { parentPort, workerData } from 'node:worker_threads';
import { type Outcome, Trials } from './trial.js';

export interface Job {
  readonly seed: number;
  readonly from: number;
  readonly to: number;
  /** Number of the trial that is running. */
  readonly current: Int32Array;
}

const BATCH = 100;

console.warn = () => {}; // jsfive says which attributes it does not understand
const { seed, from, to, current } = workerData as Job;
const trials = await Trials.load();
let outcomes: [number, Outcome][] = [];
for (let trial = from; trial < to; trial++) {
  Atomics.store(current, 0, trial);
  const outcome = await trials.run(seed, trial);
  outcomes.push([trial, outcome]);
  if (outcomes.length < BATCH && outcome.fault === undefined) continue;
  parentPort!.postMessage(outcomes);
  outcomes = [];
}
parentPort!.postMessage(outcomes);
parentPort!.postMessage('done');
