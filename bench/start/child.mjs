/**
 * What a program does that classifies one picture: import, read weights, compile, run. Prints the moment at which each stage ended and the
 * time of each run: in milliseconds since the epoch ('wall'), or of processor time that the process has used ('cpu').
 *
 *   node bench/start/child.mjs FILE.safetensors RUNS wall|cpu
 */
const clocks = {
  wall: () => performance.timeOrigin + performance.now(),
  cpu() {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  },
};
const [, , file, runs, clock] = process.argv;
const now = clocks[clock];
const ends = { boot: now() };

const [{ readFile }, { compile }, { readNetwork }] = await Promise.all([
  import('node:fs/promises'),
  import('depthwise/engine'),
  import('depthwise/formats'),
]);
ends.import = now();

const network = await readNetwork(await readFile(file));
ends['read weights'] = now();

// A network of one layer, so that the kernels' own compilation and self-test show apart from this network's plan.
const conventions = { source: 'other', output: 'features' };
const node = { name: 'y', kind: 'relu', inputs: ['x'], attributes: {} };
const tiny = { name: 'tiny', inputs: [{ name: 'x', shape: [1, 1] }], nodes: [node], outputs: ['y'], conventions };
(await compile({ ...tiny, weights: new Map() })).dispose();
ends['compile kernels'] = now();

const plan = await compile(network);
ends['fold, plan, pack'] = now();

const { shape } = network.inputs[0];
const picture = { shape, data: new Float32Array(shape.reduce((a, b) => a * b)).fill(0.5) };
const milliseconds = Array.from({ length: Number(runs) }, () => {
  const begin = now();
  plan.run(picture);
  const end = now();
  ends['first run'] ??= end;
  return end - begin;
});
console.log(JSON.stringify({ ends, milliseconds, target: plan.report().target }));
