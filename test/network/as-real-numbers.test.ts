/** Quantised networks as real numbers: which nodes, names and numbers they become. */
import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { compile } from '../../src/engine/index.js';
import { asRealNumbers, type Network, run } from '../../src/network/index.js';
import { integersOf } from '../../src/network/integers-of.js';
import type { QuantizedNetwork, QuantizedNode } from '../../src/network/quantized-network.js';
import { withQuantizedWeights } from '../../src/network/quantized-types.js';
import { runQuantized } from '../../src/network/run-quantized.js';
import type { AnyTensor, QuantizedTensor, QuantizedType, Tensor, TensorType } from '../../src/tensor.js';

const conventions = { source: 'other', output: 'features' } as const;

const int8 = (scale: number, zeroPoint: number): QuantizedType => ({ type: 'int8', scale, zeroPoint });

/** From −64 to 63.5. */
const X = int8(0.5, 0);
/** From 0 to 12.75. */
const Y = int8(0.05, -128);

function network(
  nodes: readonly object[],
  outputs: readonly string[],
  type: TensorType = X,
  weights = new Map<string, AnyTensor>(),
) {
  const inputs = [{ name: 'x', shape: [1, 2, 2, 2], type }];
  return { name: 'tiny', inputs, nodes, outputs, weights, conventions } as unknown as QuantizedNetwork;
}

const node = (name: string, kind: string, type: TensorType, inputs = ['x'], attributes: object = {}) => ({
  name,
  kind,
  inputs,
  attributes,
  type,
});

const pointwise = (name: string, type: TensorType, input = 'x') =>
  node(name, 'pointwiseConv2d', type, [input], { filters: 2, bias: true });

const weightsOf = (name: string): Map<string, AnyTensor> =>
  new Map<string, AnyTensor>([
    [
      `${name}/kernel`,
      { shape: [2, 2], data: Int8Array.of(1, -2, 3, 4), type: { type: 'int8', scales: [0.25, 0.1], axis: 1 } },
    ],
    [
      `${name}/bias`,
      { shape: [2], data: Int32Array.of(8, -10), type: { type: 'int32', scales: [0.125, 0.05], axis: 0 } },
    ],
  ]);

const outline = ({ nodes }: Network) =>
  nodes.map(({ name, kind, inputs, attributes }) => [
    name,
    kind,
    inputs.join(),
    ...(kind === 'clamp' ? [attributes] : []),
  ]);

describe('nodes', () => {
  test('a layer, and a clamp to the range of its integers under its name', () => {
    const real = asRealNumbers(network([pointwise('p', Y)], ['p'], X, weightsOf('p')));
    expect(outline(real)).toEqual([
      ['p/linear', 'pointwiseConv2d', 'x'],
      ['p', 'clamp', 'p/linear', { min: 0, max: 0.05 * 255 }],
    ]);
    expect(real.inputs).toEqual([{ name: 'x', shape: [1, 2, 2, 2] }]);
    expect([...real.weights]).toEqual([
      ['p/linear/kernel', { shape: [2, 2], data: Float32Array.of(0.25, -0.2, 0.75, 0.4) }],
      ['p/linear/bias', { shape: [2], data: Float32Array.of(1, -0.5) }],
    ]);
  });

  test('the activation behind x/linear and the range are one clamp; another activation has one of its own', () => {
    const fused = [pointwise('p/linear', Y), node('p', 'relu6', Y, ['p/linear'])];
    expect(outline(asRealNumbers(network(fused, ['p'], X, weightsOf('p/linear'))))).toEqual([
      ['p/linear', 'pointwiseConv2d', 'x'],
      ['p', 'clamp', 'p/linear', { min: 0, max: 6 }],
    ]);
    const apart = [pointwise('p', Y), node('r', 'relu6', Y, ['p'])];
    expect(outline(asRealNumbers(network(apart, ['r'], X, weightsOf('p')))).map(([name]) => name)).toEqual([
      'p/linear',
      'p',
      'r',
    ]);
    const read = outline(asRealNumbers(network(fused, ['p', 'p/linear'], X, weightsOf('p/linear'))));
    expect(read.map(([name]) => name)).toEqual(['p/linear/linear', 'p/linear', 'p']);
  });

  test('names before a clamp give way to those that are there', () => {
    const nodes = [node('p/linear', 'add', Y, ['x', 'x']), pointwise('p', Y, 'p/linear')];
    const real = asRealNumbers(network(nodes, ['p'], X, weightsOf('p')));
    expect(real.nodes.map(({ name }) => name)).toEqual(['p/linear/linear', 'p/linear', 'p/linear_2', 'p']);
  });

  test('what stays within its inputs keeps its range without a clamp, if the type can express it', () => {
    const pool = { poolSize: [2, 2], strides: [2, 2], padding: 'valid' };
    expect(outline(asRealNumbers(network([node('m', 'maxPool', X, ['x'], pool)], ['m'])))).toEqual([
      ['m', 'maxPool', 'x'],
    ]);
    expect(
      outline(asRealNumbers(network([node('q', 'quantize', { ...X, type: 'uint8', zeroPoint: 128 })], ['q']))),
    ).toEqual([]);
    expect(outline(asRealNumbers(network([node('q', 'quantize', Y)], ['q'])))).toEqual([
      ['q', 'clamp', 'x', { min: 0, max: 0.05 * 255 }],
    ]);
    const index = { type: 'int32', scale: 1, zeroPoint: 0 } as const;
    expect(outline(asRealNumbers(network([node('a', 'argMax', index)], ['a'])))).toEqual([['a', 'argMax', 'x']]);
  });

  test('dequantize leaves the tensor as it is; where both are outputs, a node hands it on', () => {
    const nodes = [node('q', 'quantize', Y), node('d', 'dequantize', 'float32', ['q'])];
    const detection = { codes: 'd', scores: 'q' } as never;
    const typed = network(nodes, ['d']);
    const real = asRealNumbers({ ...typed, conventions: { ...conventions, detection } });
    expect(real.outputs).toEqual(['q']);
    expect(real.conventions.detection).toEqual({ codes: 'q', scores: 'q' });
    const both = asRealNumbers(network(nodes, ['q', 'd']));
    expect(both.outputs).toEqual(['q', 'd']);
    expect(both.nodes.at(-1)).toEqual({ name: 'd', kind: 'dropout', inputs: ['q'], attributes: { rate: 0 } });
  });

  test('real numbers stay as they are', () => {
    const kernel: Tensor = { shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) };
    const bias: Tensor = { shape: [2], data: Float32Array.of(5, 6) };
    const weights = new Map<string, AnyTensor>([
      ['p/kernel', kernel],
      ['p/bias', bias],
    ]);
    const real = asRealNumbers(network([pointwise('p', 'float32')], ['p'], 'float32', weights));
    expect(real.nodes).toEqual([
      { name: 'p', kind: 'pointwiseConv2d', inputs: ['x'], attributes: { filters: 2, bias: true } },
    ]);
    expect(real.weights.get('p/kernel')).toBe(kernel);
    expect(integersOf(real)).toBeUndefined();
  });
});

test('executors of real numbers refuse integers', async () => {
  const typed = network([pointwise('p', X)], ['p'], X, weightsOf('p')) as unknown as Network;
  const message = 'tiny: its weights are integers; asRealNumbers(network) can run here';
  expect(() => run(typed, { shape: [1, 2, 2, 2], data: new Float32Array(8) })).toThrow(message);
  await expect(compile(typed)).rejects.toThrow(message);
});

/** Each rounding of a layer's result moves it by at most half a step of its scale, and the layers behind multiply that by their kernels. */
test('integers and real numbers differ by their roundings alone: one layer, half a step', () => {
  const scale = fc.double({ min: 0.01, max: 0.3, noNaN: true }).map(Math.fround);
  const q = (least: number, greatest: number, count: number) =>
    fc.array(fc.integer({ min: least, max: greatest }), { minLength: count, maxLength: count });
  const zero = fc.integer({ min: -128, max: 127 });
  fc.assert(
    fc.property(
      scale,
      zero,
      q(-128, 127, 8),
      q(-127, 127, 4),
      fc.tuple(scale, scale),
      q(-3000, 3000, 2),
      scale,
      zero,
      fc.boolean(),
      (sx, zx, x, k, sk, b, sy, zy, relu) => {
        const input = int8(sx, zx);
        const result = int8(Math.fround(sy * 20), zy);
        const units = sk.map((s) => Math.fround(sx * s));
        const weights = new Map<string, AnyTensor>([
          ['p/kernel', { shape: [2, 2], data: Int8Array.from(k), type: { type: 'int8', scales: sk, axis: 1 } }],
          ['p/bias', { shape: [2], data: Int32Array.from(b), type: { type: 'int32', scales: units, axis: 0 } }],
        ]);
        const nodes = [pointwise('p', result), node('r', relu ? 'relu6' : 'relu', result, ['p'])] as QuantizedNode[];
        const typed = withQuantizedWeights(network(nodes, ['r'], input), weights);
        const stored: QuantizedTensor = { shape: [1, 2, 2, 2], data: Int8Array.from(x), type: input };
        const integers = runQuantized(typed, stored).get('r')!;
        const real = run(asRealNumbers(typed), {
          shape: [1, 2, 2, 2],
          data: Float32Array.from(x, (value) => sx * (value - zx)),
        }).get('r')!;
        for (const [i, value] of real.data.entries()) {
          // relu6's bound is the nearest integer to 6: another half a step.
          expect(Math.abs(result.scale * (integers.data[i] - zy) - value)).toBeLessThanOrEqual(1.01 * result.scale);
        }
      },
    ),
    { numRuns: 200 },
  );
});

test('a second copy of the package finds the integers, a network that was copied has none', async () => {
  const quantized = network([node('y', 'relu', X)], ['y']);
  const real = asRealNumbers(quantized);
  vi.resetModules();
  const other = await import('../../src/network/integers-of.js');
  expect(other.integersOf).not.toBe(integersOf);
  expect(other.integersOf(real)).toBe(quantized);
  expect(integersOf({ ...real })).toBeUndefined();
});
