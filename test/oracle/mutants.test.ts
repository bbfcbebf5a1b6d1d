/**
 * Deliberately wrong backends, each caught at the layer that is wrong, and the mistake named; also when only the fused tensors are shown. The
 * mistakes are made here in the networks that the backends run, not by the code that finds them.
 */
import { describe, expect, test } from 'vitest';
import type { Network, NetworkNode } from '../../src/network/index.js';
import { check, explain, type Mode, mobilenetSuite, type PrecisionName, type Problem } from '../../src/oracle/index.js';
import { noise } from '../../src/oracle/noise.js';
import type { Pair } from '../../src/padding.js';
import type { Tensor } from '../../src/tensor.js';
import { type Arithmetic, float16, float32, otherFormats, runBackend } from './backend.js';

type Convention = 'slim' | 'keras' | 'torchvision';

const suite = [...mobilenetSuite(7)];
const problem = (version: 'v1' | 'v2', conventions: Convention, size = '32'): Problem =>
  suite.find(({ name }) => name === `mobilenet_${version}_0.25_${size}_${conventions}`)!;

interface Mutant {
  readonly what: string;
  readonly problem: Problem;
  /** The backend's own idea of the network. */
  readonly network?: (network: Network) => Network;
  readonly arithmetic?: Arithmetic;
  /** What it does to the tensors that it shows. */
  readonly shown?: (tensors: Map<string, Tensor>) => void;
  /** The wrong layer, and the first fused tensor that it shows in. */
  readonly wrong: string;
  readonly fused: string;
  /** The known mistake that is named; that of the fused tensors is the same unless stated. */
  readonly cause?: string;
  readonly causeFused?: string;
  readonly pattern?: string;
  readonly fits?: PrecisionName;
  readonly place?: string;
}

const nodes =
  (change: (node: NetworkNode) => object) =>
  (network: Network): Network => ({
    ...network,
    nodes: network.nodes.map((node) => ({ ...node, ...change(node) }) as NetworkNode),
  });

/** Attributes of the nodes that have the given name, or of all that `applies` says. */
const attributes = (applies: (node: NetworkNode) => boolean, changed: object) =>
  nodes((node) => (applies(node) ? { attributes: { ...node.attributes, ...changed } } : {}));

const weight =
  (name: string, change: (x: Tensor) => Tensor) =>
  (network: Network): Network => ({
    ...network,
    weights: new Map(network.weights).set(name, change(network.weights.get(name)!)),
  });

const strided = (node: NetworkNode): boolean => (node.attributes as { strides?: Pair } | undefined)?.strides?.[0] === 2;
const around = { padding: { top: 1, bottom: 1, left: 1, right: 1 } };
const isNorm = ({ kind }: NetworkNode): boolean => kind === 'batchNorm';
const isDepthwise = ({ kind }: NetworkNode): boolean => kind === 'depthwiseConv2d';
const large = (problem: Problem): Problem => ({
  ...problem,
  inputs: new Map([...problem.inputs].map(([name, { shape }]) => [name, noise('large', shape, 3)])),
});

const zero = ({ shape, data }: Tensor): Tensor => ({ shape, data: new Float32Array(data.length) });

const mutants: readonly Mutant[] = [
  {
    what: "V1: 'same' padding as (1, 1)",
    problem: problem('v1', 'slim'),
    network: attributes(strided, around),
    wrong: 'Conv2d_0',
    fused: 'Conv2d_0/Relu6',
    cause: 'padded (1, 1) in place of (0, 1)',
    pattern: '5 of 5 layers with stride 2 are beyond',
  },
  {
    what: 'V1: epsilon 1e-5 for 1e-3',
    problem: problem('v1', 'keras'),
    network: attributes(isNorm, { epsilon: 1e-5 }),
    wrong: 'conv1_bn',
    fused: 'conv1_relu',
    cause: 'epsilon 0.00001 in place of 0.001',
    pattern: '27 of 27 layers of kind batchNorm are beyond',
  },
  {
    what: 'V1: ReLU for ReLU6',
    problem: large(problem('v1', 'keras')),
    network: nodes(({ kind }) => (kind === 'relu6' ? { kind: 'relu' } : {})),
    wrong: 'conv1_relu',
    fused: 'conv1_relu',
    cause: 'not clamped at 6: ReLU in place of ReLU6',
  },
  {
    what: 'V1: a transposed depthwise kernel',
    problem: problem('v1', 'keras', '33x47'),
    network: weight('conv_dw_5/kernel', (kernel) => mapIndex(kernel, ([i, j, c, m]) => [j, i, c, m])),
    wrong: 'conv_dw_5',
    fused: 'conv_dw_5_relu',
    cause: "the kernel's height and width swapped",
  },
  {
    what: 'V1: a pointwise kernel read as outputs by inputs',
    problem: problem('v1', 'keras'),
    network: weight('conv_pw_3/kernel', ({ shape: [I, O], data }) => ({
      shape: [I, O],
      data: data.map((_, at) => data[(at % O) * I + Math.floor(at / O)]),
    })),
    wrong: 'conv_pw_3',
    fused: 'conv_pw_3_relu',
    cause: "the kernel's numbers read in the order OI",
  },
  {
    what: 'V1: red and blue swapped',
    problem: problem('v1', 'torchvision'),
    network: (network) => reversedColours(network, 'features.0.0/kernel'),
    wrong: 'features.0.0',
    fused: 'features.0.2',
    cause: 'red and blue swapped',
  },
  {
    what: 'V1: beta left out',
    problem: problem('v1', 'keras'),
    network: (network) =>
      [...network.weights.keys()]
        .filter((name) => name.endsWith('/beta'))
        .reduce((wrong, name) => weight(name, zero)(wrong), network),
    wrong: 'conv1_bn',
    fused: 'conv1_relu',
    cause: 'beta left out',
  },
  {
    what: 'V1: one corner that is written too early',
    problem: problem('v1', 'keras', '33x47'),
    shown: (tensors) => {
      for (const name of ['conv_dw_2', 'conv_dw_2_relu']) {
        const { shape, data } = tensors.get(name)!;
        const corner = data.length - shape[3];
        tensors.set(name, { shape, data: data.map((value, i) => (i >= corner ? value + 0.5 : value)) });
      }
    },
    wrong: 'conv_dw_2',
    fused: 'conv_dw_2_relu',
    place: '16 of 1536 numbers are wrong, all in row 7 of 0 to 7, column 11 of 0 to 11',
  },
  {
    what: 'V1: sums kept in float16',
    problem: problem('v1', 'keras'),
    arithmetic: { ...float32('forward'), sum: (x, w, bias) => float32('forward').sum(x, w, bias, float16) },
    wrong: 'conv1',
    fused: 'conv1_relu',
    fits: 'float16',
  },
  {
    what: "V1: the classifier's bias left out",
    problem: problem('v1', 'slim', '33x47'),
    network: weight('Logits/Conv2d_1c_1x1/bias', zero),
    wrong: 'Logits/Conv2d_1c_1x1',
    fused: 'Predictions',
    cause: 'the bias left out',
  },
  {
    what: 'V1: labels shifted by one',
    problem: problem('v1', 'slim'),
    shown: (tensors) => {
      const { shape, data } = tensors.get('Predictions')!;
      tensors.set('Predictions', { shape, data: data.map((_, i) => data[(i + 1) % data.length]) });
    },
    wrong: 'Predictions',
    fused: 'Predictions',
    cause: 'the classes shifted by one: class c + 1 at c',
  },
  {
    what: "V2: 'same' padding as (1, 1)",
    problem: problem('v2', 'slim'),
    network: attributes(strided, around),
    wrong: 'Conv',
    fused: 'Conv/Relu6',
    cause: 'padded (1, 1) in place of (0, 1)',
    pattern: '5 of 5 layers with stride 2 are beyond',
  },
  {
    what: 'V2: epsilon 1e-5 for 1e-3',
    problem: problem('v2', 'keras'),
    network: attributes(isNorm, { epsilon: 1e-5 }),
    wrong: 'bn_Conv1',
    fused: 'Conv1_relu',
    cause: 'epsilon 0.00001 in place of 0.001',
  },
  {
    what: 'V2: ReLU for ReLU6',
    problem: large(problem('v2', 'keras')),
    network: nodes(({ kind }) => (kind === 'relu6' ? { kind: 'relu' } : {})),
    wrong: 'Conv1_relu',
    fused: 'Conv1_relu',
    cause: 'not clamped at 6: ReLU in place of ReLU6',
  },
  {
    what: 'V2: ReLU6 after the projections',
    problem: problem('v2', 'keras'),
    network: withProjectionsClamped,
    wrong: 'expanded_conv_project_BN',
    fused: 'expanded_conv_add',
    cause: 'followed by ReLU6',
  },
  {
    what: 'V2: a residual connection left out',
    problem: problem('v2', 'keras'),
    network: nodes(({ name, inputs }) =>
      name === 'block_4_add' ? { kind: 'dropout', attributes: { rate: 0 }, inputs: [inputs[1]] } : {},
    ),
    wrong: 'block_4_add',
    fused: 'block_4_add',
    cause: 'the addition of block_3_project_BN left out',
    causeFused: 'the addition of block_3_project_BN left out',
  },
  {
    what: 'V2: the variance for the deviation',
    problem: problem('v2', 'keras'),
    network: (network) =>
      network.nodes.filter(isNorm).reduce((wrong, { name, attributes: its }) => {
        const { epsilon } = its as { epsilon: number };
        return weight(`${name}/movingVariance`, ({ shape, data }) => ({
          shape,
          data: Float64Array.from(data, (variance) => (variance + epsilon) ** 2 - epsilon),
        }))(wrong);
      }, network),
    wrong: 'bn_Conv1',
    fused: 'Conv1_relu',
    cause: 'divided by the variance in place of the deviation',
  },
  {
    what: 'V1: a stride that begins one sample late',
    problem: problem('v1', 'slim', '33x47'),
    network: attributes((node) => isDepthwise(node) && strided(node), {
      padding: { top: 0, bottom: 2, left: 0, right: 2 },
    }),
    wrong: 'Conv2d_2_depthwise',
    fused: 'Conv2d_2_depthwise/Relu6',
    cause:
      'padded (0, 2) above and below, (0, 1) left and right in place of (1, 1) above and below, (0, 1) left and right',
  },
];

function reversedColours(network: Network, kernel: string): Network {
  return weight(kernel, (x) => mapIndex(x, ([i, j, c, o]) => [i, j, 2 - c, o]))(network);
}

/** After each projection's batch norm a clamp, which takes its name. */
function withProjectionsClamped(network: Network): Network {
  const nodes = network.nodes.flatMap((node): NetworkNode[] => {
    if (!node.name.endsWith('project_BN')) return [node];
    const before = `${node.name}_before`;
    const clamp = { name: node.name, kind: 'relu6', inputs: [before], attributes: {} } as NetworkNode;
    return [{ ...node, name: before } as NetworkNode, clamp];
  });
  const weights = [...network.weights].map(
    ([name, x]) => [name.replace('project_BN/', 'project_BN_before/'), x] as const,
  );
  return { ...network, nodes, weights: new Map(weights) };
}

/** The tensor whose element at a coordinate is the old one's at `from` it. */
function mapIndex({ shape, data }: Tensor, from: (at: number[]) => number[]): Tensor {
  const index = (at: readonly number[]) => at.reduce((sum, value, axis) => sum * shape[axis] + value, 0);
  const coordinate = (i: number) =>
    shape.map((size, axis) => Math.floor(i / shape.slice(axis + 1).reduce((a, b) => a * b, 1)) % size);
  return { shape, data: data.map((_, i) => data[index(from(coordinate(i)))]) };
}

function tensorsOf({ problem, network, arithmetic, shown }: Mutant): Map<string, Tensor> {
  const theirs = network ? network(problem.network) : problem.network;
  const tensors = runBackend(theirs, problem.inputs, arithmetic ?? float32('forward'));
  shown?.(tensors);
  return tensors;
}

const firstWrong = ({ network, inputs }: Problem, tensors: ReadonlyMap<string, Tensor>, mode: Mode) =>
  check({ network, inputs }, tensors, { mode }).first?.name;

function explained({ network, inputs }: Problem, tensors: ReadonlyMap<string, Tensor>) {
  const report = check({ network, inputs }, tensors);
  return { report, explanation: explain({ network, inputs }, tensors, report)! };
}

function onlyFused({ network }: Problem, tensors: ReadonlyMap<string, Tensor>): Map<string, Tensor> {
  const ends = new Set(['relu6', 'add', 'softmax', 'dense', 'globalAveragePool']);
  const shown = network.nodes.filter(({ kind }) => ends.has(kind)).map(({ name }) => name);
  return new Map(shown.map((name) => [name, tensors.get(name)!]));
}

test('there are the 17 of the trial, and one more', () => expect(mutants).toHaveLength(18));

describe.each(mutants)('$what', (mutant) => {
  const { problem, wrong, fused, cause, causeFused = cause, pattern, fits, place } = mutant;
  const tensors = tensorsOf(mutant);

  test('the same backend without the fault is not blamed', () => {
    const right = runBackend(problem.network, problem.inputs, float32('forward'));
    expect(firstWrong(problem, right, 'isolated')).toBeUndefined();
  });

  test(`isolated: ${wrong}; ${cause ?? fits ?? place}`, () => {
    const { report, explanation } = explained(problem, tensors);
    expect(report.first?.name).toBe(wrong);
    expect(explanation.cause.mistakes).toEqual(cause ? expect.arrayContaining([cause]) : []);
    expect(explanation.cause.mistakes.length).toBeLessThanOrEqual(2);
    expect(explanation.cause.shownAs).toBeUndefined();
    expect(explanation.atPrecision?.name).toBe(fits);
    expect(explanation.atPrecision?.first).toBeUndefined();
    if (pattern) {
      const others = report.layers.filter(({ kind, verdict }) => kind !== 'input' && verdict !== 'beyond');
      expect(explanation.patterns).toEqual([`${pattern}, 0 of ${others.length} others.`]);
    }
    if (place) expect(explanation.cause.place).toBe(place);
  });

  test('accumulated: the same layer, or none where worst cases have added up to more than the fault; never a green verdict', () => {
    const report = check(problem, tensors, { mode: 'accumulated' });
    expect([wrong, undefined]).toContain(report.first?.name);
    expect(['beyond', 'not decided']).toContain(report.verdict);
  });

  test(`only activations, additions and ends shown: ${fused}`, () => {
    const { report, explanation } = explained(problem, onlyFused(problem, tensors));
    expect(report.first?.name).toBe(fused);
    if (causeFused) expect(explanation.cause.mistakes).toEqual(expect.arrayContaining([causeFused]));
    expect(explanation.cause.shownAs).toBeUndefined();
  });
});

test.each(Object.keys(otherFormats))('a right backend in %s: that is named, and no layer', (format) => {
  const its = problem('v2', 'keras');
  const { report, explanation } = explained(its, runBackend(its.network, its.inputs, otherFormats[format]));
  expect(report.first).toBeDefined();
  expect(explanation.cause).toMatchObject({ mistakes: [], precisions: expect.arrayContaining([format]) });
  expect(explanation.atPrecision).toEqual({ name: format });
});

test('a float16 backend with a mistake: the precision, then the mistake', () => {
  const its = problem('v1', 'keras');
  const wrong = weight('conv_dw_5/kernel', (kernel) => mapIndex(kernel, ([i, j, c, m]) => [j, i, c, m]))(its.network);
  const { explanation } = explained(its, runBackend(wrong, its.inputs, otherFormats['mixed-float16']));
  expect(explanation.atPrecision).toMatchObject({
    name: 'mixed-float16',
    first: 'conv_dw_5',
    cause: { mistakes: ["the kernel's height and width swapped"] },
  });
});

test('a fused layer under the name of its convolution', () => {
  const its = problem('v1', 'keras');
  const right = runBackend(its.network, its.inputs, float32('forward'));
  const shown = new Map([['conv1', right.get('conv1_relu')!]]);
  const { explanation } = explained(its, shown);
  expect(explanation.cause).toMatchObject({ mistakes: [], shownAs: 'conv1_relu' });
});

const scaled =
  (change: (x: number) => number) =>
  ({ shape, data }: Tensor): Tensor => ({ shape, data: data.map(change) });

test.each<[what: string, change: (x: Tensor) => Tensor]>([
  ['red and blue swapped', (x) => mapIndex(x, ([n, i, j, c]) => [n, i, j, 2 - c])],
  ['height and width swapped', (x) => mapIndex(x, ([n, i, j, c]) => [n, j, i, c])],
  ['upside down', (x) => mapIndex(x, ([n, i, j, c]) => [n, 31 - i, j, c])],
  ['mirrored', (x) => mapIndex(x, ([n, i, j, c]) => [n, i, 31 - j, c])],
  ['from 0 to 1 in place of −1 to 1', scaled((x) => (x + 1) / 2)],
  ['from −1 to 1 in place of 0 to 1', scaled((x) => 2 * x - 1)],
  ['from 0 to 255 in place of −1 to 1', scaled((x) => ((x + 1) / 2) * 255)],
  ['from 0 to 255 in place of 0 to 1', scaled((x) => 255 * x)],
  ['from 0 to 1 in place of 0 to 255', scaled((x) => x / 255)],
])('an input that was prepared otherwise: %s', (what, change) => {
  const its = problem('v1', 'keras');
  const input = change(its.inputs.get('input')!);
  const tensors = new Map([['input', input]]);
  const { report, explanation } = explained(its, tensors);
  expect(report.first).toMatchObject({ name: 'input', kind: 'input' });
  expect(explanation.cause).toEqual({ mistakes: [what] });
});

test('an input that is another altogether, of another shape, or in fewer bits', () => {
  const its = problem('v1', 'keras');
  const given = its.inputs.get('input')!;
  const causeOf = (input: Tensor) => explained(its, new Map([['input', input]])).explanation;
  expect(causeOf(scaled((x) => x + 0.5)(given)).cause).toEqual({ mistakes: [] });
  expect(causeOf({ shape: [1, 3, 32, 32], data: given.data }).cause).toEqual({ mistakes: [] });
  // The names of formats of 11 bits and of 8, the likeliest first; float16 holds float16's.
  expect(causeOf(scaled(otherFormats.float16.store)(given)).cause).toEqual({
    mistakes: [],
    precisions: ['mixed-float16', 'float16', 'mixed-bfloat16', 'bfloat16'],
  });
  expect(causeOf(scaled(otherFormats.bfloat16.store)(given)).cause).toEqual({
    mistakes: [],
    precisions: ['mixed-bfloat16', 'bfloat16'],
  });
});

test('two faults at once are told apart: padding and epsilon', () => {
  const its = problem('v2', 'slim');
  const wrong = attributes(strided, around)(attributes(isNorm, { epsilon: 1e-5 })(its.network));
  const { explanation } = explained(its, runBackend(wrong, its.inputs, float32('forward')));
  expect(explanation.cause.mistakes).toEqual(['padded (1, 1) in place of (0, 1)']);
  expect(explanation.others).toMatchObject([
    { name: 'Conv/BatchNorm', cause: { mistakes: ['epsilon 0.00001 in place of 0.001'] } },
    { name: 'expanded_conv_1/depthwise', cause: { mistakes: ['padded (1, 1) in place of (0, 1)'] } },
  ]);
});
