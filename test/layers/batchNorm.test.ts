import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ShapeError } from '../../src/errors.js';
import type { BatchNormAttributes, BatchNormWeights } from '../../src/layers/batchNorm.js';
import { batchNorm, cost } from '../../src/layers/index.js';
import { type Tensor, toFloat64 } from '../../src/tensor.js';
import { expectClose, grid, numbersOf, ROUNDING, randomTensor } from './support.js';

const full = { epsilon: 1e-3, scale: true, center: true };
const bare = { epsilon: 1e-3, scale: false, center: false };

describe('examples to check by hand', () => {
  test('two channels: (x − mean) / √variance · gamma + beta', () => {
    const x = grid([1, 1, 2, 2], [3, 10, 7, 30]);
    const weights = {
      gamma: grid([2], [1, 10]),
      beta: grid([2], [0.5, -1]),
      movingMean: grid([2], [1, 20]),
      movingVariance: grid([2], [4, 25]),
    };
    const y = batchNorm.forward([x], weights, { ...full, epsilon: 0 });
    expectClose(y, grid([1, 1, 2, 2], [1.5, -21, 3.5, 19]));
  });

  test('without gamma it counts as 1, without beta as 0', () => {
    const statistics = { movingMean: grid([1], [1]), movingVariance: grid([1], [4]) };
    const x = grid([1, 1], [5]);
    const apply = (weights: object, changed: object) =>
      numbersOf(batchNorm.forward([x], { ...statistics, ...weights }, { ...bare, epsilon: 0, ...changed }));
    expect(apply({}, {})).toEqual([2]);
    expect(apply({ gamma: grid([1], [3]) }, { scale: true })).toEqual([6]);
    expect(apply({ beta: grid([1], [3]) }, { center: true })).toEqual([5]);
  });

  test('epsilon stands under the root: with a variance of 1e-6 it decides the result', () => {
    const weights = { movingMean: grid([1], [0]), movingVariance: grid([1], [1e-6]) };
    const apply = (epsilon: number) => batchNorm.forward([grid([1, 1], [1])], weights, { ...bare, epsilon }).data[0];
    expect(apply(1e-3)).toBeCloseTo(31.606977, 5); // 1 / √0.001001
    expect(apply(1e-5)).toBeCloseTo(301.511345, 4); // 1 / √0.000011
    expect(apply(0)).toBeCloseTo(1000, 2);
  });
});

test('any batch norm equals the formula in another order, rounded once', () => {
  const any = fc.record({
    shape: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 }),
    epsilon: fc.constantFrom(1e-3, 1e-5, 0),
    scale: fc.boolean(),
    center: fc.boolean(),
    seed: fc.nat(),
  });
  fc.assert(
    fc.property(any, ({ shape, epsilon, scale, center, seed }) => {
      const C = shape[shape.length - 1];
      const x = randomTensor(shape, seed);
      const weights: Record<string, Tensor> = {
        movingMean: randomTensor([C], seed + 1),
        movingVariance: grid(
          [C],
          numbersOf(randomTensor([C], seed + 2)).map((v) => v * v + 1e-3),
        ),
        ...(scale && { gamma: randomTensor([C], seed + 3) }),
        ...(center && { beta: randomTensor([C], seed + 4) }),
      };
      // As a multiplication and an addition: y = factor · x + offset, the form into which a convolution is folded.
      const affine = Array.from({ length: C }, (_, c) => {
        const factor = (weights.gamma?.data[c] ?? 1) * (weights.movingVariance.data[c] + epsilon) ** -0.5;
        return { factor, mean: weights.movingMean.data[c], beta: weights.beta?.data[c] ?? 0 };
      });
      const data = [...x.data].map(
        (v, i) => affine[i % C].factor * v + (affine[i % C].beta - affine[i % C].factor * affine[i % C].mean),
      );
      const magnitude = (i: number) => {
        const { factor, mean, beta } = affine[i % C];
        return Math.abs(factor) * (Math.abs(x.data[i]) + Math.abs(mean)) + Math.abs(beta);
      };
      const attributes = { epsilon, scale, center };
      const given = weights as unknown as BatchNormWeights;
      const exact = batchNorm.forward([toFloat64(x)], given, attributes);
      expectClose(exact, { shape, data }, (i) => 2 ** -48 * magnitude(i));
      const y = batchNorm.forward([x], given, attributes);
      expectClose(y, { shape, data }, (i) => ROUNDING * Math.abs(data[i]) + 2 ** -48 * magnitude(i));
    }),
  );
});

test('NaN stays where it is, a variance of 0 needs an epsilon', () => {
  const weights = { movingMean: grid([2], [0, 1]), movingVariance: grid([2], [0, 0]) };
  const x = grid([2, 2], [NaN, 1, 1, Infinity]);
  expect(numbersOf(batchNorm.forward([x], weights, { ...bare, epsilon: 0.25 }))).toEqual([NaN, 0, 2, Infinity]);
  expect(numbersOf(batchNorm.forward([x], weights, { ...bare, epsilon: 0 }))).toEqual([NaN, NaN, Infinity, Infinity]);
});

describe('cost', () => {
  const costOf = (attributes: BatchNormAttributes) => cost(batchNorm, [[1, 7, 7, 32]], attributes);

  test('no multiply-adds; gamma and beta are trained, the moving statistics only stored', () => {
    expect(costOf(full)).toEqual({ multiplyAdds: 0, trainable: 64, stored: 128 });
    expect(costOf({ ...full, scale: false })).toEqual({ multiplyAdds: 0, trainable: 32, stored: 96 });
    expect(costOf(bare)).toEqual({ multiplyAdds: 0, trainable: 0, stored: 64 });
  });

  test('its weights', () => {
    expect(batchNorm.weightShapes([[1, 7, 7, 3]], full)).toEqual({
      gamma: [3],
      beta: [3],
      movingMean: [3],
      movingVariance: [3],
    });
    expect(batchNorm.weightShapes([[3]], bare)).toEqual({ movingMean: [3], movingVariance: [3] });
  });
});

describe('errors', () => {
  const x = randomTensor([1, 2], 1);
  const two = grid([2], [1, 1]);
  const statistics = { movingMean: two, movingVariance: two };

  test.each([
    [{ movingMean: two }, {}, "batchNorm: weight 'movingVariance' of shape [2] is missing"],
    [{ movingVariance: two }, {}, "batchNorm: weight 'movingMean' of shape [2] is missing"],
    [statistics, { scale: true }, "batchNorm: weight 'gamma' of shape [2] is missing"],
    [statistics, { center: true }, "batchNorm: weight 'beta' of shape [2] is missing"],
    [{ ...statistics, movingMean: x }, {}, "batchNorm: weight 'movingMean' must have shape [2], found [1,2]"],
    [
      { ...statistics, gamma: two },
      {},
      "batchNorm: surplus weight 'gamma' of shape [2]; wanted only movingMean, movingVariance",
    ],
    [statistics, { epsilon: -1e-3 }, 'batchNorm.epsilon: wanted a number of 0 or more, found -0.001'],
    [statistics, { epsilon: undefined }, 'batchNorm.epsilon: wanted a finite number, found undefined'],
  ])('$2', (weights, changed, message) => {
    const attributes = { ...bare, ...changed } as BatchNormAttributes;
    const forward = () => batchNorm.forward([x], weights as BatchNormWeights, attributes);
    expect(forward).toThrow(new ShapeError(message));
  });

  test('no channels, no input, two inputs', () => {
    const wanted = 'batchNorm: wanted an input of shape [..., channels], found []';
    expect(() => batchNorm.outputShape([[]], bare)).toThrow(wanted);
    expect(() => batchNorm.weightShapes([[]], bare)).toThrow(wanted);
    expect(() => cost(batchNorm, [[]], bare)).toThrow(wanted);
    expect(() => batchNorm.outputShape([], bare)).toThrow('batchNorm: takes one input, found 0');
    expect(() => batchNorm.weightShapes([], bare)).toThrow('batchNorm: takes one input, found 0');
    expect(() => cost(batchNorm, [], bare)).toThrow('batchNorm: takes one input, found 0');
    expect(() => batchNorm.forward([x, x], statistics, bare)).toThrow('batchNorm: takes one input, found 2');
  });
});
