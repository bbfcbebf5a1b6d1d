/** A quantised network beside another runtime, whose numbers are made up here. */
import { describe, expect, test } from 'vitest';
import type { QuantizedNetwork, QuantizedNode } from '../../src/network/index.js';
import { checkIntegers, ONNXRUNTIME, type TheirNumbers, XNNPACK } from '../../src/oracle/integers/peer-numbers.js';
import type { AnyTensor, QuantizedType } from '../../src/tensor.js';
import { traceQuantized } from '../network/trace-quantized.js';

const bytes: QuantizedType = { type: 'uint8', scale: 0.5, zeroPoint: 128 };
const tenths: QuantizedType = { type: 'uint8', scale: 0.1, zeroPoint: 0 };

const network: QuantizedNetwork = {
  name: 'twice',
  inputs: [{ name: 'x', shape: [1, 2], type: bytes }],
  nodes: [
    { name: 'sum', kind: 'dense', inputs: ['x'], attributes: { units: 2, bias: false }, type: tenths },
    { name: 'relu6', kind: 'relu6', inputs: ['sum'], attributes: {}, type: tenths },
    { name: 'flat', kind: 'flatten', inputs: ['relu6'], attributes: {}, type: tenths },
    { name: 'y', kind: 'quantize', inputs: ['flat'], attributes: {}, type: bytes },
  ],
  outputs: ['y'],
  weights: new Map<string, AnyTensor>([
    ['sum/kernel', { shape: [2, 2], data: Uint8Array.of(1, 0, 0, 1), type: { type: 'uint8', scale: 1, zeroPoint: 0 } }],
  ]),
  conventions: { source: 'tflite', output: 'features' },
};
const inputs = new Map([['x', { shape: [1, 2], data: Uint8Array.of(130, 134), type: bytes }]]); // 1 and 3

/** What is computed here, with these numbers in place of a tensor's. The sum before the activation is not shown. */
function theirs(changes: Readonly<Record<string, readonly number[]>>): Map<string, TheirNumbers> {
  const own = [...traceQuantized(network, inputs)].filter(([name]) => name !== 'x' && name !== 'sum');
  return new Map(own.map(([name, { data }]) => [name, changes[name] ?? data]));
}
const check = (changes: Readonly<Record<string, readonly number[]>>) =>
  checkIntegers(network, inputs, theirs(changes), 'single', XNNPACK);

describe('checkIntegers', () => {
  test('equal: an activation is of the kind of its layer', () => {
    expect(check({})).toEqual({
      layers: [
        { name: 'relu6', kind: 'dense', compared: 2, different: 0, largest: 0 },
        { name: 'flat', kind: 'flatten', compared: 2, different: 0, largest: 0 },
        { name: 'y', kind: 'quantize', compared: 2, different: 0, largest: 0 },
      ],
      compared: 6,
      different: 0,
      known: [],
      unknown: [],
    });
  });

  test('each layer is computed from their numbers: one that differs makes no other differ', () => {
    const { layers, unknown } = check({ flat: [10, 33], y: [130, 135] });
    expect(layers.map(({ name, different, largest }) => [name, different, largest])).toEqual([
      ['relu6', 0, 0],
      ['flat', 1, 3],
      ['y', 0, 0],
    ]);
    expect(unknown).toEqual(['flat']);
  });

  test('what XNNPACK computes otherwise is counted and named, by 1 and no more', () => {
    const known = check({ relu6: [11, 30], flat: [11, 30], y: [130, 135] });
    expect([known.different, known.unknown]).toEqual([2, []]);
    expect(known.known).toEqual([
      {
        reason: 'XNNPACK multiplies sums and products in float32, which turns a few that lie beside a tie',
        layers: ['relu6'],
        different: 1,
      },
      { reason: 'XNNPACK brings integers to another scale with 8 bits below the point', layers: ['y'], different: 1 },
    ]);
    expect(check({ y: [130, 136] }).unknown).toEqual(['y']);
    expect(check({ relu6: [11, 31], flat: [11, 31], y: [130, 134] }).unknown).toEqual(['relu6']);
  });

  test.each<[kind: 'add' | 'multiply', reason: string]>([
    ['add', 'XNNPACK adds with multipliers of 21 bits and one shift'],
    ['multiply', 'XNNPACK multiplies sums and products in float32, which turns a few that lie beside a tie'],
  ])('of two tensors, by %s: one number of 50,000 at most', (kind, reason) => {
    const type = { type: 'int8', scale: 1, zeroPoint: 0 } as const;
    const shape = [1, 100_000];
    const pair: QuantizedNetwork = {
      name: 'pair',
      inputs: ['a', 'b'].map((name) => ({ name, shape, type })),
      nodes: [{ name: 'y', kind, inputs: ['a', 'b'], attributes: {}, type }] as QuantizedNode[],
      outputs: ['y'],
      weights: new Map(),
      conventions: { source: 'tflite', output: 'features' },
    };
    const twos = { shape, data: new Int8Array(100_000).fill(2), type };
    // 2 + 2 and 2 · 2.
    const beside = (...first: number[]) =>
      checkIntegers(
        pair,
        new Map(['a', 'b'].map((name) => [name, twos])),
        new Map([['y', Int8Array.from({ length: 100_000 }, (_, i) => first[i] ?? 4)]]),
        'single',
        XNNPACK,
      );
    expect(beside()).toMatchObject({ different: 0, known: [], unknown: [] });
    expect(beside(5, 3)).toMatchObject({ known: [{ reason, layers: ['y'], different: 2 }], unknown: [] });
    expect(beside(5, 3, 3).unknown).toEqual(['y']);
    expect(beside(6).unknown).toEqual(['y']);
  });

  test('onnxruntime: one step, of every number and every layer', () => {
    const off = (by: number) =>
      checkIntegers(network, inputs, theirs({ flat: [10 + by, 30 - by], y: [130, 134] }), 'single', ONNXRUNTIME);
    expect(off(1)).toMatchObject({
      known: [
        {
          reason: 'onnxruntime multiplies in float32 and rounds halves to the even integer',
          layers: ['flat'],
          different: 2,
        },
      ],
      unknown: [],
    });
    expect(off(2).unknown).toEqual(['flat']);
  });

  test('inputs that the runtime shows are compared, and are what the layers are computed from', () => {
    const shown = checkIntegers(network, inputs, new Map([...theirs({}), ['x', [130n, 135n]]]), 'single', XNNPACK);
    expect(shown.layers[0]).toEqual({ name: 'x', kind: 'quantize', compared: 2, different: 1, largest: 1 });
    // Their 135 is 3.5, of which the runtime shows the 3 that 134 stands for: 5 tenths less.
    expect(shown.layers[1]).toMatchObject({ name: 'relu6', different: 1, largest: 5 });
  });

  test('what stands in real numbers between integers is one layer, which runtimes compute in whole numbers', () => {
    const real = (name: string, kind: 'dequantize' | 'relu', from: string) =>
      ({ name, kind, inputs: [from], attributes: {}, type: 'float32' }) as QuantizedNode;
    const type = { type: 'uint8', scale: 1, zeroPoint: 0 } as const;
    const table: QuantizedNetwork = {
      name: 'table',
      inputs: [{ name: 'x', shape: [1, 400], type }],
      nodes: [
        real('real', 'dequantize', 'x'),
        real('relu', 'relu', 'real'),
        { name: 'y', kind: 'quantize', inputs: ['relu'], attributes: {}, type },
      ],
      outputs: ['y'],
      weights: new Map(),
      conventions: { source: 'tflite', output: 'features' },
    };
    const x = { shape: [1, 400], data: new Uint8Array(400).fill(7), type };
    const beside = (...first: number[]) =>
      checkIntegers(
        table,
        new Map([['x', x]]),
        new Map([['y', Uint8Array.from({ length: 400 }, (_, i) => first[i] ?? 7)]]),
        'single',
        XNNPACK,
      );
    expect(beside(8, 6)).toMatchObject({
      layers: [{ name: 'y', kind: 'dequantize', compared: 400, different: 2, largest: 1 }],
      known: [
        {
          reason:
            'TensorFlow Lite computes PRELU, and XNNPACK sums with constants, in whole numbers, where real numbers stand between',
          layers: ['y'],
          different: 2,
        },
      ],
      unknown: [],
    });
    expect(beside(9).unknown).toEqual(['y']);
    expect(beside(8, 8, 8).unknown).toEqual(['y']);
  });
});
