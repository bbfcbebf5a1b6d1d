/** Quantised networks as .onnx files (QDQ). */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { writeOnnx } from '../../../src/formats/onnx.js';
import { writeNetwork } from '../../../src/formats/read.js';
import { onnx } from '../../../src/formats/readers/onnx.js';
import { importQuantizedTflite } from '../../../src/formats/tflite/read.js';
import { deeplabV3 } from '../../../src/models/index.js';
import { asRealNumbers, type Network, run } from '../../../src/network/index.js';
import type { QuantizedNetwork, QuantizedNode } from '../../../src/network/quantized-network.js';
import { expressibleRange } from '../../../src/network/rewriting/as-real-numbers.js';
import { runQuantized } from '../../../src/network/run-quantized.js';
import { quantizedProblems } from '../../../src/oracle/integers/quantized-problems.js';
import { uniformRandom } from '../../../src/random.js';
import { type AnyTensor, type QuantizedTensor, type QuantizedType, sizeOf, tensor } from '../../../src/tensor.js';
import { lifelikeWeights, randomInput } from '../../agreement/lifelike.js';
import { dataPath, noData } from '../../data.js';
import { noOnnxruntime, runOnnxruntime } from '../../peers/onnxruntime.js';

const type = (scale: number, zeroPoint: number): QuantizedType => ({ type: 'int8', scale, zeroPoint });

/** Convolutions by channel with a fused and another activation, padding, a pool, a dense layer, and both conversions. */
function small(): QuantizedNetwork {
  const image = type(0.0625, 3);
  const hidden = type(0.03125, -128);
  const node = (
    name: string,
    kind: string,
    of: QuantizedType | 'float32',
    inputs: string[],
    attributes: object = {},
  ) => ({ name, kind, inputs, attributes, type: of });
  const window = { strides: [1, 1], dilation: [1, 1], padding: 'same', bias: true };
  const random = uniformRandom(3);
  const kernel = (shape: number[], axis: number): AnyTensor => ({
    shape,
    data: Int8Array.from({ length: sizeOf(shape) }, () => Math.floor(255 * random()) - 127),
    type: {
      type: 'int8',
      scales: Array.from({ length: sizeOf(shape.slice(axis)) }, (_, i) => 2 ** -(6 + (i % 3))),
      axis,
    },
  });
  const bias = (count: number, input: QuantizedType): AnyTensor => ({
    shape: [count],
    data: Int32Array.from({ length: count }, () => Math.floor(2000 * random()) - 1000),
    type: {
      type: 'int32',
      scales: Array.from({ length: count }, (_, i) => input.scale * 2 ** -(6 + (i % 3))),
      axis: 0,
    },
  });
  return {
    name: 'small',
    inputs: [{ name: 'x', shape: [1, 4, 4, 2], type: 'float32' }],
    nodes: [
      node('q', 'quantize', image, ['x']),
      node('c/linear', 'conv2d', hidden, ['q'], { filters: 3, kernelSize: [3, 3], ...window }),
      node('c', 'relu6', hidden, ['c/linear']),
      node('d', 'depthwiseConv2d', image, ['c'], { kernelSize: [3, 3], depthMultiplier: 2, ...window }),
      node('p', 'pointwiseConv2d', hidden, ['d'], { filters: 3, bias: false }),
      node('a', 'add', image, ['p', 'c']),
      node('m', 'maxPool', image, ['a'], { poolSize: [2, 2], strides: [2, 2], padding: 'valid' }),
      node('f', 'flatten', image, ['m']),
      node('o', 'dense', image, ['f'], { units: 5, bias: true }),
      node('s', 'softmax', type(1 / 256, -128), ['o']),
      node('y', 'dequantize', 'float32', ['s']),
    ],
    outputs: ['y', 'a'],
    weights: new Map([
      ['c/linear/kernel', kernel([3, 3, 2, 3], 3)],
      ['c/linear/bias', bias(3, image)],
      ['d/kernel', kernel([3, 3, 3, 2], 2)],
      ['d/bias', bias(6, hidden)],
      ['p/kernel', kernel([6, 3], 1)],
      ['o/kernel', kernel([12, 5], 1)],
      ['o/bias', bias(5, image)],
    ]),
    conventions: { source: 'other', output: 'features' },
  } as unknown as QuantizedNetwork;
}

/** Largest differences of the outputs, in order, on the same noise between two numbers. */
function differences(a: Network, b: Network, least: number, greatest: number): number[] {
  const random = uniformRandom(9);
  const { shape } = a.inputs[0];
  const x = tensor(
    shape,
    Float32Array.from({ length: sizeOf(shape) }, () => least + (greatest - least) * random()),
  );
  const [ours, theirs] = [a, b].map((network) => [...run(network, x).values()]);
  return ours.map(({ data }, output) => {
    expect(new Set(data).size).toBeGreaterThan(1);
    return Math.max(...data.map((value, i) => Math.abs(value - theirs[output].data[i])));
  });
}

test('read back, it is the network of real numbers', async () => {
  const again = await onnx.read(await writeOnnx(small()), { fileName: 'small.onnx' });
  expect(again.outputs).toEqual(['y', 'a']);
  expect(again.inputs).toEqual([{ name: 'x', shape: [1, 4, 4, 2] }]);
  const real = asRealNumbers(small());
  const kernels = (network: Network) =>
    [...network.weights].filter(([name]) => name.endsWith('kernel')).map(([, { data }]) => [...data]);
  expect(kernels(again)).toEqual(kernels(real));
  for (const difference of differences(real, again, -3, 3)) expect(difference).toBeLessThan(1e-5);
});

test('integers are stored as integers: a byte for each weight', async () => {
  const text = new TextDecoder('latin1').decode(await writeNetwork(small(), 'onnx'));
  const stored = small().weights.get('d/kernel')!.data;
  // [C·M, 1, height, width] of [height, width, C, M]
  const moved = Array.from({ length: 54 }, (_, i) => stored[(i % 9) * 6 + Math.floor(i / 9)]);
  expect(text).toContain(String.fromCharCode(...moved.map((q) => q & 255)));
  expect(text.match(/QuantizeLinear/g)!.length).toBe(9); // of q, c, d, p, a, m, f, o and s
});

test('a Clip that QuantizeLinear makes redundant ends where the grid does', async () => {
  const boundsOf = async (scale: number, max: number) => {
    const network = small();
    const nodes = network.nodes.slice(0, 3).map((node) => ({
      ...node,
      ...(node.name !== 'q' && { type: type(scale, -128) }),
      ...(node.name === 'c' && { kind: 'clamp', attributes: { min: 0, max } }),
    }));
    const weights = new Map([...network.weights].filter(([name]) => name.startsWith('c/')));
    const clipped = { ...network, nodes, weights, outputs: ['c'] } as QuantizedNetwork;
    const again = await onnx.read(await writeOnnx(clipped), { fileName: 'small.onnx' });
    return again.nodes.find(({ kind }) => kind === 'clamp')!.attributes;
  };
  // Of Google's deeplabv3_mnv2_pascal_quant.tflite: the last step lies at 6.000015.
  expect(await boundsOf(0.02352947, 6)).toEqual({ min: 0, max: Math.fround(255 * Math.fround(0.02352947)) });
  // 5.98 lies nearer to the last step but one, which then is the greatest integer.
  expect(await boundsOf(0.02352947, 5.98)).toEqual({ min: 0, max: Math.fround(5.98) });
  expect(await boundsOf(0.03125, 5.5)).toEqual({ min: 0, max: 5.5 });
  // The grid ends first, at 255 / 128.
  expect(await boundsOf(1 / 128, 5.5)).toEqual({ min: 0, max: 255 / 128 });
});

test.skipIf(noOnnxruntime).each(['int8', 'uint8'] as const)(
  '%s: onnxruntime computes DeepLab with activations that end just below their grid (needs bench/peers)',
  { timeout: 60_000 },
  async (integers) => {
    const lively = lifelikeWeights(deeplabV3({ alpha: 0.35, resolution: 33, classes: 4 }), 1);
    const x = randomInput([1, 33, 33, 3], 5);
    const given = new Map([['input', x]]);
    const problem = { name: 'deeplab', network: lively, inputs: given, noise: 'normal' as const, seed: 1 };
    const [{ network: typed, inputs }] = quantizedProblems([problem], integers);
    // The last step of their grids lies at 6.
    const below = (node: QuantizedNode) =>
      node.kind === 'relu6' ? { ...node, kind: 'clamp' as const, attributes: { min: 0, max: 5.99 } } : node;
    const network: QuantizedNetwork = { ...typed, nodes: typed.nodes.map(below) };
    const found = (await runOnnxruntime(await writeOnnx(network), { input: x })).get('scores')!;
    const { data, type } = runQuantized(network, inputs).get('scores') as QuantizedTensor;
    const { scale, zeroPoint } = type as QuantizedType;
    const steps = Array.from(found.data, (value, i) => Math.abs(Math.round(value / scale) + zeroPoint - data[i]));
    expect(new Set(data).size).toBeGreaterThan(50);
    // It rounds sums of products, averages and resized pictures by other rules than TensorFlow Lite.
    expect(Math.max(...steps)).toBeLessThanOrEqual(3);
  },
);

describe.skipIf(noData)('files of users (needs DEPTHWISE_DATA)', () => {
  test.each(['vww_96_int8.tflite', 'mobilenet_v1_0.25_128_quant.tflite'])('%s', async (file) => {
    const { network } = await importQuantizedTflite(new Uint8Array(readFileSync(dataPath('models', file))), file);
    const again = await onnx.read(await writeOnnx(network, { pictures: 'nchw' }), { fileName: 'n.onnx' });
    // The file holds inputs to the range of their integers.
    const { min, max } = expressibleRange(network.inputs[0].type)!;
    expect(differences(asRealNumbers(network), again, min, max)[0]).toBeLessThan(1e-5);
    expect(again.conventions.preprocessing).toEqual(JSON.parse(JSON.stringify(network.conventions.preprocessing)));
  });
});
