import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readNetwork, readNpy, readTensors, writeNpy, writeNpz } from '../../src/formats/index.js';
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

test('an old file is replaced', async () => {
  writeFileSync(folder.path('old.npz'), 'old');
  expect((await depthwise('convert', model, folder.path('old.npz'))).exitCode).toBe(0);
  expect((await readNetwork(readFileSync(folder.path('old.npz')))).name).toBe(network.name);
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
  [['out.h5'], "<out>: wanted a name ending in .safetensors or .npz or .npy, found 'out.h5'"],
  [['out.npy'], '<out>: a .npy file holds a single tensor; wanted .safetensors or .npz'],
  [['out.npy', '--tensors'], `<out>: a .npy file holds a single tensor, and MODEL has 137`],
  [['out.npz', '--tensors', '--float16'], '--float16 is for models; --tensors copies tensors as they are'],
])('%j is refused', async ([out, ...flags], message) => {
  const path = out === 'out.h5' ? out : folder.path(out);
  const { exitCode, stdout, stderr } = await depthwise('convert', model, path, ...flags);
  expect({ exitCode, stdout, stderr }).toEqual({
    exitCode: 2,
    stdout: '',
    stderr: `error: ${message.replace('MODEL', model)}\n`,
  });
});
