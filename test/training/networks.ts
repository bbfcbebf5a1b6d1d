/** Random small networks that can be trained: every layer that the trainer's kernels know, in any order, and every tensor leads to the loss. */
import fc from 'fast-check';
import { type Layer, layers } from '../../src/layers/index.js';
import { NetworkBuilder } from '../../src/network/builder.js';
import { type LayerKind, type Network, randomWeights } from '../../src/network/index.js';
import type { ExplicitPadding, Padding, Pair } from '../../src/padding.js';
import { uniformRandom } from '../../src/random.js';
import { type Shape, sameShape, sizeOf, tensor } from '../../src/tensor.js';
import { packParameters, parameterLayout, withParameters } from '../../src/training/step/parameters.js';
import { features } from '../network/helpers.js';

const moves = [
  'convolution',
  'depthwise',
  'padded depthwise',
  'padded convolution',
  'pointwise',
  'batchNorm',
  'relu',
  'relu6',
  'clamp',
  'add',
  'twice',
  'nested residual',
  'dropout',
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
  readonly flag: boolean;
}

export interface Draft {
  readonly size: Pair;
  readonly channels: number;
  readonly batch: number;
  readonly classes: number;
  readonly head: 'dense' | 'pointwise, reshape' | 'pointwise, flatten';
  readonly softmax: boolean;
  readonly moves: readonly Move[];
  readonly seed: number;
}

const channels = fc.constantFrom(1, 3, 5, 8, 9, 17);
const pair = (...sizes: number[]): fc.Arbitrary<Pair> => fc.tuple(fc.constantFrom(...sizes), fc.constantFrom(...sizes));
const explicit: fc.Arbitrary<ExplicitPadding> = fc.record({
  top: fc.nat(2),
  bottom: fc.nat(2),
  left: fc.nat(2),
  right: fc.nat(2),
});

const anyMove: fc.Arbitrary<Move> = fc.record({
  kind: fc.constantFrom(...moves),
  back: fc.constantFrom(0, 0, 0, 0, 1, 2),
  kernel: fc.oneof(fc.constant<Pair>([3, 3]), pair(1, 2, 3, 5)),
  strides: fc.oneof(fc.constantFrom<Pair>([1, 1], [2, 2]), pair(1, 2, 3)),
  dilation: fc.oneof(fc.constant<Pair>([1, 1]), pair(1, 2)),
  padding: fc.oneof(fc.constantFrom<Padding>('same', 'same', 'valid'), explicit),
  channels,
  flag: fc.boolean(),
});

export const anyDraft: fc.Arbitrary<Draft> = fc.record({
  size: fc.tuple(fc.integer({ min: 3, max: 8 }), fc.integer({ min: 3, max: 8 })),
  channels,
  batch: fc.integer({ min: 4, max: 6 }),
  classes: fc.constantFrom(2, 3, 10),
  head: fc.constantFrom<Draft['head']>('dense', 'pointwise, reshape', 'pointwise, flatten'),
  softmax: fc.boolean(),
  moves: fc.array(anyMove, { minLength: 1, maxLength: 7 }),
  seed: fc.nat(2 ** 31),
});

/** The drafted network with weights; moves that do not fit their input are left out. */
export function networkOf(draft: Draft): Network {
  const drawing = new Drawing(draft);
  for (const move of draft.moves) drawing.move(move);
  return variedWeights(drawing.finish(draft), draft.seed);
}

/** Random weights of which gamma, beta and biases are not 1 and 0. */
export function variedWeights(network: Network, seed: number): Network {
  const { values, statistics } = packParameters(randomWeights(network, seed));
  const uniform = uniformRandom(seed);
  for (const { role, offset, size } of parameterLayout(network).trainable) {
    if (role === 'kernel' || role === 'depthwiseKernel') continue;
    for (let i = offset; i < offset + size; i++) values[i] += 0.4 * (uniform() - 0.5);
  }
  return withParameters(network, values, statistics);
}

interface Drawn {
  readonly name: string;
  readonly shape: Shape;
}

const LARGEST_MAP = 2000;

class Drawing {
  readonly #net = new NetworkBuilder();
  /** What later layers may read. */
  readonly #tensors: Drawn[];
  readonly #read = new Set<string>();
  #count = 0;

  constructor({ size, channels }: Draft) {
    const shape = [1, ...size, channels];
    this.#tensors = [{ name: this.#net.input('pictures', shape), shape }];
  }

  /** All that nobody has read yet is pooled, and its classifications are added. */
  finish({ classes, head, softmax }: Draft): Network {
    const open = this.#tensors.filter(({ name }) => !this.#read.has(name));
    const logits = open.map(({ name }) => this.#classifier(name, classes, head));
    let output = logits.length === 1 ? logits[0] : this.#net.add('sum', 'add', logits, {});
    if (softmax) output = this.#net.add('probabilities', 'softmax', output, {});
    return this.#net.build('drafted', [output], features);
  }

  #classifier(x: string, classes: number, head: Draft['head']): string {
    const pooled = this.#net.add(`${x}_pool`, 'globalAveragePool', x, { keepDims: head !== 'dense' });
    if (head === 'dense') return this.#net.add(`${x}_logits`, 'dense', pooled, { units: classes, bias: true });
    const map = this.#net.add(`${x}_classes`, 'pointwiseConv2d', pooled, { filters: classes, bias: true });
    return head === 'pointwise, reshape'
      ? this.#net.add(`${x}_logits`, 'reshape', map, { shape: [classes] })
      : this.#net.add(`${x}_logits`, 'flatten', map, {});
  }

  /** Adds the layers one after the other, each reading the one before it, if all of them fit; only the last may be read by others. */
  #chain(x: Drawn, ...chain: (readonly [kind: LayerKind, attributes: object])[]): Drawn | undefined {
    let { shape } = x;
    for (const [kind, attributes] of chain) {
      const next = shapeOf(kind, [shape], attributes);
      if (next === undefined) return undefined;
      shape = next;
    }
    let { name } = x;
    for (const [kind, attributes] of chain) name = this.#add(kind, [name], attributes);
    return this.#offer({ name, shape });
  }

  #sum(...terms: readonly Drawn[]): Drawn {
    const name = this.#add(
      'add',
      terms.map((term) => term.name),
      {},
    );
    return this.#offer({ name, shape: terms[0].shape });
  }

  #add(kind: LayerKind, inputs: readonly string[], attributes: object): string {
    for (const input of inputs) this.#read.add(input);
    return this.#net.add(`${kind}_${this.#count++}`, kind, inputs, attributes as never);
  }

  #offer(drawn: Drawn): Drawn {
    this.#tensors.push(drawn);
    return drawn;
  }

  /** x + pointwise(x), in either order. */
  #residual(x: Drawn, flag: boolean): Drawn | undefined {
    const branch = this.#chain(x, ['pointwiseConv2d', { filters: x.shape[3], bias: flag }]);
    return branch && (flag ? this.#sum(x, branch) : this.#sum(branch, x));
  }

  move({ kind, back, kernel, strides, dilation: drawn, padding, channels, flag }: Move): void {
    const x = this.#tensors[Math.max(this.#tensors.length - 1 - back, 0)];
    // Dilated kernels reach further than the zeros around the map, and have no strides.
    const dilates = strides[0] === 1 && strides[1] === 1 && kernel[0] > 2 && kernel[1] > 2;
    const dilation: Pair = dilates ? drawn : [1, 1];
    const windows = { kernelSize: kernel, strides, dilation, padding };
    const convolution = { ...windows, filters: channels, bias: flag };
    const depthwise = { ...windows, depthMultiplier: 1, bias: flag };
    const around = typeof padding === 'string' ? { top: 0, bottom: 1, left: 1, right: 2 } : padding;
    const zeros = ['pad', { padding: around, value: 0 }] as const;
    switch (kind) {
      case 'convolution':
        this.#chain(x, ['conv2d', convolution]);
        break;
      case 'depthwise':
        this.#chain(x, ['depthwiseConv2d', depthwise]);
        break;
      case 'padded convolution':
        this.#chain(x, zeros, ['conv2d', { ...convolution, padding: 'valid' }]);
        break;
      case 'padded depthwise':
        this.#chain(x, zeros, ['depthwiseConv2d', { ...depthwise, padding: 'valid' }]);
        break;
      case 'pointwise':
        this.#chain(x, ['pointwiseConv2d', { filters: channels, bias: flag }]);
        break;
      case 'batchNorm':
        this.#chain(x, ['batchNorm', { epsilon: flag ? 1e-3 : 1e-5, scale: back !== 1, center: back !== 2 }]);
        break;
      case 'relu':
      case 'relu6':
        this.#chain(x, [kind, {}]);
        break;
      case 'clamp':
        this.#chain(x, ['clamp', { min: -0.75, max: 1.5 }]);
        break;
      case 'add': {
        const same = this.#tensors.filter(({ shape }) => sameShape(shape, x.shape));
        this.#sum(x, ...same.slice(0, flag ? 1 : 2));
        break;
      }
      case 'twice':
        this.#sum(x, x);
        break;
      case 'nested residual': {
        const inner = this.#residual(x, flag);
        if (inner) this.#sum(...(flag ? [x, inner] : [inner, x]));
        break;
      }
      case 'dropout':
        this.#chain(x, ['dropout', { rate: flag ? 0.3 : 0 }]);
    }
  }
}

/** Shape of the result, undefined where the layer does not fit or makes too much of it. */
function shapeOf(kind: LayerKind, shapes: readonly Shape[], attributes: object): Shape | undefined {
  try {
    const shape = (layers[kind] as Layer<object, object>).outputShape(shapes, attributes);
    return sizeOf(shape) <= LARGEST_MAP ? shape : undefined;
  } catch {
    return undefined;
  }
}

/** Batch norms that do something. */
export function withStatistics(network: Network): Network {
  const random = uniformRandom(5);
  const weights = [...network.weights].map(
    ([name, x]) =>
      [
        name,
        x.shape.length === 1
          ? tensor(
              x.shape,
              x.data.map(() => 0.5 + random()),
            )
          : x,
      ] as const,
  );
  return { ...network, weights: new Map(weights) };
}
