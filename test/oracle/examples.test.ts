/** The example unit tests: programs in other languages read a bundle, check a layer by its isolated bounds, and write what we can read. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readTensors } from '../../src/formats/index.js';
import { check, type Golden, layerSuite, makeGolden, mobilenetSuite, writeGolden } from '../../src/oracle/index.js';
import type { Tensor } from '../../src/tensor.js';

const examples = fileURLToPath(new URL('../../examples', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'depthwise-examples-'));
const theirs = join(folder, 'theirs.safetensors');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const has = (program: string): boolean => spawnSync(program, ['--version']).status === 0;
const python = has('python3');
const compiler = has('g++');

function goldenOf(name: string): Golden {
  const { network, inputs } = [...layerSuite(1), ...mobilenetSuite(1)].find((problem) => problem.name === name)!;
  return makeGolden(network, inputs, { source: { kind: 'noise', detail: 'normal', seed: 1 } });
}

async function write(golden: Golden): Promise<string> {
  const path = join(folder, `${golden.network.name}.safetensors`);
  writeFileSync(
    path,
    await writeGolden(golden, { format: 'safetensors', weights: true, generator: 'depthwise 0.0.0' }),
  );
  return path;
}

function expectNumbers(printed: string, golden: Golden, layer: string): void {
  const [, value, bound] = new RegExp(`^${layer}\\b.*: (\\S+) ± (\\S+), beyond: 0 of `, 'm').exec(printed) ?? [];
  expect(Number(value) / golden.outputs.get(layer)!.data[0]).toBeCloseTo(1, 5);
  const first = golden.isolated!.get(layer)!.data[0];
  expect(Number(bound)).toBeCloseTo(first, 1 - Math.floor(Math.log10(first || 1)));
}

test.skipIf(!python)(`read_golden.py${python ? '' : ' (needs python3)'}`, async () => {
  const golden = goldenOf('mobilenet_v2_0.25_32_keras');
  const printed = execFileSync('python3', [join(examples, 'read_golden.py'), await write(golden), theirs], {
    encoding: 'utf8',
  });
  expect(printed).toMatch(
    /^mobilenet_v2_0\.25_32 by depthwise 0\.0\.0, bounds for float32\nConv1 conv2d: not in this backend\n/,
  );
  expectNumbers(printed, golden, 'block_2_add');
  const report = check(golden, await readTensors(readFileSync(theirs)), { mode: 'fed' });
  const known = golden.network.nodes.filter(({ kind }) => ['relu', 'relu6', 'add'].includes(kind));
  expect(report.layers.map(({ name }) => name)).toEqual(known.map(({ name }) => name));
  expect(report.first).toBeUndefined();
});

test.skipIf(!compiler)(`read_golden.cpp${compiler ? '' : ' (needs g++)'}`, async () => {
  const golden = goldenOf('dense-normal');
  const program = join(folder, 'read_golden');
  execFileSync('g++', ['-std=c++17', '-Wall', '-Werror', '-o', program, join(examples, 'read_golden.cpp')]);
  const printed = execFileSync(program, [await write(golden), 'dense', theirs], { encoding: 'utf8' });
  expect(printed).toMatch(/^dense: .* of 9\n$/);
  expectNumbers(printed, golden, 'dense');
  const { data } = (await readTensors(readFileSync(theirs))).get('dense')!;
  const shown = new Map([['dense', { shape: [1, 9], data }]]);
  expect(check(golden, shown).verdict).toMatch(/exact|within rounding/);
});

test.skipIf(!compiler)(`mobilenet_v2.cpp, a backend of its own${compiler ? '' : ' (needs g++)'}`, async () => {
  const golden = goldenOf('mobilenet_v2_0.25_32_keras');
  const program = join(folder, 'mobilenet_v2');
  const dumps = join(folder, 'dumps');
  mkdirSync(dumps);
  const options = ['-std=c++17', '-O2', '-Wall', '-Wextra', '-Werror'];
  execFileSync('g++', [...options, '-o', program, join(examples, 'mobilenet_v2.cpp')]);
  execFileSync(program, [await write(golden), dumps]);
  const shown = readdirSync(dumps).map((file): [string, Tensor] => {
    const name = file.replace(/\.f32$/, '');
    const { shape } = golden.outputs.get(name)!;
    const { buffer } = new Uint8Array(readFileSync(join(dumps, file)));
    const channelsFirst = new Float32Array(buffer);
    const pixels = shape.length === 4 ? shape[1] * shape[2] : 1;
    const channels = channelsFirst.length / pixels;
    const data = channelsFirst.map((_, i) => channelsFirst[(i % channels) * pixels + Math.floor(i / channels)]);
    return [name, { shape, data }];
  });
  const { layers, verdict } = check(golden, new Map(shown));
  expect(verdict).toBe('within rounding');
  const fused = golden.network.nodes.filter(
    ({ kind, name }) => !/[cC]onv2d$/.test(kind) && !/_BN$|^bn_|_bn$/.test(name),
  );
  const projections = golden.network.nodes.filter(({ name }) => /project_BN$/.test(name));
  expect(layers).toHaveLength(fused.length + projections.length);
});

describe.skipIf(!compiler)(`C++ examples given something else${compiler ? '' : ' (needs g++)'}`, () => {
  const path = (name: string): string => join(folder, name);
  const said = (name: string, ...words: string[]) => {
    const { status, stdout, stderr } = spawnSync(path(name), words, { encoding: 'utf8' });
    return { status, stdout, stderr };
  };
  const failure = (message: string) => ({ status: 1, stdout: '', stderr: `${message}\n` });
  beforeAll(() => {
    for (const name of ['mobilenet_v2', 'read_golden'])
      execFileSync('g++', [
        '-std=c++17',
        '-fsanitize=address,undefined',
        '-o',
        path(name),
        join(examples, `${name}.cpp`),
      ]);
    writeFileSync(path('empty'), '');
    writeFileSync(path('text'), 'no tensors here, but some words');
    mkdirSync(path('outputs'));
  }, 60_000);

  test('files that are no bundles', () => {
    for (const run of [
      (file: string) => said('mobilenet_v2', file, path('outputs')),
      (file: string) => said('read_golden', file, 'dense', path('outputs/dense.safetensors')),
    ]) {
      for (const file of ['empty', 'outputs', 'missing'])
        expect(run(path(file))).toEqual(failure(`${path(file)}: cannot be read, or is empty`));
      expect(run(path('text'))).toEqual(failure(`${path('text')}: not a .safetensors file, or cut off`));
    }
    expect(readdirSync(path('outputs'))).toEqual([]);
  });

  test('mobilenet_v2: bundles of other networks, one that is cut off, a folder that does not exist, more words', async () => {
    for (const name of ['mobilenet_v1_0.25_32_keras', 'mobilenet_v2_0.25_32_torchvision']) {
      const other = await write(goldenOf(name));
      expect(said('mobilenet_v2', other, path('outputs'))).toEqual(
        failure(
          `${other}: has no float32 tensor 'weights/bn_Conv1/gamma'; wanted a bundle of a MobileNet V2 with Keras's names`,
        ),
      );
    }
    const golden = await write(goldenOf('mobilenet_v2_0.25_32_keras'));
    const bytes = readFileSync(golden);
    writeFileSync(path('cut'), bytes.subarray(0, 8 + Number(bytes.readBigUInt64LE())));
    expect(said('mobilenet_v2', path('cut'), path('outputs'))).toEqual(
      failure(`${path('cut')}: 'inputs/input' has no numbers, or the file is cut off`),
    );
    expect(readdirSync(path('outputs'))).toEqual([]);
    expect(said('mobilenet_v2', golden, path('nowhere'))).toEqual(
      failure(`${path('nowhere')}/Conv1_relu.f32: cannot be written; the folder must exist`),
    );
    expect(said('mobilenet_v2', golden, path('outputs'), '64')).toEqual(
      failure('usage: mobilenet_v2 GOLDEN.safetensors FOLDER'),
    );
  });

  test('mobilenet_v2 takes the size of the picture from the bundle', async () => {
    const golden = goldenOf('mobilenet_v2_0.25_33x47_keras');
    mkdirSync(path('33x47'));
    expect(said('mobilenet_v2', await write(golden), path('33x47'))).toEqual({ status: 0, stdout: '', stderr: '' });
    const { buffer } = new Uint8Array(readFileSync(path('33x47/predictions.f32')));
    const { shape } = golden.outputs.get('predictions')!;
    const theirs = new Map([['predictions', { shape, data: new Float32Array(buffer) }]]);
    expect(check(golden, theirs).first).toBeUndefined();
  });

  test('read_golden: layers that are not there or not dense, a file that cannot be written', async () => {
    const [dense, conv] = [await write(goldenOf('dense-normal')), await write(goldenOf('conv2d-normal'))];
    expect(said('read_golden', dense, 'nothing', theirs)).toEqual(
      failure(
        "there is no float32 tensor 'weights/nothing/kernel'; wanted a golden bundle and the name of a dense layer in it",
      ),
    );
    expect(said('read_golden', conv, 'conv2d', theirs)).toEqual(
      failure("'conv2d' is not a dense layer of one row of numbers"),
    );
    const output = path('nowhere/dense.safetensors');
    expect(said('read_golden', dense, 'dense', output)).toEqual(failure(`${output}: cannot be written`));
    expect(said('read_golden', dense, 'dense')).toEqual(
      failure('usage: read_golden GOLDEN.safetensors LAYER THEIRS.safetensors'),
    );
  });
});
