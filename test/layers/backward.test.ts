/** What gradients are, in numbers to check by hand, and what all backward halves promise. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ShapeError, UsageError } from '../../src/errors.js';
import * as batchNormTraining from '../../src/layers/batchNormTraining.js';
import * as dropoutTraining from '../../src/layers/dropoutTraining.js';
import { backward, type Gradients, training as passes } from '../../src/layers/index.js';
import { tensor } from '../../src/tensor.js';
import { expectClose, grid, numbersOf } from './support.js';

const inputOf = ({ inputs }: Gradients) => inputs[0];
const square = { strides: [1, 1], dilation: [1, 1], padding: 'valid' } as const;

// biome-ignore format: drawn as it lies in memory
const nine = grid([1, 3, 3, 1], [
  1, 2, 3,
  4, 5, 6,
  7, 8, 9,
]);

describe('conv2d', () => {
  const kernel = grid([2, 2, 1, 1], [1, 10, 100, 1000]);
  const attributes = { ...square, filters: 1, kernelSize: [2, 2], bias: false } as const;

  test('one window’s gradient lays the kernel where the window was, and gives the kernel what the window saw', () => {
    // biome-ignore format: drawn as it lies in memory
    const dG = grid([1, 2, 2, 1], [
      0, 1, // top right
      0, 0,
    ]);
    const { inputs, weights } = backward.conv2d(dG, [nine], { kernel }, attributes);
    // biome-ignore format: drawn as it lies in memory
    expectClose(inputs[0], grid([1, 3, 3, 1], [
      0,   1,   10,
      0, 100, 1000,
      0,   0,    0,
    ]));
    expectClose(weights.kernel, grid([2, 2, 1, 1], [2, 3, 5, 6]));
  });

  test('windows that overlap add up', () => {
    const ones = grid([1, 2, 2, 1], [1, 1, 1, 1]);
    const { inputs, weights } = backward.conv2d(ones, [nine], { kernel }, attributes);
    // biome-ignore format: drawn as it lies in memory
    expectClose(inputs[0], grid([1, 3, 3, 1], [
        1,   11,   10,
      101, 1111, 1010, // the pixel in the middle meets all four taps
      100, 1100, 1000,
    ]));
    expectClose(weights.kernel, grid([2, 2, 1, 1], [12, 16, 24, 28])); // 1 + 2 + 4 + 5, …
  });

  test('stride 2, same: the tap on padding gets nothing, and the kernel nothing from it', () => {
    const two = { ...attributes, strides: [2, 2], padding: 'same' } as const; // pads one row below, one column right
    const dG = grid([1, 2, 2, 1], [1, 2, 3, 4]);
    const { inputs, weights } = backward.conv2d(dG, [nine], { kernel }, two);
    // biome-ignore format: drawn as it lies in memory
    expectClose(inputs[0], grid([1, 3, 3, 1], [
        1,   10,   2,
      100, 1000, 200,
        3,   30,   4,
    ]));
    // biome-ignore format: drawn as it lies in memory
    expectClose(weights.kernel, grid([2, 2, 1, 1], [
      1 * 1 + 3 * 2 + 7 * 3 + 9 * 4, 2 * 1 + 8 * 3,
      4 * 1 + 6 * 2,                 5 * 1,
    ]));
  });

  test('dilation 2: the gradient leaves the same gaps', () => {
    const wide = { ...attributes, dilation: [2, 2] } as const;
    const { inputs, weights } = backward.conv2d(grid([1, 1, 1, 1], [1]), [nine], { kernel }, wide);
    expectClose(inputs[0], grid([1, 3, 3, 1], [1, 0, 10, 0, 0, 0, 100, 0, 1000]));
    expectClose(weights.kernel, grid([2, 2, 1, 1], [1, 3, 7, 9]));
  });

  test('every channel of the output sends to every channel of the input; the bias collects over all positions', () => {
    const one = { ...square, filters: 3, kernelSize: [1, 1], bias: true } as const;
    const x = grid([1, 1, 2, 2], [3, 5, 7, 11]);
    const weights = { kernel: grid([1, 1, 2, 3], [1, 10, 100, 2, 20, 200]), bias: grid([3], [0, 0, 0]) };
    const found = backward.conv2d(grid([1, 1, 2, 3], [1, 1, 0, 0, 1, 1]), [x], weights, one);
    expectClose(found.inputs[0], grid([1, 1, 2, 2], [11, 22, 110, 220]));
    expectClose(found.weights.kernel, grid([1, 1, 2, 3], [3, 10, 7, 5, 16, 11]));
    expectClose(found.weights.bias, grid([3], [1, 2, 1]));
    const { kernel, bias } = weights;
    const pointwise = { kernel: grid([2, 3], numbersOf(kernel)), bias };
    const alone = { filters: 3, bias: true };
    const same = backward.pointwiseConv2d(grid([1, 1, 2, 3], [1, 1, 0, 0, 1, 1]), [x], pointwise, alone);
    expectClose(same.inputs[0], found.inputs[0]);
    expectClose(same.weights.kernel, grid([2, 3], numbersOf(found.weights.kernel)));
    expectClose(same.weights.bias, found.weights.bias);
    const rows = grid([2, 2], numbersOf(x));
    const classifier = backward.dense(grid([2, 3], [1, 1, 0, 0, 1, 1]), [rows], pointwise, { units: 3, bias: true });
    expectClose(classifier.inputs[0], grid([2, 2], numbersOf(found.inputs[0])));
    expectClose(classifier.weights.kernel, same.weights.kernel);
    expectClose(classifier.weights.bias, found.weights.bias);
  });
});

test('depthwiseConv2d: a channel’s two filters send to that channel only', () => {
  const x = grid([1, 1, 2, 2], [3, 5, 7, 11]); // two pixels of two channels
  const kernel = grid([1, 2, 2, 2], [1, 10, 2, 20, 100, 1000, 200, 2000]); // [tap][channel][filter]
  const attributes = { ...square, kernelSize: [1, 2], depthMultiplier: 2, bias: true } as const;
  const dG = grid([1, 1, 1, 4], [1, 2, 3, 4]); // channel 0 twice, channel 1 twice
  const { inputs, weights } = backward.depthwiseConv2d(dG, [x], { kernel, bias: grid([4], [0, 0, 0, 0]) }, attributes);
  expectClose(inputs[0], grid([1, 1, 2, 2], [21, 86, 2100, 8600])); // 1·1 + 2·10, 3·2 + 4·20, …
  expectClose(weights.kernel, grid([1, 2, 2, 2], [3, 6, 15, 20, 7, 14, 33, 44]));
  expectClose(weights.bias, grid([4], [1, 2, 3, 4]));
});

describe('batchNorm', () => {
  const attributes = { epsilon: 0, scale: true, center: true };
  const weights = {
    gamma: grid([1], [3]),
    beta: grid([1], [10]),
    movingMean: grid([1], [1]),
    movingVariance: grid([1], [4]),
  };
  const x = grid([4, 1], [5, 5, 1, 1]); // mean 3, variance 4, x̂ = 1, 1, −1, −1
  const dy = grid([4, 1], [1, 0, 0, 0]);

  test('in training y has the mean beta and the deviation gamma', () => {
    const { y, mean, variance } = batchNormTraining.forwardTraining([x], weights, attributes);
    expect(numbersOf(y)).toEqual([13, 13, 7, 7]);
    expect([numbersOf(mean), numbersOf(variance)]).toEqual([[3], [4]]);
  });

  test('in training the gradient loses its mean and what lies along x̂', () => {
    const { inputs, weights: found } = batchNormTraining.backwardTraining(dy, [x], weights, attributes);
    // gamma / σ = 3/2 times dy − mean(dy) − x̂ · mean(dy · x̂) = (1, 0, 0, 0) − 1/4 − (1, 1, −1, −1) / 4
    expect(numbersOf(inputs[0])).toEqual([0.75, -0.75, 0, 0]);
    expect([numbersOf(found.gamma), numbersOf(found.beta)]).toEqual([[1], [1]]);
  });

  test('with frozen statistics it is a factor', () => {
    const { inputs, weights: found } = backward.batchNorm(dy, [x], weights, attributes);
    expect(numbersOf(inputs[0])).toEqual([1.5, 0, 0, 0]);
    expect([numbersOf(found.gamma), numbersOf(found.beta)]).toEqual([[2], [1]]); // (5 − 1) / 2
    expect(Object.keys(found)).toEqual(['gamma', 'beta']);
  });

  test('the moving statistics are neither read nor asked for a value', () => {
    const other = { ...weights, movingMean: grid([1], [NaN]), movingVariance: grid([1], [-1]) };
    const { y } = batchNormTraining.forwardTraining([x], other, attributes);
    expect(numbersOf(y)).toEqual([13, 13, 7, 7]);
    expect(numbersOf(inputOf(batchNormTraining.backwardTraining(dy, [x], other, attributes)))).toEqual([
      0.75, -0.75, 0, 0,
    ]);
  });

  test('without gamma and beta there are no gradients of them, and gamma counts as 1', () => {
    const bare = { epsilon: 0, scale: false, center: false };
    const { movingMean, movingVariance } = weights;
    const training = batchNormTraining.backwardTraining(dy, [x], { movingMean, movingVariance }, bare);
    expect(numbersOf(training.inputs[0])).toEqual([0.25, -0.25, 0, 0]);
    expect(training.weights).toEqual({});
    expect(backward.batchNorm(dy, [x], { movingMean, movingVariance }, bare).weights).toEqual({});
    expect(numbersOf(batchNormTraining.forwardTraining([x], { movingMean, movingVariance }, bare).y)).toEqual([
      1, 1, -1, -1,
    ]);
  });

  test('equal numbers have no variance: epsilon stands in, and nothing passes but what sums to nothing', () => {
    const still = grid([2, 1], [5, 5]);
    const { y, variance } = batchNormTraining.forwardTraining([still], weights, { ...attributes, epsilon: 1 });
    expect([numbersOf(y), numbersOf(variance)]).toEqual([[10, 10], [0]]);
    const found = batchNormTraining.backwardTraining(grid([2, 1], [1, 0]), [still], weights, {
      ...attributes,
      epsilon: 1,
    });
    expect(numbersOf(found.inputs[0])).toEqual([1.5, -1.5]);
  });

  test('one number a channel has no variance of its own', () => {
    const message = 'batchNorm: training needs two or more numbers a channel, found 1 in [1,1]';
    const one = grid([1, 1], [5]);
    expect(() => batchNormTraining.forwardTraining([one], weights, attributes)).toThrow(new ShapeError(message));
    expect(() => batchNormTraining.backwardTraining(one, [one], weights, attributes)).toThrow(new ShapeError(message));
  });
});

describe('activations', () => {
  const numbers = [-Infinity, -7, -1, -0, 0, 0.5, 6, 6.5, 100, Infinity, NaN];
  const x = tensor([11], numbers);
  const dy = tensor(
    [11],
    numbers.map((_, i) => i + 1),
  );

  test.each([
    ['relu', backward.relu(dy, [x]), [0, 0, 0, 0, 0, 6, 7, 8, 9, 10, 11]],
    ['relu6', backward.relu6(dy, [x]), [0, 0, 0, 0, 0, 6, 0, 0, 0, 0, 11]],
    ['clamp to 0…6', backward.clamp(dy, [x], {}, { min: 0, max: 6 }), [0, 0, 0, 0, 0, 6, 0, 0, 0, 0, 11]],
    ['clamp to −1…100', backward.clamp(dy, [x], {}, { min: -1, max: 100 }), [0, 0, 0, 4, 5, 6, 7, 8, 0, 0, 11]],
  ])('%s lets the gradient pass where the output follows the input; a NaN is not hidden', (_, gradients, wanted) => {
    expect(numbersOf(inputOf(gradients))).toEqual(wanted);
  });

  test('sigmoid: a quarter in the middle, and no cancellation far out', () => {
    const far = tensor([5], Float64Array.from([0, Math.log(3), -Math.log(3), 40, -40]));
    const slopes = numbersOf(inputOf(backward.sigmoid(tensor([5], [1, 16, 16, 1, 1]), [far])));
    expect(slopes[0]).toBe(0.25);
    expect(slopes[1]).toBeCloseTo(3, 14);
    expect(slopes[2]).toBeCloseTo(3, 14);
    expect(slopes[3] / Math.exp(-40)).toBeCloseTo(1, 14); // 1 − y is 0 in float64
    expect(slopes[4]).toBe(slopes[3]);
    const ends = backward.sigmoid(tensor([3], [1, 1, 1]), [tensor([3], [-Infinity, Infinity, NaN])]);
    expect(numbersOf(inputOf(ends))).toEqual([0, 0, NaN]);
  });

  test('softmax: probabilities 1/4 and 3/4', () => {
    const logits = tensor([1, 2], Float64Array.from([0, Math.log(3)]));
    const [first, second] = numbersOf(inputOf(backward.softmax(tensor([1, 2], [1, 0]), [logits])));
    expect(first).toBeCloseTo(3 / 16, 15);
    expect(second).toBeCloseTo(-3 / 16, 15);
  });
});

describe('shapes and sums', () => {
  const dy = grid([1, 2, 2, 1], [1, 2, 3, 4]);

  test('add: all of it to each', () => {
    const { inputs } = backward.add(dy, [dy, dy, dy]);
    expect(inputs.map(numbersOf)).toEqual([
      [1, 2, 3, 4],
      [1, 2, 3, 4],
      [1, 2, 3, 4],
    ]);
  });

  test('concat: to each its piece', () => {
    const parts = [grid([2, 1], [0, 0]), grid([2, 2], [0, 0, 0, 0])];
    const { inputs } = backward.concat(grid([2, 3], [1, 2, 3, 4, 5, 6]), parts, {}, { axis: -1 });
    expectClose(inputs[0], grid([2, 1], [1, 4]));
    expectClose(inputs[1], grid([2, 2], [2, 3, 5, 6]));
  });

  test('pad: the picture without its frame', () => {
    const attributes = { padding: { top: 1, bottom: 0, left: 0, right: 1 }, value: 7 };
    expectClose(inputOf(backward.pad(nine, [dy], {}, attributes)), grid([1, 2, 2, 1], [4, 5, 7, 8]));
  });

  test('flatten and reshape: the same numbers', () => {
    expectClose(inputOf(backward.flatten(grid([1, 4], [1, 2, 3, 4]), [dy])), dy);
    expectClose(inputOf(backward.reshape(grid([1, 4], [1, 2, 3, 4]), [dy], {}, { shape: [-1] })), dy);
  });
});

describe('pools', () => {
  const windows = { poolSize: [2, 2], strides: [1, 1], padding: 'valid' } as const;
  const dy = grid([1, 2, 2, 1], [4, 8, 12, 16]);

  test('average: a quarter to each of four, sums where windows overlap', () => {
    // biome-ignore format: drawn as it lies in memory
    expectClose(inputOf(backward.averagePool(dy, [nine], {}, { ...windows, includePadding: false })), grid([1, 3, 3, 1], [
      1,  3, 2,
      4, 10, 6,
      3,  7, 4,
    ]));
  });

  test('average at the edge: shares of the samples inside, or with padding of all', () => {
    const edge = { poolSize: [2, 2], strides: [2, 2], padding: 'same' } as const;
    const gradient = (includePadding: boolean) =>
      numbersOf(inputOf(backward.averagePool(dy, [nine], {}, { ...edge, includePadding })));
    expect(gradient(false)).toEqual([1, 1, 4, 1, 1, 4, 6, 6, 16]);
    expect(gradient(true)).toEqual([1, 1, 2, 1, 1, 2, 3, 3, 4]);
  });

  test('maximum: all of it to the winner', () => {
    // biome-ignore format: drawn as it lies in memory
    const hills = grid([1, 3, 3, 1], [
      1, 2, 3,
      4, 9, 6,
      7, 8, 5,
    ]);
    expect(numbersOf(inputOf(backward.maxPool(dy, [hills], {}, windows)))).toEqual([0, 0, 0, 0, 40, 0, 0, 0, 0]);
    expect(numbersOf(inputOf(backward.maxPool(dy, [nine], {}, windows)))).toEqual([0, 0, 0, 0, 4, 8, 0, 12, 16]);
  });

  test('maximum: the first of equals, the first NaN, channel by channel', () => {
    const row = { poolSize: [1, 3], strides: [1, 1], padding: 'valid' } as const;
    const x = grid([1, 1, 3, 2], [5, 1, 5, NaN, 5, NaN]);
    const gradient = backward.maxPool(grid([1, 1, 1, 2], [1, 2]), [x], {}, row);
    expect(numbersOf(inputOf(gradient))).toEqual([1, 0, 0, 2, 0, 0]);
  });

  test('global average: an equal share, channel by channel', () => {
    const x = grid([1, 1, 2, 2], [0, 0, 0, 0]);
    for (const keepDims of [false, true]) {
      const shape = keepDims ? [1, 1, 1, 2] : [1, 2];
      const gradients = backward.globalAveragePool(grid(shape, [2, 10]), [x], {}, { keepDims });
      expect(numbersOf(inputOf(gradients))).toEqual([1, 5, 1, 5]);
    }
  });
});

test('resizeBilinear: 2 to 3 columns with the corners kept; the middle one is half of each', () => {
  const attributes = { size: [1, 3], rule: 'tf1-align-corners' } as const;
  const gradients = backward.resizeBilinear(
    grid([1, 1, 3, 1], [1, 10, 100]),
    [grid([1, 1, 2, 1], [0, 0])],
    {},
    attributes,
  );
  expect(numbersOf(inputOf(gradients))).toEqual([6, 105]);
});

describe('dropout', () => {
  const x = grid([1, 4], [1, 2, 3, 4]);
  const mask = tensor([1, 4], Float64Array.from([2, 0, 0, 2]));

  test('the mask decides what passes, forward and backward', () => {
    expect(numbersOf(dropoutTraining.forwardTraining([x], mask))).toEqual([2, 0, 0, 8]);
    expect(numbersOf(inputOf(dropoutTraining.backwardTraining(grid([1, 4], [5, 6, 7, 8]), [x], mask)))).toEqual([
      10, 0, 0, 16,
    ]);
    expect(numbersOf(inputOf(backward.dropout(x, [x], {}, { rate: 0.5 })))).toEqual([1, 2, 3, 4]); // inference
  });

  test('a mask drops the rate of all numbers and keeps their mean, and comes again with its seed', () => {
    fc.assert(
      fc.property(fc.constantFrom(0, 0.1, 0.2, 0.5, 0.9), fc.nat(), (rate, seed) => {
        const { shape, data } = dropoutTraining.maskOf([40, 50], { rate }, seed);
        expect(shape).toEqual([40, 50]);
        expect(new Set(data)).toEqual(new Set(rate === 0 ? [1] : [0, 1 / (1 - rate)]));
        // 2,000 draws: five standard deviations, √(rate · (1 − rate) / 2,000) each.
        const dropped = data.filter((factor) => factor === 0).length / 2e3;
        expect(Math.abs(dropped - rate)).toBeLessThanOrEqual(5 * Math.sqrt((rate * (1 - rate)) / 2e3));
        expect(dropoutTraining.maskOf([40, 50], { rate }, seed).data).toEqual(data);
        if (rate > 0) expect(dropoutTraining.maskOf([40, 50], { rate }, seed + 1).data).not.toEqual(data);
      }),
      { numRuns: 15 },
    );
  });

  test('another number of inputs', () => {
    const message = new ShapeError('dropout: takes one input, found 2');
    expect(() => dropoutTraining.forwardTraining([x, x], mask)).toThrow(message);
    expect(() => dropoutTraining.backwardTraining(x, [x, x], mask)).toThrow(message);
  });

  test('a mask of another shape, a rate of 1', () => {
    const other = grid([4, 1], [1, 1, 1, 1]);
    const message = "dropout: the mask must have the input's shape [1,4], found [4,1]";
    expect(() => dropoutTraining.forwardTraining([x], other)).toThrow(new ShapeError(message));
    expect(() => dropoutTraining.backwardTraining(x, [x], other)).toThrow(new ShapeError(message));
    expect(() => dropoutTraining.maskOf([2], { rate: 1 }, 0)).toThrow(
      'dropout.rate: wanted a rate from 0 up to, not including, 1, found 1',
    );
  });
});

test('argMax has no gradient', () => {
  const message = 'argMax: an index has no gradient; train the network that ends before this layer';
  expect(() => backward.argMax()).toThrow(new UsageError(message));
});

describe('passes of training', () => {
  test('dropout: what is dropped forwards gets nothing backwards, what is kept as much more', () => {
    const ones = tensor([4, 8], new Float32Array(32).fill(1));
    const { y, backward: back } = passes.dropout([ones], {}, { rate: 0.75 }, 7);
    expect(new Set(y.data)).toEqual(new Set([0, 4]));
    expect([...back(ones).inputs[0].data]).toEqual([...y.data]);
  });

  test('batchNorm: y, and the variance that the moving one gathers, of m − 1', () => {
    const weights = { movingMean: tensor([1], [9]), movingVariance: tensor([1], [9]) };
    const attributes = { epsilon: 0, scale: false, center: false };
    const pass = passes.batchNorm([tensor([4, 1], [1, 1, 3, 3])], weights, attributes, 0);
    expect([...pass.y.data]).toEqual([-1, -1, 1, 1]);
    expect(pass.statistics!.movingMean.data[0]).toBe(2);
    expect(pass.statistics!.movingVariance.data[0]).toBeCloseTo(4 / 3, 6);
    expect(() =>
      passes.batchNorm(
        [tensor([4, 1], [1, 1, 3, 3])],
        { ...weights, gamma: tensor([2], [1, 1]) },
        { ...attributes, scale: true },
        0,
      ),
    ).toThrow(new ShapeError("batchNorm: weight 'gamma' must have shape [1], found [2]"));
    expect(() => passes.batchNorm([], weights, attributes, 0)).toThrow(
      new ShapeError('batchNorm: takes one input, found 0'),
    );
  });
});
