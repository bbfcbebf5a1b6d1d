/** `depthwise quantize` on a small network. */
import { readFileSync, statSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readQuantizedNetwork } from '../../src/formats/index.js';
import { isQuantizedType } from '../../src/network/quantized-network.js';
import { cat, depthwise, depthwiseJson, smallNetwork, temporaryFolder, writeModel } from './command.js';

const folder = temporaryFolder();
afterAll(folder.remove);

let model: string;
beforeAll(async () => {
  model = await writeModel(folder.path('small.safetensors'), smallNetwork());
});

test('a .tflite file, a C array and a report', async () => {
  const [out, array] = [folder.path('small.tflite'), folder.path('small.h')];
  const given = ['quantize', model, '--calibrate', cat, '--out', out, '--c-array', array];
  const { stdout, stderr } = await depthwise(...given);
  expect(stdout).toMatch(/^layer +SQNR, dB\n/);
  expect(stdout).toMatch(/\nSQNR of the answers \d+\.\d dB; the same answer to [01] of 1 pictures\n$/);
  expect(stderr).toMatch(/^wrote \S+small\.tflite: mobilenet_v1_0\.25_32, \d+\.\d kB$/m);
  expect(statSync(out).size).toBeLessThan(0.4 * statSync(model).size);
  const network = await readQuantizedNetwork(readFileSync(out));
  expect(network.nodes.filter(({ type }) => isQuantizedType(type)).length).toBeGreaterThan(27);

  const text = readFileSync(array, 'latin1');
  const numbers = text.match(/0x[0-9a-f]{2}/g)!.map(Number);
  expect(Buffer.from(numbers)).toEqual(readFileSync(out));
  expect(text).toContain('const unsigned char small_tflite[] = {');
  expect(text).toContain(`const unsigned int small_tflite_len = ${statSync(out).size};`);

  const { bytes, layers, agreed } = await depthwiseJson(...given);
  expect([bytes, [0, 1].includes(agreed)]).toEqual([statSync(out).size, true]);
  expect(layers[0]).toEqual({ name: expect.any(String), sqnr: expect.any(Number) });
});

test('what it writes, other commands compute with integers, and it does not quantise again', async () => {
  const out = folder.path('again.safetensors');
  await depthwise('quantize', model, '--calibrate', cat, '--out', out);
  const [{ predictions }] = await depthwiseJson('classify', cat, '--model', out);
  // Shares of 1 / 256.
  for (const { probability } of predictions) expect(Number.isInteger(probability * 256)).toBe(true);
  const { exitCode, stderr } = await depthwise(
    'quantize',
    out,
    '--calibrate',
    cat,
    '--out',
    folder.path('twice.tflite'),
  );
  expect([exitCode, stderr]).toEqual([2, 'error: mobilenet_v1_0.25_32: computes with integers already\n']);
});

test.each([
  [['--out', 'model.onnx'], "--out: wanted a name ending in .tflite or .safetensors or .npz, found 'model.onnx'"],
  [['--out', 'model.npz', '--c-array', 'model.h'], '--c-array: is made of a .tflite file; wanted --out FILE.tflite'],
  [
    ['--out', 'model.tflite', '--c-array', 'model.txt'],
    "--c-array: wanted a name ending in .h or .c or .cc, found 'model.txt'",
  ],
])('%j', async (flags, message) => {
  const { exitCode, stderr } = await depthwise('quantize', model, '--calibrate', cat, ...flags);
  expect([exitCode, stderr]).toEqual([2, `error: ${message}\n`]);
});
