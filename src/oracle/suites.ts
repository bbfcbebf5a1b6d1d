/**
 * Small synthetic networks for other backends to try: every layer kind by itself, in odd sizes, and whole tiny MobileNets. Weights and
 * inputs are seeded; the weights use every number, so that a forgotten bias or a wrong epsilon shows.
 */
import { type MobilenetOptions, mobilenetV1, mobilenetV2, modelConventions } from '../models/index.js';
import { type AttributesOf, type LayerKind, type Network, NetworkBuilder, randomWeights } from '../network/index.js';
import type { Padding, Pair } from '../padding.js';
import { normalRandom } from '../random.js';
import type { Shape, Tensor } from '../tensor.js';
import { type NoiseKind, noise, noiseKinds } from './noise.js';

export const suiteNames = ['layers', 'mobilenet'] as const;
export type SuiteName = (typeof suiteNames)[number];

/** A network with weights, and what it is fed. */
export interface Problem {
  /** 'conv2d-stride-2-even-normal'; a file's name without its ending. */
  readonly name: string;
  readonly network: Network;
  readonly inputs: ReadonlyMap<string, Tensor>;
  readonly noise: NoiseKind;
  readonly seed: number;
}

export function* suite(name: SuiteName, seed: number): Generator<Problem> {
  yield* name === 'layers' ? layerSuite(seed) : mobilenetSuite(seed);
}

/** Every layer kind by itself, for each kind of noise. */
export function* layerSuite(seed: number): Generator<Problem> {
  for (const { name, network } of singleLayers()) {
    for (const kind of noiseKinds) yield problem(`${name}-${kind}`, network, kind, seed);
  }
}

/** V1 and V2 with α = 0.25 and 10 classes, by the three conventions, at an even size and an odd one that is no square. */
export function* mobilenetSuite(seed: number): Generator<Problem> {
  for (const resolution of [
    [32, 32],
    [33, 47],
  ] as const) {
    for (const conventions of modelConventions) {
      const options: MobilenetOptions = { alpha: 0.25, classes: 10, output: 'probabilities', resolution, conventions };
      for (const network of [mobilenetV1(options), mobilenetV2(options)]) {
        yield problem(`${network.name}_${conventions}`, network, 'normal', seed);
      }
    }
  }
}

function problem(name: string, network: Network, kind: NoiseKind, seed: number): Problem {
  const inputs = new Map(network.inputs.map((input, i) => [input.name, noise(kind, input.shape, seed + 2 + i)]));
  return { name, network: livelyWeights(network, seed), inputs, noise: kind, seed };
}

/**
 * Random kernels (`randomWeights`), and biases, betas and means of about 0.3, gammas of both signs, variances from 0.1 to 10: nothing is
 * neutral, and leaving out any of them changes the result by far more than rounding.
 */
export function livelyWeights(network: Network, seed: number): Network {
  const normal = normalRandom(seed + 1);
  const lively: Readonly<Record<string, () => number>> = {
    bias: () => 0.3 * normal(),
    beta: () => 0.3 * normal(),
    movingMean: () => 0.3 * normal(),
    gamma: () => Math.sign(normal()) * Math.exp(0.3 * normal()),
    movingVariance: () => 10 ** Math.max(-1, Math.min(1, 0.5 * normal())),
  };
  const random = randomWeights(network, seed);
  const weights = new Map(
    [...random.weights].map(([name, weight]): [string, Tensor] => {
      const draw = lively[name.slice(name.lastIndexOf('/') + 1)];
      return [name, draw ? { shape: weight.shape, data: Float32Array.from(weight.data, draw) } : weight];
    }),
  );
  return { ...random, weights };
}

interface SingleLayer {
  readonly name: string;
  readonly network: Network;
}

const even: Shape = [1, 8, 6, 5];
const odd: Shape = [1, 7, 5, 6];

function singleLayers(): SingleLayer[] {
  const window = (strides: Pair, padding: Padding, kernelSize: Pair = [3, 3], dilation: Pair = [1, 1]) => ({
    kernelSize,
    strides,
    dilation,
    padding,
  });
  const around = { top: 1, bottom: 1, left: 1, right: 1 };
  const pool = { poolSize: [3, 2] as Pair, strides: [2, 2] as Pair };
  const conv = { filters: 7, bias: true };
  const deep = { depthMultiplier: 1, bias: true };
  return [
    layer('conv2d', [even], { ...conv, ...window([1, 1], 'same') }),
    layer('conv2d', [even], { ...conv, ...window([2, 2], 'same') }, 'stride-2-even'),
    layer('conv2d', [odd], { ...conv, ...window([2, 2], 'same') }, 'stride-2-odd'),
    layer('conv2d', [odd], { ...conv, ...window([2, 1], around, [3, 2]) }, 'explicit-padding'),
    layer('conv2d', [odd], { ...conv, ...window([1, 1], 'valid', [2, 3]), bias: false }, 'valid'),
    layer('conv2d', [even], { ...conv, ...window([1, 1], 'same', [3, 3], [2, 2]) }, 'dilated'),
    layer('conv2d', [odd], { ...conv, ...window([2, 2], 'same', [1, 1]) }, 'kernel-below-stride'),
    layer('depthwiseConv2d', [even], { ...deep, ...window([1, 1], 'same') }),
    layer('depthwiseConv2d', [even], { ...deep, ...window([2, 2], 'same') }, 'stride-2-even'),
    layer('depthwiseConv2d', [odd], { ...deep, ...window([2, 2], 'same') }, 'stride-2-odd'),
    layer('depthwiseConv2d', [even], { ...deep, ...window([2, 2], around) }, 'explicit-padding'),
    layer('depthwiseConv2d', [odd], { ...deep, ...window([1, 1], 'same', [3, 3], [2, 2]) }, 'dilated'),
    layer('depthwiseConv2d', [odd], { depthMultiplier: 3, bias: true, ...window([1, 1], 'same') }, 'depth-multiplier'),
    layer('depthwiseConv2d', [even], { depthMultiplier: 1, bias: false, ...window([1, 1], 'same', [5, 5]) }, '5x5'),
    layer('pointwiseConv2d', [odd], conv),
    layer('pointwiseConv2d', [[1, 3, 3, 257]], { filters: 3, bias: false }, 'long-sum'),
    layer('dense', [[1, 300]], { units: 9, bias: true }),
    layer('batchNorm', [even], { epsilon: 1e-3, scale: true, center: true }),
    layer('batchNorm', [odd], { epsilon: 1e-5, scale: false, center: false }, 'statistics-alone'),
    layer('relu', [odd], {}),
    layer('relu6', [odd], {}),
    layer('clamp', [odd], { min: -0.7, max: 1.3 }),
    layer('sigmoid', [odd], {}),
    layer('softmax', [[1, 21]], {}),
    layer('add', [odd, odd], {}),
    layer('add', [even, even, even], {}, 'three'),
    layer('concat', [odd, [1, 7, 5, 3]], { axis: -1 }),
    layer('pad', [odd], { padding: { top: 0, bottom: 1, left: 2, right: 3 }, value: 0 }),
    layer('averagePool', [odd], { ...pool, padding: 'same', includePadding: false }),
    layer('averagePool', [odd], { ...pool, padding: around, includePadding: true }, 'include-padding'),
    layer('maxPool', [odd], { ...pool, padding: 'same' }),
    layer('globalAveragePool', [odd], { keepDims: false }),
    layer('globalAveragePool', [even], { keepDims: true }, 'keep-dims'),
    layer('flatten', [odd], {}),
    layer('reshape', [odd], { shape: [5, -1] }),
    layer('dropout', [odd], { rate: 0.2 }),
    layer('resizeBilinear', [odd], { size: [10, 3], rule: 'half-pixel' }, 'half-pixel'),
    layer('resizeBilinear', [even], { size: [13, 11], rule: 'tf1-legacy' }, 'legacy'),
    layer('resizeBilinear', [even], { size: [15, 11], rule: 'tf1-align-corners' }, 'align-corners'),
    layer('argMax', [odd], {}),
  ];
}

function layer<Kind extends LayerKind>(
  kind: Kind,
  inputs: readonly Shape[],
  attributes: NonNullable<AttributesOf<Kind>>,
  variant?: string,
): SingleLayer {
  const net = new NetworkBuilder();
  const names = inputs.map((shape, i) => net.input(inputs.length === 1 ? 'input' : `input_${i}`, shape));
  const name = variant === undefined ? kind : `${kind}-${variant}`;
  return { name, network: net.build(name, [net.add(kind, kind, names, attributes)], CONVENTIONS) };
}

const CONVENTIONS = { source: 'other', output: 'features' } as const;
