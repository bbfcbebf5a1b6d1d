/** The reference executor of quantised networks, on one that can be followed by hand. */
import { describe, expect, test } from 'vitest';
import type { QuantizedNetwork } from '../../src/network/quantized-network.js';
import { runQuantized } from '../../src/network/run-quantized.js';
import { type AnyTensor, type QuantizedType, tensor } from '../../src/tensor.js';
import { traceQuantized } from './trace-quantized.js';

const bytes: QuantizedType = { type: 'uint8', scale: 0.5, zeroPoint: 128 };
const tenths: QuantizedType = { type: 'uint8', scale: 0.1, zeroPoint: 0 };

/** Twice a number less one, between 0 and 6, and back to real numbers. */
const network: QuantizedNetwork = {
  name: 'twice',
  inputs: [{ name: 'x', shape: [1, 2], type: bytes }],
  nodes: [
    { name: 'sum', kind: 'dense', inputs: ['x'], attributes: { units: 1, bias: true }, type: tenths },
    { name: 'relu6', kind: 'relu6', inputs: ['sum'], attributes: {}, type: tenths },
    { name: 'y', kind: 'dequantize', inputs: ['relu6'], attributes: {}, type: 'float32' },
  ],
  outputs: ['y', 'relu6'],
  weights: new Map<string, AnyTensor>([
    ['sum/kernel', { shape: [2, 1], data: Uint8Array.of(2, 2), type: { type: 'uint8', scale: 1, zeroPoint: 0 } }],
    ['sum/bias', { shape: [1], data: Int32Array.of(-2), type: { type: 'int32', scale: 0.5, zeroPoint: 0 } }],
  ]),
  conventions: { source: 'tflite', output: 'features' },
};

/** 1 and 1.5 give 4; 4 and 1 would give 9. */
const batch = { shape: [2, 2], data: Uint8Array.of(130, 131, 136, 130), type: bytes };

describe('runQuantized', () => {
  test('the outputs with their types, of any batch', () => {
    const results = runQuantized(network, batch);
    expect([...results.keys()]).toEqual(['y', 'relu6']);
    expect(results.get('relu6')).toEqual({ shape: [2, 1], data: Uint8Array.of(40, 60), type: tenths });
    expect(results.get('y')).toEqual(tensor([2, 1], [Math.fround(40 * 0.1), 6]));
  });

  test('takes the nearest integers of real numbers', () => {
    const real = tensor([1, 2], [1.2, 1.3]);
    expect(runQuantized(network, new Map([['x', real]])).get('relu6')!.data).toEqual(Uint8Array.of(40));
  });

  test('traceQuantized gives every tensor, and onNode hears of every node', () => {
    const heard: string[] = [];
    const onNode = ({ name }: { name: string }, index: number, count: number) =>
      heard.push(`${name} ${index}/${count}`);
    const tensors = traceQuantized(network, batch, { rounding: 'double', onNode });
    expect([...tensors.keys()]).toEqual(['x', 'sum', 'relu6', 'y']);
    expect(tensors.get('sum')!.data).toEqual(Uint8Array.of(40, 90));
    expect(heard).toEqual(['sum 0/3', 'relu6 1/3', 'y 2/3']);
  });

  test.each([
    [
      { shape: [1, 2], data: Int8Array.of(1, 2), type: { ...bytes, type: 'int8' as const } },
      "twice: input 'x' must be uint8 (0.5, 128), found int8 (0.5, 128)",
    ],
    [{ shape: [1, 3], data: new Uint8Array(3), type: bytes }, "twice: input 'x' must be [batch, 2], found [1, 3]"],
    [new Map<string, AnyTensor>(), 'twice: wanted a Map with a tensor for each of x, found nothing'],
  ])('refuses inputs %#', (inputs, message) => expect(() => runQuantized(network, inputs)).toThrow(message));

  test('refuses a network without weights, an unknown rounding, and layers without an integer form', () => {
    expect(() => runQuantized({ ...network, weights: new Map() }, batch)).toThrow(
      "twice: weight 'sum/kernel' is missing",
    );
    expect(() => runQuantized(network, batch, { rounding: 'up' as 'single' })).toThrow(
      "twice: rounding must be one of single, double, found 'up'",
    );
    const gate = { name: 'gate', kind: 'hardSigmoid', inputs: ['sum'], attributes: {}, type: tenths } as const;
    const other = { ...network, nodes: [network.nodes[0], gate], outputs: ['gate'] };
    expect(() => runQuantized(other, batch)).toThrow(
      "gate: 'hardSigmoid' is not computed with integers; asRealNumbers computes all layers",
    );
  });
});
