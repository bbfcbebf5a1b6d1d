/** Teachable Machine's exports on the command line. */
import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { zip } from '../../src/formats/zip.js';
import { exported } from '../formats/tfjs/models.js';
import { cat, depthwise, depthwiseJson, temporaryFolder } from './command.js';

const folder = temporaryFolder();
const model = folder.path('model.json');
afterAll(folder.remove);

beforeAll(async () => {
  const files = exported(3);
  for (const [name, bytes] of files) writeFileSync(folder.path(name), bytes);
  writeFileSync(folder.path('tm-my-image-model.zip'), await zip(files));
});

test('classify and convert need no option; the archive answers as the folder does', async () => {
  const [{ predictions }] = await depthwiseJson('classify', cat, '--model', model);
  expect(predictions.map(({ label }: { label: string }) => label).sort()).toEqual(['bright', 'dark']);
  const [packed] = await depthwiseJson('classify', cat, '--model', folder.path('tm-my-image-model.zip'));
  expect(packed.predictions).toEqual(predictions);
  const out = folder.path('mine.safetensors');
  expect((await depthwise('convert', model, out)).exitCode).toBe(0);
  const [converted] = await depthwiseJson('classify', cat, '--model', out);
  expect(converted.predictions).toEqual(predictions);
});

test('--labels takes the metadata.json', async () => {
  const labels = folder.path('turned.json');
  writeFileSync(labels, JSON.stringify({ tmVersion: '2.4.5', labels: ['Nacht', 'Tag'] }));
  const [{ predictions }] = await depthwiseJson('classify', cat, '--model', model, '--labels', labels);
  expect(predictions.map(({ label }: { label: string }) => label).sort()).toEqual(['Nacht', 'Tag']);
});
