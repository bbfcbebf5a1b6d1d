/** What all layers promise, forward and backward: the declared shape, the input's number type, inputs left alone, outputs of their own, batches as single pictures. */
import { describe, expect, test } from 'vitest';
import { ShapeError } from '../../src/errors.js';
import { type Backward, backward, cost, type Gradients, type Layer, layers } from '../../src/layers/index.js';
import { NetworkBuilder, run, summarize } from '../../src/network/index.js';
import { type Shape, type Tensor, toFloat32, toFloat64 } from '../../src/tensor.js';
import { forwardPass } from '../../src/training/step/gradients.js';
import { features } from '../network/helpers.js';
import { batchSlice, expectClose, numbersOf, randomTensor } from './support.js';

/** The tests of one layer, for inputs of these shapes: several pictures each. A layer without a gradient has none of the second half. */
export function keepsPromises(kind: keyof typeof layers, attributes: object, shapes: readonly Shape[]): void {
  const layer = layers[kind] as unknown as Layer<object, Record<string, Tensor>>;
  const inputs = shapes.map((shape, i) => randomTensor(shape, 100 + i));
  const weights: Record<string, Tensor> = {};
  for (const [name, wanted] of Object.entries(layer.weightShapes(shapes, attributes))) {
    const positive = name === 'movingVariance';
    const weight = randomTensor(wanted, 200 + name.length);
    weights[name] = positive ? { shape: wanted, data: weight.data.map((v) => Math.abs(v) + 0.1) } : weight;
  }

  describe(kind, () => {
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
      expect([...inputs, ...Object.values(weights)].map((x) => ({ shape: x.shape, data: numbersOf(x) }))).toEqual(
        before,
      );
    });

    test('a picture in a batch gets bit for bit what it gets alone', () => {
      const y = layer.forward(inputs, weights, attributes);
      for (let n = 0; n < shapes[0][0]; n++) {
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
        shapes.map((shape) => [1, ...shape.slice(1)]),
        attributes,
      );
      expect(counted.multiplyAdds).toBe(shapes[0][0] * one.multiplyAdds);
    });
  });

  test(`a network runs, counts and trains ${kind} by the reference`, () => {
    const net = new NetworkBuilder();
    const names = shapes.map((shape, i) => net.input(`x${i}`, shape));
    const network = {
      ...net.build('one', [net.add('y', kind, names, attributes as never)], features),
      weights: new Map(Object.entries(weights).map(([name, weight]) => [`y/${name}`, weight])),
    };
    const given = new Map(inputs.map((x, i) => [`x${i}`, x]));
    const y = layer.forward(inputs, weights, attributes);
    expectClose(run(network, given).get('y')!, y);
    expect(summarize(network).layers.map((row) => [row.kind, row.multiplyAdds])).toEqual([
      [kind, cost(layer, shapes, attributes).multiplyAdds],
    ]);
    if (kind === 'argMax') return;
    const { inputs: found } = forwardPass(network, given, 'inference').backward(new Map([['y', y]]));
    const back = backward[kind] as unknown as Backward<object, Record<string, Tensor>>;
    back(y, inputs, weights, attributes).inputs.forEach((dx, i) => {
      expectClose(found.get(`x${i}`)!, dx);
    });
  });

  if (kind === 'argMax') return;
  describe(`${kind}, backward`, () => {
    const dy = randomTensor(layer.outputShape(shapes, attributes), 7);
    const back = backward[kind as keyof typeof backward] as unknown as Backward<object, Record<string, Tensor>>;
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
      const alone = Array.from({ length: shapes[0][0] }, (_, n) =>
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
}
