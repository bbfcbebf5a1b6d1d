/** ELU, SELU, GELU and erf, composed of other layers, against their definitions: in the ways that each format names them. */
import fc from 'fast-check';
import { PbfWriter } from 'pbf';
import { expect, test } from 'vitest';
import { encodeModel, type OutNode } from '../../src/formats/onnx/encode.js';
import { readNetwork } from '../../src/formats/read.js';
import { readTfjs } from '../../src/formats/tfjs.js';
import * as schema from '../../src/formats/tflite/schema.js';
import { type Network, run } from '../../src/network/index.js';
import { tensor } from '../../src/tensor.js';
import { networkFromKerasConfig } from './keras-network.js';
import { model } from './tfjs/models.js';
import { buildTflite, type OperatorSpec } from './tflite-builder.js';

/** By its power series, which alternates and needs some 100 terms below 6; beyond, erf is 1 to 2e-17. */
function erf(x: number): number {
  if (Math.abs(x) > 6) return Math.sign(x);
  let term = x;
  let sum = x;
  for (let n = 1; n < 200; n++) {
    // e^(−x²) · Σ 2ⁿ x²ⁿ⁺¹ / (2n + 1)!!, whose terms all have one sign
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}
const gelu = (x: number) => (x / 2) * (1 + erf(x / Math.SQRT2));
const geluByTanh = (x: number) => (x / 2) * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
const elu = (alpha: number) => (x: number) => (x > 0 ? x : alpha * Math.expm1(x));
const selu = (x: number) => 1.0507009873554805 * elu(1.6732632423543772)(x);
const swish = (alpha: number) => (x: number) => x / (1 + Math.exp(-alpha * x));

test('erf as tables have it', () => {
  for (const [x, wanted] of [
    [0, 0],
    [0.5, 0.5204998778130465],
    [1, 0.8427007929497149],
    [-2, -0.9953222650189527],
    [3, 0.9999779095030014],
  ]) {
    expect(erf(x)).toBeCloseTo(wanted, 14);
  }
});

/** The network of one function of [1, 1, 1, 1]. */
type Named = [name: string, read: () => Promise<Network>, wanted: (x: number) => number];

const keras = (layer: object): (() => Promise<Network>) => {
  const input = { class_name: 'InputLayer', config: { name: 'in', batch_input_shape: [null, 1, 1, 1] } };
  return async () =>
    networkFromKerasConfig({ class_name: 'Sequential', config: { name: 'm', layers: [input, layer] } });
};

/** Operators of other domains are named with theirs. */
const onnx =
  (op: string, attributes: OutNode['attributes'] = {}): (() => Promise<Network>) =>
  () => {
    const pixel = new Map([['x', [1, 1, 1, 1]]]);
    const file = encodeModel(
      {
        name: 'f',
        opset: 24,
        inputs: pixel,
        outputs: new Map([['y', [1, 1, 1, 1]]]),
        constants: new Map(),
        nodes: [{ op, inputs: ['x'], output: 'y', attributes }],
        metadata: new Map(),
      },
      PbfWriter,
    );
    return readNetwork(file, { fileName: 'f.onnx' });
  };

const tflite =
  (code: string, options?: OperatorSpec['options']): (() => Promise<Network>) =>
  () => {
    const pixel = { shape: [1, 1, 1, 1], type: 'FLOAT32' };
    return readNetwork(
      buildTflite({
        tensors: { x: pixel, y: pixel },
        operators: [{ code, inputs: ['x'], outputs: ['y'], ...(options && { options }) }],
        inputs: ['x'],
        outputs: ['y'],
      }),
      { fileName: 'f.tflite' },
    );
  };

const tfjs = (op: string) => () => {
  const dim = Array.from({ length: 4 }, () => ({ size: '1' }));
  const x = { name: 'x', op: 'Placeholder', attr: { shape: { shape: { dim } } } };
  return readTfjs(model({ node: [x, { name: 'y', op, input: ['x'] }] }, [], new Uint8Array()));
};

test.each<Named>([
  ['Keras elu', keras({ class_name: 'Activation', config: { name: 'y', activation: 'elu' } }), elu(1)],
  ['TF.js Elu', tfjs('Elu'), elu(1)],
  ['TF.js Selu', tfjs('Selu'), selu],
  ['TF.js Erf', tfjs('Erf'), erf],
  ['Keras ELU', keras({ class_name: 'ELU', config: { name: 'y', alpha: 0.5 } }), elu(0.5)],
  ['Keras selu', keras({ class_name: 'Activation', config: { name: 'y', activation: 'selu' } }), selu],
  ['Keras gelu', keras({ class_name: 'Activation', config: { name: 'y', activation: 'gelu' } }), gelu],
  ['ONNX Elu', onnx('Elu'), elu(1)],
  ['ONNX Elu, alpha', onnx('Elu', { alpha: { float: 0.25 } }), elu(0.25)],
  ['ONNX Selu', onnx('Selu'), selu],
  ['ONNX Erf', onnx('Erf'), erf],
  ['ONNX Gelu', onnx('Gelu'), gelu],
  ['ONNX Gelu, none', onnx('Gelu', { approximate: 'none' }), gelu],
  ['ONNX Gelu, tanh', onnx('Gelu', { approximate: 'tanh' }), geluByTanh],
  ['ONNX Swish', onnx('Swish'), swish(1)],
  ['ONNX Swish, alpha', onnx('Swish', { alpha: { float: 1.5 } }), swish(1.5)],
  ['com.microsoft.Gelu', onnx('com.microsoft.Gelu'), gelu],
  ['com.microsoft.FastGelu', onnx('com.microsoft.FastGelu'), geluByTanh],
  ['com.microsoft.QuickGelu', onnx('com.microsoft.QuickGelu'), swish(1.702)],
  ['TFLite ELU', tflite('ELU'), elu(1)],
  ['TFLite GELU', tflite('GELU', [schema.GeluOptions, {}]), gelu],
  ['TFLite GELU, approximate', tflite('GELU', [schema.GeluOptions, { approximate: true }]), geluByTanh],
  ['TFLite RELU_0_TO_1', tflite('RELU_0_TO_1'), (x) => Math.min(Math.max(x, 0), 1)],
])('%s', async (_, read, wanted) => {
  const network = await read();
  const compute = (x: number): number => run(network, tensor([1, 1, 1, 1], [x])).get(network.outputs[0])!.data[0];
  // Float32 numbers, as they are computed with, and 5e-7 for what the composition adds.
  const expectAt = (x: number): void => {
    expect(Math.abs(compute(x) - wanted(x))).toBeLessThanOrEqual(6e-7 * Math.max(1, Math.abs(x)));
  };
  for (const x of [0, -0, 1e-6, -1e-6, 5.9, -5.9, 6.1, -6.1, 20, -20, 100, -100, 1000, -1000]) expectAt(Math.fround(x));
  fc.assert(fc.property(fc.float({ min: -12, max: 12, noNaN: true }), expectAt), { numRuns: 300 });
});
