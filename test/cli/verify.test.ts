/** `depthwise verify` with the runtimes that are installed for the tests: LiteRT.js and TensorFlow.js. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeTfjs } from '../../src/formats/index.js';
import { writeOnnx } from '../../src/formats/onnx.js';
import { writeNpz } from '../../src/formats/tensors/npz.js';
import { writeTflite } from '../../src/formats/tflite.js';
import { noise } from '../../src/oracle/noise.js';
import { livelyWeights } from '../../src/oracle/suites.js';
import { fusedData, fusedGraph, fusedWeights, model, teachable, teachableWeights } from '../formats/tfjs/models.js';
import { buildTflite } from '../formats/tflite-builder.js';
import { everything } from '../formats/tflite-everything.js';
import { noOnnxruntime } from '../peers/onnxruntime.js';
import { cat, depthwise, depthwiseJson, smallNetwork, temporaryFolder } from './command.js';

const folder = temporaryFolder();
afterAll(folder.remove);

const network = livelyWeights(smallNetwork(), 3);
const tflite = folder.path('small.tflite');

/** The files of a TensorFlow.js model in a folder; the path of its description. */
function writeFiles(name: string, files: ReadonlyMap<string, Uint8Array>): string {
  mkdirSync(folder.path(name));
  for (const [file, bytes] of files) writeFileSync(folder.path(`${name}/${file}`), bytes);
  return folder.path(`${name}/model.json`);
}

interface Layer {
  readonly name: string;
  readonly theirName?: string;
  readonly verdict: string;
  readonly maxUnits: number;
}

beforeAll(async () => writeFileSync(tflite, await writeTflite(network)));

describe('LiteRT.js', () => {
  test('every tensor of the file is compared, fed with noise', async () => {
    const report = await depthwiseJson('verify', tflite, '--with', 'litert', '--seed', '4');
    expect(report).toMatchObject({
      model: tflite,
      mode: 'isolated',
      verdict: 'within rounding',
      first: null,
      unmatched: [],
    });
    expect(report.runtime).toMatch(/^@litertjs\/core \d+\.\d+\.\d+$/);
    const layers: Layer[] = report.layers;
    // 27 convolutions with their activations, the mean, the two ends of the head
    expect(layers.length).toBeGreaterThanOrEqual(29);
    expect(layers.filter(({ verdict }) => verdict === 'within rounding').length).toBeGreaterThan(20);
    expect(layers.every(({ theirName }) => theirName)).toBe(true);
  });

  test('a picture, as the preset prepares it, and a table', async () => {
    const { exitCode, stdout } = await depthwise('verify', tflite, cat, '--with', 'litert', '--preset', 'keras');
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^small, isolated, bounds for float32\n/);
    expect(stdout).toMatch(/ 0 beyond\.\n$/);
  });

  test('a saved tensor', async () => {
    const input = folder.path('input.npz');
    writeFileSync(input, await writeNpz(new Map([['x', noise('large', [1, 32, 32, 3], 2)]])));
    expect(await depthwiseJson('verify', tflite, '--with', 'litert', '--input', input)).toMatchObject({ first: null });
  });

  test('bounds that are too tight by a million name the first layer, and draw it', async () => {
    const map = folder.path('map.png');
    const { exitCode, stdout, stderr } = await depthwise(
      ...['verify', tflite, '--with', 'litert', '--allowance', '1e-6', '--map', map],
    );
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/\nFirst wrong: \S+\[[\d,]+\]: theirs /);
    expect(stderr).toMatch(/^error: @litertjs\/core \S+: the first layer beyond its bound is '\S+'\n$/);
    expect(readFileSync(map).subarray(1, 4).toString()).toBe('PNG');
  });

  test('a file whose integers no kernel of TensorFlow Lite computes', async () => {
    const file = folder.path('integers.tflite');
    writeFileSync(file, buildTflite(everything));
    const { exitCode, stderr } = await depthwise('verify', file, '--with', 'litert');
    expect(exitCode).toBe(4);
    expect(stderr).toBe(
      `error: ${file}: integers: 'y1/linear' (conv2d) has a kernel of int8 with 4 scales, wanted uint8 as its input\n`,
    );
  });
});

describe('TensorFlow.js', () => {
  test('the nodes of a graph model', async () => {
    const path = writeFiles('graph', await writeTfjs(network));
    const report = await depthwiseJson('verify', path, '--with', 'tfjs');
    expect(report).toMatchObject({ mode: 'isolated', first: null });
    expect(report.notShown).toEqual([]);
    // all but the dropout, which a graph model has no use for
    expect(report.layers.length).toBe(network.nodes.length - 1);
  });

  test('fused operators show what they show', async () => {
    // What this runtime asks for besides: who wrote the graph, how many operands are fused, no inputs that are only waited for.
    const node = fusedGraph.node.map((each) =>
      'attr' in each && each.op === '_FusedConv2D'
        ? { ...each, input: ['x', 'k', 'b'], attr: { ...each.attr, num_args: { i: '1' } } }
        : each,
    );
    const graph = { node, versions: { producer: 1 } };
    const path = writeFiles('fused', model(graph, fusedWeights, fusedData));
    const report = await depthwiseJson('verify', path, '--with', 'tfjs');
    expect(report.layers.map(({ name, theirName }: Layer) => [name, theirName])).toEqual([
      ['conv', 'conv'],
      ['y', 'y'],
    ]);
    expect(report.notShown).toEqual(['conv/pointwiseConv2d']);
  });

  test('a model that it refuses', async () => {
    const path = writeFiles('refused', model(fusedGraph, fusedWeights, fusedData));
    const { exitCode, stderr } = await depthwise('verify', path, '--with', 'tfjs');
    expect(exitCode).toBe(4);
    expect(stderr).toMatch(/^error: \S+model\.json: @tensorflow\/tfjs-core \S+ does not run it: Cannot read .+\n$/);
  });

  test('the layers of models inside a layers model', async () => {
    const data = new Uint8Array(Float32Array.of(1, -1, 1, 0, 2, -1).buffer);
    const path = writeFiles('layers', model({ model_config: teachable }, teachableWeights, data));
    const report = await depthwiseJson('verify', path, '--with', 'tfjs');
    expect(report.layers.map(({ name }: Layer) => name)).toEqual(['c', 'pool', 'd', 'top']);
    expect(report.first).toBeNull();
  });
});

describe('onnxruntime', () => {
  const onnx = folder.path('small.onnx');

  test.skipIf(noOnnxruntime)('every tensor of the file (needs bench/peers)', async () => {
    writeFileSync(onnx, await writeOnnx(network, { pictures: 'nchw' }));
    const here = process.cwd();
    process.chdir(new URL('../../bench/peers', import.meta.url).pathname);
    try {
      const report = await depthwiseJson('verify', onnx, '--with', 'onnxruntime');
      expect(report).toMatchObject({ mode: 'isolated', first: null, notShown: [] });
    } finally {
      process.chdir(here);
    }
  });

  test('is not installed here', async () => {
    expect(await depthwise('verify', onnx, '--with', 'onnxruntime')).toEqual({
      exitCode: 2,
      stdout: '',
      stderr: 'error: the package onnxruntime-node is not installed here: npm install onnxruntime-node\n',
    });
  });
});

test.each([
  [[], "error: required option '--with <runtime>' not specified\n"],
  [
    ['--with', 'tfjs'],
    `error: tfjs runs .json files, and '${tflite}' is none: convert it first, or ask another runtime\n`,
  ],
  [
    ['--with', 'caffe'],
    "error: option '--with <runtime>' argument 'caffe' is invalid. Allowed choices are litert, tfjs, tfjs-wasm, onnxruntime, onnxruntime-web.\n",
  ],
  [[cat, '--with', 'litert', '--noise', 'large'], 'error: wanted one of a picture, --input and --noise, found more\n'],
])('%s', async (args, message) => {
  expect(await depthwise('verify', tflite, ...args)).toEqual({ exitCode: 2, stdout: '', stderr: message });
});
