/** This project's trainer: one program a shard, the first on this thread, the others in workers; then one update by the mean gradient. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { createOptimizer, createProgram, packParameters, parameterLayout } from './build/training-steps.mjs';

const shared = (length) => new Float32Array(new SharedArrayBuffer(length * 4));

export async function depthwiseContestant(target, shards, { network, pictures, targets, learningRate, momentum }) {
  const layout = parameterLayout(network);
  const values = shared(layout.trainableSize);
  values.set(packParameters(network).values);
  const batch = pictures.shape[0] / shards;
  const part = ({ data }, shard) => data.slice((shard * data.length) / shards, ((shard + 1) * data.length) / shards);
  const jobs = Array.from({ length: shards }, (_, shard) => ({
    ...{ target, network, batch, values, pictures: part(pictures, shard), targets: part(targets, shard) },
    gradients: shared(layout.trainableSize),
    statistics: shared(layout.statisticsSize),
  }));
  const [own, ...others] = jobs;
  const program = await createProgram(target, network, batch);
  const workers = await Promise.all(
    others.map(async (workerData) => {
      const worker = new Worker(new URL('shard.mjs', import.meta.url), { workerData });
      await once(worker, 'message');
      return worker;
    }),
  );
  const options = { kind: 'sgd', momentum, nesterov: false };
  const optimizer = createOptimizer(options, layout, 0);
  const mean = new Float32Array(layout.trainableSize);
  let count = 0;
  return {
    name: `depthwise ${target}, ${shards} ${shards === 1 ? 'thread' : 'threads'}`,
    async step() {
      const answers = workers.map((worker) => once(worker, 'message'));
      for (const worker of workers) worker.postMessage(count);
      const losses = [program.step(values, own.pictures, own.targets, own.gradients, own.statistics, count).loss];
      for (const [loss] of await Promise.all(answers)) losses.push(loss);
      mean.fill(0);
      for (const { gradients } of jobs) for (let i = 0; i < mean.length; i++) mean[i] += gradients[i] / shards;
      optimizer.update(values, mean, learningRate, count++);
      return losses.reduce((sum, loss) => sum + loss, 0) / shards;
    },
    close: async () => void (await Promise.all(workers.map((worker) => worker.terminate()))),
  };
}
