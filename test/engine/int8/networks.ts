/** Random quantised networks of one layer or a few. Types, weights and pictures follow from a seed. */
import fc from 'fast-check';
import { layers } from '../../../src/layers/index.js';
import type { QuantizedNetwork, QuantizedNode } from '../../../src/network/quantized-network.js';
import { uniformRandom } from '../../../src/random.js';
import type { AnyTensor, QuantizedTensor, QuantizedType, Shape, TensorType } from '../../../src/tensor.js';
import { sizeOf, tensor } from '../../../src/tensor.js';
import { count } from '../../kernels/numbers.js';

export interface Seeded {
  readonly type: 'int8' | 'uint8';
  readonly perChannel: boolean;
  readonly seed: number;
}

export const anySeeded: fc.Arbitrary<Seeded> = fc.record({
  type: fc.constantFrom('int8', 'uint8'),
  perChannel: fc.boolean(),
  seed: fc.nat(2 ** 31),
});

/** Builds a network node by node; every number is drawn from the seed. */
export class QuantizedBuilder {
  readonly #random: () => number;
  readonly #type: 'int8' | 'uint8';
  readonly #perChannel: boolean;
  readonly #shapes = new Map<string, Shape>();
  readonly #types = new Map<string, TensorType>();
  readonly #inputs: { name: string; shape: Shape; type: QuantizedType }[] = [];
  readonly #nodes: QuantizedNode[] = [];
  readonly #weights = new Map<string, AnyTensor>();

  constructor({ type, perChannel, seed }: Seeded) {
    this.#random = uniformRandom(seed);
    this.#type = type;
    this.#perChannel = perChannel && type === 'int8';
  }

  input(name: string, shape: Shape): string {
    const type = this.anyType();
    this.#inputs.push({ name, shape, type });
    return this.#define(name, shape, type);
  }

  /** A type with a zero point that is an extreme one now and then. */
  anyType(scale = 0.01 + 0.1 * this.#random()): QuantizedType {
    const least = this.#type === 'int8' ? -128 : 0;
    const at = this.#random();
    const zeroPoint = at < 0.2 ? least : at < 0.4 ? least + 255 : least + Math.floor(this.#random() * 256);
    return { type: this.#type, scale: Math.fround(scale), zeroPoint };
  }

  /** The type of numbers from 0 to 1. */
  shares(): QuantizedType {
    return { type: this.#type, scale: 1 / 256, zeroPoint: this.#type === 'int8' ? -128 : 0 };
  }

  typeOf(name: string): QuantizedType {
    return this.#types.get(name) as QuantizedType;
  }

  /** Adds a node; without `type` it has its first input's. Weights are drawn. */
  add<Kind extends QuantizedNode['kind']>(
    name: string,
    kind: Kind,
    inputs: string | readonly string[],
    attributes: (QuantizedNode & { kind: Kind })['attributes'],
    type?: TensorType,
  ): string {
    const names = typeof inputs === 'string' ? [inputs] : inputs;
    const given = names.map((input) => this.#shapes.get(input) as Shape);
    const isConversion = kind === 'quantize' || kind === 'dequantize';
    const layer = layers[(isConversion ? 'relu' : kind) as 'conv2d'];
    const shape = layer.outputShape(given, attributes as never);
    const result = type ?? this.#types.get(names[0])!;
    this.#nodes.push({ name, kind, inputs: names, attributes, type: result } as unknown as QuantizedNode);
    const weightShapes = layer.weightShapes(given, attributes as never);
    if (typeof result === 'string') this.#drawRealWeights(name, weightShapes);
    else if (!isConversion) this.#drawWeights(name, kind, weightShapes, this.typeOf(names[0]), result);
    return this.#define(name, shape, result);
  }

  build(outputs: readonly string[]): QuantizedNetwork {
    const conventions = { source: 'other', output: 'logits' } as const;
    return {
      name: 'test',
      inputs: this.#inputs,
      nodes: this.#nodes,
      outputs,
      weights: this.#weights,
      conventions,
    };
  }

  /** Pictures for the inputs. */
  pictures(batch = 1): Map<string, QuantizedTensor> {
    return new Map(
      this.#inputs.map(({ name, shape, type }) => {
        const whole = [shape[0] * batch, ...shape.slice(1)];
        return [name, { shape: whole, data: this.#bytes(sizeOf(whole)), type }];
      }),
    );
  }

  #define(name: string, shape: Shape, type: TensorType): string {
    this.#shapes.set(name, shape);
    this.#types.set(name, type);
    return name;
  }

  #bytes(size: number) {
    const extremes = this.#random() < 0.2;
    const draw = () => Math.floor(this.#random() * (extremes ? 2 : 256)) * (extremes ? 255 : 1);
    const data = Uint8Array.from({ length: size }, draw);
    return this.#type === 'int8' ? new Int8Array(data.buffer) : data;
  }

  /** As trained weights are: near zero, but for one in twenty. */
  #narrow(size: number, zeroPoint: number) {
    const draw = () => (this.#random() < 0.05 ? 256 : 24) * (this.#random() - 0.5);
    const [least, greatest] = this.#type === 'int8' ? [-128, 127] : [0, 255];
    const data = Array.from({ length: size }, () =>
      Math.min(Math.max(Math.round(zeroPoint + draw()), least), greatest),
    );
    return this.#type === 'int8' ? Int8Array.from(data) : Uint8Array.from(data);
  }

  #drawRealWeights(node: string, shapes: Readonly<Record<string, Shape>>): void {
    for (const [name, shape] of Object.entries(shapes)) {
      this.#weights.set(
        `${node}/${name}`,
        tensor(
          shape,
          Float32Array.from({ length: sizeOf(shape) }, () => 0.5 + this.#random()),
        ),
      );
    }
  }

  /** Scales that bring sums of random products into the result's range, but for dead channels and others that saturate. */
  #drawWeights(
    node: string,
    kind: string,
    shapes: Readonly<Record<string, Shape>>,
    x: QuantizedType,
    result: QuantizedType,
  ): void {
    const { kernel, bias } = shapes as { kernel?: Shape; bias?: Shape };
    if (!kernel) return;
    const outputs = kind === 'depthwiseConv2d' ? kernel[2] * kernel[3] : (kernel.at(-1) as number);
    const terms = sizeOf(kernel) / outputs;
    const usual = result.scale / (x.scale * 100 * Math.sqrt(terms));
    const scale = () => {
      const at = this.#random();
      return Math.fround(usual * (at < 0.1 ? 1e-5 : at < 0.15 ? 1e-3 : at < 0.2 ? 50 : 0.3 + this.#random()));
    };
    const axis = kind === 'depthwiseConv2d' ? 2 : kernel.length - 1;
    const scales = Array.from({ length: outputs }, scale);
    const zeroPoint = this.#type === 'uint8' ? Math.floor(this.#random() * 256) : 0;
    const ofKernel = this.#perChannel
      ? { type: 'int8' as const, scales, axis }
      : { type: this.#type, scale: scales[0], zeroPoint };
    const data = this.#random() < 0.5 ? this.#bytes(sizeOf(kernel)) : this.#narrow(sizeOf(kernel), zeroPoint);
    this.#weights.set(`${node}/kernel`, { shape: kernel, data, type: ofKernel });
    if (!bias) return;
    const unit = (w: number) => x.scale * w;
    const steps = Int32Array.from({ length: outputs }, (_, o) => {
      const most = (127 * result.scale) / unit(this.#perChannel ? scales[o] : scales[0]);
      return Math.floor((this.#random() - 0.5) * Math.min(most, 2 ** 24));
    });
    const type = this.#perChannel
      ? { type: 'int32' as const, scales: scales.map(unit), axis: 0 }
      : { type: 'int32' as const, scale: unit(scales[0]), zeroPoint: 0 };
    this.#weights.set(`${node}/bias`, { shape: bias, data: steps, type });
  }
}

type Draw = (net: QuantizedBuilder) => QuantizedNetwork;

const filter = fc.record({
  kernelSize: fc.oneof(fc.constant<[number, number]>([3, 3]), fc.tuple(count(5), count(5))),
  strides: fc.oneof(fc.constantFrom<[number, number]>([1, 1], [2, 2]), fc.tuple(count(3), count(3))),
  dilation: fc.oneof(
    { weight: 3, arbitrary: fc.constant<[number, number]>([1, 1]) },
    fc.constant<[number, number]>([2, 2]),
  ),
  padding: fc.oneof(
    fc.constant<'same'>('same'),
    fc.record({ top: fc.nat(2), bottom: fc.nat(2), left: fc.nat(2), right: fc.nat(2) }),
  ),
  bias: fc.boolean(),
});
const anyPicture = fc.tuple(fc.integer({ min: 9, max: 15 }), fc.integer({ min: 9, max: 13 }), count(20));

/** a + b, where b's scale is 2^ratio times a's, and the result's 2^step times. */
const additions = (ratios: fc.Arbitrary<number>, step: number): fc.Arbitrary<Draw> =>
  fc.tuple(anyPicture, fc.boolean(), ratios).map(([shape, relu, ratio]) => (net) => {
    const a = net.input('a', [1, ...shape]);
    const b = net.input('b', [1, ...shape]);
    const scaled = net.add('scaled', 'quantize', b, {}, net.anyType(net.typeOf(a).scale * 2 ** ratio));
    const y = net.add('y', 'add', [a, scaled], {}, net.anyType(net.typeOf(a).scale * 2 ** step));
    return net.build([relu ? net.add('relu', 'relu', y, {}) : y]);
  });

/** One layer of each kind that has a kernel, with an activation behind it or not. */
export const singleLayers: Readonly<Record<string, fc.Arbitrary<Draw>>> = {
  conv2d: fc
    .tuple(anyPicture, filter, count(12), fc.boolean())
    .map(([[h, w, c], attributes, filters, relu]) => (net) => {
      const x = net.input('x', [1, h, w, Math.min(c, 5)]);
      const y = net.add('y', 'conv2d', x, { ...attributes, filters }, net.anyType());
      return net.build([relu ? net.add('relu', 'relu6', y, {}) : y]);
    }),
  'conv2d of bytes of the other sign': fc
    .tuple(anyPicture, filter, count(12))
    .map(([[h, w, c], attributes, filters]) => (net) => {
      const x = net.input('x', [1, h, w, Math.min(c, 4)]);
      const { type, scale, zeroPoint } = net.typeOf(x);
      const other: QuantizedType = {
        type: type === 'int8' ? 'uint8' : 'int8',
        scale,
        zeroPoint: zeroPoint + (type === 'int8' ? 128 : -128),
      };
      const back = net.add('back', 'quantize', net.add('signed', 'quantize', x, {}, other), {}, net.typeOf(x));
      return net.build([net.add('y', 'conv2d', back, { ...attributes, filters }, net.anyType())]);
    }),
  pointwiseConv2d: fc.tuple(anyPicture, count(20), fc.boolean()).map(([[h, w, c], filters, relu]) => (net) => {
    const x = net.input('x', [1, h, w, c]);
    const y = net.add('y', 'pointwiseConv2d', x, { filters, bias: true }, net.anyType());
    return net.build([relu ? net.add('relu', 'relu', y, {}) : y]);
  }),
  depthwiseConv2d: fc
    .tuple(anyPicture, filter, fc.constantFrom(1, 1, 2, 3), fc.boolean())
    .map(([[h, w, c], attributes, depthMultiplier, relu]) => (net) => {
      const x = net.input('x', [1, h, w, c]);
      const y = net.add('y', 'depthwiseConv2d', x, { ...attributes, depthMultiplier }, net.anyType());
      return net.build([relu ? net.add('relu', 'relu6', y, {}) : y]);
    }),
  dense: fc.tuple(count(40), count(30), fc.boolean()).map(([channels, units, bias]) => (net) => {
    const x = net.input('x', [1, channels]);
    return net.build([net.add('y', 'dense', x, { units, bias }, net.anyType())]);
  }),
  add: additions(fc.double({ min: -16, max: 16, noNaN: true }), 0),
  'add, results half-way between two numbers': additions(fc.constantFrom(-1, 0, 1), 2),
  globalAveragePool: fc.tuple(anyPicture, fc.boolean()).map(([shape, keepDims]) => (net) => {
    const x = net.input('x', [1, ...shape]);
    return net.build([net.add('y', 'globalAveragePool', x, { keepDims }, net.anyType())]);
  }),
  averagePool: fc
    .tuple(
      anyPicture,
      fc.oneof(fc.constant(undefined), fc.tuple(count(4), count(4))),
      fc.tuple(count(2), count(2)),
      fc.constantFrom<'same' | 'valid'>('same', 'valid'),
    )
    .map(([[h, w, c], size, strides, padding]) => (net) => {
      const x = net.input('x', [1, h, w, c]);
      const attributes = {
        poolSize: size ?? ([h, w] as const),
        strides,
        padding: size ? padding : 'valid',
        includePadding: false,
      } as const;
      return net.build([net.add('y', 'averagePool', x, attributes)]);
    }),
  maxPool: fc
    .tuple(
      anyPicture,
      fc.tuple(count(4), count(4)),
      fc.tuple(count(2), count(2)),
      fc.constantFrom<'same' | 'valid'>('same', 'valid'),
    )
    .map(([shape, poolSize, strides, padding]) => (net) => {
      const x = net.input('x', [1, ...shape]);
      return net.build([net.add('y', 'maxPool', x, { poolSize, strides, padding })]);
    }),
  activations: anyPicture.map((shape) => (net) => {
    const x = net.input('x', [1, ...shape]);
    const outputs = [
      net.add('relu', 'relu', x, {}, net.anyType()),
      net.add('relu6', 'relu6', x, {}, net.anyType()),
      net.add('clamp', 'clamp', x, { min: -1, max: 0.5 }, net.anyType()),
      net.add('sigmoid', 'sigmoid', x, {}, net.shares()),
      net.add('hardSwish', 'hardSwish', x, {}, net.anyType(net.typeOf(x).scale * 0.7)),
      net.add('quantize', 'quantize', x, {}, net.anyType()),
    ];
    return net.build(outputs);
  }),
  multiply: fc
    .tuple(anyPicture, fc.boolean(), fc.boolean(), fc.double({ min: -24, max: 8, noNaN: true }))
    .map(([[h, w, c], gate, relu, ratio]) => (net) => {
      const a = net.input('a', [1, h, w, c]);
      const b = net.input('b', gate ? [1, 1, 1, c] : [1, h, w, c]);
      const scale = (net.typeOf(a).scale * net.typeOf(b).scale * 2 ** 8) / 2 ** ratio;
      const y = net.add('y', 'multiply', [a, b], {}, net.anyType(scale));
      return net.build([relu ? net.add('relu', 'relu', y, {}) : y]);
    }),
  'functions of one integer, behind a convolution or not': fc
    .tuple(anyPicture, fc.boolean(), fc.boolean(), fc.boolean())
    .map(([[h, w, c], convolved, byChannel, kept]) => (net) => {
      const picture = net.input('x', [1, h, w, c]);
      const x = convolved
        ? net.add('p', 'pointwiseConv2d', picture, { filters: c, bias: true }, net.anyType())
        : picture;
      const real = net.add('real', 'dequantize', x, {}, 'float32');
      const sigmoid = net.add('sigmoid', 'sigmoid', real, {});
      const swish = net.add('swish', 'multiply', [real, sigmoid], {});
      const norm = { epsilon: 0.001, scale: true, center: true };
      const y = net.add(
        'y',
        'quantize',
        byChannel ? net.add('norm', 'batchNorm', swish, norm) : swish,
        {},
        net.anyType(),
      );
      const gate = net.add('gate', 'quantize', sigmoid, {}, net.anyType());
      return net.build([y, net.add('product', 'multiply', [y, gate], {}, net.anyType()), ...(kept ? [sigmoid] : [])]);
    }),
  resizeBilinear: fc
    .tuple(anyPicture, fc.tuple(count(20), count(20)), fc.constantFrom('half-pixel', 'tf1-legacy', 'tf1-align-corners'))
    .map(([shape, size, rule]) => (net) => {
      const x = net.input('x', [1, ...shape]);
      return net.build([net.add('y', 'resizeBilinear', x, { size, rule })]);
    }),
  'argMax of a resized map': fc
    .tuple(
      anyPicture,
      fc.tuple(count(40), count(40)),
      fc.constantFrom('half-pixel', 'tf1-legacy', 'tf1-align-corners'),
      fc.boolean(),
    )
    .map(([[h, w, c], size, rule, agree]) => (net) => {
      const x = net.input('x', [1, h, w, c]);
      // where an add with itself saturates, neighbours agree more often
      const strong = agree ? net.add('strong', 'add', [x, x], {}, net.anyType(net.typeOf(x).scale / 16)) : x;
      const y = net.add('y', 'resizeBilinear', strong, { size, rule });
      return net.build([net.add('label', 'argMax', y, {}, { type: 'int32', scale: 1, zeroPoint: 0 })]);
    }),
  argMax: anyPicture.map((shape) => (net) => {
    const x = net.input('x', [1, ...shape]);
    return net.build([net.add('y', 'argMax', x, {}, { type: 'int32', scale: 1, zeroPoint: 0 })]);
  }),
  'concat of whole groups of channels, of other scales too': fc
    .tuple(anyPicture, count(2), count(3), fc.boolean())
    .map(([[h, w, c], eights, others, bytes]) => (net) => {
      const x = net.input('x', [1, h, w, c]);
      const part = (name: string, filters: number, type: QuantizedType) =>
        net.add(name, 'pointwiseConv2d', x, { filters, bias: true }, type);
      const a = part('a', 8 * eights, net.anyType());
      const type = net.typeOf(a);
      const b = part('b', 8 * others, type.type === 'uint8' ? net.anyType() : type);
      const pooled = bytes
        ? [net.add('pool', 'maxPool', a, { poolSize: [3, 3], strides: [1, 1], padding: 'same' })]
        : [];
      return net.build([net.add('y', 'concat', [a, b, ...pooled], { axis: 3 })]);
    }),
  concat: fc.tuple(anyPicture, fc.constantFrom(1, 2, 3), fc.boolean()).map(([[h, w, c], axis, pointwise]) => (net) => {
    const a = net.input('a', [1, h, w, c]);
    const b = net.add('b', 'maxPool', a, { poolSize: [2, 2], strides: [1, 1], padding: 'same' });
    const other = pointwise ? net.add('p', 'pointwiseConv2d', a, { filters: c, bias: true }, net.typeOf(a)) : b;
    return net.build([net.add('y', 'concat', [a, other, b], { axis })]);
  }),
};

/** A stem, a separable convolution, inverted residuals with and without stride, a classifier: V2 in small, at odd sizes too. */
export const anyMobileNet: fc.Arbitrary<Draw> = fc
  .tuple(
    fc.integer({ min: 17, max: 40 }),
    fc.integer({ min: 17, max: 40 }),
    count(3),
    count(10),
    fc.boolean(),
    fc.boolean(),
  )
  .map(([h, w, channels, narrow, explicit, mean]) => (net) => {
    const filters = { kernelSize: [3, 3], dilation: [1, 1], bias: true } as const;
    const same = { ...filters, strides: [1, 1], padding: 'same' } as const;
    const halved = { ...filters, strides: [2, 2], padding: 'same' } as const;
    const relu6 = (name: string, x: string) => net.add(`${name}/relu6`, 'relu6', x, {});
    const unit = () => net.anyType(6 / 255);
    let x = net.input('picture', [1, h, w, channels]);
    x = relu6('stem', net.add('stem', 'conv2d', x, { ...halved, filters: 8 }, unit()));
    x = relu6('dw', net.add('dw', 'depthwiseConv2d', x, { ...same, depthMultiplier: 1 }, unit()));
    x = net.add('narrow', 'pointwiseConv2d', x, { filters: narrow, bias: true }, net.anyType());
    for (const [i, residual] of [true, false, true].entries()) {
      const input = x;
      x = relu6(`wide${i}`, net.add(`wide${i}`, 'pointwiseConv2d', x, { filters: narrow * 6, bias: true }, unit()));
      if (!residual && explicit) {
        x = net.add(`pad${i}`, 'pad', x, { padding: { top: 0, bottom: 1, left: 0, right: 1 }, value: 0 });
        x = net.add(`dw${i}`, 'depthwiseConv2d', x, { ...halved, padding: 'valid', depthMultiplier: 1 }, unit());
      } else {
        x = net.add(`dw${i}`, 'depthwiseConv2d', x, { ...(residual ? same : halved), depthMultiplier: 1 }, unit());
      }
      x = net.add(`project${i}`, 'pointwiseConv2d', relu6(`dw${i}`, x), { filters: narrow, bias: true }, net.anyType());
      if (residual) x = net.add(`add${i}`, 'add', [x, input], {}, net.anyType());
    }
    x = net.add('pool', 'globalAveragePool', x, { keepDims: mean }, net.anyType());
    const logits = mean
      ? net.add(
          'flat',
          'flatten',
          net.add('logits', 'pointwiseConv2d', x, { filters: 11, bias: true }, net.anyType()),
          {},
        )
      : net.add('logits', 'dense', x, { units: 11, bias: true }, net.anyType());
    return net.build([net.add('softmax', 'softmax', logits, {}, net.shares()), logits]);
  });
