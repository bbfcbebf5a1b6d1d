/** .tflite files that this library writes: read back, and run by LiteRT.js. */
import { ByteBuffer } from 'flatbuffers';
import { describe, expect, test } from 'vitest';
import { NetworkError } from '../../../src/errors.js';
import { readNetwork, type WriteOptions, writeNetwork } from '../../../src/formats/index.js';
import { tflite } from '../../../src/formats/readers/tflite.js';
import { FlatFile } from '../../../src/formats/tflite/flatbuffer.js';
import { BUILTIN_OPERATORS, Model, OperatorCode } from '../../../src/formats/tflite/schema.js';
import { modelOf } from '../../../src/formats/tflite/write.js';
import { writeTflite } from '../../../src/formats/tflite.js';
import { mobilenetV1, mobilenetV2 } from '../../../src/models/index.js';
import { foldBatchNorm, type Network, NetworkBuilder, randomWeights, run } from '../../../src/network/index.js';
import { runLitert } from '../../../src/oracle/peers/litert-runtime.js';
import { livelyWeights } from '../../../src/oracle/suites.js';
import type { Padding } from '../../../src/padding.js';
import { calibrate, quantizeNetwork } from '../../../src/quantization/index.js';
import { type Tensor, tensor, toFloat32 } from '../../../src/tensor.js';
import { lifelikeWeights, randomInput } from '../../agreement/lifelike.js';
import { expectWithin, features, largest } from '../../network/helpers.js';
import { everyKind } from '../onnx/every-kind.js';

/** Of the largest number of the output: float32 sums in another order, over some fifty layers. */
const ROUNDING = 2e-5;

function expectClose(name: string, found: Tensor, wanted: Tensor): void {
  expectWithin(name, found, wanted, () => ROUNDING * largest(wanted));
}

const networks: readonly [name: string, network: () => Network][] = [
  ['every kind of layer', everyKind],
  ['V1 0.25 of slim, 96', () => livelyWeights(mobilenetV1({ alpha: 0.25, resolution: 96, conventions: 'slim' }), 3)],
  ['V1 0.5 of Keras, 65', () => livelyWeights(mobilenetV1({ alpha: 0.5, resolution: 65, classes: 7 }), 3)],
  [
    'V2 0.35 of torchvision, 97',
    () => lifelikeWeights(mobilenetV2({ alpha: 0.35, resolution: 97, classes: 5, conventions: 'torchvision' }), 3),
  ],
];

describe.each(networks)('%s', (_, make) => {
  const network = make();
  const [{ shape }] = network.inputs;
  const x = randomInput(shape, 9);
  const wanted = run(network, x);

  test('is read back with the same names, conventions and answers', async () => {
    const back = await readNetwork(await writeTflite(network), { fileName: `${network.name}.tflite` });
    expect(back.inputs).toEqual(network.inputs);
    expect(back.outputs).toEqual(network.outputs);
    expect(back.conventions).toEqual(network.conventions);
    const found = run(back, x);
    for (const [output, y] of wanted) expectClose(output, found.get(output)!, y);
  });

  test('is read back for another batch', async () => {
    const [, ...sizes] = shape;
    const two = randomInput([2, ...sizes], 10);
    const found = run(await tflite.read(await writeTflite(network), {}), two);
    for (const [output, y] of run(network, two)) expectClose(output, found.get(output)!, y);
  });

  test('LiteRT.js computes the same', async () => {
    const found = await runLitert(await writeTflite(network), x.data as Float32Array);
    for (const [index, output] of network.outputs.entries()) {
      const { shape: theirs, data } = found[index];
      expectClose(output, tensor(theirs, data as Float32Array), wanted.get(output)!);
    }
  });
});

const operators = (network: Network, options?: WriteOptions) =>
  modelOf(network, options).operators.map(({ code, outputs }) => `${outputs[0]}: ${code}`);

test('batch norms are folded, activations fused, dropouts left out', () => {
  const network = livelyWeights(mobilenetV1({ alpha: 0.25, classes: 7, conventions: 'slim' }), 1);
  const found = operators(network);
  expect(found.slice(0, 2)).toEqual(['Conv2d_0/Relu6: CONV_2D', 'Conv2d_1_depthwise/Relu6: DEPTHWISE_CONV_2D']);
  expect(found.slice(-4)).toEqual([
    'Logits/AvgPool_1a: MEAN',
    'Logits/Conv2d_1c_1x1: CONV_2D',
    'Logits/SpatialSqueeze: RESHAPE',
    'Predictions: SOFTMAX',
  ]);
  expect(found.length).toBe(27 + 4);
});

test('an activation is not fused where the sum before it is an output or has another reader', () => {
  const net = new NetworkBuilder();
  const input = net.input('x', [1, 2, 2, 3]);
  const shown = net.add('shown', 'pointwiseConv2d', input, { filters: 3, bias: true });
  const twice = net.add('twice', 'pointwiseConv2d', net.add('a', 'relu6', shown, {}), { filters: 3, bias: true });
  const sum = net.add('sum', 'add', [twice, net.add('b', 'relu', twice, {})], {});
  const last = net.add('last', 'clamp', sum, { min: -1, max: 1 });
  const network = livelyWeights(net.build('small', [shown, last], features), 1);
  expect(operators(network)).toEqual(['shown: CONV_2D', 'a: RELU6', 'twice: CONV_2D', 'b: RELU', 'last: ADD']);
});

describe('padding', () => {
  const convolution = (strides: number, padding: Padding, size = 8) => {
    const net = new NetworkBuilder();
    const attributes = { kernelSize: [3, 3], strides: [strides, strides], dilation: [1, 1], padding } as const;
    const y = net.add('y', 'depthwiseConv2d', net.input('x', [1, size, size, 2]), {
      ...attributes,
      depthMultiplier: 1,
      bias: false,
    });
    return livelyWeights(net.build('small', [y], features), 1);
  };
  const around = { top: 1, bottom: 1, left: 1, right: 1 };

  test('what is SAME at every size is written so; the rest is an operator of its own', () => {
    expect(operators(convolution(1, around))).toEqual(['y: DEPTHWISE_CONV_2D']);
    expect(operators(convolution(2, { top: 0, bottom: 0, left: 0, right: 0 }))).toEqual([
      'y/padded: PAD',
      'y: DEPTHWISE_CONV_2D',
    ]);
    expect(operators(convolution(2, around))).toEqual(['y/padded: PAD', 'y: DEPTHWISE_CONV_2D']);
    expect(operators(convolution(2, around, 7))).toEqual(['y/padded: PAD', 'y: DEPTHWISE_CONV_2D']);
  });
});

test('float16 kernels: half the file, numbers off by at most 2⁻¹¹ of their size', async () => {
  const network = foldBatchNorm(livelyWeights(mobilenetV1({ alpha: 0.25, resolution: 32, classes: 7 }), 1));
  const whole = await writeTflite(network);
  const half = await writeTflite(network, { kernels: 'float16' });
  expect(half.length).toBeLessThan(0.6 * whole.length);
  const { weights } = await tflite.read(half, {});
  for (const [name, weight] of (await tflite.read(whole, {})).weights) {
    const rounding = weight.shape.length > 1 ? 2 ** -11 : 0;
    expectWithin(name, weights.get(name)!, weight, (i) => Math.max(rounding * Math.abs(weight.data[i]), 2 ** -25));
  }
});

test('versions of the operators are those that first know what is asked of them', () => {
  const { operators: written } = modelOf(everyKind(), { kernels: 'float16' });
  const versions = new Set(written.map(({ code, version = 1 }) => `${code} ${version}`));
  for (const wanted of ['DEPTHWISE_CONV_2D 2', 'RESIZE_BILINEAR 3', 'RESIZE_BILINEAR 1', 'DEQUANTIZE 3', 'CONV_2D 1']) {
    expect(versions).toContain(wanted);
  }
  expect(versions).toContain('FULLY_CONNECTED 5'); // of three axes and more
  expect(versions).toContain('FULLY_CONNECTED 1');
});

/** Of tensorflow/lite/tools/versioning/op_version.cc, for int8. */
test('versions of the operators of int8 are those that first know int8', async () => {
  const network = randomWeights(mobilenetV2({ alpha: 0.35, resolution: 32, classes: 3 }), 1);
  const integers = quantizeNetwork(await calibrate(network, [randomInput([1, 32, 32, 3], 3)]));
  const bytes = await writeNetwork(integers, 'tflite');
  const model = new FlatFile(new ByteBuffer(bytes), 'written').root(Model, 'model');
  const versions = model
    .tables('operator_codes', OperatorCode)
    .map((code) => [BUILTIN_OPERATORS[code.int32('builtin_code')], code.int32('version')]);
  expect(Object.fromEntries(versions)).toMatchObject({
    ...{ CONV_2D: 3, DEPTHWISE_CONV_2D: 3, ADD: 2, MEAN: 2, FULLY_CONNECTED: 4, SOFTMAX: 2 },
  });
});

test('a dropout that is an output has a tensor of its own; an input may be an output', async () => {
  const net = new NetworkBuilder();
  const input = net.input('x', [1, 3]);
  const dropped = net.add('dropped', 'dropout', input, { rate: 0.5 });
  const network = net.build('small', [dropped, net.add('y', 'relu', dropped, {})], features);
  expect(operators(network)).toEqual(['dropped: RESHAPE', 'y: RELU']);
  const found = run(await tflite.read(await writeTflite(network), {}), tensor([1, 3], [-1, 0, 2]));
  expect([...found.get('dropped')!.data, ...found.get('y')!.data]).toEqual([-1, 0, 2, 0, 0, 2]);
});

test('a batch norm that nothing takes in is a product and a sum, as far as it is either', () => {
  const net = new NetworkBuilder();
  const input = net.input('x', [1, 2, 2, 3]);
  const norm = (name: string, from: string, scale: boolean, center: boolean) =>
    net.add(name, 'batchNorm', from, { epsilon: 0, scale, center });
  const both = norm('both', input, true, true);
  const shift = norm('shift', net.add('r', 'relu', both, {}), false, true);
  const scale = norm('scale', net.add('s', 'sigmoid', shift, {}), true, false);
  const network = net.build('small', [scale], features);
  const numbers = (...data: number[]) => tensor([3], data);
  const statistics = (name: string) => [
    [`${name}/movingMean`, numbers(0, 0, 0)] as const,
    [`${name}/movingVariance`, numbers(1, 1, 1)] as const,
  ];
  const weights = new Map([
    ...['both', 'shift', 'scale'].flatMap(statistics),
    ['both/gamma', numbers(1, 2, 3)] as const,
    ['both/beta', numbers(4, 5, 6)] as const,
    ['shift/beta', numbers(1, -1, 1)] as const,
    ['scale/gamma', numbers(2, 2, 2)] as const,
  ]);
  expect(operators({ ...network, weights })).toEqual([
    'both/scaled: MUL',
    'r: ADD',
    'shift: ADD',
    's: LOGISTIC',
    'scale: MUL',
  ]);
});

test('a clamp is as few operators as it can be, also once it has been read back', async () => {
  const net = new NetworkBuilder();
  let x = net.input('x', [1, 3]);
  const most = (2 - 2 ** -23) * 2 ** 127;
  const ranges = { both: [-2, 3], low: [1, most], high: [-most, 2], relu: [0, most], relu6: [0, 6], n1: [-1, 1] };
  for (const [name, [min, max]] of Object.entries(ranges)) x = net.add(name, 'clamp', x, { min, max });
  const network = net.build('small', [x], features);
  const wanted = [
    ...['both/raised: MAXIMUM', 'both: MINIMUM', 'low: MAXIMUM', 'high: MINIMUM'],
    ...['relu: RELU', 'relu6: RELU6', 'n1: RELU_N1_TO_1'],
  ];
  expect(operators(network)).toEqual(wanted);
  expect(operators(await tflite.read(await writeTflite(network), {}))).toEqual(wanted);
});

test('numbers that float32 or float16 cannot hold are errors', async () => {
  const net = new NetworkBuilder();
  const y = net.add('y', 'dense', net.input('x', [1, 1]), { units: 1, bias: false });
  const network = net.build('small', [y], features);
  const of = (value: number) => ({
    ...network,
    weights: new Map([['y/kernel', tensor([1, 1], Float64Array.of(value))]]),
  });
  await expect(writeTflite(of(1e39))).rejects.toThrow('y/kernel: number 0 is 1e+39, too large for float32');
  await expect(writeTflite(of(1e5), { kernels: 'float16' })).rejects.toThrow(
    'y/kernel: number 0 is 100000, too large for float16',
  );
});

test('what TFLite has no operator for is an error that names the layer', async () => {
  const net = new NetworkBuilder();
  const y = net.add('pool', 'averagePool', net.input('x', [1, 8, 8, 2]), {
    poolSize: [3, 3],
    strides: [2, 2],
    padding: { top: 1, bottom: 1, left: 1, right: 1 },
    includePadding: false,
  });
  await expect(writeTflite(net.build('small', [y], features))).rejects.toThrow(
    new NetworkError(
      'pool: TFLite knows no average pool with explicit padding that leaves the padding out of its mean',
    ),
  );
});

test('the same pool is written at a size where it is SAME', async () => {
  const net = new NetworkBuilder();
  const y = net.add('pool', 'averagePool', net.input('x', [1, 7, 7, 2]), {
    poolSize: [3, 3],
    strides: [2, 2],
    padding: { top: 1, bottom: 1, left: 1, right: 1 },
    includePadding: false,
  });
  const network = net.build('small', [y], features);
  const x = randomInput([1, 7, 7, 2], 3);
  const back = await tflite.read(await writeTflite(network), {});
  expect(back.nodes[0].attributes).toMatchObject({ padding: 'same' });
  expect(toFloat32(run(back, x).get('pool')!)).toEqual(run(network, x).get('pool'));
});

test('a network without weights is not written', async () => {
  await expect(writeTflite(mobilenetV1())).rejects.toThrow('the weights do not fit the network');
});

test('conventions that are damaged are an error', async () => {
  const net = new NetworkBuilder();
  const network = net.build('small', [net.add('y', 'relu', net.input('x', [1, 2]), {})], features);
  const text = new TextDecoder('latin1').decode(await writeTflite(network));
  const bytes = Uint8Array.from(text.replace('"features"', '"futures!"'), (c) => c.charCodeAt(0));
  await expect(tflite.read(bytes, { fileName: 'small.tflite' })).rejects.toThrow(
    "small.tflite: network description.conventions.output: wanted one of 'logits', 'probabilities', 'features', found 'futures!'",
  );
});
