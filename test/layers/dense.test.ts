import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ShapeError } from '../../src/errors.js';
import { cost, dense, type KernelWeights } from '../../src/layers/index.js';
import { toFloat64 } from '../../src/tensor.js';
import { countReads } from './counting.js';
import { expectClose, grid, numbersOf, onceRounded, randomTensor } from './support.js';

test('two rows of three numbers into two units', () => {
  // biome-ignore format: drawn as it lies in memory
  const x = grid([2, 3], [
    1, 2, 3,
    4, 5, 6,
  ]);
  // biome-ignore format: drawn as it lies in memory
  const kernel = grid([3, 2], [
    1, 100,
    2, 200,
    3, 300,
  ]);
  const bias = grid([2], [0.5, -1]);
  const y = dense.forward([x], { kernel, bias }, { units: 2, bias: true });
  expectClose(y, grid([2, 2], [14.5, 1399, 32.5, 3199]));
});

test('the last axis only: [2, 1, 1, 3] gives [2, 1, 1, units]', () => {
  const kernel = grid([3, 1], [1, 2, 3]);
  const y = dense.forward([grid([2, 1, 1, 3], [1, 2, 3, 4, 5, 6])], { kernel }, { units: 1, bias: false });
  expectClose(y, grid([2, 1, 1, 1], [14, 32]));
});

const anyProblem = fc
  .record({
    rows: fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 3 }),
    C: fc.integer({ min: 1, max: 9 }),
    units: fc.integer({ min: 1, max: 6 }),
    bias: fc.boolean(),
    seed: fc.nat(),
  })
  .map(({ rows, C, units, bias, seed }) => {
    const x = randomTensor([...rows, C], seed);
    const kernel = randomTensor([C, units], seed + 1);
    const weights = bias ? { kernel, bias: randomTensor([units], seed + 2) } : { kernel };
    return { x, C, weights, attributes: { units, bias } };
  });

test('any dense layer equals the sums written out, rounded once, in both number types', () => {
  fc.assert(
    fc.property(anyProblem, ({ x, C, weights: { kernel, bias }, attributes }) => {
      const { units } = attributes;
      const rows = Array.from({ length: x.data.length / C }, (_, row) => [...x.data.slice(row * C, (row + 1) * C)]);
      const products = rows.flatMap((row) =>
        Array.from({ length: units }, (_, u) => [
          bias?.data[u] ?? 0,
          ...row.map((v, c) => v * kernel.data[c * units + u]),
        ]),
      );
      const data = products.map((terms) => terms.reduce((sum, term) => sum + term));
      const magnitude = products.map((terms) => terms.reduce((sum, term) => sum + Math.abs(term), 0));
      const expected = { shape: [...x.shape.slice(0, -1), units], data };
      const weights = bias ? { kernel, bias } : { kernel };
      const y = dense.forward([x], weights, attributes);
      expectClose(y, expected, (i) => onceRounded(data[i], C + 1, magnitude[i]));
      const exact = dense.forward([toFloat64(x)], weights, attributes);
      expectClose(exact, expected, (i) => (C + 1) * 2 ** -52 * magnitude[i]);
    }),
  );
});

test('any dense layer executes exactly the products of its cost', () => {
  fc.assert(
    fc.property(anyProblem, ({ x, weights, attributes }) => {
      const { counted, reads } = countReads(weights.kernel);
      dense.forward([x], { ...weights, kernel: counted }, attributes);
      expect(reads()).toBe(cost(dense, [x.shape], attributes).multiplyAdds);
    }),
  );
});

test('the classifier of MobileNet V1: 1,024,000 multiply-adds and 1,025,000 parameters, a batch costs as often', () => {
  const classifier = { units: 1000, bias: true };
  expect(cost(dense, [[1, 1024]], classifier)).toEqual({
    multiplyAdds: 1_024_000,
    trainable: 1_025_000,
    stored: 1_025_000,
  });
  expect(cost(dense, [[3, 1024]], classifier).multiplyAdds).toBe(3_072_000);
  expect(dense.weightShapes([[1, 1024]], classifier)).toEqual({ kernel: [1024, 1000], bias: [1000] });
});

test('NaN and infinity stay in their row', () => {
  const y = dense.forward(
    [grid([3, 2], [NaN, 1, Infinity, 1, 1, 2])],
    { kernel: grid([2, 1], [1, 1]) },
    { units: 1, bias: false },
  );
  expect(numbersOf(y)).toEqual([NaN, Infinity, 3]);
});

describe('errors', () => {
  const x = randomTensor([2, 3], 1);
  const kernel = randomTensor([3, 2], 1);

  test.each([
    [{}, {}, "dense: weight 'kernel' of shape [3,2] is missing"],
    [{ kernel: x }, {}, "dense: weight 'kernel' must have shape [3,2], found [2,3]"],
    [{ kernel, bias: x }, {}, "dense: surplus weight 'bias' of shape [2,3]; wanted only kernel"],
    [{ kernel }, { bias: true }, "dense: weight 'bias' of shape [2] is missing"],
    [{ kernel }, { units: 0 }, 'dense.units: wanted a whole number from 1 to 2147483647, found 0'],
  ])('$2', (weights, changed, message) => {
    const forward = () => dense.forward([x], weights as KernelWeights, { units: 2, bias: false, ...changed });
    expect(forward).toThrow(new ShapeError(message));
  });

  test('no channels, no input, two inputs', () => {
    const attributes = { units: 2, bias: false };
    expect(() => dense.outputShape([[]], attributes)).toThrow(
      'dense: wanted an input of shape [..., channels], found []',
    );
    expect(() => dense.weightShapes([[2, 0]], attributes)).toThrow(
      'dense: wanted an input of shape [..., channels], found [2,0]',
    );
    expect(() => dense.outputShape([], attributes)).toThrow('dense: takes one input, found 0');
    expect(() => dense.weightShapes([], attributes)).toThrow('dense: takes one input, found 0');
    expect(() => dense.forward([x, x], { kernel }, attributes)).toThrow('dense: takes one input, found 2');
  });
});
