/** The layers that treat every number by itself: relu, relu6, clamp, sigmoid and, at inference, dropout. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ShapeError } from '../../src/errors.js';
import { clamp, cost, dropout, relu, relu6, sigmoid } from '../../src/layers/index.js';
import { type Tensor, tensor } from '../../src/tensor.js';
import { grid, numbersOf } from './support.js';

/** What each gives for these inputs, in this order. */
const inputs = [-Infinity, -7, -1, -0, 0, 0.5, 6, 6.5, 100, Infinity, NaN];
const layers: [name: string, forward: (x: Tensor) => Tensor, outputs: number[]][] = [
  ['relu', (x) => relu.forward([x]), [0, 0, 0, 0, 0, 0.5, 6, 6.5, 100, Infinity, NaN]],
  ['relu6', (x) => relu6.forward([x]), [0, 0, 0, 0, 0, 0.5, 6, 6, 6, 6, NaN]],
  ['clamp to 0…6', (x) => clamp.forward([x], {}, { min: 0, max: 6 }), [0, 0, 0, 0, 0, 0.5, 6, 6, 6, 6, NaN]],
  ['clamp to 2…2', (x) => clamp.forward([x], {}, { min: 2, max: 2 }), [2, 2, 2, 2, 2, 2, 2, 2, 2, 2, NaN]],
  ['dropout', (x) => dropout.forward([x], {}, { rate: 0.2 }), inputs],
];

test.each(layers)('%s, number by number, −0, infinities and NaN among them', (_, forward, outputs) => {
  expect(numbersOf(forward(tensor([11], inputs)))).toEqual(outputs);
  expect(numbersOf(forward(tensor([11], Float64Array.from(inputs))))).toEqual(outputs);
});

describe('sigmoid', () => {
  const y = (numbers: number[]) => numbersOf(sigmoid.forward([tensor([numbers.length], Float64Array.from(numbers))]));

  test('known values', () => {
    expect(y([0])).toEqual([0.5]);
    expect(y([Math.log(3)])[0]).toBeCloseTo(0.75, 15);
    expect(y([-Math.log(3)])[0]).toBeCloseTo(0.25, 15);
    expect(y([-Infinity, -1e4, 1e4, Infinity, NaN])).toEqual([0, 0, 1, 1, NaN]);
  });

  test('σ(x) = (1 + tanh(x / 2)) / 2, and σ(x) + σ(−x) = 1', () => {
    fc.assert(
      fc.property(fc.double({ min: -40, max: 40, noNaN: true }), (x) => {
        expect(y([x])[0]).toBeCloseTo((1 + Math.tanh(x / 2)) / 2, 14);
        expect(y([x])[0] + y([-x])[0]).toBeCloseTo(1, 14);
      }),
    );
  });
});

test('none of them is counted: no multiply-adds, no parameters', () => {
  const nothing = { multiplyAdds: 0, trainable: 0, stored: 0 };
  for (const layer of [relu, relu6, sigmoid]) expect(cost(layer, [[1, 2]])).toEqual(nothing);
  expect(cost(clamp, [[1, 2]], { min: 0, max: 6 })).toEqual(nothing);
  expect(cost(dropout, [[1, 2]], { rate: 0.2 })).toEqual(nothing);
});

describe('errors', () => {
  const x = grid([1], [1]);

  test('one input each', () => {
    for (const [name, layer] of Object.entries({ relu, relu6, sigmoid })) {
      expect(() => layer.outputShape([])).toThrow(new ShapeError(`${name}: takes one input, found 0`));
      expect(() => layer.forward([x, x])).toThrow(new ShapeError(`${name}: takes one input, found 2`));
    }
    expect(() => clamp.outputShape([], { min: 0, max: 1 })).toThrow('clamp: takes one input, found 0');
    expect(() => clamp.forward([x, x], {}, { min: 0, max: 1 })).toThrow('clamp: takes one input, found 2');
    expect(() => dropout.outputShape([], { rate: 0 })).toThrow('dropout: takes one input, found 0');
    expect(() => dropout.forward([x, x], {}, { rate: 0 })).toThrow('dropout: takes one input, found 2');
  });

  test('a clamp that no number satisfies', () => {
    const apply = (min: number, max: number) => () => clamp.forward([x], {}, { min, max });
    expect(apply(1, 0)).toThrow(new ShapeError('clamp: min must not exceed max, found min 1, max 0'));
    expect(apply(NaN, 0)).toThrow(new ShapeError('clamp.min: wanted a finite number, found NaN'));
  });

  test('a rate that drops everything, or less than nothing', () => {
    const apply = (rate: number) => () => dropout.forward([x], {}, { rate });
    expect(apply(1)).toThrow(new ShapeError('dropout.rate: wanted a rate from 0 up to, not including, 1, found 1'));
    expect(apply(-0.1)).toThrow(
      new ShapeError('dropout.rate: wanted a rate from 0 up to, not including, 1, found -0.1'),
    );
    expect(apply(NaN)).toThrow(new ShapeError('dropout.rate: wanted a finite number, found NaN'));
    expect(apply(0)).not.toThrow();
  });
});
