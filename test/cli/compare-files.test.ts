/** What `compare` takes: folders of bundles, raw dumps, flat arrays, lone arrays, other layouts; and what it says of other files. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeNetwork } from '../../src/formats/index.js';
import { toFloat16 } from '../../src/formats/tensors/float16.js';
import { writeNpy } from '../../src/formats/tensors/npy.js';
import { writeNpz } from '../../src/formats/tensors/npz.js';
import { layerSuite, makeGolden, type Problem, readGolden, writeGolden } from '../../src/oracle/index.js';
import { livelyWeights } from '../../src/oracle/suites.js';
import { type QuantizedTensor, type QuantizedType, type Tensor, toFloat64 } from '../../src/tensor.js';
import { float32, runBackend } from '../oracle/backend.js';
import { cat, depthwise, smallNetwork, temporaryFolder } from './command.js';

const folder = temporaryFolder();
afterAll(folder.remove);

const suite = [...layerSuite(1, { shapes: ['odd'] })];
const problemOf = (name: string): Problem => suite.find((problem) => problem.name === name)!;

async function writeBundle(path: string, { network, inputs }: Problem): Promise<void> {
  const golden = makeGolden(network, inputs, { source: { kind: 'noise', detail: 'normal' } });
  const bytes = await writeGolden(golden, { format: 'safetensors', weights: true, generator: 'depthwise 0.0.0' });
  writeFileSync(folder.path(path), bytes);
}

const outputOf = ({ network, inputs }: Problem): Tensor =>
  runBackend(network, inputs, float32('pairwise')).get(network.outputs[0])!;

const float32Bytes = ({ data }: Tensor): Uint8Array => new Uint8Array(Float32Array.from(data).buffer);

const bundle = folder.path('conv2d.safetensors');
const problem = problemOf('conv2d-normal');
const right = outputOf(problem);
const [, H, W, C] = right.shape;
beforeAll(() => writeBundle('conv2d.safetensors', problem));

async function exitCode(file: string, ...flags: string[]): Promise<number | null> {
  return (await depthwise('compare', bundle, folder.path(file), ...flags)).exitCode;
}

describe('one bundle', () => {
  test.each<[string, string, () => Uint8Array | Promise<Uint8Array>]>([
    ['a lone .npy', 'any.npy', () => writeNpy(right)],
    ['a raw dump', 'any.f32', () => float32Bytes(right)],
    ['a raw dump in float64', 'any.f64', () => new Uint8Array(toFloat64(right).data.buffer)],
    ['a flat array', 'flat.npz', () => writeNpz(new Map([['conv2d', { shape: [H * W * C], data: right.data }]]))],
    ['rows of channels', 'rows.npz', () => writeNpz(new Map([['conv2d', { shape: [H * W, C], data: right.data }]]))],
  ])('%s', async (_, file, bytes) => {
    writeFileSync(folder.path(file), await bytes());
    expect(await exitCode(file)).toBe(0);
  });

  test('a folder of raw dumps, in folders as the names have them', async () => {
    mkdirSync(folder.path('dumps/model'), { recursive: true });
    writeFileSync(folder.path('dumps/model/conv2d.f32'), float32Bytes(right));
    expect(await exitCode('dumps')).toBe(0);
    const half = Uint16Array.from(right.data, toFloat16);
    mkdirSync(folder.path('half'));
    writeFileSync(folder.path('half/conv2d.f16'), new Uint8Array(half.buffer));
    expect([await exitCode('half'), await exitCode('half', '--precision', 'mixed-float16')]).toEqual([1, 0]);
  });

  test.each([
    ['nchw', (n: number, y: number, x: number, c: number) => ((n * C + c) * H + y) * W + x],
    ['chwn', (_: number, y: number, x: number, c: number) => (c * H + y) * W + x],
    [
      'nc4hw4',
      (n: number, y: number, x: number, c: number) =>
        (((n * Math.ceil(C / 4) + Math.floor(c / 4)) * H + y) * W + x) * 4 + (c % 4),
    ],
  ])('--layout %s of a flat dump', async (layout, at) => {
    const data = new Float32Array(H * W * (layout === 'nc4hw4' ? Math.ceil(C / 4) * 4 : C));
    for (let i = 0; i < right.data.length; i++) {
      data[at(0, Math.floor(i / C / W), Math.floor(i / C) % W, i % C)] = right.data[i];
    }
    writeFileSync(folder.path(`${layout}.f32`), new Uint8Array(data.buffer));
    expect([await exitCode(`${layout}.f32`), await exitCode(`${layout}.f32`, '--layout', layout)]).toEqual([1, 0]);
  });

  test.each<[string, string, string, () => string | Uint8Array | Promise<Uint8Array>]>([
    [
      'an HDF5 model in place of the bundle',
      'first.h5',
      'an HDF5 model, not a golden bundle',
      () => Uint8Array.of(0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a),
    ],
    ['a picture', 'first.jpg', 'a JPEG picture, not a golden bundle', () => readFileSync(cat)],
    ['a model', 'first.safetensors', 'a model, not a golden bundle', () => writeNetwork(smallNetwork(), 'safetensors')],
    ['an array', 'first.npy', 'a .npy array, not a golden bundle', () => writeNpy(right)],
    ['nothing', 'first.npz', 'the file is empty, not a golden bundle', () => ''],
  ])('%s; swapped or not', async (_, file, message, bytes) => {
    writeFileSync(folder.path(file), await bytes());
    const path = folder.path(file);
    expect(await depthwise('compare', path, bundle)).toEqual({
      exitCode: 4,
      stdout: '',
      stderr: `error: ${path}: ${message}; the second argument is one: swapped?\n`,
    });
    const { stderr } = await depthwise('compare', path, path);
    expect(stderr).toBe(`error: ${path}: ${message}; make one with depthwise golden\n`);
  });

  test.each<[string, string, () => string | Uint8Array | Promise<Uint8Array>, string]>([
    [
      'a model for theirs',
      'theirs.safetensors',
      async () => writeNetwork(livelyWeights(smallNetwork(), 1), 'safetensors'),
      'a model; wanted the tensors that the other backend computed, in a .npz, .safetensors or .npy file or a folder of raw dumps',
    ],
    [
      'a picture for theirs',
      'theirs.jpg',
      () => readFileSync(cat),
      'a JPEG picture; wanted the tensors that the other backend computed, in a .npz, .safetensors or .npy file or a folder of raw dumps',
    ],
    ['a broken dump', 'theirs.f32', () => Uint8Array.of(1, 2, 3), 'wanted numbers of 4 bytes, found 3 bytes'],
  ])('%s', async (_, file, bytes, message) => {
    writeFileSync(folder.path(file), await bytes());
    const { exitCode: code, stderr } = await depthwise('compare', bundle, folder.path(file));
    expect([code, stderr]).toEqual([4, `error: ${folder.path(file)}: ${message}\n`]);
  });

  test('a folder without tensors', async () => {
    mkdirSync(folder.path('none'));
    const { exitCode: code, stderr } = await depthwise('compare', bundle, folder.path('none'));
    expect([code, stderr]).toEqual([
      4,
      `error: ${folder.path('none')}: holds no tensors; wanted files such as conv1.f32, conv1.f16, conv1.f64, conv1.i8, conv1.u8, conv1.i32 or conv1.npy\n`,
    ]);
  });

  test.each([
    ['--alpha', '0.5'],
    ['--crop', 'none'],
  ])('%s of a model without one', async (flag, value) => {
    const { exitCode: code, stderr } = await depthwise('compare', bundle, bundle, flag, value);
    expect([code, stderr]).toEqual([2, `error: ${flag} goes with --model, which was not given\n`]);
  });

  test('--junit: a test case for each layer', async () => {
    const file = folder.path('one.xml');
    expect(await exitCode('any.npy', '--junit', file)).toBe(0);
    expect(readFileSync(file, 'utf8')).toBe(`<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="depthwise compare" tests="1" failures="0" errors="0">
  <testsuite name="conv2d" tests="1" failures="0" errors="0">
    <testcase classname="conv2d.conv2d" name="conv2d"/>
  </testsuite>
</testsuites>
`);
  });
});

describe('folders', () => {
  const golden = folder.path('golden');
  const theirs = folder.path('theirs');
  const names = ['conv2d-normal', 'relu-normal', 'dense-normal', 'add-normal', 'sigmoid-normal'];

  beforeAll(async () => {
    mkdirSync(golden);
    mkdirSync(theirs);
    for (const name of names) {
      await writeBundle(`golden/${name}.safetensors`, problemOf(name));
      const output = outputOf(problemOf(name));
      writeFileSync(folder.path(`theirs/${name}.f32`), float32Bytes(output));
    }
  });

  const table = (...flags: string[]) => depthwise('compare', golden, theirs, ...flags);

  test('all is well: no row, one line, exit code 0', async () => {
    expect(await table()).toEqual({
      exitCode: 0,
      stdout: expect.stringMatching(/^\d exact, \d within rounding, 0 beyond of 5 bundles\.\n$/),
      stderr: '',
    });
  });

  test('what fails has a row, also in JUnit XML and JSON; the exit code is that of the worst', async () => {
    const { shape, data } = outputOf(problemOf('dense-normal'));
    const wrong = { shape, data: data.map((value, i) => (i === 4 ? value + 1 : value)) };
    writeFileSync(folder.path('theirs/dense-normal.f32'), float32Bytes(wrong));
    writeFileSync(folder.path('golden/broken&.npz'), 'no bundle');
    writeFileSync(folder.path('theirs/broken&.npz'), '');
    await writeBundle('golden/flatten-normal.safetensors', problemOf('flatten-normal'));
    writeFileSync(folder.path('theirs/other.npz'), '');
    const file = folder.path('all.xml');
    const { exitCode: code, stdout, stderr } = await table('--junit', file);
    expect(code).toBe(1);
    expect(stderr).toBe(`error: ${theirs}: 1 of 7 bundles beyond, the first is 'dense-normal'\n`);
    expect(stdout).toMatch(/^bundle +layer +kind +verdict +off by /);
    expect(stdout).toMatch(/^dense-normal +dense +dense +beyond +1\.00e\+0 .* \[0,4\] /m);
    expect(stdout).toContain('\nflatten-normal: their folder has nothing for it\n');
    expect(stdout).toMatch(/^broken&: \S+: not a model or tensor file: .*, not a golden bundle; /m);
    expect(stdout).toMatch(
      /\nTheirs without a bundle: other\.npz\.\n\d exact, \d within rounding, 1 beyond, 1 missing, 1 unreadable of 7 bundles\.\n$/,
    );
    const xml = readFileSync(file, 'utf8');
    expect(xml).toContain('<testsuites name="depthwise compare" tests="7" failures="1" errors="2">');
    expect(xml).toContain(`name="dense-normal"><failure type="beyond" message="dense[0,4]: theirs ${wrong.data[4]}, `);
    expect(xml).toContain('name="broken&amp;"><error type="failed" message="');
    expect(xml).toContain(`<testcase classname="${golden}.add" name="add-normal"/>`);
    const { verdict, cases, surplus } = JSON.parse((await table('--json')).stdout);
    expect([verdict, surplus]).toEqual(['beyond', ['other.npz']]);
    const verdicts = Object.fromEntries(cases.map((its: { name: string; verdict: string }) => [its.name, its.verdict]));
    expect(verdicts).toMatchObject({ 'dense-normal': 'beyond', 'flatten-normal': 'missing', 'broken&': 'unreadable' });
    const { stdout: beyond } = await table('--only', 'beyond');
    expect(beyond.split('\n').filter((line) => line.includes('-normal '))).toHaveLength(1);
    expect(beyond).not.toContain('flatten-normal');
  });

  test.each<[string, () => string[], number, string]>([
    [
      'an option for one bundle',
      () => [golden, theirs, '--map', 'x.png'],
      2,
      `--map is for one bundle, and '${golden}' is a folder`,
    ],
    [
      'a file for theirs',
      () => [golden, bundle],
      2,
      `'${golden}' is a folder of bundles, so '${bundle}' must be a folder`,
    ],
    [
      'no folder of theirs',
      () => [golden, folder.path('nowhere')],
      4,
      `${folder.path('nowhere')}: there is no such folder`,
    ],
    [
      'no bundles',
      () => [folder.path('none'), theirs],
      4,
      `${folder.path('none')}: holds no golden bundles; make some with depthwise golden --suite layers --out ${folder.path('none')}`,
    ],
    [
      'nothing of theirs',
      () => [golden, folder.path('none')],
      4,
      `${folder.path('none')}: has nothing for any of the bundles; wanted files such as add-normal.npz`,
    ],
  ])('%s', async (_, args, code, message) => {
    expect(await depthwise('compare', ...args())).toEqual({
      exitCode: code,
      stdout: '',
      stderr: `error: ${message}\n`,
    });
  });

  test('a mistake in several bundles is told once, with what the wrong layers have in common', async () => {
    const strided = ['conv2d-stride-2-even-normal', 'depthwiseConv2d-stride-2-even-normal'];
    const others = ['conv2d-normal', 'depthwiseConv2d-normal', 'relu-normal'];
    mkdirSync(folder.path('padded'));
    mkdirSync(folder.path('padded-theirs'));
    for (const name of [...strided, ...others]) {
      const its = problemOf(name);
      await writeBundle(`padded/${name}.safetensors`, its);
      const nodes = its.network.nodes.map((node) => ({
        ...node,
        attributes: { ...node.attributes, padding: { top: 1, bottom: 1, left: 1, right: 1 } },
      }));
      const wrong = { ...its.network, nodes: nodes as typeof its.network.nodes };
      const theirs = outputOf(strided.includes(name) ? { ...its, network: wrong } : its);
      writeFileSync(folder.path(`padded-theirs/${name}.f32`), float32Bytes(theirs));
    }
    const { exitCode: code, stdout } = await depthwise('compare', folder.path('padded'), folder.path('padded-theirs'));
    expect(code).toBe(1);
    expect(stdout).toContain(
      `\n${strided.join(', ')}: A known mistake gives these numbers: padded (1, 1) in place of (0, 1).\n2 of 2 layers with stride 2 are beyond, 0 of 3 others.\n`,
    );
  });

  test('a bundle for which they have nothing is not judged: exit code 3', async () => {
    mkdirSync(folder.path('two'));
    await writeBundle('two/relu-normal.safetensors', problemOf('relu-normal'));
    await writeBundle('two/flatten-normal.safetensors', problemOf('flatten-normal'));
    const { exitCode: code, stderr } = await depthwise('compare', folder.path('two'), theirs);
    expect([code, stderr]).toEqual([3, `error: ${theirs}: 1 of 2 bundles missing, the first is 'flatten-normal'\n`]);
  });
});

describe('integers', () => {
  const integers = folder.path('int8');
  const bundle = folder.path('int8/conv2d-normal-int8.safetensors');
  let right: QuantizedTensor;

  beforeAll(async () => {
    const made = await depthwise(
      'golden',
      '--suite',
      'layers',
      '--kinds',
      'conv2d',
      '--integers',
      'int8',
      '--out',
      integers,
    );
    expect(made.exitCode).toBe(0);
    right = (await readGolden(readFileSync(bundle))).outputs.get('conv2d') as QuantizedTensor;
  });

  const compare = (file: string, ...flags: string[]) => depthwise('compare', bundle, folder.path(file), ...flags);

  test('raw dumps and arrays that hold them', async () => {
    mkdirSync(folder.path('dumps8'));
    writeFileSync(folder.path('dumps8/conv2d.i8'), right.data as Int8Array);
    writeFileSync(folder.path('conv2d.i32'), new Uint8Array(Int32Array.from(right.data).buffer));
    const floats = new Map([['conv2d', { shape: right.shape, data: Float32Array.from(right.data) }]]);
    writeFileSync(folder.path('int8.npz'), await writeNpz(floats, () => 'int8'));
    writeFileSync(folder.path('float.npz'), await writeNpz(floats));
    for (const file of ['dumps8', 'conv2d.i32', 'int8.npz', 'float.npz', 'int8/conv2d-normal-int8.safetensors']) {
      const { exitCode, stdout } = await compare(file);
      expect([file, exitCode]).toEqual([file, 0]);
      expect(stdout).toMatch(/^conv2d, isolated, integers rounded as 'single'\n/);
    }
  });

  test('uint8 for int8: the element, both integers, and why', async () => {
    writeFileSync(
      folder.path('conv2d.u8'),
      Uint8Array.from(right.data, (q) => q + 128),
    );
    const { exitCode, stdout } = await compare('conv2d.u8');
    expect(exitCode).toBe(1);
    const { scale, zeroPoint } = right.type as QuantizedType;
    const type = `int8 (${Number(scale.toPrecision(6))}, ${zeroPoint})`;
    expect(stdout).toContain(
      `First wrong: conv2d[0,0,0,0]: theirs ${right.data[0] + 128}, reference ${right.data[0]}, off by 128, of ${type}.\n`,
    );
    expect(stdout).toContain('A known mistake gives these numbers: stored as uint8, 128 higher.\n');
    const { exitCode: json, stdout: text } = await compare('conv2d.u8', '--json');
    const { precision, rounding, layers } = JSON.parse(text);
    expect([json, precision, rounding, layers[0].type]).toEqual([1, null, 'single', right.type]);
  });

  test('folders of them', async () => {
    mkdirSync(folder.path('theirs8'));
    writeFileSync(folder.path('theirs8/conv2d-normal-int8.i8'), right.data as Int8Array);
    const { exitCode, stdout } = await depthwise('compare', integers, folder.path('theirs8'));
    expect(exitCode).toBe(3);
    expect(stdout).toMatch(/\n1 exact, 0 within rounding, 0 beyond, \d+ missing of \d+ bundles\.\n$/);
  });

  test('the other rounding', async () => {
    const made = await depthwise(
      ...['golden', '--suite', 'mobilenet', '--integers', 'uint8', '--rounding', 'double', '--resolution', '32'],
      ...['--conventions', 'keras', '--out', folder.path('uint8')],
    );
    expect(made.exitCode).toBe(0);
    const double = folder.path('uint8/mobilenet_v1_0.25_32_keras-uint8.safetensors');
    expect((await depthwise('compare', double, double)).exitCode).toBe(0);
    const { exitCode, stdout } = await depthwise('compare', double, double, '--rounding', 'single');
    expect(exitCode).toBe(1);
    expect(stdout).toContain("A known mistake gives these numbers: rounded as 'double', not 'single'.");
  });

  test.each([
    [['--precision', 'float16'], '--precision is for real numbers, and the bundle holds integers'],
    [['--allowance', '2'], '--allowance is for real numbers, and the bundle holds integers'],
    [['--flush-to-zero'], '--flush-to-zero is for real numbers, and the bundle holds integers'],
  ])('%s is refused', async (flags, message) => {
    const { exitCode, stderr } = await compare('conv2d.u8', ...flags);
    expect([exitCode, stderr]).toEqual([2, `error: ${message}\n`]);
  });

  test('a bundle of integers is a model, and a quantised model has a bundle', async () => {
    const { exitCode, stdout } = await depthwise('summary', bundle);
    expect([exitCode, stdout.includes('conv2d')]).toEqual([0, true]);
    const out = folder.path('of-model.safetensors');
    const again = ['golden', '--model', bundle, '--seed', '1', '--weights', '--out', out];
    expect((await depthwise(...again, '--integers')).exitCode).toBe(0);
    expect((await readGolden(readFileSync(out))).network.weights.size).toBe(2);
    expect((await depthwise('compare', out, out)).exitCode).toBe(0);
    expect((await depthwise(...again, '--overwrite', '--integers', 'int8')).stderr).toBe(
      'error: --integers int8 is for suites: a model has its own type\n',
    );
    const real = folder.path('conv2d.safetensors');
    expect((await depthwise('golden', '--model', real, '--integers', '--out', folder.path('no.npz'))).stderr).toBe(
      `error: ${real}: holds real numbers, and --integers is for quantised models\n`,
    );
  });

  test('what does not go with them', async () => {
    const golden = (...flags: string[]) =>
      depthwise('golden', '--suite', 'layers', ...flags, '--out', folder.path('no'));
    expect((await golden('--rounding', 'double')).stderr).toBe(
      'error: --rounding goes with --integers, which was not given\n',
    );
    expect((await golden('--integers', 'int8', '--with', 'c')).stderr).toBe(
      'error: --with has no effect with --integers: that is for real numbers\n',
    );
    expect((await golden('--integers', 'int8', '--kinds', 'batchNorm')).stderr).toBe(
      'error: --kinds: the suite has no layers of kind batchNorm that are computed with integers\n',
    );
    const real = await depthwise(
      'compare',
      folder.path('conv2d.safetensors'),
      folder.path('any.npy'),
      '--rounding',
      'double',
    );
    expect(real.stderr).toBe('error: --rounding is for integers, and the bundle holds real numbers\n');
    expect((await depthwise('reduce', bundle, '--with', 'litert', '--out', folder.path('x.npz'))).stderr).toBe(
      `error: ${bundle}: the bundle holds integers, wanted real numbers\n`,
    );
  });
});
