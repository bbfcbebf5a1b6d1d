/** Node's worker threads as members of a training team. */
import type { Worker } from 'node:worker_threads';
import { budgetFactor } from '../../network/budget.js';
import type { Job, Member, Request } from './shards.js';

/** `count` threads that know the job. */
export async function startThreads(job: Job, count: number): Promise<Member[]> {
  const { Worker } = await import('node:worker_threads');
  // The same path from src, from dist/training and from dist/chunks; in src there is no such file, and no worker.
  const file = new URL('../training/worker.js', import.meta.url);
  return Array.from({ length: count }, () => {
    const worker = new Worker(file, { workerData: { job, budget: budgetFactor() } });
    return {
      ask: <Answer>(request: Request) => ask<Answer>(worker, request),
      close: async () => void (await worker.terminate()),
    };
  });
}

/** The answer, or the worker's error. */
function ask<Answer>(worker: Worker, request: Request): Promise<Answer> {
  const answer = new Promise<Answer>((resolve, reject) => {
    const done = (settle: () => void) => {
      worker.off('message', onMessage).off('error', onError);
      settle();
    };
    const onMessage = (found: Answer) => done(() => resolve(found));
    const onError = (error: unknown) => done(() => reject(error));
    worker.on('message', onMessage).on('error', onError);
  });
  worker.postMessage(request);
  return answer;
}
