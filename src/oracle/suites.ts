/**
 * Synthetic networks for other backends to try: every layer kind by itself, and whole tiny MobileNets. Weights and inputs are seeded; the
 * weights use every number, so that a forgotten bias or a wrong epsilon shows.
 */
import { type MobilenetOptions, mobilenetV1, mobilenetV2 } from '../models/index.js';
import { modelConventions } from '../models/options.js';
import { type LayerKind, type Network, randomWeights } from '../network/index.js';
import type { Pair } from '../padding.js';
import { normalRandom, seedOf } from '../random.js';
import type { Tensor } from '../tensor.js';
import { type NoiseKind, noise, noiseKinds } from './noise.js';
import { randomLayer } from './random-layers.js';
import { mobilenetLayers, oddLayers, type SingleLayer, vectorLayers } from './single-layers.js';

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

/**
 * `odd`: small sizes that are no multiples of anything, every kind of padding, stride and dilation, each with every kind of noise.
 * `vector`: two pictures, and 4, 8, 16, 32 or 64 channels, or one more or less, for the kernels that compute several channels at once.
 * `mobilenet`: every distinct layer of V1 and V2 with α = 1 at 224 × 224.
 */
export const shapeSets = ['odd', 'vector', 'mobilenet'] as const;
export type ShapeSet = (typeof shapeSets)[number];

export interface LayerSuiteOptions {
  /** Default odd and vector. */
  readonly shapes?: readonly ShapeSet[];
  /** These kinds of layers alone. */
  readonly kinds?: readonly LayerKind[];
  /** So many random problems in place of the fixed ones: others for every seed. */
  readonly count?: number;
}

/** Every layer kind by itself. */
export function* layerSuite(seed: number, options: LayerSuiteOptions = {}): Generator<Problem> {
  const { shapes = ['odd', 'vector'], kinds, count } = options;
  if (count !== undefined) return yield* randomProblems(seed, count, kinds);
  const wanted = ({ network }: SingleLayer): boolean => !kinds || kinds.includes(network.nodes[0].kind);
  if (shapes.includes('odd')) {
    for (const { name, network } of oddLayers().filter(wanted)) {
      for (const kind of noiseKinds) yield problem(`${name}-${kind}`, network, kind, seed);
    }
  }
  const others = [
    ...(shapes.includes('vector') ? vectorLayers() : []),
    ...(shapes.includes('mobilenet') ? mobilenetLayers() : []),
  ];
  for (const [index, { name, network }] of others.filter(wanted).entries()) {
    yield problem(name, network, noiseKinds[index % noiseKinds.length], seed);
  }
}

function* randomProblems(seed: number, count: number, kinds?: readonly LayerKind[]): Generator<Problem> {
  const digits = String(count - 1).length;
  for (let index = 0; index < count; index++) {
    const own = seedOf(seed, index);
    const { name, network } = randomLayer(own, kinds);
    const number = String(index).padStart(digits, '0');
    yield problem(`random-${seed}-${number}-${name}`, network, noiseKinds[own % noiseKinds.length], own);
  }
}

export interface MobilenetSuiteOptions extends Pick<MobilenetOptions, 'alpha' | 'classes' | 'conventions'> {
  readonly resolution?: Pair;
}

/** V1 and V2, with α = 0.25 and 10 classes, by the three conventions, at an even size and an odd one that is no square, unless stated. */
export function* mobilenetSuite(seed: number, options: MobilenetSuiteOptions = {}): Generator<Problem> {
  const { alpha = 0.25, classes = 10 } = options;
  const resolutions: readonly Pair[] = options.resolution
    ? [options.resolution]
    : [
        [32, 32],
        [33, 47],
      ];
  for (const resolution of resolutions) {
    for (const conventions of options.conventions ? [options.conventions] : modelConventions) {
      const settings: MobilenetOptions = { alpha, classes, output: 'probabilities', resolution, conventions };
      for (const network of [mobilenetV1(settings), mobilenetV2(settings)]) {
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
