/**
 * Kills commands that write, with SIGKILL and at random moments, and looks at what they leave: every file is the old one or the new one, whole,
 * and the next run removes what the killed one left.
 *
 *   npm run test:kills -- [--kills 1000] [--seconds 600] [--only detect,segment]
 *
 * One kill in two comes as soon as a temporary file is there, the others at any moment of the command's time. Exit code 1 where something is lost.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { writeNetwork } from 'depthwise/formats';
import { mobilenetV1 } from 'depthwise/models';
import { NetworkBuilder, preprocessingPreset, randomWeights } from 'depthwise/network';

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '1000' },
    seconds: { type: 'string', default: '3600' },
    only: { type: 'string' },
  },
});
const [kills, seconds] = [values.kills, values.seconds].map(Number);

const main = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
const picture = fileURLToPath(new URL('../assets/pictures/chelsea.jpg', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'depthwise-kills-'));

const [OLD, NEW] = ['old.safetensors', 'new.safetensors'].map((name) => join(folder, name));

/** Two networks of the same layers, whose files differ: what is there before, and what is written over it. */
const size = { alpha: 0.25, resolution: 32, classes: 7 };
for (const [path, weights] of [
  [OLD, 1],
  [NEW, 2],
]) {
  const network = randomWeights(mobilenetV1(size), weights);
  writeFileSync(path, await writeNetwork(network, 'safetensors'));
}

/** A detector of one box, and a segmenter of two classes: what they find depends on their weights. */
const preprocessing = { ...preprocessingPreset('slim', [8, 8]), crop: { kind: 'stretch' } };
const labels = ['background', 'cat'];
function detector() {
  const net = new NetworkBuilder();
  const pooled = net.add('pooled', 'globalAveragePool', net.input('input', [1, 8, 8, 3]), { keepDims: false });
  const codes = net.add('codes', 'dense', pooled, { units: 4 });
  const boxes = net.add('boxes', 'reshape', codes, { shape: [1, 4] });
  const scores = net.add('scores', 'dense', pooled, { units: 1 });
  const suppression = {
    kind: 'per-class',
    scoreThreshold: 0,
    iouThreshold: 0.5,
    maxPerClass: 1,
    maxResults: 1,
    classesPerBox: 1,
  };
  const anchors = [0.5, 0.5, 0.5, 0.5];
  const heads = { codes: boxes, scores, scoresAre: 'logits', background: 'none' };
  const detection = { ...heads, anchors, scales: [10, 10, 5, 5], suppression };
  return net.build('detector', [boxes, scores], {
    source: 'other',
    output: 'features',
    preprocessing,
    detection,
    labels: ['cat'],
  });
}
function segmenter() {
  const net = new NetworkBuilder();
  const scores = net.add('scores', 'pointwiseConv2d', net.input('input', [1, 8, 8, 3]), { filters: 2 });
  return net.build('segmenter', [scores], { source: 'other', output: 'features', preprocessing, labels });
}
const [OLD_DETECTOR, NEW_DETECTOR, OLD_SEGMENTER, NEW_SEGMENTER] = await Promise.all(
  [detector, detector, segmenter, segmenter].map(async (build, at) => {
    const path = join(folder, `${build.name}-${at}.safetensors`);
    writeFileSync(path, await writeNetwork(randomWeights(build(), at), 'safetensors'));
    return path;
  }),
);

const train = ['train', '--data', 'digits', '--limit', '64', '--network', 'mobilenet_v1', '--alpha', '0.05'];
const recipe = ['--small-pictures', '--epochs', '2', '--batch', '32', '--workers', '1', '--out', 'out'];

const images = [{ id: 1, file_name: 'chelsea.jpg' }];
writeFileSync(
  join(folder, 'instances.json'),
  JSON.stringify({ images, categories: [{ id: 17, name: 'cat' }], annotations: [] }),
);

/** Each command, by the model that it reads, writes into the folder `out`. */
const commands = {
  'convert .safetensors': (model) => ['convert', model, 'out/m.safetensors', '--float16'],
  'convert .npz': (model) => ['convert', model, 'out/m.npz'],
  'convert .onnx': (model) => ['convert', model, 'out/m.onnx'],
  'convert .tflite': (model) => ['convert', model, 'out/m.tflite'],
  'convert model.json': (model) => ['convert', model, 'out/model.json'],
  trace: (model) => ['trace', '--model', model, '--preset', 'keras', '--out', 'out/t.npz'],
  golden: (model) => ['golden', '--model', model, '--with', 'onnx,c', '--overwrite', '--out', 'out/g.safetensors'],
  'golden --suite': (model) => [
    ...['golden', '--suite', 'layers', '--kinds', 'relu,add', '--count', '4'],
    ...['--seed', model === OLD ? '1' : '2', '--out', 'out'],
  ],
  embed: (model) => ['embed', picture, '--model', model, '--preset', 'keras', '--out', 'out/e.npy'],
  detect: (model) => [
    ...['detect', picture, '--model', model === OLD ? OLD_DETECTOR : NEW_DETECTOR, '--score', '0'],
    ...['--out', 'out', '--coco', 'out/coco.json', '--annotations', join(folder, 'instances.json')],
  ],
  segment: (model) => [
    ...['segment', picture, '--model', model === OLD ? OLD_SEGMENTER : NEW_SEGMENTER],
    ...['--out', 'out', '--overlay', '--cut-out', '--confidence'],
  ],
  quantize: (model) => [
    ...['quantize', model, '--preset', 'keras', '--calibrate', picture],
    ...['--out', 'out/q.tflite', '--c-array', 'out/q.h'],
  ],
  train: (model) => [...train, ...recipe, '--seed', model === OLD ? '1' : '2', '--overwrite'],
};

/** Commands that are killed at once. */
const LANES = 2;
/** After so many kills a run comes to its end. */
const KILLS_BETWEEN = 4;

let killed = 0;
let caught = 0;
const faults = [];

const jobs = [];
const only = values.only?.split(',');
for (const [name, command] of Object.entries(commands)) {
  if (!only || only.includes(name)) jobs.push(await prepare(name, command));
}
for (const { name, before, after } of jobs) {
  for (const [file, hash] of after)
    if (hash === before.get(file)) throw new Error(`${name}: ${file} is the same before and after`);
}

const until = Date.now() + 1000 * seconds;
await Promise.all(Array.from({ length: LANES }, lane));
rmSync(folder, { recursive: true });
console.log(`${killed} kills, ${caught} of them while a temporary file was there; ${faults.length} faults`);
for (const fault of faults) console.log(fault);
process.exitCode = faults.length > 0 || killed === 0 ? 1 : 0;

async function lane() {
  while (killed < kills && Date.now() < until) {
    const job = jobs.shift();
    await killSome(job);
    jobs.push(job);
  }
}

/** What the folder holds before and after the command, and how long it takes. */
async function prepare(name, command) {
  const at = join(folder, name.replaceAll(/\W+/g, '-'));
  mkdirSync(join(at, 'out'), { recursive: true });
  await run(at, command(NEW));
  const after = contentOf(at);
  rmSync(join(at, 'out'), { recursive: true });
  mkdirSync(join(at, 'out'));
  const began = Date.now();
  await run(at, command(OLD));
  const duration = Date.now() - began;
  cpSync(join(at, 'out'), join(at, 'old'), { recursive: true });
  return { name, at, args: command(NEW), before: contentOf(at), after, duration };
}

async function killSome(job) {
  for (let kill = 0; kill < KILLS_BETWEEN; kill++) {
    cpSync(join(job.at, 'old'), join(job.at, 'out'), { recursive: true });
    await killOnce(job);
    expectWhole(job);
  }
  await run(job.at, job.args);
  const left = readdirSync(join(job.at, 'out')).filter((file) => file.startsWith('.'));
  if (left.length > 0) faults.push(`${job.name}: the next run left ${left.join(', ')}`);
  const found = contentOf(job.at);
  if (job.name !== 'train' && !holds(found, job.after)) faults.push(`${job.name}: the next run wrote something else`);
}

async function killOnce({ at, args, duration }) {
  const child = start(at, args);
  const ended = once(child, 'exit');
  const moment = Math.random() * duration;
  const atTemporary = Math.random() < 0.5;
  const began = Date.now();
  let running = true;
  ended.then(() => {
    running = false;
  });
  while (running && (atTemporary || Date.now() - began < moment)) {
    if (atTemporary && hasTemporary(at)) break;
    await new Promise((next) => setTimeout(next, 1));
  }
  if (!running) return;
  child.kill('SIGKILL');
  const [, signal] = await ended;
  if (signal !== 'SIGKILL') return; // it had just ended
  killed += 1;
  if (hasTemporary(at)) caught += 1;
}

function hasTemporary(at) {
  return readdirSync(join(at, 'out')).some((file) => file.endsWith('.tmp'));
}

function start(at, args) {
  return spawn(process.execPath, [main, ...args], { cwd: at, stdio: ['ignore', 'ignore', 'pipe'] });
}

async function run(at, args) {
  const child = start(at, args);
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    said += text;
  });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`${args.join(' ')}: exit code ${code}: ${said}`);
}

/** The hash of each file; of a TensorFlow.js model, which is one in several files, that of what it says and of all its weights. */
function contentOf(at) {
  const read = (file) => readFileSync(join(at, 'out', file));
  const files = readdirSync(join(at, 'out')).filter((file) => !file.startsWith('.'));
  if (!files.includes('model.json')) return new Map(files.map((file) => [file, hashOf(read(file))]));
  const { modelTopology, weightsManifest } = JSON.parse(read('model.json'));
  const weights = weightsManifest.flatMap(({ paths }) => paths).map(read);
  return new Map([['model.json', hashOf(Buffer.concat([Buffer.from(JSON.stringify(modelTopology)), ...weights]))]]);
}

function hashOf(bytes) {
  return createHash('sha256').update(bytes).digest('hex');
}

function holds(content, wanted) {
  return [...wanted].every(([file, hash]) => content.get(file) === hash);
}

/** No file is lost, none is anything but the old or the new one. */
function expectWhole({ name, at, before, after }) {
  let found;
  try {
    found = contentOf(at);
  } catch (error) {
    faults.push(`${name}: ${error.message}`);
    return;
  }
  for (const file of before.keys()) if (!found.has(file)) faults.push(`${name}: ${file} is gone`);
  for (const [file, hash] of found) {
    const isKnown = hash === before.get(file) || hash === after.get(file);
    if (!isKnown && !(name === 'train' && isWhole(file, readFileSync(join(at, 'out', file))))) {
      faults.push(`${name}: ${file} is neither the old nor the new one`);
    }
  }
}

/** Of a training run, whose files say how long it took: whether they end where they should. */
function isWhole(file, bytes) {
  if (file === 'metrics.csv') return /^epoch,.*\n(\d+(,[-\d.e]+){5}\n)+$/.test(`${bytes}`);
  if (file === 'report.html') return /<\/html>\s*$/.test(`${bytes}`);
  const header = Number(bytes.readBigUInt64LE(0));
  const { __metadata__: _, ...tensors } = JSON.parse(bytes.subarray(8, 8 + header));
  return 8 + header + Math.max(...Object.values(tensors).map(({ data_offsets: [, end] }) => end)) === bytes.length;
}
