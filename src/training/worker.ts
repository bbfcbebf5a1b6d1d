/** A worker thread's whole program: computes the shards, and tests the pictures, that it is asked for. */
import { parentPort, workerData } from 'node:worker_threads';
import { setBudget } from '../network/index.js';
import { countTest, type Job, type Request, ShardRunner } from './loop/shards.js';

const { job, budget }: { job: Job; budget: number } = workerData;
setBudget(budget);
const runner = new ShardRunner(job);

parentPort?.on('message', async (request: Request) => {
  const answer = 'test' in request ? countTest(job, request.test) : runner.run(request.position, request.shards);
  parentPort?.postMessage(await answer);
});
