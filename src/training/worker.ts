/** A worker thread's whole program: computes the shards that it is asked for. */
import { parentPort, workerData } from 'node:worker_threads';
import { type Job, type Request, ShardRunner } from './shards.js';

const runner = new ShardRunner(workerData as Job);

parentPort?.on('message', async ({ position, shards }: Request) => {
  parentPort?.postMessage(await runner.run(position, shards));
});
