/** assets/models/train.mjs, which trains the model in the package, on a hundred pictures: each of its trainings begins, stops and goes on. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readQuantizedNetwork } from '../../src/formats/index.js';
import { isQuantizedType } from '../../src/network/quantized-network.js';
import { writeCifar10 } from '../training/cifar.js';
import { built, root, temporaryFolder } from './command.js';

const folder = temporaryFolder();
afterAll(folder.remove);

/** As in the model card; a training begins as the last of its teachers. */
const TRAININGS = [
  { name: 'narrow', alpha: '0.5', epochs: 58, teachers: [] },
  { name: 'wide', alpha: '0.75', epochs: 14, teachers: ['narrow/model.safetensors'] },
  { name: 'longer', alpha: '0.75', epochs: 31, teachers: ['wide.safetensors'] },
  { name: 'last', alpha: '0.75', epochs: 21, teachers: ['wide.safetensors', 'longer.safetensors'] },
];
const INTEGERS = { name: 'integers', alpha: '0.75' };
const names = [...TRAININGS, INTEGERS].map(({ name }) => name);

interface Outcome {
  readonly code: number | null;
  readonly stderr: string;
}

/** Starts the script; Ctrl-C, which reaches it and its child, when it has said `until`. */
async function recipe(args: readonly string[], until?: string): Promise<Outcome> {
  const script = join(root, 'assets/models/train.mjs');
  const child = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'ignore', 'pipe'], detached: true });
  let stderr = '';
  let stopped = false;
  child.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text;
    if (stopped || until === undefined || !stderr.includes(until)) return;
    stopped = true;
    process.kill(-child.pid!, 'SIGINT');
  });
  const [code] = await once(child, 'close');
  return { code, stderr };
}

/** A folder in which the trainings before `name` have ended. */
function endedBefore(name: string): string {
  const out = folder.path(`before-${name}`);
  for (const { name: earlier, alpha } of [...TRAININGS, INTEGERS].slice(0, names.indexOf(name))) {
    mkdirSync(join(out, earlier), { recursive: true });
    copyFileSync(join(folder.path(alpha), 'model.safetensors'), join(out, earlier, 'model.safetensors'));
    writeFileSync(join(out, earlier, 'report.html'), '');
  }
  return out;
}

const epochsOf = (csv: string): string[] => {
  const [, ...rows] = readFileSync(csv, 'utf8').trimEnd().split('\n');
  return rows.map((row) => row.split(',')[0]);
};

beforeAll(() => {
  writeCifar10(folder.path('cifar'), 20);
  for (const alpha of ['0.5', '0.75']) {
    const network = ['--network', 'mobilenet_v2', '--small-pictures', '--alpha', alpha];
    const run = ['--epochs', '1', '--warmup', '0', '--batch', '50', '--out', folder.path(alpha)];
    expect(built('train', '--data', `cifar10:${folder.path('cifar')}`, ...network, ...run)).toMatchObject({
      exitCode: 0,
    });
  }
}, 120_000);

describe.each(TRAININGS)('the training $name', ({ name, epochs, teachers }) => {
  test('is stopped by Ctrl-C and goes on, and none before it is done again', async () => {
    const args = [folder.path('cifar'), endedBefore(name)];
    const stopped = await recipe(args, `epoch 1/${epochs}: loss`);
    expect(stopped).toEqual({ code: 130, stderr: expect.stringContaining('stopped and saved') });
    expect(stopped.stderr.match(/^\w+: --alpha/gm)).toEqual([`${name}: --alpha`]);
    const files = teachers.map((teacher) => join(args[1], teacher));
    const taught = files.length > 0 ? ` --begin-with ${files.at(-1)} --teachers ${files.join()}` : '';
    expect(stopped.stderr).toContain(`--warmup ${name === 'narrow' ? 1 : 0.5}${taught} --out `);
    const resumed = await recipe(args, `epoch 3/${epochs}: loss`);
    expect(resumed.code).toBe(130);
    expect(resumed.stderr).not.toContain(`epoch 1/${epochs}: loss`);
    expect(epochsOf(join(args[1], name, 'metrics.csv')).slice(0, 3)).toEqual(['1', '2', '3']);
  });
});

test('the training integers ends with a model that has them', async () => {
  const args = [folder.path('cifar'), endedBefore('integers')];
  const { code, stderr } = await recipe(args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining('integers: --alpha 0.75') });
  const network = await readQuantizedNetwork(readFileSync(join(args[1], 'integers/model.safetensors')));
  expect(network.nodes.filter(({ type }) => isQuantizedType(type)).length).toBeGreaterThan(60);
}, 60_000);

test('a folder too few', async () => {
  expect(await recipe(['cifar'])).toEqual({ code: 2, stderr: 'wanted: node train.mjs CIFAR10_FOLDER OUT_FOLDER\n' });
});

test('no CIFAR-10 in the folder', async () => {
  const { code, stderr } = await recipe([folder.path('nowhere'), folder.path('nothing')]);
  expect(code).toBe(1);
  expect(stderr).toMatch(/^error: .*nowhere/m);
});
