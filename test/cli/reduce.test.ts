/** `depthwise reduce` with a program of our own and with a runtime that is installed for the tests. */
import { readFileSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  layerSuite,
  makeGolden,
  mobilenetSuite,
  type Problem,
  readGolden,
  writeGolden,
} from '../../src/oracle/index.js';
import { cat, depthwise, depthwiseJson, temporaryFolder, writeModel } from './command.js';

const folder = temporaryFolder();
afterAll(folder.remove);

const program = folder.path('backend.mjs');
const command = ['--command', `node ${program}`];
const out = folder.path('smallest.safetensors');
const [problem] = layerSuite(1, { kinds: ['relu6'] });
const v2 = [...mobilenetSuite(1)].find(({ name }) => name === 'mobilenet_v2_0.25_32_slim')!;

async function bundle(name: string, { network, inputs }: Pick<Problem, 'network' | 'inputs'>, weights = true) {
  const golden = makeGolden(network, inputs, { source: { kind: 'noise', detail: 'normal' } });
  const options = { format: 'safetensors', weights, generator: 'depthwise 0.0.0' } as const;
  writeFileSync(folder.path(name), await writeGolden(golden, options));
  return folder.path(name);
}

/** A program that is right but for `change`, which is JavaScript with `name`, `kind` and the numbers `data` of a layer. */
function writeProgram(change: string): void {
  const dist = (file: string) => pathToFileURL(new URL(`../../dist/${file}`, import.meta.url).pathname).href;
  writeFileSync(
    program,
    `import { readFileSync, writeFileSync } from 'node:fs';
     import { readGolden } from '${dist('oracle/index.js')}';
     import { trace } from '${dist('network/index.js')}';
     import { writeTensors } from '${dist('formats/index.js')}';
     const [bundle, theirs] = process.argv.slice(2);
     const { network, inputs } = await readGolden(readFileSync(bundle));
     const tensors = new Map(trace(network, inputs));
     for (const { name, kind } of network.nodes) {
       const { shape, data } = tensors.get(name);
       ${change}
       tensors.set(name, { shape, data });
     }
     writeFileSync(theirs, await writeTensors(tensors, 'npz'));
     process.exit(1); // its own verdict`,
  );
}

let relu6: string;
beforeAll(async () => {
  relu6 = await bundle('relu6.safetensors', problem);
  writeProgram('if (kind === "relu6") data[0] += 1;');
});

describe('a program', () => {
  test('the smallest problem is told, and written as a bundle, with a C header beside it', async () => {
    const { exitCode, stdout, stderr } = await depthwise('reduce', relu6, ...command, '--out', out, '--beside', 'c');
    expect([exitCode, stderr]).toEqual([0, `wrote ${out}\n`]);
    expect(stdout).toMatch(
      /^relu6: from 1 layer to 1, in \d+ runs\.\nFed with input \[1,1,1,1\], which was \[1,7,5,6\]\.\nrelu6: relu6 \{\}\nWrong: relu6\[0,0,0,0\]: theirs \S+, reference \S+, off by 1\.00, allowed \S+\.\n.*\n$/,
    );
    const { network, inputs, outputs, source } = await readGolden(readFileSync(out));
    expect(network.nodes).toMatchObject([{ name: 'relu6', kind: 'relu6' }]);
    expect([...inputs.values()][0].shape).toEqual([1, 1, 1, 1]);
    expect(outputs.get('relu6')!.shape).toEqual([1, 1, 1, 1]);
    expect(source).toEqual({ kind: 'tensor', detail: `reduced from ${relu6}, node ${program}` });
    expect(readFileSync(folder.path('smallest.h'), 'utf8')).toContain('static const float smallest_relu6_output[1]');
  });

  test('a network, as JSON', async () => {
    const whole = await bundle('v2.safetensors', v2);
    const report = await depthwiseJson(
      'reduce',
      whole,
      ...command,
      '--out',
      folder.path('v2-smallest.npz'),
      '--runs',
      '40',
    );
    expect(report).toMatchObject({
      problem: whole,
      backend: `node ${program}`,
      layersBefore: v2.network.nodes.length,
      inputs: { 'Conv/BatchNorm': [1, 1, 1, 1] },
      nodes: [{ name: 'Conv/Relu6', kind: 'relu6' }],
      finished: true,
      out: folder.path('v2-smallest.npz'),
      layers: 1,
    });
    expect(report.wrong).toMatch(/^Conv\/Relu6\[0,0,0,0\]: theirs /);
  });

  test('a right one', async () => {
    const dense = await bundle('dense.safetensors', [...layerSuite(1, { kinds: ['dense'] })][0]);
    expect(await depthwise('reduce', dense, ...command, '--out', out)).toEqual({
      exitCode: 2,
      stdout: '',
      stderr: `error: ${dense}: every layer of node ${program} is within its bound: there is nothing to reduce\n`,
    });
  });

  test('one that fails says why', async () => {
    const broken = folder.path('broken.mjs');
    writeFileSync(broken, 'throw new Error("no such GPU")');
    const { exitCode, stderr } = await depthwise('reduce', relu6, '--command', `node ${broken}`, '--out', out);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/^error: node \S+broken\.mjs: has written no tensors to \S+theirs\.npz: /);
    const none = await depthwise('reduce', relu6, '--command', 'no-such-program', '--out', out);
    expect([none.exitCode, none.stderr]).toEqual([
      1,
      "error: --command: 'no-such-program' cannot be started: there is no such program\n",
    ]);
    const text = await depthwise('reduce', relu6, '--command', `${relu6} --fast`, '--out', out);
    expect([text.exitCode, text.stderr]).toEqual([1, `error: --command: '${relu6}' cannot be started: EACCES\n`]);
  });

  test('one that does not end is ended', async () => {
    const endless = folder.path('endless.mjs');
    writeFileSync(endless, 'setInterval(() => {}, 1000)');
    const { stderr } = await depthwise(
      'reduce',
      relu6,
      '--command',
      `node ${endless}`,
      '--timeout',
      '0.5',
      '--out',
      out,
    );
    expect(stderr).toMatch(/has written no tensors to \S+theirs\.npz: it was ended after 0\.5 s\n$/);
  });
});

test('a runtime, on a model with noise: bounds that are too tight by a million', async () => {
  const model = await writeModel(folder.path('model.safetensors'), v2.network);
  const { exitCode, stdout } = await depthwise(
    ...['reduce', model, '--with', 'litert', '--allowance', '1e-6', '--seed', '3', '--out', out, '--overwrite'],
  );
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/^mobilenet_v2_0\.25_32: from \d+ layers to 1, in \d+ runs\.\n/);
});

test.each([
  [[], 'error: wanted one of --with and --command\n'],
  [
    ['--with', 'litert', '--command', 'x'],
    "error: option '--command <program>' cannot be used with option '--with <runtime>'\n",
  ],
  [['--with', 'litert', '--layout', 'nchw'], 'error: --layout goes with --command, which was not given\n'],
  [
    ['--with', 'litert', '--noise', 'large'],
    `error: ${folder.path('relu6.safetensors')}: a golden bundle has its own inputs\n`,
  ],
])('%s', async (args, message) => {
  expect(await depthwise('reduce', relu6, ...args, '--out', out, '--overwrite')).toEqual({
    exitCode: 2,
    stdout: '',
    stderr: message,
  });
});

test('a bundle without weights', async () => {
  const bare = await bundle('bare.safetensors', [...layerSuite(1, { kinds: ['dense'] })][0], false);
  const { exitCode, stderr } = await depthwise('reduce', bare, ...command, '--out', out);
  expect([exitCode, stderr]).toEqual([
    2,
    `error: ${bare}: the bundle holds no weights; make it with depthwise golden --weights\n`,
  ]);
});

test('no other file is replaced', async () => {
  writeFileSync(folder.path('mine.npz'), readFileSync(cat));
  const { exitCode, stderr } = await depthwise('reduce', relu6, ...command, '--out', folder.path('mine.npz'));
  expect(exitCode).toBe(2);
  expect(stderr).toContain('is there already and no golden bundle; --overwrite replaces it');
});
