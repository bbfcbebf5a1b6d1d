/** Operators of 8-bit .tflite files, one in each file, all 256 integers: every byte is LiteRT.js's, but for those that are named. */
import { describe, expect, test } from 'vitest';
import { compileQuantized } from '../../src/engine/int8/engine.js';
import * as schema from '../../src/formats/tflite/schema.js';
import { writeTflite } from '../../src/formats/tflite.js';
import { NetworkBuilder, preprocessingPreset, randomWeights } from '../../src/network/index.js';
import { openLitertIntegers } from '../../src/oracle/peers/litert.js';
import { runLitert } from '../../src/oracle/peers/litert-runtime.js';
import { calibrate, quantizeNetwork } from '../../src/quantization/index.js';
import { uniformRandom } from '../../src/random.js';
import { inputTensor } from '../../src/tasks/execute.js';
import { buildTflite, type OperatorSpec, type TensorSpec } from '../formats/tflite-builder.js';

const FILES = 6;
const C = 4;
const shape = [1, 16, 16, C];

type Type = Required<Pick<TensorSpec, 'type' | 'scale' | 'zeroPoint'>>;

/** Scales, zero points and constants follow from a seed. */
class Drawn {
  readonly random = uniformRandom(20);

  between(low: number, high: number): number {
    return low + (high - low) * this.random();
  }

  bytes(size: number): Uint8Array {
    return Uint8Array.from({ length: size }, () => this.between(0, 256));
  }

  type(scale: number, zeroPoint = Math.floor(this.between(0, 256))): Type {
    return { type: 'UINT8', scale: [Math.fround(scale)], zeroPoint: [zeroPoint] };
  }

  /** One number, or one for each channel. */
  constant(type: Type, size = 1): TensorSpec {
    return { shape: size === 1 ? [] : [size], data: this.bytes(size), ...type };
  }
}

interface Operator {
  readonly y: Type;
  readonly constants?: Readonly<Record<string, TensorSpec>>;
  /** A second tensor that is computed. */
  readonly other?: TensorSpec;
  readonly options?: OperatorSpec['options'];
}

const scaled =
  (x: Type, low = 0.3, high = 1.3) =>
  (drawn: Drawn): Type =>
    drawn.type(x.scale[0] * drawn.between(low, high));
const product = (drawn: Drawn, x: Type, c: Type) => drawn.type(x.scale[0] * c.scale[0] * drawn.between(40, 160));

const operators: Readonly<Record<string, (drawn: Drawn, x: Type) => Operator>> = {
  HARD_SWISH: (drawn, x) => ({ y: scaled(x)(drawn) }),
  TANH: (drawn) => ({ y: drawn.type(1 / 128, 128) }),
  LOGISTIC: (drawn) => ({ y: drawn.type(1 / 256, 0) }),
  GELU: (drawn, x) => ({ y: scaled(x)(drawn), options: [schema.GeluOptions, { approximate: false }] }),
  LEAKY_RELU: (drawn, x) => ({
    y: scaled(x)(drawn),
    options: [schema.LeakyReluOptions, { alpha: Math.fround(drawn.random()) }],
  }),
  RELU_0_TO_1: (drawn, x) => ({ y: scaled(x)(drawn) }),
  MAXIMUM: (drawn, x) => ({ y: x, constants: { c: drawn.constant(x) } }),
  MINIMUM: (drawn, x) => ({ y: x, constants: { c: drawn.constant(x) } }),
  'MUL by another tensor': (drawn, x) => {
    const other = drawn.type(0.03);
    return { y: product(drawn, x, other), other: { shape, ...other }, options: [schema.MulOptions, {}] };
  },
  'MUL by a gate': (drawn, x) => {
    const other = drawn.type(1 / 256, 0);
    return { y: product(drawn, x, other), other: { shape: [1, 1, 1, C], ...other }, options: [schema.MulOptions, {}] };
  },
  'MUL by constants': (drawn, x) => {
    const c = drawn.type(0.03);
    return { y: product(drawn, x, c), constants: { c: drawn.constant(c, C) }, options: [schema.MulOptions, {}] };
  },
  'ADD of 3, up to 6': (drawn) => {
    const c = { ...drawn.constant(drawn.type(3 / 255, 0)), data: Uint8Array.of(255) };
    return {
      y: drawn.type(6 / 255, 0),
      constants: { c },
      options: [schema.AddOptions, { fused_activation_function: 3 }],
    };
  },
};

describe.each(Object.entries(operators))('%s', (name, draw) => {
  test(`${FILES} files`, async () => {
    const drawn = new Drawn();
    for (let file = 0; file < FILES; file++) {
      const x = drawn.type(drawn.between(0.01, 0.09));
      const { y, constants = {}, other, options } = draw(drawn, x);
      const others = other === undefined ? [] : ['other'];
      const bytes = buildTflite({
        tensors: { x: { shape, ...x }, y: { shape, ...y }, ...constants, ...(other && { other }) },
        inputs: ['x', ...others],
        outputs: ['y'],
        operators: [
          {
            code: name.split(' ')[0],
            inputs: ['x', ...others, ...Object.keys(constants)],
            outputs: ['y'],
            ...(options && { options }),
          },
        ],
      });
      const peer = await openLitertIntegers(async () => bytes, `${name}.tflite`);
      const { network } = peer!;
      const inputs = new Map(
        network.inputs.map(({ name: input, shape: sizes, type }) => {
          const size = sizes.reduce((a, b) => a * b);
          // every integer in every channel
          const data = input === 'x' ? Uint8Array.from({ length: size }, (_, i) => i / C) : drawn.bytes(size);
          return [input, { shape: sizes, data, type: type as never }];
        }),
      );
      const theirs = await peer!.run(inputs);
      const plan = await compileQuantized(network);
      expect(plan.run(inputs).get('y')!.data, `file ${file}`).toEqual(theirs.get('y'));
      expect(plan.report().operations.flatMap(({ kernels }) => Object.keys(kernels))).not.toContain('page');
      plan.dispose();
    }
  });
});

describe('a network as MobileNetV3 has them, quantised here', () => {
  test('LiteRT.js computes the same numbers of the file that is written', async () => {
    const net = new NetworkBuilder();
    const filters = { kernelSize: [3, 3], dilation: [1, 1], bias: true } as const;
    const pointwise = (name: string, from: string, count: number) =>
      net.add(name, 'pointwiseConv2d', from, { filters: count, bias: true });
    let x = net.add('stem', 'conv2d', net.input('picture', [1, 24, 24, 3]), {
      ...filters,
      strides: [2, 2],
      padding: 'same',
      filters: 8,
    });
    x = pointwise('wide', net.add('stem/swish', 'hardSwish', x, {}), 24);
    x = net.add('wide/swish', 'hardSwish', x, {});
    x = net.add('depthwise', 'depthwiseConv2d', x, {
      ...filters,
      strides: [1, 1],
      padding: 'same',
      depthMultiplier: 1,
    });
    x = net.add('depthwise/swish', 'hardSwish', x, {});
    const mean = net.add('mean', 'globalAveragePool', x, { keepDims: true });
    const squeezed = net.add('squeeze/relu', 'relu', pointwise('squeeze', mean, 8), {});
    x = net.add('gated', 'multiply', [x, net.add('gate', 'hardSigmoid', pointwise('excite', squeezed, 24), {})], {});
    x = net.add('project', 'pointwiseConv2d', x, { filters: 10, bias: true });
    const real = randomWeights(
      net.build('v3', [net.add('logits', 'globalAveragePool', x, { keepDims: false })], {
        source: 'other',
        output: 'logits',
        preprocessing: preprocessingPreset('keras', [24, 24]),
      }),
      7,
    );
    const drawn = new Drawn();
    const pictures = Array.from({ length: 4 }, () => ({
      width: 24,
      height: 24,
      channels: 3 as const,
      data: drawn.bytes(24 * 24 * 3),
    }));
    const quantized = quantizeNetwork(
      await calibrate(
        real,
        pictures.map((picture) => inputTensor(real, picture)),
      ),
    );
    for (const { kind, type } of quantized.nodes)
      if (/^(hardSwish|multiply)$/.test(kind)) expect(type).toMatchObject({ type: 'int8' });
    const plan = await compileQuantized(quantized);
    const file = await writeTflite(quantized);
    for (const { data } of pictures) {
      const [theirs] = await runLitert(file, data);
      expect([...plan.run(data).get(quantized.outputs[0])!.data]).toEqual([...theirs.data]);
    }
  });
});
