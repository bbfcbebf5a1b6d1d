/** Single layers computed by backends with mistakes of their own: the mistake is named, and what wrong layers have in common. */
import { describe, expect, test } from 'vitest';
import type { Network, NetworkNode } from '../../src/network/index.js';
import { layerOf } from '../../src/network/shapes.js';
import { check, explain, layerSuite, type Problem } from '../../src/oracle/index.js';
import { judgedLayers, patternsOf } from '../../src/oracle/patterns.js';
import { sizeOf, type Tensor } from '../../src/tensor.js';
import { attributesOf } from '../layers/attributes-of.js';
import { float32, runBackend } from './backend.js';

const suite = [...layerSuite(11)];
const problemOf = (name: string): Problem => suite.find((problem) => problem.name === name)!;
const right = ({ network, inputs }: Problem): Tensor =>
  runBackend(network, inputs, float32('pairwise')).get(network.outputs[0])!;

function verdictOn({ network, inputs }: Problem, theirs: Tensor) {
  const tensors = new Map([[network.outputs[0], theirs]]);
  const report = check({ network, inputs }, tensors);
  const explanation = explain({ network, inputs }, tensors, report);
  return { report, explanation };
}

/** The layer with other attributes, kind or inputs. */
const node =
  (change: object) =>
  (problem: Problem): Tensor => {
    const [only] = problem.network.nodes;
    const told = { ...only, ...change } as NetworkNode;
    const known = { ...only.attributes, ...(change as { attributes?: object }).attributes };
    const changed = { ...told, attributes: attributesOf(layerOf(told), known as never) } as NetworkNode;
    return right({ ...problem, network: { ...problem.network, nodes: [changed] } });
  };

/** The layer with another weight. */
const weight =
  (name: string, change: (x: Tensor) => ArrayLike<number>) =>
  (problem: Problem): Tensor => {
    const { network } = problem;
    const full = `${network.nodes[0].name}/${name}`;
    const x = network.weights.get(full)!;
    const weights = new Map(network.weights).set(full, { shape: x.shape, data: Float32Array.from(change(x)) });
    return right({ ...problem, network: { ...network, weights } as Network });
  };

/** The right numbers, changed. */
const output =
  (change: (x: Tensor) => Tensor) =>
  (problem: Problem): Tensor =>
    change(right(problem));

/** Each number changed. */
const whole = (change: (value: number) => number) => output(({ shape, data }) => ({ shape, data: data.map(change) }));

const moved = ({ shape, data }: Tensor, from: (i: number) => number): Tensor => ({
  shape,
  data: data.map((_, i) => data[from(i)]),
});

const around = (samples: number) => ({ top: samples, bottom: samples, left: samples, right: samples });

/** The layer fed with another input. */
const fedWith =
  (change: (x: Tensor) => ArrayLike<number>) =>
  (problem: Problem): Tensor => {
    const [[name, x]] = problem.inputs;
    return right({ ...problem, inputs: new Map([[name, { shape: x.shape, data: Float32Array.from(change(x)) }]]) });
  };

/** A tensor's numbers as they lie where its axes, called by these letters, are written in another order. */
function written({ shape, data }: Tensor, order: string, own: string): number[] {
  const strides = [...own].map((_, axis) => sizeOf(shape.slice(axis + 1)));
  const numbers = (at: number, axes: string): number[] => {
    if (axes === '') return [data[at]];
    const axis = own.indexOf(axes[0]);
    return Array.from({ length: shape[axis] }, (_, i) => numbers(at + i * strides[axis], axes.slice(1))).flat();
  };
  return numbers(0, order);
}

/** The kernel of a backend that takes its numbers to lie in another order of the axes. */
const inOrder = ({ shape, data }: Tensor, order: string): number[] =>
  written({ shape: [...order].map((axis) => shape['HWIO'.indexOf(axis)]), data }, 'HWIO', order);

const lastAxis = ({ shape }: Tensor): number => shape[shape.length - 1];

const cases: readonly [problem: string, mistake: string, backend: (problem: Problem) => Tensor][] = [
  [
    'dense-normal',
    'the last input channel left out',
    weight('kernel', ({ shape: [I, O], data }) => data.map((w, i) => (i >= (I - 1) * O ? 0 : w))),
  ],
  [
    'softmax-normal',
    'the last class left out',
    fedWith((x) => x.data.map((logit, i) => (i % lastAxis(x) === lastAxis(x) - 1 ? -200 : logit))),
  ],
  [
    'globalAveragePool-normal',
    'the last pixel left out of the sum',
    fedWith((x) =>
      x.data.map((value, i) =>
        Math.floor(i / lastAxis(x)) % (x.shape[1] * x.shape[2]) === x.shape[1] * x.shape[2] - 1 ? 0 : value,
      ),
    ),
  ],
  ['conv2d-normal', 'padded (0, 0) in place of (1, 1)', node({ attributes: { padding: 'valid' } })],
  [
    'conv2d-valid-normal',
    'padded (0, 1) above and below, (1, 1) left and right in place of (0, 0)',
    node({ attributes: { padding: 'same' } }),
  ],
  ['conv2d-stride-2-even-normal', 'padded (1, 1) in place of (0, 1)', node({ attributes: { padding: around(1) } })],
  [
    'depthwiseConv2d-stride-2-even-large',
    'padded (1, 1) in place of (0, 1)',
    node({ attributes: { padding: around(1) } }),
  ],
  ['conv2d-explicit-padding-normal', 'strides of height and width swapped', node({ attributes: { strides: [1, 2] } })],
  ['conv2d-dilated-normal', 'dilation left out', node({ attributes: { dilation: [1, 1] } })],
  ['conv2d-cancellation', 'the bias left out', weight('bias', (x) => new Float32Array(x.data.length))],
  ['dense-normal', 'the bias added twice', weight('bias', (x) => x.data.map((b) => 2 * b))],
  [
    'conv2d-large',
    'the kernel turned by 180°, as in a convolution of signals',
    weight('kernel', ({ shape: [KH, KW, I, O], data }) =>
      data.map((_, i) => data[(KH * KW - 1 - Math.floor(i / (I * O))) * I * O + (i % (I * O))]),
    ),
  ],
  [
    'conv2d-normal',
    "the kernel's numbers read in the order OIHW",
    weight('kernel', ({ shape: [KH, KW, I, O], data }) =>
      data.map((_, at) => {
        const [o, i, place] = [at % O, Math.floor(at / O) % I, Math.floor(at / O / I)];
        return data[(o * I + i) * KH * KW + place];
      }),
    ),
  ],
  [
    'depthwiseConv2d-5x5-normal',
    "the depthwise kernel's numbers read in the order CMHW",
    weight('kernel', ({ shape: [KH, KW, C], data }) =>
      data.map((_, at) => data[(at % C) * KH * KW + Math.floor(at / C)]),
    ),
  ],
  [
    'depthwiseConv2d-depth-multiplier-normal',
    "the depthwise kernel's numbers read in the order HWMC",
    weight('kernel', ({ shape: [, , C, M], data }) =>
      data.map((_, at) => data[Math.floor(at / (C * M)) * C * M + (at % M) * C + (Math.floor(at / M) % C)]),
    ),
  ],
  ['batchNorm-normal', 'gamma left out', weight('gamma', (x) => x.data.map(() => 1))],
  ['batchNorm-normal', 'movingMean left out', weight('movingMean', (x) => x.data.map(() => 0))],
  ['batchNorm-normal', 'movingMean added, not subtracted', weight('movingMean', (x) => x.data.map((m) => -m))],
  [
    'batchNorm-normal',
    'epsilon added to the deviation in place of the variance',
    weight('movingVariance', (x) => x.data.map((v) => (Math.sqrt(v) + 1e-3) ** 2 - 1e-3)),
  ],
  ['batchNorm-statistics-alone-normal', 'epsilon 0.001 in place of 0.00001', node({ attributes: { epsilon: 1e-3 } })],
  [
    'batchNorm-normal',
    'the mean and variance of this batch in place of the stored ones',
    (problem) => {
      const { network, inputs } = problem;
      const { shape } = inputs.get('input')!;
      const data = Array.from(inputs.get('input')!.data);
      const C = shape[3];
      const mean = Float64Array.from(
        { length: C },
        (_, c) => data.filter((_, i) => i % C === c).reduce((a, b) => a + b, 0) / (data.length / C),
      );
      const variance = Float64Array.from(
        { length: C },
        (_, c) =>
          data.filter((_, i) => i % C === c).reduce((sum, x) => sum + (x - mean[c]) ** 2, 0) / (data.length / C),
      );
      const weights = new Map([
        ...network.weights,
        ['batchNorm/movingMean', { shape: [C], data: mean }],
        ['batchNorm/movingVariance', { shape: [C], data: variance }],
      ]) as Network['weights'];
      return right({ ...problem, network: { ...network, weights } });
    },
  ],
  ['relu-large', 'clamped at 6: ReLU6 in place of ReLU', (problem) => node({ kind: 'relu6' })(problem)],
  ['relu6-large', 'the activation left out', (problem) => node({ kind: 'dropout', attributes: { rate: 0 } })(problem)],
  ['add-three-normal', 'the addition of input_1 left out', node({ inputs: ['input_0', 'input_2'] })],
  ['averagePool-normal', 'padding counted the other way in the mean', node({ attributes: { includePadding: true } })],
  ['averagePool-normal', 'the maximum in place of the mean', node({ kind: 'maxPool' })],
  [
    'maxPool-normal',
    'the mean in place of the maximum',
    node({ kind: 'averagePool', attributes: { includePadding: false } }),
  ],
  [
    'globalAveragePool-normal',
    'the sum in place of the mean',
    output(({ shape, data }) => ({ shape, data: data.map((x) => 35 * x) })),
  ],
  ['softmax-normal', 'the classes shifted by one: class c at c + 1', output((x) => moved(x, (i) => (i + 20) % 21))],
  ['softmax-normal', 'the activation left out', ({ inputs }) => inputs.get('input')!],
  ['softmax-normal', 'sigmoid in place of softmax', node({ kind: 'sigmoid' })],
  ['sigmoid-normal', 'softmax in place of sigmoid', node({ kind: 'softmax' })],
  ['softmax-normal', 'the classes in reverse order', output((x) => moved(x, (i) => 20 - i))],
  ['softmax-normal', 'the classes shifted by one: class c + 1 at c', output((x) => moved(x, (i) => (i + 1) % 21))],
  ['batchNorm-normal', 'the batch norm left out', ({ inputs }) => inputs.get('input')!],
  ['batchNorm-normal', 'beta left out', weight('beta', (x) => x.data.map(() => 0))],
  ['batchNorm-normal', 'movingVariance left out', weight('movingVariance', (x) => x.data.map(() => 1))],
  [
    'batchNorm-normal',
    'movingVariance taken for a deviation',
    weight('movingVariance', (x) => x.data.map((deviation) => deviation ** 2 - 1e-3)),
  ],
  [
    'batchNorm-normal',
    'divided by the variance in place of the deviation',
    weight('movingVariance', (x) => x.data.map((v) => (v + 1e-3) ** 2 - 1e-3)),
  ],
  ...(['OHWI', 'IHWO', 'IOHW', 'HWOI'] as const).map((order): (typeof cases)[number] => [
    'conv2d-normal',
    `the kernel's numbers read in the order ${order}`,
    weight('kernel', (x) => inOrder(x, order)),
  ]),
  ['conv2d-normal', "the kernel's height and width swapped", weight('kernel', (x) => inOrder(x, 'WHIO'))],
  [
    'conv2d-stride-2-odd-normal',
    "the output's numbers in the order NWHC",
    output((x) => ({ shape: x.shape, data: Float32Array.from(written(x, 'NWHC', 'NHWC')) })),
  ],
  [
    'conv2d-stride-2-odd-normal',
    'the channels of the output in reverse order',
    output((x) => moved(x, (i) => i - (i % lastAxis(x)) + lastAxis(x) - 1 - (i % lastAxis(x)))),
  ],
  ...([-1, 2, 0.5, 1 / 255] as const).map((factor): (typeof cases)[number] => [
    'conv2d-normal',
    `multiplied by ${factor === 1 / 255 ? '1/255' : factor}`,
    output(({ shape, data }) => ({ shape, data: data.map((x) => factor * x) })),
  ]),
  ['resizeBilinear-half-pixel-normal', 'resized by the rule tf1-legacy', node({ attributes: { rule: 'tf1-legacy' } })],
  [
    'pad-normal',
    'padded on the other sides',
    node({ attributes: { padding: { top: 1, bottom: 0, left: 3, right: 2 } } }),
  ],
  ['concat-normal', 'the inputs concatenated in the other order', node({ inputs: ['input_1', 'input_0'] })],
  [
    'conv2d-stride-2-odd-normal',
    "the output's numbers in the order NCHW",
    output((x) =>
      moved(x, (at) => {
        const [, H, W, C] = x.shape;
        const [c, place] = [Math.floor(at / (H * W)), at % (H * W)];
        return place * C + c;
      }),
    ),
  ],
  [
    'flatten-normal',
    'flattened in the order NCHW',
    output((x) => moved(x, (at) => (at % 35) * 6 + Math.floor(at / 35))),
  ],
  ['conv2d-normal', 'every number is 0, as in a buffer that was never written', whole(() => 0)],
  ['conv2d-normal', 'every number is NaN', whole(() => NaN)],
  ['conv2d-normal', 'every number is 3.5', whole(() => 3.5)],
  ['conv2d-normal', 'fractions cut off, as by a conversion to integers', whole(Math.trunc)],
  ['conv2d-normal', 'rounded to whole numbers', whole(Math.round)],
  ['conv2d-normal', 'rounded down to whole numbers', whole(Math.floor)],
  ['sigmoid-normal', 'multiplied by 255', output(({ shape, data }) => ({ shape, data: data.map((x) => 255 * x) }))],
];

test.each(cases)('%s: %s', (name, mistake, backend) => {
  const problem = problemOf(name);
  expect(verdictOn(problem, right(problem)).explanation).toBeUndefined();
  const { report, explanation } = verdictOn(problem, backend(problem));
  expect(report.verdict).toBe('beyond');
  expect(explanation!.cause.mistakes).toContain(mistake);
  expect(explanation!.cause.mistakes.length).toBeLessThanOrEqual(2);
});

test('what leaves numbers of another count as they are is not taken for a mistake', () => {
  const problem = problemOf('conv2d-stride-2-odd-normal');
  const { shape, data } = right(problem);
  const cut = { shape: [shape[0], shape[1] - 1, ...shape.slice(2)], data: data.slice(sizeOf(shape.slice(2))) };
  expect(verdictOn(problem, cut).explanation!.cause).toEqual({ mistakes: [] });
});

test('a dilated convolution with strides: padded alike on both sides', () => {
  const problem = problemOf('conv2d-dilated-normal');
  const [only] = problem.network.nodes;
  const strided = (padding: unknown) => ({
    ...problem,
    network: {
      ...problem.network,
      nodes: [{ ...only, attributes: { ...only.attributes, strides: [2, 2], padding } } as NetworkNode],
    },
  });
  // 4 windows of 5 rows, 2 apart, span 11 of 8 rows; 3 windows of 5 columns span 9 of 6.
  const { explanation } = verdictOn(strided('same'), right(strided(around(2))));
  expect(explanation!.cause.mistakes).toEqual(['padded (2, 2) in place of (1, 2)']);
});

test('one class more, at the front', () => {
  const problem = problemOf('softmax-normal');
  const { data } = right(problem);
  const { report, explanation } = verdictOn(problem, { shape: [1, 22], data: Float32Array.of(0, ...data) });
  expect(report.first?.verdict).toBe('wrong shape');
  expect(explanation!.cause.mistakes).toEqual(['one class more, at the front']);
});

test('numbers that no mistake explains are not explained', () => {
  for (const problem of suite.filter((_, i) => i % 17 === 3)) {
    const { shape, data } = right(problem);
    const wrong = { shape, data: data.map((value, i) => value + (i === sizeOf(shape) - 1 ? 1 + Math.abs(value) : 0)) };
    const { explanation } = verdictOn(problem, wrong);
    expect(explanation?.cause.mistakes ?? [], problem.name).toEqual([]);
  }
});

describe('what wrong layers have in common', () => {
  const judged = (isWrong: (problem: Problem) => boolean) =>
    suite.flatMap(({ network, ...rest }) => {
      const [{ name, kind }] = network.nodes;
      const verdict = isWrong({ network, ...rest }) ? ('beyond' as const) : ('exact' as const);
      return judgedLayers(network, { layers: [{ name, kind, shape: [], verdict }] });
    });
  const is =
    (kind: string, attributes: (its: Record<string, unknown>) => boolean) =>
    ({ network }: Problem) =>
      network.nodes[0].kind === kind && attributes(network.nodes[0].attributes as never);

  const has =
    (attributes: (its: Record<string, unknown>) => boolean) =>
    ({ network }: Problem) =>
      attributes((network.nodes[0].attributes ?? {}) as never);
  const strided = (sizes: (its: readonly number[]) => boolean) => (problem: Problem) =>
    has(({ strides }) => Math.max(...((strides ?? [1]) as number[])) > 1)(problem) &&
    sizes(problem.network.inputs[0].shape.slice(1, 3));
  const summed =
    'conv2d depthwiseConv2d pointwiseConv2d dense batchNorm add multiply averagePool maxPool globalAveragePool';
  const summing =
    (channels: (its: number) => boolean) =>
    ({ network }: Problem) =>
      summed.split(' ').includes(network.nodes[0].kind) && channels(network.inputs[0].shape.at(-1)!);

  test.each<[string, (problem: Problem) => boolean]>([
    ['of kind softmax', is('softmax', () => true)],
    ['with dilation', ({ network }) => JSON.stringify(network.nodes).includes('"dilation":[2,2]')],
    ['of kind depthwiseConv2d and with stride 2', is('depthwiseConv2d', ({ strides }) => String(strides) === '2,2')],
    ['with a depth multiplier', is('depthwiseConv2d', ({ depthMultiplier }) => depthMultiplier === 3)],
    ['with strides above 1 on even sizes', strided((sizes) => sizes.every((size) => size % 2 === 0))],
    ['with strides above 1 on odd sizes', strided((sizes) => sizes.some((size) => size % 2 === 1))],
    ['with explicit padding', has(({ padding }) => typeof padding === 'object')],
    [
      'with kernels that are no squares',
      has(({ kernelSize }) => String(kernelSize) === '3,2' || String(kernelSize) === '2,3'),
    ],
    ['with kernels larger than 3 x 3', has(({ kernelSize }) => String(kernelSize) === '5,5')],
    ['with two pictures or more', ({ network }) => network.inputs[0].shape[0] === 2],
    ['with a bias', has(({ bias }) => bias === true)],
    ['whose channels are no multiple of 4', summing((channels) => channels % 4 > 0)],
    ['whose channels are a multiple of 4', summing((channels) => channels % 4 === 0)],
    ['with more than 64 channels', summing((channels) => channels > 64)],
    ['of kind conv2d and with a bias', is('conv2d', ({ bias }) => bias === true)],
  ])('%s', (words, isWrong) => {
    const layers = judged(isWrong);
    const wrong = layers.filter((each) => each.wrong).length;
    expect(patternsOf(layers)).toEqual([
      `${wrong} of ${wrong} layers ${words} are beyond, 0 of ${layers.length - wrong} others.`,
    ]);
  });

  test('nothing, where they have nothing, where it is one, and where it is all', () => {
    expect(patternsOf(judged(({ name }) => name === 'dense-normal' || name === 'argMax-large'))).toEqual([]);
    expect(patternsOf(judged(({ name }) => name === 'dense-normal'))).toEqual([]);
    expect(patternsOf(judged(() => true))).toEqual([]);
  });
});
