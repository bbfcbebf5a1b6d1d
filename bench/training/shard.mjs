/** A worker that computes one shard of every step: its pictures stay here, the weights and its gradients lie in shared memory. */
import { parentPort, workerData } from 'node:worker_threads';
import { createProgram } from './build/training-steps.mjs';

const { target, network, batch, pictures, targets, values, gradients, statistics } = workerData;
const program = await createProgram(target, network, batch);
parentPort.on('message', (seed) => {
  parentPort.postMessage(program.step(values, pictures, targets, gradients, statistics, seed).loss);
});
parentPort.postMessage('ready');
