/** Every layer's `backward` is the slope of its `forward`, for any shape and attributes. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { BatchNormAttributes, BatchNormWeights } from '../../src/layers/batchNorm.js';
import * as batchNormTraining from '../../src/layers/batchNormTraining.js';
import * as dropoutTraining from '../../src/layers/dropoutTraining.js';
import { backward, type Layer, layers } from '../../src/layers/index.js';
import type { Padding } from '../../src/padding.js';
import { uniformRandom } from '../../src/random.js';
import { type Shape, sizeOf, type Tensor, tensor } from '../../src/tensor.js';
import { type Differentiable, expectSlopes, type NamedTensors } from './differences.js';
import { anyGeometry } from './direct.js';
import { randomTensor } from './support.js';

/** Layers whose own tests ask for their slopes are not here. */
type Kind = keyof typeof anyProblem;

interface Problem {
  readonly shapes: readonly Shape[];
  readonly attributes: object;
}

const upTo = (max: number) => fc.integer({ min: 1, max });
const anyShape = fc.array(upTo(4), { minLength: 1, maxLength: 4 });
const anyPicture = fc.tuple(upTo(2), upTo(5), upTo(5), upTo(4));
const anySide = fc.nat(3);
const anySides = fc.record({ top: anySide, bottom: anySide, left: anySide, right: anySide });

/** One input of any shape, and attributes that fit every shape. */
const alone = (attributes: fc.Arbitrary<object> = fc.constant({}), shape: fc.Arbitrary<Shape> = anyShape) =>
  fc.record({ shapes: shape.map((only) => [only]), attributes });

const convolution = (attributes: object) =>
  fc
    .record({ geometry: anyGeometry(), attributes: fc.record({ bias: fc.boolean(), ...attributes }) })
    .map(({ geometry: { shape, ...sliding }, attributes }) => ({
      shapes: [shape],
      attributes: { ...sliding, ...attributes },
    }));

const pool = (kind: 'averagePool' | 'maxPool', attributes: object) =>
  fc
    .record({ geometry: anyGeometry(1), attributes: fc.record(attributes) })
    .map(({ geometry: { shape, kernelSize: poolSize, strides, padding }, attributes }) => ({
      shapes: [shape] as readonly Shape[],
      attributes: { poolSize, strides, padding, ...attributes },
    }))
    .filter(({ shapes, attributes }) => fits(() => layers[kind].outputShape(shapes, attributes as never)));

/** Without the windows that lie on padding alone, which have no answer. */
function fits(shapeOf: () => Shape): boolean {
  try {
    return shapeOf().length > 0;
  } catch {
    return false;
  }
}

const anyProblem = {
  conv2d: convolution({ filters: upTo(3) }),
  depthwiseConv2d: convolution({ depthMultiplier: upTo(3) }),
  pointwiseConv2d: alone(fc.record({ filters: upTo(4), bias: fc.boolean() }), anyPicture),
  dense: alone(fc.record({ units: upTo(4), bias: fc.boolean() })),
  batchNorm: alone(
    fc.record({ epsilon: fc.constantFrom(1e-3, 1e-5), scale: fc.boolean(), center: fc.boolean() }),
    fc.tuple(fc.integer({ min: 2, max: 4 }), upTo(3), upTo(3), upTo(3)),
  ),
  relu: alone(),
  relu6: alone(),
  clamp: alone(fc.record({ min: fc.integer({ min: -3, max: 0 }), max: fc.integer({ min: 0, max: 3 }) })),
  sigmoid: alone(),
  softmax: alone(),
  add: fc.record({ shape: anyShape, count: fc.integer({ min: 2, max: 4 }) }).map(({ shape, count }) => ({
    shapes: Array.from({ length: count }, () => shape),
    attributes: {},
  })),
  concat: fc
    .record({ shape: anyShape, sizes: fc.array(upTo(3), { minLength: 1, maxLength: 4 }), axis: fc.nat(3) })
    .map(({ shape, sizes, axis }) => ({
      shapes: sizes.map((size) => shape.with(axis % shape.length, size)),
      attributes: { axis: (axis % shape.length) - (axis % 2) * shape.length },
    })),
  pad: alone(fc.record({ padding: anySides, value: fc.constantFrom(0, 0.5) }), anyPicture),
  averagePool: pool('averagePool', { includePadding: fc.boolean() }),
  maxPool: pool('maxPool', {}),
  globalAveragePool: alone(fc.record({ keepDims: fc.boolean() }), anyPicture),
  flatten: alone(),
  reshape: alone(fc.constant({ shape: [-1, 1] })),
  dropout: alone(fc.record({ rate: fc.constantFrom(0, 0.2, 0.9) })),
  resizeBilinear: alone(
    fc.record({
      size: fc.tuple(upTo(6), upTo(6)),
      rule: fc.constantFrom('tf1-legacy', 'tf1-align-corners', 'half-pixel'),
    }),
    anyPicture,
  ),
} satisfies { readonly [Kind in keyof typeof layers]?: fc.Arbitrary<Problem> };

/** Different numbers from −8 to 8, each an odd multiple of 1/32: 1/16 from each other and 1/32 from the whole numbers, where the kinks are. */
function kinkless(shape: Shape, seed: number): Tensor {
  const uniform = uniformRandom(seed);
  const size = sizeOf(shape);
  const odd = 2 * Math.floor(128 / size) + 1;
  const order = Array.from({ length: size }, (_, at) => ({ at, key: uniform() })).sort((a, b) => a.key - b.key);
  return tensor(
    shape,
    order.map(({ at }) => ((2 * (at - Math.floor(size / 2)) + 1) * odd) / 32),
  );
}
const kinked: readonly Kind[] = ['relu', 'relu6', 'clamp', 'maxPool'];

function dataOf(kind: Kind, { shapes, attributes }: Problem, seed: number) {
  const layer = layers[kind] as unknown as Layer<object, NamedTensors>;
  const make = kinked.includes(kind) ? kinkless : randomTensor;
  const inputs = shapes.map((shape, i) => make(shape, seed + i));
  const weights: Record<string, Tensor> = {};
  for (const [name, shape] of Object.entries(layer.weightShapes(shapes, attributes))) {
    const weight = randomTensor(shape, seed + 100 + name.length);
    weights[name] =
      name === 'movingVariance'
        ? tensor(
            shape,
            weight.data.map((v) => v * v + 0.1),
          )
        : weight;
  }
  return { inputs, weights };
}

/** The layer as inference computes it. */
function inferring(kind: Kind, attributes: object): Differentiable {
  const layer = layers[kind] as unknown as Layer<object, NamedTensors>;
  const back = backward[kind] as unknown as (...parts: unknown[]) => ReturnType<Differentiable['backward']>;
  return {
    forward: (inputs, weights) => layer.forward(inputs, weights, attributes),
    backward: (dy, inputs, weights) => back(dy, inputs, weights, attributes),
  };
}

describe('backward is the slope of forward', () => {
  test.each(Object.keys(anyProblem) as Kind[])('%s', (kind) => {
    fc.assert(
      fc.property(anyProblem[kind] as fc.Arbitrary<Problem>, fc.nat(), (problem, seed) => {
        const { inputs, weights } = dataOf(kind, problem, seed);
        expectSlopes(inferring(kind, problem.attributes), inputs, weights);
      }),
      { numRuns: 60 },
    );
  });

  test('batchNorm in training, through the mean and variance of the batch', () => {
    fc.assert(
      fc.property(anyProblem.batchNorm, fc.nat(), (problem, seed) => {
        const { inputs, weights } = dataOf('batchNorm', problem, seed);
        const attributes = problem.attributes as BatchNormAttributes;
        const given = (named: NamedTensors) => named as unknown as BatchNormWeights;
        const training: Differentiable = {
          forward: (xs, ws) => batchNormTraining.forwardTraining(xs, given(ws), attributes).y,
          backward: (dy, xs, ws) => batchNormTraining.backwardTraining(dy, xs, given(ws), attributes),
        };
        expectSlopes(training, inputs, weights);
      }),
    );
  });

  test('dropout in training, for one mask', () => {
    fc.assert(
      fc.property(anyShape, fc.constantFrom(0, 0.2, 0.9), fc.nat(), (shape, rate, seed) => {
        const mask = dropoutTraining.maskOf(shape, { rate }, seed);
        const training: Differentiable = {
          forward: (xs) => dropoutTraining.forwardTraining(xs, mask),
          backward: (dy, xs) => dropoutTraining.backwardTraining(dy, xs, mask),
        };
        expectSlopes(training, [randomTensor(shape, seed)]);
      }),
    );
  });

  test('the comparison notices one number that is wrong by 10⁻⁶ of itself', () => {
    const attributes = { kernelSize: [3, 3], strides: [1, 1], dilation: [1, 1], padding: 'same' as Padding };
    const problem = { shapes: [[1, 4, 4, 2]], attributes: { ...attributes, filters: 2, bias: true } };
    const right = inferring('conv2d', problem.attributes);
    const wrong: Differentiable = {
      ...right,
      backward: (...given) => {
        const { inputs, weights } = right.backward(...given);
        weights.kernel.data[7] *= 1 + 1e-6;
        return { inputs, weights };
      },
    };
    const { inputs, weights } = dataOf('conv2d', problem, 1);
    expectSlopes(right, inputs, weights);
    expect(() => expectSlopes(wrong, inputs, weights)).toThrow('kernel[0,1,1,1]: ∂L is');
  });
});
