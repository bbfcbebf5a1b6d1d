/** The benchmark in Node. */
import { join } from 'node:path';
import { benchmark, bestSimd } from './benchmark.js';
import type { Surroundings } from './contestants/contestant.js';
import { onnxruntimeNode } from './contestants/onnxruntimeNode.js';
import { readOptions } from './options.js';
import { asPage } from './pageGlobals.js';
import { describeMachine, loadNow, publish, ROOT } from './publish.js';
import { withMean } from './report.js';

const options = readOptions();
const { simd = bestSimd() } = options;
const folder = (path: string) => join(ROOT, 'node_modules', path, '/');
const surroundings: Surroundings = {
  simd,
  folders: {
    litert: folder('@litertjs/core/wasm'),
    tfjsTflite: folder('@tensorflow/tfjs-tflite/wasm'),
    tfjsWasm: folder('@tensorflow/tfjs-backend-wasm/wasm-out'),
    onnxruntime: folder('onnxruntime-web/dist'),
  },
  asPage,
};

/** Milliseconds of the processor in this process: for a machine that others use at the same time. */
const processorTime = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};
const clock = options.clock === 'cpu' ? processorTime : () => performance.now();

const before = loadNow();
const rows = await benchmark(options, surroundings, [onnxruntimeNode()], clock, (line) => console.error(line));
await publish(
  withMean({
    runtime: `Node ${process.versions.node} (V8 ${process.versions.v8.split('.').slice(0, 2).join('.')})`,
    machine: describeMachine(),
    simd,
    clock: options.clock,
    date: new Date().toISOString().slice(0, 10),
    seconds: options.seconds,
    load: [before, loadNow()],
    rows,
  }),
  options.out,
);
process.exit(); // onnxruntime's threads would keep the process
