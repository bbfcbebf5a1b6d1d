/** Bounds worked out by hand, and bounds held to searches for the worst. */
import { describe, expect, test } from 'vitest';
import { type AttributesOf, type LayerKind, type Network, NetworkBuilder } from '../../src/network/index.js';
import { estimates } from '../../src/oracle/estimate-network.js';
import { type PrecisionName, precisionNames, precisionOf } from '../../src/oracle/precision.js';
import { type Shape, type Tensor, tensor } from '../../src/tensor.js';

const u = 2 ** -24;

/** One layer on one input. */
function network<Kind extends LayerKind>(
  kind: Kind,
  shapes: readonly Shape[],
  attributes: NonNullable<AttributesOf<Kind>>,
  weights: Record<string, Tensor> = {},
): Network {
  const net = new NetworkBuilder();
  const inputs = shapes.map((shape, i) => net.input(`x${i}`, shape));
  const described = net.build('one', [net.add('y', kind, inputs, attributes)], { source: 'other', output: 'features' });
  return { ...described, weights: new Map(Object.entries(weights).map(([name, weight]) => [`y/${name}`, weight])) };
}

/** Bounds of the only layer; `e` are the errors of the inputs, which the walk takes from the precision. */
function boundsOf(net: Network, inputs: readonly Tensor[], precision: PrecisionName = 'float32'): number[] {
  const named = new Map(inputs.map((x, i) => [`x${i}`, x]));
  const all = [...estimates(net, named, { precision: precisionOf(precision) })];
  return [...all[all.length - 1].estimate.error.data];
}

const row = (...values: number[]): Tensor => tensor([1, values.length], values);
const map = (values: readonly number[]): Tensor => tensor([1, 1, values.length, 1], values);

test('dense: three products and a bias have four roundings of Σ|x||w| + |bias|', () => {
  const net = network(
    'dense',
    [[1, 3]],
    { units: 1, bias: true },
    { kernel: tensor([3, 1], [1, -2, 3]), bias: tensor([1], [-5]) },
  );
  //        |4·1| + |5·−2| + |−6·3| + |−5| = 37
  const [bound] = boundsOf(net, [row(4, 5, -6)]);
  expect(bound / (4 * u * 37)).toBeCloseTo(1, 6);
  expect(bound).toBeGreaterThanOrEqual(4 * u * 37);
});

test('a sum of zeros is exact, whatever the precision', () => {
  const kernel = tensor([3, 1], [1, -2, 3]);
  const net = network('dense', [[1, 3]], { units: 1, bias: false }, { kernel });
  const [bound] = boundsOf(net, [row(0, 0, 0)], 'bfloat16');
  expect(bound).toBeLessThan(1e-36); // what underflow may leave
});

test('conv2d: taps on the padding count neither in the sum nor in its size', () => {
  const kernel = tensor([1, 3, 1, 1], [1, 10, 100]);
  const window = { kernelSize: [1, 3], strides: [1, 1], dilation: [1, 1], padding: 'same' } as const;
  const net = network('conv2d', [[1, 1, 3, 1]], { filters: 1, bias: false, ...window }, { kernel });
  const bounds = boundsOf(net, [map([1, -1, 1])]);
  const sizes = [10 + 100, 1 + 10 + 100, 1 + 10];
  for (const [i, size] of sizes.entries()) expect(bounds[i] / (3 * u * size)).toBeCloseTo(1, 6);
});

test('add: one rounding of two numbers, two of three', () => {
  const [two] = boundsOf(
    network(
      'add',
      [
        [1, 1],
        [1, 1],
      ],
      {},
    ),
    [row(8), row(-7)],
  );
  expect(two / (15 * u)).toBeCloseTo(1, 6);
  const [three] = boundsOf(
    network(
      'add',
      [
        [1, 1],
        [1, 1],
        [1, 1],
      ],
      {},
    ),
    [row(8), row(-7), row(1)],
  );
  expect(three / (2 * 16 * u)).toBeCloseTo(1, 6);
});

test('batchNorm: nine roundings of |scale|·(|x| + |mean|) + |beta|', () => {
  const weights = {
    gamma: tensor([1], [-3]),
    beta: tensor([1], [0.5]),
    movingMean: tensor([1], [2]),
    movingVariance: tensor([1], [2.25]),
  };
  const [bound] = boundsOf(network('batchNorm', [[1, 1]], { epsilon: 0, scale: true, center: true }, weights), [
    row(5),
  ]);
  expect(bound / (9 * u * (2 * (5 + 2) + 0.5))).toBeCloseTo(1, 5);
});

test('batchNorm of weights that float32 rounds: three roundings more', () => {
  const weights = {
    gamma: tensor([1], Float64Array.of(-3.1)),
    beta: tensor([1], [0.5]),
    movingMean: tensor([1], [2]),
    movingVariance: tensor([1], [2.25]),
  };
  const net = network('batchNorm', [[1, 1]], { epsilon: 0, scale: true, center: true }, weights);
  const [bound] = boundsOf(net, [row(5)]);
  expect(bound / (12 * u * ((3.1 / 1.5) * (5 + 2) + 0.5))).toBeCloseTo(1, 5);
});

test('moves and clamps add nothing', () => {
  const x = map([-1, 0.5, 3, 9]);
  expect(boundsOf(network('relu6', [x.shape], {}), [x])).toEqual([0, 0, 0, 0]);
  expect(boundsOf(network('flatten', [x.shape], {}), [x])).toEqual([0, 0, 0, 0]);
  const pool = { poolSize: [1, 2], strides: [1, 2], padding: 'valid' } as const;
  expect(boundsOf(network('maxPool', [x.shape], pool), [x])).toEqual([0, 0]);
});

test('a clamp whose limit is no float16 is off by its rounding there', () => {
  const x = map([0, 9]);
  const net = network('clamp', [x.shape], { min: -1, max: 0.1 });
  expect(boundsOf(net, [x], 'float16')[1]).toBeCloseTo(0.1 * 2 ** -11, 12);
  expect(boundsOf(network('clamp', [x.shape], { min: -1, max: 0.25 }), [x], 'float16')).toEqual([0, 0]);
});

test('the bound of saturated numbers is 0: an error of the input cannot show', () => {
  const net = new NetworkBuilder();
  net.input('x', [1, 3]);
  net.add('sum', 'add', ['x', 'x'], {});
  net.add('y', 'relu6', 'sum', {});
  const built = net.build('two', ['y'], { source: 'other', output: 'features' });
  const named = new Map([['x', row(-1, 1, 5)]]);
  const [, { estimate }] = [...estimates(built, named, { precision: precisionOf('float32') })];
  expect(estimate.error.data[0]).toBe(0);
  expect(estimate.error.data[1]).toBeGreaterThanOrEqual(2 * u);
  expect(estimate.error.data[2]).toBe(0);
});

test('argMax: certain winners have bound 0; of equals any may win', () => {
  const net = network('argMax', [[1, 4]], {});
  expect(boundsOf(net, [row(1, 5, 2, 3)])).toEqual([0]);
  expect(boundsOf(net, [row(1, 5, 2, 5)])).toEqual([2]); // index 1 and index 3
  const three = tensor([3, 4], [1, 5, 2, 5, 3, 3, 1, 0, 9, 0, 0, 9]);
  expect(boundsOf(network('argMax', [[3, 4]], {}), [three])).toEqual([2, 1, 3]);
});

test('a sum that may overflow on the way has an infinite bound', () => {
  const kernel = tensor([2, 1], [1, -1]);
  const net = network('dense', [[1, 2]], { units: 1, bias: false }, { kernel });
  expect(boundsOf(net, [row(3e38, 3e38)])).toEqual([Infinity]);
  expect(boundsOf(net, [row(4e4, 4e4)], 'float16')).toEqual([Infinity]);
  expect(boundsOf(net, [row(4e4, 4e4)], 'mixed-float16')[0]).toBeLessThan(100);
});

test('where the roundoffs add up to 1 nothing can be said', () => {
  const kernel = tensor([300, 1], new Float32Array(300).fill(1));
  const net = network('dense', [[1, 300]], { units: 1, bias: false }, { kernel });
  expect(boundsOf(net, [tensor([1, 300], new Float32Array(300).fill(1))], 'bfloat16')).toEqual([Infinity]);
});

test('NaN and infinities of the input come out the same in any order: bound 0', () => {
  const kernel = tensor([2, 1], [1, 1]);
  const net = network('dense', [[1, 2]], { units: 1, bias: false }, { kernel });
  expect(boundsOf(net, [row(NaN, 1)])).toEqual([0]);
  expect(boundsOf(net, [row(Infinity, 1)])).toEqual([0]);
  expect(boundsOf(network('softmax', [[1, 2]], {}), [row(NaN, 1)])).toEqual([0, 0]);
  expect(boundsOf(network('sigmoid', [[1, 2]], {}), [row(NaN, Infinity)])[0]).toBe(0);
});

describe('inputs that the format cannot hold', () => {
  test.each(precisionNames)('%s', (name) => {
    const net = network('flatten', [[1, 2]], {});
    const [exact, rounded] = boundsOf(net, [row(0.5, 1 + 2 ** -12)], name);
    expect(exact).toBe(0);
    expect(rounded).toBe(
      name === 'float32' || name === 'tf32' ? 0 : 2 ** -precisionOf(name).stored.bits * (1 + 2 ** -12),
    );
  });
});

// IEEE 754 and bfloat16: the largest number, the smallest one above 0, and their neighbours outside.
test.each([
  ['float32', 3.4028234663852886e38, 2 ** -149],
  ['float16', 65504, 2 ** -24],
  ['mixed-float16', 65504, 2 ** -24],
  ['bfloat16', 3.3895313892515355e38, 2 ** -133],
  ['mixed-bfloat16', 3.3895313892515355e38, 2 ** -133],
  ['tf32', 3.4028234663852886e38, 2 ** -149],
] as const)('%s holds its largest and its smallest number, and none beyond them', (name, largest, smallest) => {
  const { bits } = precisionOf(name).stored;
  const beyond = 2 ** Math.ceil(Math.log2(largest));
  const x = tensor([1, 4], Float64Array.of(largest, smallest, beyond, smallest / 2));
  const bounds = boundsOf(network('flatten', [[1, 4]], {}), [x], name);
  expect(bounds.slice(0, 2)).toEqual([0, 0]);
  expect(bounds[2]).toBe(2 ** -bits * beyond);
  // Half of the smallest step, which the smallest normal number has too.
  expect(bounds[3]).toBe(smallest / 2);
});

test('a sum that is the largest number may overflow, one of half of it may not', () => {
  const net = network('dense', [[1, 1]], { units: 1, bias: false }, { kernel: tensor([1, 1], [1]) });
  for (const [name, largest] of [
    ['float32', 3.4028234663852886e38],
    ['float16', 65504],
    ['bfloat16', 3.3895313892515355e38],
  ] as const) {
    expect(boundsOf(net, [row(largest)], name)).toEqual([Infinity]);
    expect(boundsOf(net, [row(largest / 2)], name)[0]).toBeLessThan(largest / 64);
  }
});

test('softmax and sigmoid carry the errors of their inputs no further than their slopes', () => {
  // In bfloat16 the input 1 + 2^-9 is off by up to 2^-8 of itself, e.
  const e = (1 + 2 ** -9) * 2 ** -8;
  const x = row(1 + 2 ** -9, 0);
  const [bound] = boundsOf(network('softmax', [[1, 2]], {}), [x], 'mixed-bfloat16');
  const y = Math.exp(1) / (Math.exp(1) + 1);
  const slope = y * (1 - y);
  expect(bound).toBeGreaterThan(slope * e * 0.99);
  expect(bound).toBeLessThan(slope * e * 1.02 + y * 2 ** -7 * 1.1); // and 2 roundings of the result
  const [sigmoid] = boundsOf(network('sigmoid', [[1, 2]], {}), [x], 'mixed-bfloat16');
  expect(sigmoid).toBeGreaterThan(slope * e * 0.99);
  expect(sigmoid).toBeLessThan(slope * e * 1.02 + y * 2 ** -7 * 1.1);
});

test('an unknown precision is an error that lists the known ones', () => {
  expect(() => precisionOf('float8' as PrecisionName)).toThrow(
    "precision: there is no 'float8'; wanted one of float32, float16, bfloat16, mixed-float16, mixed-bfloat16, tf32",
  );
});

test('averagePool: the mean of a window that is no square has one rounding for each of its numbers and one more', () => {
  const window = { poolSize: [2, 3], strides: [1, 1], padding: 'valid', includePadding: false } as const;
  const [bound] = boundsOf(network('averagePool', [[1, 2, 3, 1]], window), [
    tensor([1, 2, 3, 1], [1, -2, 3, -4, 5, -6]),
  ]);
  expect(bound / (7 * u * (21 / 6))).toBeCloseTo(1, 6);
});

test('globalAveragePool: a map that is no square too', () => {
  const numbers = [1, -2, 3, -4, 5, -6];
  for (const [H, W] of [
    [2, 3],
    [1, 6],
  ]) {
    const shape = [1, H, W, 1];
    const [bound] = boundsOf(network('globalAveragePool', [shape], { keepDims: false }), [tensor(shape, numbers)]);
    expect(bound / (7 * u * (21 / 6))).toBeCloseTo(1, 6);
  }
});

test('batchNorm without scale: nine roundings of |x|/√σ² + |mean|/√σ² + |beta|', () => {
  const weights = { beta: tensor([1], [0.5]), movingMean: tensor([1], [1]), movingVariance: tensor([1], [4]) };
  const net = network('batchNorm', [[1, 1, 1, 1]], { epsilon: 0, scale: false, center: true }, weights);
  const [bound] = boundsOf(net, [map([4])]);
  expect(bound / (9 * u * (4 / 2 + 1 / 2 + 0.5))).toBeCloseTo(1, 5);
});

test('clamp: an error that reaches beyond both ends ends at the further one', () => {
  // bfloat16 rounds 5.98 by up to 2^-8 · 5.98 = 0.0234; the ends, which it holds exactly, are 0.01125 and 0.02 away.
  const net = network('clamp', [[1, 1]], { min: 5.96875, max: 6 });
  const [bound] = boundsOf(net, [row(5.98)], 'bfloat16');
  expect(bound).toBeCloseTo(0.02, 6);
});
