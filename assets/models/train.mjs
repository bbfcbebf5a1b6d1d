/**
 * Trains mobilenet_v2_0.75_32_small_cifar10.safetensors anew, as it was trained: five trainings, each of which begins with what the one before
 * it made; the last makes its integers. Some eleven hours on two cores. Stopped at any moment, the same command goes on where it was.
 *
 *   node assets/models/train.mjs cifar-10-batches-bin training
 *
 * The first folder is CIFAR-10's binary version, into the second goes all that is made.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const [cifar10, out] = process.argv.slice(2);
if (out === undefined) {
  console.error('wanted: node train.mjs CIFAR10_FOLDER OUT_FOLDER');
  process.exit(2);
}

const depthwise = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
/** Node 20 has relaxed SIMD behind a flag, which later ones do not know. */
const nodeFlags = Number(process.versions.node.split('.')[0]) < 22 ? ['--experimental-wasm-relaxed-simd'] : [];

const at = (name) => join(out, name);

/** Of every training. */
const common = '--network mobilenet_v2 --small-pictures --batch 64 --dropout 0 --target relaxed';
const cutOuts = '--augment flip,crop,cutout:8';

await train(
  'narrow',
  `--alpha 0.5 --epochs 58 --restarts 36x0.02 --resolutions 24x20,32 --learning-rate 0.08 --warmup 1`,
);
await train('wide', `--alpha 0.75 --epochs 14 --resolutions 28x8,32 ${cutOuts} --learning-rate 0.03 --warmup 0.5`, [
  at('narrow/model.safetensors'),
]);
await convert('wide');
await train('longer', `--alpha 0.75 --epochs 31 --resolutions 24x12,32 ${cutOuts} --learning-rate 0.05 --warmup 0.5`, [
  at('wide.safetensors'),
]);
await convert('longer');
await train(
  'last',
  `--alpha 0.75 --epochs 21 --restarts 17x0.006:flip+crop ${cutOuts} --learning-rate 0.04 --warmup 0.5`,
  [at('wide.safetensors'), at('longer.safetensors')],
);
await convert('last');
await train(
  'integers',
  '--alpha 0.75 --quantization-aware --limit 10000 --epochs 1 --batch 32 --learning-rate 0.001 --warmup 0.1 --weight-decay 0',
  [at('last.safetensors')],
);
await run('evaluate', at('integers/model.safetensors'), '--data', `cifar10:${cifar10}`);

/** Into the folder `name`, unless that has been done. The network begins as the last of the teachers. */
async function train(name, recipe, teachers = []) {
  // The report is what a training writes last.
  if (existsSync(at(`${name}/report.html`))) return;
  console.error(`${name}: ${recipe}`);
  const taught = teachers.length > 0 ? ['--begin-with', teachers.at(-1), '--teachers', teachers.join()] : [];
  const resume = existsSync(at(`${name}/checkpoint.safetensors`)) ? ['--resume'] : [];
  const flags = `${common} ${recipe}`.split(' ');
  await run('train', '--data', `cifar10:${cifar10}`, ...flags, ...taught, '--out', at(name), ...resume);
}

/** The model of a training with kernels in 8 bits, as the next ones begin with it. */
async function convert(name) {
  await run('convert', at(`${name}/model.safetensors`), at(`${name}.safetensors`), '--fold', '--int8');
}

/** Ends this program where the command failed, or saved and stopped. */
async function run(...args) {
  const child = spawn(process.execPath, [...nodeFlags, depthwise, ...args], { stdio: 'inherit' });
  // Ctrl-C reaches the child too, which saves before it ends.
  const wait = () => {};
  const end = () => child.kill('SIGTERM');
  process.on('SIGINT', wait).on('SIGTERM', end);
  const status = await new Promise((resolve) => child.on('exit', (code) => resolve(code ?? 1)));
  process.off('SIGINT', wait).off('SIGTERM', end);
  if (status !== 0) process.exit(status);
}
