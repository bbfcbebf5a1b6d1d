/** `depthwise train --quantization-aware`: a trained network learns on as integers. */
import { readFileSync } from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import { readQuantizedNetwork } from '../../src/formats/index.js';
import { isQuantizedType } from '../../src/network/quantized-network.js';
import { depthwise, depthwiseJson, smallNetwork, temporaryFolder, writeModel } from './command.js';

const folder = temporaryFolder();
afterAll(folder.remove);

const common = [
  'train',
  '--warmup',
  '0',
  '--data',
  'digits',
  '--limit',
  '20',
  '--batch',
  '10',
  '--workers',
  '1',
  '--learning-rate',
  '0.001',
];

test('the model has integers, is tested with them, and goes on', async () => {
  const model = await writeModel(folder.path('small.safetensors'), smallNetwork({ classes: 10 }));
  const out = folder.path('run');
  const aware = [...common, '--begin-with', model, '--quantization-aware', '--out', out];
  expect((await depthwise(...aware, '--epochs', '1')).stderr).toMatch(
    /model\.safetensors: right about \d+\.\d % of the test pictures/,
  );
  const file = `${out}/model.safetensors`;
  const first = readFileSync(file);
  const network = await readQuantizedNetwork(first);
  expect(network.nodes.filter(({ type }) => isQuantizedType(type)).length).toBeGreaterThan(27);
  expect(network.nodes.map(({ kind }) => kind)).not.toContain('batchNorm');
  const { top1 } = await depthwiseJson('evaluate', file, '--data', 'digits', '--limit', '20');
  expect(top1).toBeGreaterThanOrEqual(0);
  expect((await depthwise(...aware, '--epochs', '2', '--restarts', '1x0.001', '--resume')).exitCode).toBe(0);
  expect(readFileSync(file)).not.toEqual(first);
});

test.each([
  [[], '--quantization-aware goes with --begin-with, which was not given'],
  [
    ['--begin-with', 'model', '--float16'],
    '--float16 has no effect with --quantization-aware: its kernels are of 8 bits',
  ],
])('%j', async (flags, message) => {
  const { exitCode, stderr } = await depthwise(...common, '--quantization-aware', ...flags, '--out', folder.path('no'));
  expect([exitCode, stderr]).toEqual([2, `error: ${message}\n`]);
});
