/**
 * From the start of a process to its first result, stage by stage, beside an empty Node; and how soon optimised code runs. Every sample is a
 * fresh process, the two kinds alternating.
 *
 *   npm run bench:start -- [--processes 15] [--runs 40] [--networks v1-1.0-224,v2-0.35-96] [--clock cpu] [--json FILE]
 *
 * `--clock cpu` counts the processor's time in the child, of all its threads, for a machine that others use too.
 *
 * Flags of this Node go on to the children: node --experimental-wasm-relaxed-simd bench/start/main.mjs
 */
import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { cpus, loadavg } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { writeNetwork } from 'depthwise/formats';
import { mobilenetV1, mobilenetV2 } from 'depthwise/models';
import { randomWeights } from 'depthwise/network';

const NETWORKS = {
  'v1-1.0-224': () => mobilenetV1({ alpha: 1, resolution: 224 }),
  'v1-0.25-128': () => mobilenetV1({ alpha: 0.25, resolution: 128 }),
  'v2-1.0-224': () => mobilenetV2({ alpha: 1, resolution: 224 }),
  'v2-0.35-96': () => mobilenetV2({ alpha: 0.35, resolution: 96 }),
};

/** A run counts as optimised from this factor over the final speed on. */
const OPTIMISED = 1.1;

/** Runs at the end of a series that give its final speed. */
const FINAL_RUNS = 10;

/** An empty program, but for what it says of itself. */
const EMPTY = ['-p', 'const { user, system } = process.cpuUsage(); JSON.stringify({ cpu: (user + system) / 1000 })'];

/** Runs whose times are shown. */
const SHOWN_RUNS = [1, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 40];

const folder = dirname(fileURLToPath(import.meta.url));
const files = join(folder, '../../build/bench-start');
const run = promisify(execFile);

const { values } = parseArgs({
  options: {
    processes: { type: 'string', default: '15' },
    runs: { type: 'string', default: '40' },
    networks: { type: 'string', default: 'v1-1.0-224,v2-0.35-96' },
    clock: { type: 'string', default: 'wall' },
    json: { type: 'string' },
  },
});
const processes = Number(values.processes);
const load = loadavg()[0];
const results = [];
for (const name of values.networks.split(',')) {
  const file = await writeWeights(name);
  results.push({ network: name, ...(await measureStages(file)), series: await measureSeries(file) });
}
console.log(
  `Node ${process.version} ${process.execArgv.join(' ')}, ${cpus()[0].model.trim()}, ${cpus().length} cores,`,
);
console.log(
  `load ${load.toFixed(1)} → ${loadavg()[0].toFixed(1)}, ${processes} processes each; milliseconds${values.clock === 'cpu' ? ' of processor time' : ''}, medians\n`,
);
console.log(results.map(show).join('\n\n'));
if (values.json) await writeFile(values.json, `${JSON.stringify(results, null, 2)}\n`);

async function writeWeights(name) {
  const file = join(files, `${name}.safetensors`);
  await mkdir(files, { recursive: true });
  await writeFile(file, await writeNetwork(randomWeights(NETWORKS[name](), 1), 'safetensors'));
  return file;
}

async function measureStages(file) {
  const empty = [];
  const whole = [];
  const stages = [];
  let target;
  for (let i = 0; i < processes; i++) {
    empty.push((await timed(EMPTY)).milliseconds);
    const { begin, milliseconds, output } = await timed([join(folder, 'child.mjs'), file, '1', values.clock]);
    whole.push(milliseconds);
    let before = begin;
    const stage = { 'first result': output.ends['first run'] - begin };
    for (const [name, end] of Object.entries(output.ends)) {
      stage[name] = end - before;
      before = end;
    }
    stages.push(stage);
    target = output.target;
  }
  const names = Object.keys(stages[0]);
  return {
    target,
    emptyNode: median(empty),
    wholeProcess: median(whole),
    stages: Object.fromEntries(names.map((name) => [name, median(stages.map((stage) => stage[name]))])),
  };
}

/** The times of consecutive runs, and from which run on and after how many milliseconds of runs they are fast. */
async function measureSeries(file) {
  const all = [];
  for (let i = 0; i < Math.min(processes, 7); i++) {
    all.push((await timed([join(folder, 'child.mjs'), file, values.runs, values.clock])).output.milliseconds);
  }
  const runs = all[0].map((_, index) => median(all.map((milliseconds) => milliseconds[index])));
  const final = median(runs.slice(-FINAL_RUNS));
  const optimised = runs.findIndex((milliseconds) => milliseconds <= OPTIMISED * final);
  return { runs, final, optimisedRun: optimised + 1, before: runs.slice(0, optimised).reduce((a, b) => a + b, 0) };
}

/** Runs a process and reads the JSON that it prints. Its time with its end is the wall's, or what it says of the processor's. */
async function timed(args) {
  const wall = () => performance.timeOrigin + performance.now();
  const start = wall();
  const { stdout } = await run(process.execPath, [...process.execArgv, ...args]);
  const end = wall();
  const output = JSON.parse(stdout);
  if (values.clock === 'wall') return { begin: start, milliseconds: end - start, output };
  return { begin: 0, milliseconds: output.cpu ?? output.ends['first run'], output };
}

function show({ network, target, emptyNode, wholeProcess, stages, series }) {
  const { 'first result': total, ...parts } = stages;
  const rows = Object.entries(parts).map(([name, milliseconds]) => [name, milliseconds, milliseconds / total]);
  const lines = [...rows, ['start to first result', total, 1]].map(
    ([name, milliseconds, share]) =>
      `| ${name.padEnd(22)} | ${milliseconds.toFixed(1).padStart(6)} | ${(100 * share).toFixed(0).padStart(4)} % |`,
  );
  const shown = SHOWN_RUNS.filter((run) => run <= series.runs.length);
  return [
    `## ${network}, ${target}`,
    '',
    '| stage                  |     ms |  share |',
    '| ---------------------- | ------ | ------ |',
    ...lines,
    '',
    `Whole process, with its end: ${wholeProcess.toFixed(0)} ms. Empty Node: ${emptyNode.toFixed(0)} ms.`,
    `Fast (within ${Math.round(100 * (OPTIMISED - 1))} % of ${series.final.toFixed(2)} ms) from run ${series.optimisedRun} on, after ${series.before.toFixed(0)} ms of runs.`,
    '',
    `| run | ${shown.join(' | ')} |`,
    `| --- | ${shown.map(() => '---').join(' | ')} |`,
    `| ms  | ${shown.map((run) => series.runs[run - 1].toFixed(2)).join(' | ')} |`,
  ].join('\n');
}

function median(sample) {
  const sorted = [...sample].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
