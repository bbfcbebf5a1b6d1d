/** Ten deliberately wrong backends, each caught at the layer that is wrong; also when only the fused tensors are shown. */
import { describe, expect, test } from 'vitest';
import type { Network, NetworkNode } from '../../src/network/index.js';
import { check, type Mode, mobilenetSuite, noise, type Problem } from '../../src/oracle/index.js';
import type { Pair } from '../../src/padding.js';
import type { Tensor } from '../../src/tensor.js';
import { type Arithmetic, float16, float32, runBackend } from './backend.js';

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
const isDepthwise = ({ kind }: NetworkNode): boolean => kind === 'depthwiseConv2d';
const large = (problem: Problem): Problem => ({
  ...problem,
  inputs: new Map([...problem.inputs].map(([name, { shape }]) => [name, noise('large', shape, 3)])),
});

const mutants: readonly Mutant[] = [
  {
    what: "'same' padding as (1, 1)",
    problem: problem('v2', 'slim'),
    network: attributes(strided, { padding: { top: 1, bottom: 1, left: 1, right: 1 } }),
    wrong: 'Conv',
    fused: 'Conv/Relu6',
  },
  {
    what: 'epsilon 1e-5 for 1e-3',
    problem: problem('v1', 'keras'),
    network: attributes(({ kind }) => kind === 'batchNorm', { epsilon: 1e-5 }),
    wrong: 'conv1_bn',
    fused: 'conv1_relu',
  },
  {
    what: 'ReLU for ReLU6',
    problem: large(problem('v1', 'keras')),
    network: nodes(({ kind }) => (kind === 'relu6' ? { kind: 'relu' } : {})),
    wrong: 'conv1_relu',
    fused: 'conv1_relu',
  },
  {
    what: 'a stride that begins one sample late',
    problem: problem('v1', 'slim', '33x47'),
    network: attributes((node) => isDepthwise(node) && strided(node), {
      padding: { top: 0, bottom: 2, left: 0, right: 2 },
    }),
    wrong: 'Conv2d_2_depthwise',
    fused: 'Conv2d_2_depthwise/Relu6',
  },
  {
    what: 'red and blue swapped',
    problem: problem('v2', 'torchvision'),
    network: weight('features.0.0/kernel', (kernel) => mapIndex(kernel, ([i, j, c, o]) => [i, j, 2 - c, o])),
    wrong: 'features.0.0',
    fused: 'features.0.2',
  },
  {
    what: 'a residual connection left out',
    problem: problem('v2', 'keras'),
    network: nodes(({ name, inputs }) =>
      name === 'block_4_add' ? { kind: 'dropout', attributes: { rate: 0 }, inputs: [inputs[1]] } : {},
    ),
    wrong: 'block_4_add',
    fused: 'block_4_add',
  },
  {
    what: 'sums kept in float16',
    problem: problem('v2', 'keras'),
    arithmetic: { ...float32('forward'), sum: (x, w, bias) => float32('forward').sum(x, w, bias, float16) },
    wrong: 'Conv1',
    fused: 'Conv1_relu',
  },
  {
    what: 'labels shifted by one',
    problem: problem('v1', 'slim'),
    shown: (tensors) => {
      const { shape, data } = tensors.get('Predictions')!;
      tensors.set('Predictions', { shape, data: data.map((_, i) => data[(i + 1) % data.length]) });
    },
    wrong: 'Predictions',
    fused: 'Predictions',
  },
  {
    what: 'a dropped bias',
    problem: problem('v2', 'torchvision', '33x47'),
    network: weight('classifier.1/bias', (bias) => ({ shape: bias.shape, data: new Float32Array(bias.data.length) })),
    wrong: 'classifier.1',
    fused: 'classifier.1',
  },
  {
    what: 'a transposed depthwise kernel',
    problem: problem('v1', 'keras', '33x47'),
    network: weight('conv_dw_5/kernel', (kernel) => mapIndex(kernel, ([i, j, c, m]) => [j, i, c, m])),
    wrong: 'conv_dw_5',
    fused: 'conv_dw_5_relu',
  },
];

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
  check(network, inputs, tensors, { mode }).first?.name;

test('there are ten', () => expect(mutants).toHaveLength(10));

describe.each(mutants)('$what', (mutant) => {
  const tensors = tensorsOf(mutant);

  test('the same backend without the fault is not blamed', () => {
    const { problem } = mutant;
    const right = runBackend(problem.network, problem.inputs, float32('forward'));
    expect(firstWrong(problem, right, 'isolated')).toBeUndefined();
  });

  test(`isolated: ${mutant.wrong}`, () => {
    expect(firstWrong(mutant.problem, tensors, 'isolated')).toBe(mutant.wrong);
  });

  test('accumulated: the same layer, or none where worst cases have added up to more than the fault', () => {
    expect([mutant.wrong, undefined]).toContain(firstWrong(mutant.problem, tensors, 'accumulated'));
  });

  test(`only activations, additions and ends shown: ${mutant.fused}`, () => {
    const { network } = mutant.problem;
    const ends = new Set(['relu6', 'add', 'softmax', 'dense', 'globalAveragePool']);
    const shown = network.nodes.filter(({ kind }) => ends.has(kind)).map(({ name }) => name);
    const fused = new Map(shown.map((name) => [name, tensors.get(name)!]));
    expect(firstWrong(mutant.problem, fused, 'isolated')).toBe(mutant.fused);
  });
});
