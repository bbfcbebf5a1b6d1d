/** What all layers promise, forward and backward: the declared shape, the input's number type, inputs left alone, outputs of their own, batches as single pictures. */
import { describe, expect, test } from 'vitest';
import { ShapeError } from '../../src/errors.js';
import { type Backward, backward, cost, type Gradients, type Layer, layers } from '../../src/layers/index.js';
import { type Tensor, toFloat32, toFloat64 } from '../../src/tensor.js';
import { batchSlice, expectClose, numbersOf, randomTensor } from './support.js';

const square = { kernelSize: [3, 2], strides: [2, 1], dilation: [1, 2], padding: 'same' } as const;
const pool = { poolSize: [2, 3], strides: [2, 2], padding: 'same' } as const;

/** Attributes for inputs of shape [3, 5, 4, 6], and how many inputs. */
const examples: Record<keyof typeof layers, { attributes: object; inputs?: number }> = {
  conv2d: { attributes: { ...square, filters: 3, bias: true } },
  depthwiseConv2d: { attributes: { ...square, depthMultiplier: 2, bias: true } },
  pointwiseConv2d: { attributes: { filters: 3, bias: true } },
  batchNorm: { attributes: { epsilon: 1e-3, scale: true, center: true } },
  relu: { attributes: {} },
  relu6: { attributes: {} },
  clamp: { attributes: { min: -1, max: 1 } },
  sigmoid: { attributes: {} },
  add: { attributes: {}, inputs: 3 },
  concat: { attributes: { axis: 2 }, inputs: 2 },
  pad: { attributes: { padding: { top: 1, bottom: 0, left: 2, right: 1 }, value: 0.1 } },
  averagePool: { attributes: { ...pool, includePadding: false } },
  maxPool: { attributes: pool },
  globalAveragePool: { attributes: { keepDims: false } },
  dense: { attributes: { units: 3, bias: true } },
  flatten: { attributes: {} },
  reshape: { attributes: { shape: [-1, 3] } },
  dropout: { attributes: { rate: 0.2 } },
  softmax: { attributes: {} },
  resizeBilinear: { attributes: { size: [7, 3], rule: 'half-pixel' } },
  argMax: { attributes: {} },
};

const shape = [3, 5, 4, 6];

function exampleOf(kind: keyof typeof layers) {
  const layer = layers[kind] as unknown as Layer<object, Record<string, Tensor>>;
  const { attributes, inputs: count = 1 } = examples[kind];
  const inputs = Array.from({ length: count }, (_, i) => randomTensor(shape, 100 + i));
  const shapes = inputs.map((x) => x.shape);
  const weights: Record<string, Tensor> = {};
  for (const [name, wanted] of Object.entries(layer.weightShapes(shapes, attributes))) {
    const positive = name === 'movingVariance';
    const weight = randomTensor(wanted, 200 + name.length);
    weights[name] = positive ? { shape: wanted, data: weight.data.map((v) => Math.abs(v) + 0.1) } : weight;
  }
  return { layer, attributes, inputs, shapes, weights };
}

describe.each(Object.keys(examples) as (keyof typeof layers)[])('%s', (kind) => {
  const { layer, attributes, inputs, shapes, weights } = exampleOf(kind);

  test('forward has the shape that outputShape says', () => {
    const y = layer.forward(inputs, weights, attributes);
    expect(y.shape).toEqual(layer.outputShape(shapes, attributes));
    expect(y.data.length).toBe(y.shape.reduce((a, b) => a * b, 1));
    expect(numbersOf(y).some((v) => v !== 0)).toBe(true);
  });

  test('the output has the number type of the input, and float32 is float64 rounded once', () => {
    const y = layer.forward(inputs, weights, attributes);
    const exact = layer.forward(inputs.map(toFloat64), weights, attributes);
    expect(y.data).toBeInstanceOf(Float32Array);
    expect(exact.data).toBeInstanceOf(Float64Array);
    expectClose(y, toFloat32(exact));
  });

  test('inputs and weights stay as they are, and the output has memory of its own', () => {
    const before = [...inputs, ...Object.values(weights)].map((x) => ({ shape: [...x.shape], data: numbersOf(x) }));
    const y = layer.forward(inputs, weights, attributes);
    y.data.fill(7);
    expect([...inputs, ...Object.values(weights)].map((x) => ({ shape: x.shape, data: numbersOf(x) }))).toEqual(before);
  });

  test('a picture in a batch gets bit for bit what it gets alone', () => {
    const y = layer.forward(inputs, weights, attributes);
    for (let n = 0; n < shape[0]; n++) {
      const alone = layer.forward(
        inputs.map((x) => batchSlice(x, n)),
        weights,
        attributes,
      );
      expectClose(batchSlice(y, n), alone);
    }
  });

  test('cost counts the weights that weightShapes names, and a batch costs as often', () => {
    const stored = Object.values(weights).reduce((sum, { data }) => sum + data.length, 0);
    const trainable = Object.entries(weights).filter(([name]) => !name.startsWith('moving'));
    const counted = cost(layer, shapes, attributes);
    expect(counted.stored).toBe(stored);
    expect(counted.trainable).toBe(trainable.reduce((sum, [, { data }]) => sum + data.length, 0));
    const one = cost(
      layer,
      shapes.map(() => [1, ...shape.slice(1)]),
      attributes,
    );
    expect(counted.multiplyAdds).toBe(shape[0] * one.multiplyAdds);
  });
});

const differentiable = Object.keys(examples).filter((kind) => kind !== 'argMax') as (keyof typeof layers)[];

describe.each(differentiable)('%s, backward', (kind) => {
  const { layer, attributes, inputs, shapes, weights } = exampleOf(kind);
  const dy = randomTensor(layer.outputShape(shapes, attributes), 7);
  const back = backward[kind] as unknown as Backward<object, Record<string, Tensor>>;
  const gradientsFor = (given: readonly Tensor[], gradient = dy) => back(gradient, given, weights, attributes);
  const listOf = ({ inputs: dx, weights: dw }: Gradients) => [...dx, ...Object.values(dw)];

  test('every input and every trainable weight has a gradient of its own shape', () => {
    const found = gradientsFor(inputs);
    const trainable = Object.entries(weights).filter(([name]) => !name.startsWith('moving'));
    const shapesByName = (tensors: [string, Tensor][]) => tensors.map(([name, x]) => [name, x.shape]);
    expect(found.inputs.map((dx) => dx.shape)).toEqual(shapes);
    expect(shapesByName(Object.entries(found.weights))).toEqual(shapesByName(trainable));
  });

  test('the gradients have the number type of the input, and float32 is float64 rounded once', () => {
    const exact = listOf(gradientsFor(inputs.map(toFloat64)));
    listOf(gradientsFor(inputs)).forEach((gradient, i) => {
      expect(gradient.data).toBeInstanceOf(Float32Array);
      expect(exact[i].data).toBeInstanceOf(Float64Array);
      expectClose(gradient, toFloat32(exact[i]));
    });
  });

  test('everything that is given stays as it is, and each gradient has memory of its own', () => {
    const given = [...inputs, ...Object.values(weights), dy];
    const before = given.map(numbersOf);
    const found = listOf(gradientsFor(inputs));
    for (const { data } of found) data.fill(7);
    expect(given.map(numbersOf)).toEqual(before);
    expect(new Set(found.map(({ data }) => data.buffer)).size).toBe(found.length);
  });

  test('a picture in a batch gets bit for bit what it gets alone; the gradients of the weights add up', () => {
    const exact = inputs.map(toFloat64);
    const whole = gradientsFor(exact);
    const alone = Array.from({ length: shape[0] }, (_, n) =>
      gradientsFor(
        exact.map((x) => batchSlice(x, n)),
        batchSlice(dy, n),
      ),
    );
    alone.forEach((one, n) => {
      one.inputs.forEach((dx, i) => {
        expectClose(batchSlice(whole.inputs[i], n), dx);
      });
    });
    for (const [name, gradient] of Object.entries(whole.weights)) {
      const sum = Array.from(gradient.data, (_, i) =>
        alone.reduce((total, one) => total + one.weights[name].data[i], 0),
      );
      expectClose(gradient, { shape: gradient.shape, data: sum }, () => 1e-11);
    }
  });

  test('a gradient of another shape than the output’s is an error', () => {
    const message = `${kind}: the output's gradient must have the output's shape [${dy.shape}], found [1,2]`;
    expect(() => gradientsFor(inputs, randomTensor([1, 2], 1))).toThrow(new ShapeError(message));
  });
});
