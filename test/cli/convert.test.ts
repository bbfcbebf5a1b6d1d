import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readNetworkFile } from '../../src/formats/files.js';
import { readNetwork, readTensors } from '../../src/formats/index.js';
import { readNpy, writeNpy } from '../../src/formats/tensors/npy.js';
import { writeNpz } from '../../src/formats/tensors/npz.js';
import { type Network, run } from '../../src/network/index.js';
import { noise } from '../../src/oracle/noise.js';
import { tensor } from '../../src/tensor.js';
import { dataPath, noData } from '../data.js';
import { cat, depthwise, depthwiseJson, smallNetwork, temporaryFolder, writeModel } from './command.js';

const folder = temporaryFolder();
afterAll(folder.remove);

const network = smallNetwork();
let model: string;
beforeAll(async () => {
  model = await writeModel(folder.path('small.safetensors'), network);
});

test.each(['copy.npz', 'copy.safetensors'])('a model to %s keeps everything', async (name) => {
  const out = folder.path(name);
  const { stdout, stderr } = await depthwise('convert', model, out);
  expect(stdout).toBe('');
  expect(stderr).toMatch(/^wrote \S+: mobilenet_v1_0\.25_32, 137 tensors, \d+\.\d [kM]B\n$/);
  expect(await readNetwork(readFileSync(out))).toEqual(await readNetwork(readFileSync(model)));
});

/** The numbers of the first output on a picture of noise. */
const answer = (model: Network): number[] => {
  const x = noise('normal', model.inputs[0].shape, 4);
  return Array.from(run(model, x).get(model.outputs[0])!.data);
};

function expectClose(found: readonly number[], wanted: readonly number[], allowed: number): void {
  expect(found.length).toBe(wanted.length);
  expect(Math.max(...wanted.map((value, i) => Math.abs(value - found[i])))).toBeLessThan(allowed);
}

test.each(['copy.tflite', 'copy.onnx', 'folders/that/are/new/model.json'])(
  'a model to %s keeps its names, conventions and answers; --float16 halves it',
  async (name) => {
    const out = folder.path(name);
    const { bytes } = await depthwiseJson('convert', model, out);
    expect(bytes).toBe(sizeOf(out));
    const found = await readNetworkFile(out);
    expect([found.inputs, found.outputs, found.conventions]).toEqual([
      network.inputs,
      network.outputs,
      network.conventions,
    ]);
    expectClose(answer(found), answer(network), 1e-6);
    const half = await depthwiseJson('convert', model, out, '--float16');
    expect([half.bytes, half.network, half.tensors]).toEqual([sizeOf(out), network.name, 137]);
    expect(half.bytes).toBeLessThan(0.6 * bytes);
    expectClose(answer(await readNetworkFile(out)), answer(network), 5e-3);
  },
);

/** Of a file, or of a model.json and the files beside it. */
function sizeOf(path: string): number {
  const files = path.endsWith('.json') ? readdirSync(dirname(path)).map((file) => join(dirname(path), file)) : [path];
  return files.reduce((sum, file) => sum + statSync(file).size, 0);
}

test('a folder that cannot be made is an error', async () => {
  const { exitCode, stderr } = await depthwise('convert', model, join(model, 'model.json'));
  expect([exitCode, stderr]).toEqual([
    2,
    `error: <out>: '${model}' cannot be made a folder: a file stands where a folder is wanted\n`,
  ]);
});

test.each(['own.tflite', 'own.onnx', 'own/model.json'])('--network is not for %s', async (name) => {
  const own = folder.path(name);
  expect((await depthwise('convert', model, own)).exitCode).toBe(0);
  const { exitCode, stderr } = await depthwise('convert', own, folder.path('x.npz'), '--network', 'mobilenet_v1');
  expect([exitCode, stderr]).toEqual([
    2,
    `error: ${own}: describes its own network; an architecture is for files of weights alone: --network, --conventions\n`,
  ]);
});

test('the model itself is not replaced, nor the tensors that are read', async () => {
  const before = readFileSync(model);
  for (const more of [[], ['--float16'], ['--tensors']]) {
    expect(await depthwise('convert', model, model, ...more)).toMatchObject({
      exitCode: 2,
      stderr: `error: <out>: '${model}' is read or written by this command already; name another file\n`,
    });
  }
  expect(readFileSync(model).equals(before)).toBe(true);
});

test('an old file is replaced', async () => {
  writeFileSync(folder.path('old.npz'), 'old');
  expect((await depthwise('convert', model, folder.path('old.npz'))).exitCode).toBe(0);
  expect((await readNetwork(readFileSync(folder.path('old.npz')))).name).toBe(network.name);
});

test('--int8: little more than a quarter of the file, nearly the same answers', async () => {
  const out = folder.path('eighths.safetensors');
  const { bytes, tensors } = await depthwiseJson('convert', model, out, '--int8');
  expect([bytes, tensors]).toEqual([statSync(out).size, 137]);
  expect(bytes).toBeLessThan(0.35 * statSync(model).size);
  expectClose(answer(await readNetworkFile(out)), answer(network), 0.02);
  const { exitCode, stderr } = await depthwise('convert', model, folder.path('eighths.onnx'), '--int8');
  expect([exitCode, stderr]).toEqual([
    2,
    'error: kernels of int8 are written as .safetensors or .npz, not as .onnx; wanted float16 or float32\n',
  ]);
});

test('--float16 halves the file and changes kernels by at most 2^-11 of their size', async () => {
  const out = folder.path('half.safetensors');
  const { bytes, tensors } = await depthwiseJson('convert', model, out, '--float16');
  expect([bytes, tensors]).toEqual([statSync(out).size, 137]);
  expect(bytes).toBeLessThan(0.6 * statSync(model).size);
  const { weights } = await readNetwork(readFileSync(out));
  const wrong = [...network.weights].flatMap(([name, { data }]) => {
    const found = weights.get(name)!.data;
    const at = data.findIndex(
      (value, i) => !(Math.abs(found[i] - value) <= Math.max(2 ** -11 * Math.abs(value), 2 ** -25)),
    );
    return at < 0 ? [] : [`${name}[${at}] is ${found[at]}, was ${data[at]}`];
  });
  expect(wrong).toEqual([]);
});

test('--fold leaves no batch norm, and answers that differ by rounding', async () => {
  const out = folder.path('folded.safetensors');
  expect((await depthwiseJson('convert', model, out, '--fold')).tensors).toBe(56); // 28 layers with a kernel and a bias
  const folded = await readNetwork(readFileSync(out));
  expect(folded.nodes.filter(({ kind }) => kind === 'batchNorm')).toEqual([]);
  expect(folded.conventions).toEqual(network.conventions);
  const [{ shape }] = network.inputs;
  const x = noise('normal', shape, 1);
  const [before] = run(network, x).values();
  const [after] = run(folded, x).values();
  before.data.forEach((value, i) => {
    expect(Math.abs(after.data[i] - value)).toBeLessThan(1e-5);
  });
});

test('weights alone become a model once --network says what they belong to', async () => {
  const weights = folder.path('weights.npz');
  writeFileSync(weights, await writeNpz(new Map(network.weights)));
  const flags = [
    '--network',
    'mobilenet_v1',
    '--alpha',
    '0.25',
    '--resolution',
    '32',
    '--classes',
    '7',
    '--preset',
    'slim',
  ];
  expect((await depthwise('convert', weights, folder.path('whole.npz'), ...flags)).exitCode).toBe(0);
  const whole = await readNetwork(readFileSync(folder.path('whole.npz')));
  expect(whole.weights).toEqual(network.weights);
  expect(whole.conventions.preprocessing?.crop).toEqual({ kind: 'central', fraction: 0.875 });
});

test('weights that do not fit are an error that names them', async () => {
  const weights = folder.path('weights.npz');
  writeFileSync(weights, await writeNpz(new Map(network.weights)));
  const flags = ['--network', 'mobilenet_v1', '--alpha', '0.5', '--resolution', '32', '--classes', '7'];
  const { exitCode, stderr } = await depthwise('convert', weights, folder.path('wrong.npz'), ...flags);
  expect(exitCode).toBe(1);
  expect(stderr).toContain('wrong shape: conv1/kernel is [3,3,3,8], wanted [3,3,3,16]');
});

test('--tensors copies tensors from format to format', async () => {
  const x = tensor([2, 3], [1, 2, 3, 4, 5, 6]);
  writeFileSync(folder.path('x.npy'), writeNpy(x));
  for (const [from, to] of [
    ['x.npy', 'x.npz'],
    ['x.npz', 'x.safetensors'],
    ['x.safetensors', 'y.npy'],
  ]) {
    expect((await depthwise('convert', folder.path(from), folder.path(to), '--tensors')).exitCode).toBe(0);
  }
  expect(await readTensors(readFileSync(folder.path('x.safetensors')))).toEqual(new Map([['array', x]]));
  expect(readNpy(readFileSync(folder.path('y.npy')))).toEqual(x);
});

test.skipIf(noData)('a Keras file answers as before once it is converted (needs DEPTHWISE_DATA)', async () => {
  const keras = dataPath('models', 'mobilenet_v1_0.25_224.h5');
  const out = folder.path('keras.safetensors');
  expect((await depthwise('convert', keras, out)).exitCode).toBe(0);
  expect(await depthwiseJson('classify', cat, '--model', out)).toEqual(
    await depthwiseJson('classify', cat, '--model', keras),
  );
});

test.each([
  [['out.h5'], "<out>: wanted a name ending in .safetensors or .npz or .tflite or .onnx or model.json, found 'out.h5'"],
  [['out.npy'], '<out>: a .npy file holds a single tensor, not a model'],
  [
    ['my-model.json'],
    "<out>: a TF.js model is a folder with a model.json; wanted FOLDER/model.json, found 'my-model.json'",
  ],
  [['out.npy', '--tensors'], `<out>: a .npy file holds a single tensor, and MODEL has 137`],
  [['out.npz', '--tensors', '--int8'], '--int8 has no effect with --tensors: tensors are copied as they are'],
  [['out.npz', '--float16', '--int8'], '--int8 has no effect with --float16: kernels are one or the other'],
  [['out.npz', '--tensors', '--float16'], '--float16 has no effect with --tensors: tensors are copied as they are'],
])('%j is refused', async ([out, ...flags], message) => {
  const path = out.startsWith('out.h5') || out.startsWith('my-') ? out : folder.path(out);
  const { exitCode, stdout, stderr } = await depthwise('convert', model, path, ...flags);
  expect({ exitCode, stdout, stderr }).toEqual({
    exitCode: 2,
    stdout: '',
    stderr: `error: ${message.replace('MODEL', model)}\n`,
  });
});
