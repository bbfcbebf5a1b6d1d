import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readNetwork, readTensors } from '../../src/formats/index.js';
import { writeNpz } from '../../src/formats/tensors/npz.js';
import { writeSafetensors } from '../../src/formats/tensors/safetensors.js';
import { trace } from '../../src/network/index.js';
import { cHeader } from '../../src/oracle/c-header.js';
import {
  check,
  type Golden,
  layerSuite,
  makeGolden,
  mobilenetSuite,
  readGolden,
  writeGolden,
} from '../../src/oracle/index.js';
import { noise } from '../../src/oracle/noise.js';
import { livelyWeights } from '../../src/oracle/suites.js';
import type { Tensor } from '../../src/tensor.js';
import { cat, depthwise, depthwiseJson, smallNetwork, temporaryFolder, writeModel } from './command.js';

const folder = temporaryFolder();
afterAll(folder.remove);

const network = livelyWeights(smallNetwork(), 3);
const input = noise('normal', [1, 32, 32, 3], 1);
const tensors = trace(network, input);
/** With the weights, and without. */
const golden = folder.path('golden.safetensors');
const bare = folder.path('bare.safetensors');
let model: string;

beforeAll(async () => {
  model = await writeModel(folder.path('model.safetensors'), network);
  writeFileSync(folder.path('input.npz'), await writeNpz(new Map([['input', input]])));
  const make = ['golden', '--model', model, '--input', folder.path('input.npz'), '--out'];
  const made = await depthwise(...make, golden, '--weights');
  expect(made.stderr).toMatch(/^wrote \S+: 1 bundle, \d/);
  await depthwise(...make, bare);
});

async function save(name: string, theirs: ReadonlyMap<string, Tensor>): Promise<string> {
  writeFileSync(folder.path(name), await writeNpz(theirs));
  return folder.path(name);
}

/** The same tensors with one number changed. */
function changed(name: string, index: number, change: (value: number) => number): Map<string, Tensor> {
  const { shape, data } = tensors.get(name)!;
  const copy = data.slice();
  copy[index] = change(copy[index]);
  return new Map(tensors).set(name, { shape, data: copy });
}

describe('golden', () => {
  test('a suite is a folder of bundles, one a problem, the same every time', async () => {
    const { exitCode, stdout } = await depthwise('golden', '--suite', 'layers', '--out', folder.path('a'), '--json');
    expect(exitCode).toBe(0);
    const files = readdirSync(folder.path('a'));
    expect(JSON.parse(stdout)).toHaveLength(files.length);
    expect(files).toEqual([...layerSuite(1)].map(({ name }) => `${name}.safetensors`).sort());
    const [problem] = layerSuite(1);
    const source = { kind: 'noise', detail: 'normal', seed: 1 } as const;
    const bytes = await writeGolden(makeGolden(problem.network, problem.inputs, { source }), {
      format: 'safetensors',
      weights: true,
      generator: `depthwise ${JSON.parse(readFileSync('package.json', 'utf8')).version}`,
    });
    expect(readFileSync(folder.path(`a/${problem.name}.safetensors`)).equals(bytes)).toBe(true);
  });

  test('a picture is prepared as the model says', async () => {
    const out = folder.path('cat.npz');
    const { exitCode } = await depthwise('golden', '--model', model, '--picture', cat, '--weights', '--out', out);
    expect(exitCode).toBe(0);
    const found = await readTensors(readFileSync(out));
    expect(found.get('inputs/input')!.shape).toEqual([1, 32, 32, 3]);
    expect(found.has('weights/conv1/kernel')).toBe(true);
  });

  test('replaces its own bundles, and other files only when told to', async () => {
    const out = folder.path('b');
    const make = (...more: string[]) =>
      depthwise('golden', '--suite', 'layers', '--kinds', 'relu,relu6', '--shapes', 'odd', '--out', out, ...more);
    expect((await make('--with', 'onnx')).exitCode).toBe(0);
    const [first, ...others] = readdirSync(out).filter((name) => name.endsWith('.safetensors'));
    const path = `${out}/${first}`;
    const bytes = readFileSync(path);
    expect((await make('--seed', '2')).exitCode).toBe(0);
    expect(readFileSync(path).equals(bytes)).toBe(false);

    writeFileSync(path, 'mine');
    const kept = readFileSync(`${out}/${others[0]}`);
    expect(await make('--seed', '3')).toEqual({
      exitCode: 2,
      stdout: '',
      stderr: `error: --out: '${path}' is there already and no golden bundle; --overwrite replaces it\n`,
    });
    expect(readFileSync(path, 'utf8')).toBe('mine');
    expect(readFileSync(`${out}/${others[0]}`).equals(kept)).toBe(true);
    const models = readdirSync(out).filter((name) => name.endsWith('.onnx'));
    const { exitCode, stderr } = await make('--with', 'onnx');
    expect(exitCode).toBe(2);
    expect(stderr).toContain(` and ${models.length + 1 - 3} files more are there already and no golden bundle; `);
    expect((await make('--with', 'onnx', '--overwrite')).exitCode).toBe(0);
    expect((await readGolden(readFileSync(path))).network.nodes).toHaveLength(1);
  });

  test('a model is not replaced by its own bundle, nor by the file beside that', async () => {
    const path = await writeModel(folder.path('precious.safetensors'), network);
    const bytes = readFileSync(path);
    const make = (...more: string[]) => depthwise('golden', '--model', path, ...more);
    for (const more of [[], ['--overwrite']]) {
      expect((await make('--out', path, ...more)).stderr).toBe(
        `error: --out: '${path}' is read or written by this command already; name another file\n`,
      );
    }
    writeFileSync(folder.path('bundle.tflite'), 'mine');
    expect((await make('--out', folder.path('bundle.npz'), '--with', 'tflite')).stderr).toBe(
      `error: --out: '${folder.path('bundle.tflite')}' is there already and no golden bundle; --overwrite replaces it\n`,
    );
    expect(readFileSync(path).equals(bytes)).toBe(true);
    expect(readdirSync(folder.path('.'))).not.toContain('bundle.npz');
  });

  test('random problems of some kinds, others for another seed, each also for other runtimes and for C', async () => {
    const make = (seed: string) =>
      depthwise(
        ...['golden', '--suite', 'layers', '--count', '12', '--seed', seed, '--kinds', 'conv2d,add'],
        ...['--with', 'onnx,tflite,c', '--out', folder.path(`random-${seed}`), '--json'],
      );
    const [seven, eight] = [await make('7'), await make('8')].map(({ stdout }) => JSON.parse(stdout));
    expect(seven).toHaveLength(12);
    const names = readdirSync(folder.path('random-7')).map((file) => file.replace(/\.\w+$/, ''));
    expect(new Set(names).size).toBe(12);
    for (const name of names) expect(name).toMatch(/^random-7-\d\d-(conv2d|add)$/);
    for (const { network, out, with: beside, without } of seven) {
      expect(['conv2d', 'add']).toContain(network);
      expect([...beside, ...without.map((line: string) => line.split(':')[0])].sort()).toEqual(
        ['.h', '.onnx', '.tflite'].map((ending) => out.replace('.safetensors', ending)),
      );
    }
    expect(eight.map(({ bytes }: { bytes: number }) => bytes)).not.toEqual(
      seven.map(({ bytes }: { bytes: number }) => bytes),
    );
    // What other runtimes are given computes the same.
    const [{ out }] = seven;
    const golden = (await readGolden(readFileSync(out))) as Golden;
    const onnx = await readNetwork(readFileSync(out.replace('.safetensors', '.onnx')));
    const theirs = trace(onnx, golden.inputs);
    expect(check(golden, new Map([[golden.network.outputs[0], theirs.get(onnx.outputs[0])!]])).first).toBeUndefined();
  });

  test.skipIf(spawnSync('gcc', ['--version']).status !== 0)(
    'the C header compiles, and holds the numbers',
    async () => {
      const problem = [...layerSuite(1)].find(({ name }) => name === 'dense-cancellation')!;
      const golden = makeGolden(problem.network, problem.inputs, { source: { kind: 'noise', detail: 'normal' } });
      const bounds = new Map(golden.isolated);
      bounds.set('dense', {
        shape: [1, 9],
        data: Float32Array.of(...bounds.get('dense')!.data.subarray(0, 8), Infinity),
      });
      writeFileSync(folder.path('dense.h'), cHeader({ ...golden, isolated: bounds }, 'dense', 'depthwise 0.0.0'));
      writeFileSync(
        folder.path('dense.c'),
        `#include <stdio.h>
#include "dense.h"
int main(void) {
  int beyond = 0;
  for (int o = 0; o < 9; o++) {
    float y = dense_dense_bias[o];
    for (int i = 0; i < 300; i++) y += dense_input[i] * dense_dense_kernel[i * 9 + o];
    if (!(fabsf(y - dense_dense_output[o]) <= dense_dense_bound[o])) beyond++;
  }
  printf("%d %.9g %d", beyond, dense_dense_output[3], isinf(dense_dense_bound[8]) != 0);
  return 0;
}`,
      );
      const compiled = spawnSync(
        'gcc',
        ['-std=c99', '-Wall', '-Wextra', '-Werror', '-o', folder.path('dense'), folder.path('dense.c'), '-lm'],
        { encoding: 'utf8' },
      );
      expect(compiled.stderr).toBe('');
      const { stdout } = spawnSync(folder.path('dense'), { encoding: 'utf8' });
      const [beyond, output, infinite] = stdout.split(' ').map(Number);
      expect([beyond, Math.fround(output), infinite]).toEqual([0, golden.outputs.get('dense')!.data[3], 1]);
    },
  );

  test('--network: V1 or V2 with seeded weights, which the bundle holds', async () => {
    const out = folder.path('v2.safetensors');
    const { exitCode } = await depthwise(
      ...['golden', '--network', 'mobilenet_v2', '--alpha', '0.35', '--resolution', '32', '--seed', '1', '--out', out],
    );
    expect(exitCode).toBe(0);
    const { network, source } = await readGolden(readFileSync(out));
    expect(network.name).toBe('mobilenet_v2_0.35_32');
    expect(network.weights.get('Conv1/kernel')!.shape).toEqual([3, 3, 3, 16]);
    expect(source).toEqual({ kind: 'noise', detail: 'normal', seed: 1 });
  });

  test('a bundle with weights is a model for the other commands', async () => {
    expect((await depthwiseJson('summary', golden)).network).toBe(network.name);
    const { exitCode } = await depthwise('convert', golden, folder.path('converted.onnx'));
    expect(exitCode).toBe(0);
    const { stdout } = await depthwise('classify', cat, '--model', golden, '--json');
    expect(stdout).toContain('"probability"');
    const none = await depthwise('summary', bare);
    expect([none.exitCode, none.stderr]).toEqual([
      1,
      `error: ${bare}: a golden bundle without weights is no model; make it with depthwise golden --weights\n`,
    ]);
  });

  test('--suite mobilenet by its options', async () => {
    const out = folder.path('suite');
    await depthwise(
      ...['golden', '--suite', 'mobilenet', '--alpha', '0.1', '--resolution', '40', '--classes', '3'],
      ...['--conventions', 'slim', '--out', out],
    );
    expect(readdirSync(out).sort()).toEqual([
      'mobilenet_v1_0.1_40_slim.safetensors',
      'mobilenet_v2_0.1_40_slim.safetensors',
    ]);
    const { outputs } = await readGolden(readFileSync(`${out}/mobilenet_v1_0.1_40_slim.safetensors`));
    expect(outputs.get('Predictions')!.shape).toEqual([1, 3]);
  });

  test.each([
    [['--out', 'x'], 'error: wanted one of --suite, --model and --network\n'],
    [['--suite', 'layers', '--model', 'm', '--out', 'x'], 'error: wanted one of --suite, --model and --network\n'],
    [['--suite', 'layers', '--picture', cat, '--out', 'x'], 'error: --picture does not go with --suite layers\n'],
    [['--suite', 'layers', '--alpha', '0.5', '--out', 'x'], 'error: --alpha does not go with --suite layers\n'],
    [['--suite', 'layers', '--weights', '--out', 'x'], 'error: --weights does not go with --suite layers\n'],
    [
      ['--suite', 'mobilenet', '--expansion', '4', '--out', 'x'],
      'error: --expansion does not go with --suite mobilenet\n',
    ],
    [['--suite', 'mobilenet', '--kinds', 'add', '--out', 'x'], 'error: --kinds does not go with --suite mobilenet\n'],
    [['--model', 'm', '--count', '3', '--out', 'x.npz'], 'error: --count does not go with --model\n'],
    [
      ['--network', 'mobilenet_v2', '--format', 'npz', '--out', 'x.npz'],
      'error: --format does not go with --network without --model\n',
    ],
    [
      ['--suite', 'layers', '--kinds', 'conv2d,conv', '--out', 'x'],
      "error: option '--kinds <kinds>' argument 'conv2d,conv' is invalid. Wanted some of conv2d, depthwiseConv2d, pointwiseConv2d, dense, batchNorm, relu, relu6, clamp, sigmoid, softmax, add, concat, pad, averagePool, maxPool, globalAveragePool, flatten, resizeBilinear, argMax, multiply, hardSigmoid, hardSwish, separated by commas; found 'conv'.\n",
    ],
    [
      ['--model', 'm', '--picture', cat, '--noise', 'large', '--out', 'x.npz'],
      'error: wanted one of a picture, --input and --noise, found more\n',
    ],
    [['--model', 'm', '--out', 'x.zip'], "error: --out: wanted a name ending in .safetensors or .npz, found 'x.zip'\n"],
  ])('%s', async (args, message) => {
    expect(await depthwise('golden', ...args)).toEqual({ exitCode: 2, stdout: '', stderr: message });
  });
});

describe('compare', () => {
  test('a right backend: exit code 0, every layer listed', async () => {
    const { exitCode, stdout, stderr } = await depthwise('compare', golden, await save('right.npz', tensors));
    expect([exitCode, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^mobilenet_v1_0\.25_32, isolated, bounds for float32\n\nlayer +kind +verdict +off by/);
    expect(stdout).toMatch(/^conv1 +conv2d +(exact|within rounding) /m);
    expect(stdout).toMatch(/ within rounding, 0 beyond\.\n$/);
  });

  test('a wrong one: exit code 1, the first wrong layer with coordinate, both values and the bound', async () => {
    const theirs = await save(
      'wrong.npz',
      changed('conv_dw_1', 5, (value) => value + 1),
    );
    const { exitCode, stdout, stderr } = await depthwise('compare', golden, theirs);
    expect(exitCode).toBe(1);
    expect(stderr).toBe(`error: ${theirs}: the first layer beyond its bound is 'conv_dw_1'\n`);
    expect(stdout).toMatch(
      /First wrong: conv_dw_1\[0,0,0,5\]: theirs \S+, reference \S+, off by 1\.00, allowed \S+\.\n1 of 2048 numbers is wrong, all in row 0 of 0 to 15, column 0 of 0 to 15, channel 5 of 0 to 7\.\nNo known mistake and no lower precision gives these numbers\.\n$/,
    );
    expect(stdout).toContain('conv_dw_1, its elements by their share of the bound:');
  });

  test.each([
    [
      'labels shifted by one class',
      (): Map<string, Tensor> => {
        const { shape, data } = tensors.get('predictions')!;
        const shifted = data.map((_, c) => data[(c + 1) % data.length]);
        return new Map(tensors).set('predictions', { shape, data: shifted });
      },
      'predictions',
    ],
    [
      "the classifier's bias left out",
      (): Map<string, Tensor> => {
        const bias = network.weights.get('conv_preds/bias')!;
        const weights = new Map(network.weights).set('conv_preds/bias', { ...bias, data: new Float32Array(7) });
        return trace({ ...network, weights }, input);
      },
      'conv_preds',
    ],
  ])('%s: found without any option', async (what, theirs, wrong) => {
    const file = await save(`${what}.npz`, theirs());
    const { exitCode, stderr } = await depthwise('compare', golden, file);
    expect([exitCode, stderr]).toEqual([1, `error: ${file}: the first layer beyond its bound is '${wrong}'\n`]);
  });

  test('a layer whose bound exceeds its numbers is not decided: in its row, at the end, in the JSON, in the exit code', async () => {
    for (const theirs of [tensors, new Map([['predictions', tensors.get('predictions')!]])]) {
      const file = await save('undecided.npz', theirs);
      const { exitCode, stdout, stderr } = await depthwise('compare', golden, file, '--accumulated');
      expect(exitCode).toBe(3);
      expect(stdout).toMatch(/^predictions +softmax +not decided /m);
      expect(stdout).toMatch(
        / 0 beyond, \d+ not decided\.\nNot decided from \S+ on: the bound exceeds the numbers,.*\n$/,
      );
      expect(stderr).toMatch(/^error: \S+: not decided for \d+ of \d+ layers?, from '\S+' on: /);
      const { stdout: json } = await depthwise('compare', golden, file, '--accumulated', '--json');
      const { verdict, undecided, first, layers } = JSON.parse(json);
      expect([verdict, first]).toEqual(['not decided', null]);
      expect(layers.at(-1)).toMatchObject({ name: 'predictions', verdict: 'not decided' });
      expect(layers.find((layer: { verdict: string }) => layer.verdict === 'not decided').name).toBe(undecided);
    }
  });

  test('predictions alone are not decided in the default mode either', async () => {
    const file = await save('predictions.npz', new Map([['predictions', tensors.get('predictions')!]]));
    expect((await depthwise('compare', golden, file)).exitCode).toBe(3);
  });

  test('a bundle without weights: from the input on, which the report says', async () => {
    const { exitCode, stdout } = await depthwise('compare', bare, await save('right.npz', tensors));
    expect(exitCode).toBe(3);
    expect(stdout).toContain('accumulated, bounds for float32');
    expect(stdout).toContain('\nThe bundle holds no weights: layers were compared from the input on. ');
    const { stdout: asked } = await depthwise('compare', bare, folder.path('right.npz'), '--accumulated');
    expect(asked).not.toContain('The bundle holds no weights');
  });

  test('layers that have no weights are isolated without any', async () => {
    const problem = [...layerSuite(1)].find(({ name }) => name === 'relu-normal')!;
    const source = { kind: 'noise', detail: 'normal' } as const;
    const its = makeGolden(problem.network, problem.inputs, { source });
    writeFileSync(folder.path('relu.npz'), await writeGolden(its, { format: 'npz', generator: 'depthwise 0.0.0' }));
    const theirs = await save('relu-theirs.npz', its.outputs);
    for (const flags of [[], ['--isolated'], ['--precision', 'float16']]) {
      expect(await depthwise('compare', folder.path('relu.npz'), theirs, ...flags)).toMatchObject({ exitCode: 0 });
    }
  });

  test('what is shown no further than to some layer says nothing of those behind it', async () => {
    const file = await save('part.npz', new Map([['conv1_relu', tensors.get('conv1_relu')!]]));
    const { exitCode, stdout } = await depthwise('compare', golden, file);
    expect(exitCode).toBe(0);
    expect(stdout).toContain('Not shown, judged together with the next: conv1, conv1_bn.\n');
    expect(stdout).toContain('Not shown, nor anything behind them, and so not judged: conv_dw_1, ');
  });

  test('--fed-golden: each layer was fed the golden outputs', async () => {
    const its = (await readGolden(readFileSync(golden))) as Golden;
    const { exitCode, stdout } = await depthwise('compare', golden, await save('fed.npz', its.outputs), '--fed-golden');
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^mobilenet_v1_0\.25_32, fed with golden outputs, bounds for float32\n/);
    const half = await depthwise('compare', golden, folder.path('fed.npz'), '--fed-golden', '--precision', 'float16');
    expect([half.exitCode, half.stderr]).toEqual([
      2,
      `error: ${network.name}: layers that were fed golden outputs go by the bundle's own bounds, which are for float32\n`,
    ]);
  });

  test('--only lists the layers of one verdict', async () => {
    const theirs = await save(
      'only.npz',
      changed('conv_dw_1', 5, (value) => value + 1),
    );
    const { stdout } = await depthwise('compare', golden, theirs, '--only', 'beyond');
    const rows = stdout.split('\n').filter((line) => / (beyond|within rounding|exact) /.test(line));
    expect(rows.map((row) => row.split(' ')[0])).toEqual(['conv_dw_1', 'conv_dw_1_bn']);
  });

  test('a row is about one element: the worst', async () => {
    // Far off where much is allowed, and less off, but beyond, where little is.
    const theirs = await save(
      'row.npz',
      changed('conv1_relu', 5, (value) => value + 0.25),
    );
    const { stdout } = await depthwise('compare', golden, theirs);
    const row = /^conv1_relu .*$/m.exec(stdout)![0].split(/ +/);
    const [, , verdict, offBy, , at, , reference] = row;
    expect([verdict, offBy, at]).toEqual(['beyond', '2.50e-1', '[0,0,0,5]']);
    expect(Number(row[6]) - Number(reference)).toBeCloseTo(0.25, 6);
  });

  test('an input that is not the one of the bundle is wrong itself, and what follows is judged by it', async () => {
    const other = noise('normal', [1, 32, 32, 3], 2);
    const theirs = new Map([...trace(network, other), ['input', other] as const]);
    const { exitCode, stdout } = await depthwise(
      'compare',
      golden,
      await save('input.npz', theirs),
      '--only',
      'beyond',
    );
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/^input +input +beyond /m);
    expect(stdout).toMatch(/ 1 beyond\.\nFirst wrong: input\[/);
    const same = new Map([...tensors, ['input', input] as const]);
    expect((await depthwise('compare', golden, await save('same.npz', same))).exitCode).toBe(0);
  });

  test('NaN is wrong', async () => {
    const theirs = await save(
      'nan.npz',
      changed('conv1', 0, () => Number.NaN),
    );
    const { stdout, exitCode } = await depthwise('compare', golden, theirs, '--json');
    expect(exitCode).toBe(1);
    const { first, verdict, layers } = JSON.parse(stdout);
    expect([first, verdict]).toEqual(['conv1', 'beyond']);
    const { name, nan, maxAbs, worst } = layers.find((layer: { name: string }) => layer.name === first);
    expect({ name, nan, maxAbs, theirs: worst.theirs }).toEqual({
      name: 'conv1',
      nan: 1,
      maxAbs: 'Infinity',
      theirs: 'NaN',
    });
  });

  test('--isolated blames one layer alone, and needs weights or the model', async () => {
    // Everything after the wrong layer is right for what it was fed.
    const wrong = changed('conv_pw_2', 3, (value) => value + 1);
    const node = network.nodes.findIndex(({ name }) => name === 'conv_pw_2');
    const rest = { ...network, inputs: [{ name: 'conv_pw_2', shape: tensors.get('conv_pw_2')!.shape }] };
    const after = trace({ ...rest, nodes: network.nodes.slice(node + 1) }, wrong.get('conv_pw_2')!);
    const theirs = await save('isolated.npz', new Map([...wrong, ...after]));
    const without = await depthwise('compare', bare, theirs, '--isolated');
    expect(without.exitCode).toBe(2);
    expect(without.stderr).toContain('which this bundle does not hold');
    const { exitCode, stdout } = await depthwise('compare', bare, theirs, '--isolated', '--model', model, '--json');
    expect(exitCode).toBe(1);
    const { layers, mode } = JSON.parse(stdout);
    expect(mode).toBe('isolated');
    const beyond = layers.filter(({ verdict }: { verdict: string }) => verdict === 'beyond');
    expect(beyond.map(({ name }: { name: string }) => name)).toEqual(['conv_pw_2']);
  });

  test("the model must have the bundle's layers", async () => {
    const [, other] = [...mobilenetSuite(1, { resolution: [32, 32] })];
    const file = await writeModel(folder.path('other.safetensors'), other.network);
    expect(await depthwise('compare', bare, await save('any.npz', tensors), '--model', file)).toEqual({
      exitCode: 2,
      stdout: '',
      stderr: `error: mobilenet_v2_0.25_32: the model has other layers than the bundle's network, ${network.name}\n`,
    });
  });

  test('NCHW is told from NHWC, and converted when said', async () => {
    const { shape, data } = tensors.get('conv1')!;
    const [, H, W, C] = shape;
    const nchw = Float32Array.from(data, (_, i) => data[(i % (H * W)) * C + Math.floor(i / (H * W))]);
    const theirs = await save('nchw.npz', new Map([['conv1', { shape: [1, C, H, W], data: nchw }]]));
    const plain = await depthwise('compare', golden, theirs);
    expect([plain.exitCode, plain.stdout]).toEqual([
      1,
      expect.stringContaining(
        'First wrong: conv1 has the shape [1,8,16,16], wanted [1,16,16,8]; it looks like NCHW: --layout nchw.',
      ),
    ]);
    expect((await depthwise('compare', golden, theirs, '--layout', 'nchw')).exitCode).toBe(0);
  });

  test('--names says which is which', async () => {
    const theirs = await save('odd.npz', new Map([['first', tensors.get('conv1')!]]));
    const lost = await depthwise('compare', golden, theirs);
    expect(lost.exitCode).toBe(4);
    expect(lost.stderr).toContain('none of its tensors (first) has the name of a layer (conv1, conv1_bn, ');
    const empty = await save('empty.npz', new Map());
    expect(await depthwise('compare', golden, empty)).toEqual({
      exitCode: 4,
      stdout: '',
      stderr: `error: ${empty}: holds no tensors\n`,
    });
    writeFileSync(folder.path('names.json'), '{"first": "conv1"}');
    expect((await depthwise('compare', golden, theirs, '--names', folder.path('names.json'))).exitCode).toBe(0);
    writeFileSync(folder.path('names.json'), '["first"]');
    const { stderr } = await depthwise('compare', golden, theirs, '--names', folder.path('names.json'));
    expect(stderr).toBe(`error: ${folder.path('names.json')}: wanted {"their name": "our name", …}\n`);
  });

  test('a tensor under the name of another layer is recognised', async () => {
    const theirs = await save('misnamed.npz', new Map([['conv1', tensors.get('conv1_relu')!]]));
    const { exitCode, stdout } = await depthwise('compare', golden, theirs);
    expect(exitCode).toBe(1);
    expect(stdout).toContain('Its numbers are those of conv1_relu: if that is what it is, say so with --names.\n');
  });

  test('--map draws the worst layer: red where it is wrong', async () => {
    const { shape } = tensors.get('conv1')!;
    const [, , W, C] = shape;
    const theirs = await save(
      'map.npz',
      changed('conv1', (3 * W + 2) * C, (value) => value + 1),
    );
    const map = folder.path('worst.png');
    await depthwise('compare', golden, theirs, '--map', map);
    const { data, info } = await sharp(map).raw().toBuffer({ resolveWithObject: true });
    expect([info.width, info.height]).toEqual([256, 256]);
    const pixel = (row: number, column: number) => [
      ...data.subarray((row * 256 + column) * info.channels, (row * 256 + column) * info.channels + 3),
    ];
    expect(pixel(3 * 16 + 8, 2 * 16 + 8)).toEqual([255, 0, 0]);
    expect(pixel(3 * 16 + 8, 4 * 16 + 8)[0]).toBe(0); // rounding is blue, equal is black
  });

  test('a bundle compared with itself is exact', async () => {
    const { stdout } = await depthwise('compare', golden, golden, '--accumulated', '--json');
    expect(JSON.parse(stdout).verdict).toBe('exact');
  });

  test('--precision and --allowance widen the bounds', async () => {
    const theirs = await save(
      'wide.npz',
      changed('conv1', 0, (value) => value * (1 + 2 ** -12)),
    );
    expect((await depthwise('compare', golden, theirs)).exitCode).toBe(1);
    expect((await depthwise('compare', golden, theirs, '--allowance', '1000')).exitCode).toBe(0);
    const half = await depthwise('compare', golden, theirs, '--model', model, '--precision', 'mixed-float16');
    expect(half.exitCode).toBe(0);
    expect(half.stdout).toContain('bounds for mixed-float16');
  });

  test('a file that is no bundle is an error', async () => {
    writeFileSync(folder.path('no.safetensors'), writeSafetensors(tensors));
    const { exitCode, stderr } = await depthwise('compare', folder.path('no.safetensors'), model);
    expect(exitCode).toBe(4);
    expect(stderr).toBe(
      `error: ${folder.path('no.safetensors')}: a file of plain tensors, not a golden bundle; make one with depthwise golden\n`,
    );
  });
});
