/**
 * Bugs planted in three backends: one in C++ and one in numpy, which read bundles as anybody's would, and the engine's WASM kernels, called with wrong
 * arguments. Each is found at the layer that is wrong; what can be said of why is said: the mistake, or where in the tensor.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compile } from '../../src/engine/index.js';
import { readTensors } from '../../src/formats/index.js';
import { mobilenetV2 } from '../../src/models/index.js';
import type { NetworkNode } from '../../src/network/index.js';
import { check, explain, makeGolden, mobilenetSuite, type Problem, writeGolden } from '../../src/oracle/index.js';
import { noise } from '../../src/oracle/noise.js';
import { livelyWeights } from '../../src/oracle/suites.js';
import type { Tensor } from '../../src/tensor.js';

const folder = mkdtempSync(join(tmpdir(), 'depthwise-planted-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const path = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

const suite = [...mobilenetSuite(7)];
const problem = (version: 'v1' | 'v2', conventions: 'slim' | 'keras' | 'torchvision', size = '32'): Problem =>
  suite.find(({ name }) => name === `mobilenet_${version}_0.25_${size}_${conventions}`)!;

const fedWith = (its: Problem, what: 'normal' | 'large', batch = 1): Problem => ({
  ...its,
  name: `${its.name}_${what}_${batch}`,
  inputs: new Map([...its.inputs].map(([name, { shape }]) => [name, noise(what, [batch, ...shape.slice(1)], 3)])),
});
const large = (its: Problem): Problem => fedWith(its, 'large');

/** Channels that are no multiples of 4. */
const [odd] = mobilenetSuite(7, { alpha: 0.3, resolution: [32, 32], conventions: 'slim' });
const atStride8 = mobilenetV2({ alpha: 0.25, classes: 10, outputStride: 8, resolution: 64, conventions: 'keras' });
const dilated: Problem = {
  ...problem('v2', 'keras'),
  name: 'dilated',
  network: livelyWeights(atStride8, 7),
  inputs: new Map([['input', noise('normal', [1, 64, 64, 3], 3)]]),
};

const bundles = new Map<string, string>();
async function bundleOf({ name, network, inputs }: Problem): Promise<string> {
  const known = bundles.get(name);
  if (known !== undefined) return known;
  const golden = makeGolden(network, inputs, { source: { kind: 'noise', detail: 'normal' } });
  const file = join(folder, `${name}.safetensors`);
  writeFileSync(
    file,
    await writeGolden(golden, { format: 'safetensors', weights: true, generator: 'depthwise 0.0.0' }),
  );
  bundles.set(name, file);
  return file;
}

interface Found {
  /** The known mistake that gives these numbers. */
  readonly cause?: string;
  /** Where in the tensor the wrong numbers are. */
  readonly place?: RegExp;
  /** What the wrong layers have in common. */
  readonly pattern?: string;
  /** The precision that it computes in. */
  readonly precision?: string;
}

type Planted = readonly [mistake: string, its: Problem, wrong: string, found: Found];

function expectFound(its: Problem, tensors: ReadonlyMap<string, Tensor>, wrong: string, found: Found): void {
  const report = check(its, tensors);
  expect(report.first?.name).toBe(wrong);
  const { cause, patterns, atPrecision } = explain(its, tensors, report)!;
  expect(cause.mistakes.length > 0).toBe(found.cause !== undefined);
  if (found.cause) expect(cause.mistakes).toContain(found.cause);
  if (found.place) expect(cause.place).toMatch(found.place);
  if (found.pattern) expect(patterns.join()).toContain(found.pattern);
  expect(atPrecision?.name).toBe(found.precision);
  const { first, verdict } = check(its, tensors, { mode: 'accumulated' });
  expect([wrong, undefined]).toContain(first?.name);
  expect(['beyond', 'not decided']).toContain(verdict);
}

const compiler = spawnSync('g++', ['--version']).status === 0;

describe.skipIf(!compiler)(`C++${compiler ? '' : ' (needs g++)'}`, () => {
  const program = join(folder, 'backend');
  beforeAll(() => {
    execFileSync('g++', [
      '-std=c++17',
      '-O1',
      '-Wall',
      '-Wextra',
      '-Werror',
      '-o',
      program,
      path('backends/backend.cpp'),
    ]);
  });

  async function run(its: Problem, mistake: string): Promise<Map<string, Tensor>> {
    const theirs = join(folder, 'theirs.safetensors');
    execFileSync(program, [await bundleOf(its), theirs, mistake]);
    return readTensors(readFileSync(theirs));
  }

  const slim = problem('v1', 'slim');
  const keras = problem('v1', 'keras');

  test.each([
    slim,
    keras,
    problem('v1', 'torchvision', '33x47'),
    problem('v2', 'slim', '33x47'),
    problem('v2', 'torchvision'),
  ])('is right without a bug: $name', async (its) =>
    expect(check(its, await run(its, 'none')).verdict).toBe('within rounding'),
  );

  test.each<Planted>([
    [
      'padding',
      slim,
      'Conv2d_0',
      { cause: 'padded (1, 1) in place of (0, 1)', pattern: '5 of 5 layers with stride 2' },
    ],
    [
      'epsilon',
      keras,
      'conv1_bn',
      { cause: 'epsilon 0.00001 in place of 0.001', pattern: '27 of 27 layers of kind batchNorm' },
    ],
    ['relu', large(keras), 'conv1_relu', { cause: 'not clamped at 6: ReLU in place of ReLU6' }],
    ['depthwise kernel transposed', keras, 'conv_dw_1', { cause: "the kernel's height and width swapped" }],
    ['pointwise kernel transposed', keras, 'conv_pw_1', { cause: "the kernel's numbers read in the order OI" }],
    ['bgr', problem('v1', 'torchvision'), 'features.0.0', { cause: 'red and blue swapped' }],
    ['beta', keras, 'conv1_bn', { cause: 'beta left out' }],
    [
      'race',
      keras,
      'conv_dw_2',
      { place: /^16 of 1024 numbers are wrong, all in row 7 of 0 to 7, column 7 of 0 to 7$/ },
    ],
    ['half sums', keras, 'conv1', { precision: 'float16' }],
    ['classifier bias', slim, 'Logits/Conv2d_1c_1x1', { cause: 'the bias left out' }],
    ['labels', slim, 'Predictions', { cause: 'the classes shifted by one: class c + 1 at c' }],
    ['tail', odd, 'Conv2d_1_depthwise', { place: /all in channel 8 of 0 to 8$/ }],
    ['accumulator', fedWith(slim, 'normal', 2), 'Conv2d_1_depthwise', { place: /all in picture 1 of 0 to 1$/ }],
    [
      'late stride',
      problem('v1', 'slim', '33x47'),
      'Conv2d_0',
      { cause: 'padded (0, 2) in place of (1, 1)', pattern: '5 of 5 layers with stride 2' },
    ],
    [
      'border',
      problem('v2', 'torchvision'),
      'features.0.0',
      { cause: 'padded with the numbers at the border in place of zeros' },
    ],
    ['last column', problem('v2', 'slim'), 'expanded_conv/depthwise', { place: /all in column 15 of 0 to 15$/ }],
    ['gamma', problem('v2', 'keras'), 'bn_Conv1', { cause: 'gamma left out' }],
    ['mean', problem('v2', 'slim'), 'Conv/BatchNorm', { cause: 'movingMean added, not subtracted' }],
  ])('%s', async (mistake, its, wrong, found) => expectFound(its, await run(its, mistake), wrong, found));
});

const noNumpy = spawnSync('python3', ['-c', 'import numpy']).status !== 0;

describe.skipIf(noNumpy)(`numpy${noNumpy ? ' (needs python3 and numpy)' : ''}`, () => {
  const env = { ...process.env, PYTHONPATH: path('../../python/src'), PYTHONDONTWRITEBYTECODE: '1' };

  async function run(its: Problem, mistake: string): Promise<Map<string, Tensor>> {
    const theirs = join(folder, 'theirs.npz');
    execFileSync('python3', [path('backends/backend.py'), await bundleOf(its), theirs, mistake], { env });
    return readTensors(readFileSync(theirs));
  }

  const slim = problem('v2', 'slim');
  const keras = problem('v2', 'keras');
  const torchvision = problem('v2', 'torchvision');
  const norms = '52 of 52 layers of kind batchNorm are beyond';

  test.each([slim, problem('v2', 'keras', '33x47'), torchvision, dilated, problem('v1', 'slim')])(
    'is right without a bug: $name',
    async (its) => expect(check(its, await run(its, 'none')).verdict).toBe('within rounding'),
  );

  test.each<Planted>([
    ['padding', slim, 'Conv', { cause: 'padded (1, 1) in place of (0, 1)', pattern: '5 of 5 layers with stride 2' }],
    ['epsilon', slim, 'Conv/BatchNorm', { cause: 'epsilon 0.00001 in place of 0.001', pattern: norms }],
    ['relu', large(keras), 'Conv1_relu', { cause: 'not clamped at 6: ReLU in place of ReLU6' }],
    ['projection', keras, 'expanded_conv_project_BN', { cause: 'followed by ReLU6' }],
    [
      'residual',
      keras,
      'expanded_conv_add',
      { cause: 'the addition of Conv1_relu left out', pattern: '11 of 11 layers of kind add' },
    ],
    [
      'variance',
      torchvision,
      'features.0.1',
      { cause: 'divided by the variance in place of the deviation', pattern: norms },
    ],
    [
      'dilation',
      dilated,
      'block_7_depthwise',
      { cause: 'dilation left out, but padded for it', pattern: '10 of 10 layers with dilation are beyond' },
    ],
    ['kernel turned', slim, 'Conv', { cause: 'the kernel turned by 180°, as in a convolution of signals' }],
    [
      'depthwise kernel in the order CHW',
      keras,
      'expanded_conv_depthwise',
      { cause: "the depthwise kernel's numbers read in the order CHWM" },
    ],
    ['bias twice', keras, 'predictions', { cause: 'the bias added twice' }],
    [
      'statistics of the batch',
      torchvision,
      'features.0.1',
      { cause: 'the mean and variance of this batch in place of the stored ones', pattern: norms },
    ],
    [
      'epsilon of the deviation',
      slim,
      'Conv/BatchNorm',
      { cause: 'epsilon added to the deviation in place of the variance', pattern: norms },
    ],
    [
      'maximum',
      problem('v2', 'keras', '33x47'),
      'global_average_pooling2d',
      { cause: 'the maximum over the map in place of the mean' },
    ],
    ['half storage', keras, 'input', { precision: 'mixed-float16' }],
    ['input range', slim, 'input', { cause: 'from 0 to 1 in place of −1 to 1' }],
  ])('%s', async (mistake, its, wrong, found) => expectFound(its, await run(its, mistake), wrong, found));
});

describe('WASM kernels', () => {
  type Call = (...args: number[]) => void;
  type Bug = Readonly<Record<string, (kernel: Call, args: readonly number[], memory: WebAssembly.Memory) => void>>;

  /** The kernel with one argument changed. The arguments stand in the kernel's file in `assembly/`. */
  const argument = (index: number, change: (value: number) => number) => (kernel: Call, args: readonly number[]) =>
    kernel(...args.map((value, i) => (i === index ? change(value) : value)));

  /** What the kernels of this file's engine are called with goes through here. */
  let bug: Bug = {};
  const Original = WebAssembly.Instance;
  beforeAll(async () => {
    // The engine tests its kernels once, before any is spoilt.
    (await compile(problem('v2', 'keras').network, { target: 'simd' })).dispose();
    function Instance(module: WebAssembly.Module, imports: { env: { memory: WebAssembly.Memory } }) {
      const { exports } = new Original(module, imports);
      const kernels = Object.entries(exports as Record<string, Call>).map(([name, kernel]): [string, Call] => [
        name,
        (...args) => (bug[name] ? bug[name](kernel, args, imports.env.memory) : kernel(...args)),
      ]);
      return { exports: Object.fromEntries(kernels) };
    }
    Object.assign(WebAssembly, { Instance });
  });
  afterAll(() => {
    Object.assign(WebAssembly, { Instance: Original });
  });

  /** What a backend shows that fuses: activations, and what nothing is fused with. */
  const shows = ({ name, kind }: NetworkNode): boolean =>
    ['relu6', 'add', 'softmax', 'dense', 'globalAveragePool'].includes(kind) || /project_BN$/.test(name);

  async function run({ network, inputs }: Problem, planted: Bug): Promise<Map<string, Tensor>> {
    bug = planted;
    try {
      const outputs = network.nodes.filter(shows).map(({ name }) => name);
      const plan = await compile({ ...network, outputs }, { target: 'simd' });
      const tensors = [...plan.run(inputs)].map(([name, { shape, data }]): [string, Tensor] => [
        name,
        { shape, data: data.slice() },
      ]);
      plan.dispose();
      return new Map(tensors);
    } finally {
      bug = {};
    }
  }

  const keras = problem('v2', 'keras');

  test.each([keras, problem('v2', 'keras', '33x47'), dilated, large(keras)])(
    'are right without a bug: $name',
    async (its) => {
      expect(check(its, await run(its, {})).verdict).toBe('within rounding');
    },
  );

  test.each<readonly [mistake: string, planted: Bug, its: Problem, wrong: string, found: Found]>([
    [
      'pointwise: no upper bound of the activation',
      { pointwise: argument(8, () => Infinity) },
      large(keras),
      'block_1_expand_relu',
      { cause: 'not clamped at 6: ReLU in place of ReLU6' },
    ],
    [
      'pointwise: no bias',
      {
        pointwise(kernel, args, { buffer }) {
          new Uint8Array(buffer).fill(0, 0, 64);
          kernel(...args.map((value, i) => (i === 5 ? 0 : value)));
        },
      },
      keras,
      'expanded_conv_project_BN',
      { cause: 'beta and movingMean left out, which is the bias of a convolution that the batch norm is folded into' },
    ],
    [
      'depthwise: no dilation',
      { depthwise: (kernel, args) => kernel(...args.map((value, i) => (i === 8 || i === 9 ? 1 : value))) },
      dilated,
      'block_7_depthwise_relu',
      { cause: 'dilation left out, but padded for it', pattern: '10 of 10 layers with dilation are beyond' },
    ],
    [
      'depthwise: strides of rows left out',
      { depthwise: argument(6, () => 1) },
      keras,
      'block_1_depthwise_relu',
      { place: /all in rows 1 to 7 of 0 to 7$/ },
    ],
    [
      'depthwise: the last row of each call left out',
      { depthwise: argument(15, (rows) => Math.max(rows - 1, 1)) },
      keras,
      'expanded_conv_depthwise_relu',
      { place: /numbers are wrong/ },
    ],
    [
      'depthwise: margins that hold what was there before',
      { zeroMargins: () => {} },
      keras,
      'expanded_conv_depthwise_relu',
      { place: /numbers are wrong/ },
    ],
    [
      'add: the last four numbers left out',
      { addAll: argument(2, (count) => count - 4) },
      keras,
      'expanded_conv_add',
      {
        place: /^4 of 2048 numbers are wrong, all in row 15 of 0 to 15/,
        pattern: '11 of 11 layers of kind add are beyond',
      },
    ],
    [
      'global pool: the last pixel left out',
      { globalAveragePool: argument(2, (pixels) => pixels - 1) },
      problem('v2', 'keras', '33x47'),
      'global_average_pooling2d',
      { cause: 'the last pixel left out of the mean' },
    ],
    [
      'dense: the last input left out',
      { dense: argument(1, (channels) => channels - 1) },
      keras,
      'block_13_project_BN',
      { place: /all in channels 16 to 39 of 0 to 39$/ },
    ],
    [
      'softmax: the last class left out',
      { softmax: argument(2, (length) => length - 1) },
      keras,
      'predictions_softmax',
      { cause: 'the last class left out' },
    ],
  ])('%s', async (_, planted, its, wrong, found) => expectFound(its, await run(its, planted), wrong, found));
});
