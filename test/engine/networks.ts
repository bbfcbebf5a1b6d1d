/** Random small networks of every layer kind, drawn so that every draw is a network and shrinks to a smaller one. */
import fc from 'fast-check';
import { type Layer, layers } from '../../src/layers/index.js';
import { NetworkBuilder } from '../../src/network/builder.js';
import type { LayerKind, Network } from '../../src/network/network.js';
import { wantedWeights } from '../../src/network/shapes.js';
import type { Padding, Pair } from '../../src/padding.js';
import { uniformRandom } from '../../src/random.js';
import { type Shape, sizeOf, type Tensor, tensor } from '../../src/tensor.js';

const moves = [
  'conv2d',
  'depthwiseConv2d',
  'pointwiseConv2d',
  'separable',
  'inverted residual',
  'batchNorm',
  'relu',
  'relu6',
  'clamp',
  'sigmoid',
  'hardSigmoid',
  'hardSwish',
  'multiply',
  'softmax',
  'add',
  'concat',
  'pad',
  'averagePool',
  'maxPool',
  'globalAveragePool',
  'dense',
  'flatten',
  'reshape',
  'dropout',
  'resizeBilinear',
] as const;

interface Move {
  readonly kind: (typeof moves)[number];
  /** How many tensors back the input lies. */
  readonly back: number;
  readonly kernel: Pair;
  readonly strides: Pair;
  readonly dilation: Pair;
  readonly padding: Padding;
  readonly channels: number;
  readonly choice: number;
  readonly flag: boolean;
}

export interface Draft {
  readonly size: Pair;
  readonly channels: number;
  readonly secondInput: boolean;
  readonly moves: readonly Move[];
  /** Besides the last tensor: how many tensors back further outputs lie. */
  readonly alsoOutput: readonly number[];
  /** Whether the index of the largest is an output too. It jumps, so nothing reads it. */
  readonly argMax: boolean;
  readonly seed: number;
}

const pairOf = (...sizes: number[]): fc.Arbitrary<Pair> =>
  fc.tuple(fc.constantFrom(...sizes), fc.constantFrom(...sizes));

const anyMove: fc.Arbitrary<Move> = fc.record({
  kind: fc.constantFrom(...moves),
  back: fc.constantFrom(0, 0, 0, 0, 1, 2, 5),
  kernel: fc.oneof(fc.constant<Pair>([3, 3]), pairOf(1, 2, 3, 5)),
  strides: fc.oneof(fc.constant<Pair>([1, 1]), pairOf(1, 2, 3)),
  dilation: fc.oneof(fc.constant<Pair>([1, 1]), pairOf(1, 2, 3)),
  padding: fc.oneof(
    fc.constantFrom<Padding>('same', 'same', 'valid'),
    fc.record({ top: fc.nat(2), bottom: fc.nat(2), left: fc.nat(2), right: fc.nat(2) }),
  ),
  channels: fc.constantFrom(1, 2, 3, 4, 5, 7, 8, 9, 12, 17),
  choice: fc.nat(11),
  flag: fc.boolean(),
});

export const anyDraft: fc.Arbitrary<Draft> = fc.record({
  size: fc.tuple(fc.integer({ min: 1, max: 11 }), fc.integer({ min: 1, max: 11 })),
  channels: fc.constantFrom(1, 2, 3, 4, 5, 8, 9),
  secondInput: fc.boolean(),
  moves: fc.array(anyMove, { minLength: 1, maxLength: 9 }),
  alsoOutput: fc.array(fc.nat(8), { maxLength: 2 }),
  argMax: fc.boolean(),
  seed: fc.nat(2 ** 31),
});

/** The drafted network with random weights; moves that do not fit their input are left out. */
export function networkOf({ size, channels, secondInput, moves, alsoOutput, argMax, seed }: Draft): Network {
  const drawing = new Drawing(size, channels, secondInput);
  for (const move of moves) drawing.move(move);
  return withRandomWeights(drawing.finish(alsoOutput, argMax), seed);
}

class Drawing {
  readonly #net = new NetworkBuilder();
  readonly #tensors: { readonly name: string; readonly shape: Shape }[] = [];
  #count = 0;

  constructor([height, width]: Pair, channels: number, secondInput: boolean) {
    for (const name of secondInput ? ['left', 'right'] : ['picture']) {
      const shape = [1, height, width, channels];
      this.#tensors.push({ name: this.#net.input(name, shape), shape });
    }
  }

  finish(alsoOutput: readonly number[], argMax: boolean): Network {
    const names = this.#tensors.map(({ name }) => name).reverse();
    const outputs = [0, ...alsoOutput].map((back) => names[Math.min(back, names.length - 1)]);
    if (argMax) outputs.push(this.#net.add('largest', 'argMax', names[0], {}));
    return this.#net.build('drafted', [...new Set(outputs)], { source: 'other', output: 'features' });
  }

  /** Adds the layer if the network stands with it. */
  #add(kind: LayerKind, inputs: readonly string[], attributes: object): boolean {
    const name = `${kind}_${this.#count++}`;
    const shapes = inputs.map((input) => this.#shape(input));
    const shape = shapeOf(kind, shapes, attributes);
    if (shape === undefined || sizeOf(shape) > 4096) return false;
    this.#net.add(name, kind, inputs, attributes as never);
    this.#tensors.push({ name, shape });
    return true;
  }

  #shape(name: string): Shape {
    return this.#tensors.find((tensor) => tensor.name === name)!.shape;
  }

  get #last(): string {
    return this.#tensors[this.#tensors.length - 1].name;
  }

  move(move: Move): void {
    const { name: x, shape } = this.#tensors[Math.max(this.#tensors.length - 1 - move.back, 0)];
    const { kernel: kernelSize, strides, dilation, padding, channels, choice, flag: bias } = move;
    const window = { kernelSize, strides, dilation, padding };
    const pool = { poolSize: kernelSize, strides, padding };
    const norm = { epsilon: 1e-3, scale: choice % 2 === 0, center: choice % 3 !== 0 };
    switch (move.kind) {
      case 'conv2d':
        this.#add('conv2d', [x], { ...window, filters: channels, bias });
        break;
      case 'depthwiseConv2d':
        this.#add('depthwiseConv2d', [x], { ...window, depthMultiplier: 1 + (choice % 3), bias });
        break;
      case 'pointwiseConv2d':
        this.#add('pointwiseConv2d', [x], { filters: channels, bias });
        break;
      case 'separable':
      case 'inverted residual':
        if (shape.length === 4) this.#block(move, x, norm);
        break;
      case 'batchNorm':
        this.#add('batchNorm', [x], norm);
        break;
      case 'relu':
      case 'relu6':
      case 'sigmoid':
      case 'hardSigmoid':
      case 'hardSwish':
      case 'softmax':
      case 'flatten':
        this.#add(move.kind, [x], {});
        break;
      case 'clamp':
        this.#add('clamp', [x], { min: -1 + (choice % 2), max: 0.5 + choice });
        break;
      case 'add': {
        const same = this.#tensors.filter((other) => `${other.shape}` === `${shape}`).map(({ name }) => name);
        const terms = [x, same[choice % same.length], ...(bias ? [same[0]] : [])];
        this.#add('add', terms, {});
        break;
      }
      case 'multiply': {
        if (bias && shape.length === 4) this.#add('globalAveragePool', [x], { keepDims: true });
        this.#add('hardSigmoid', [bias && shape.length === 4 ? this.#last : x], {});
        this.#add('multiply', [x, this.#last], {});
        break;
      }
      case 'concat': {
        const axis = 1 + (choice % (shape.length - 1));
        const fits = this.#tensors.filter(
          (other) =>
            other.shape.length === shape.length && other.shape.every((n, at) => at === axis || n === shape[at]),
        );
        this.#add('concat', [x, fits[choice % fits.length].name], { axis: bias ? axis : axis - shape.length });
        break;
      }
      case 'pad':
        if (typeof padding === 'object') this.#add('pad', [x], { padding, value: bias ? 0 : choice - 4 });
        break;
      case 'averagePool':
        this.#add('averagePool', [x], { ...pool, includePadding: bias });
        break;
      case 'maxPool':
        this.#add('maxPool', [x], pool);
        break;
      case 'globalAveragePool':
        this.#add('globalAveragePool', [x], { keepDims: bias });
        break;
      case 'dense':
        this.#add('dense', [x], { units: channels, bias });
        break;
      case 'reshape':
        this.#add('reshape', [x], { shape: [-1, shape[shape.length - 1]] });
        break;
      case 'dropout':
        this.#add('dropout', [x], { rate: 0.5 });
        break;
      case 'resizeBilinear': {
        const rules = ['tf1-legacy', 'tf1-align-corners', 'half-pixel'] as const;
        this.#add('resizeBilinear', [x], { size: [1 + choice, 1 + (channels % 9)], rule: rules[choice % 3] });
      }
    }
  }

  /** What the papers build from, with batch norms and rectifiers, so that all fusing happens. */
  #block({ kind, kernel, strides, dilation, padding, channels, choice, flag }: Move, x: string, norm: object): void {
    const inputChannels = this.#shape(x)[3];
    const expands = kind === 'inverted residual';
    const filters = expands && flag ? inputChannels : channels;
    const normalised = (act: boolean) => {
      this.#add('batchNorm', [this.#last], norm);
      if (act) this.#add('relu6', [this.#last], {});
    };
    if (expands) {
      this.#add('pointwiseConv2d', [x], { filters: inputChannels * (1 + (choice % 4)), bias: false });
      normalised(true);
    }
    const window = { kernelSize: kernel, strides, dilation, padding, depthMultiplier: 1, bias: false };
    if (!this.#add('depthwiseConv2d', [expands ? this.#last : x], window)) return;
    normalised(true);
    this.#add('pointwiseConv2d', [this.#last], { filters, bias: false });
    normalised(!expands);
    if (expands && `${this.#shape(this.#last)}` === `${this.#shape(x)}`) {
      this.#add('add', choice % 2 === 0 ? [x, this.#last] : [this.#last, x], {});
      if (choice % 3 === 0) this.#add('relu', [this.#last], {});
    }
  }
}

/** Shape of the result, undefined where the layer does not fit. */
function shapeOf(kind: LayerKind, shapes: readonly Shape[], attributes: object): Shape | undefined {
  try {
    return (layers[kind] as Layer<object, object>).outputShape(shapes, attributes);
  } catch {
    return undefined;
  }
}

/** Weights of every size and sign, and batch norms that change what they see. */
export function withRandomWeights(network: Network, seed: number): Network {
  const uniform = uniformRandom(seed);
  const between = (low: number, high: number) => low + (high - low) * uniform();
  const weights = new Map<string, Tensor>();
  for (const [name, shape] of wantedWeights(network)) {
    const fanIn = sizeOf(shape) / shape[shape.length - 1];
    const draw = name.endsWith('/kernel')
      ? () => between(-2, 2) / Math.sqrt(fanIn)
      : name.endsWith('/movingVariance')
        ? () => between(0.01, 3)
        : () => between(-1, 1.5);
    weights.set(name, tensor(shape, Float32Array.from({ length: sizeOf(shape) }, draw)));
  }
  return { ...network, weights };
}

/** Signed random tensors for every input, by name. */
export function randomInputs(network: Network, batch: number, seed: number): Map<string, Tensor> {
  const uniform = uniformRandom(seed);
  return new Map(
    network.inputs.map(({ name, shape }) => {
      const size = [batch, ...shape.slice(1)];
      return [
        name,
        tensor(
          size,
          Float32Array.from({ length: sizeOf(size) }, () => 4 * uniform() - 2),
        ),
      ];
    }),
  );
}
