/** Networks of real numbers as networks of integers: small ones by hand, random ones by what must hold of all. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compileQuantized } from '../../src/engine/int8/engine.js';
import { readQuantizedNetwork, writeNetwork } from '../../src/formats/index.js';
import { mobilenetV1, mobilenetV2 } from '../../src/models/index.js';
import { NetworkBuilder } from '../../src/network/builder.js';
import { type Network, randomWeights, withWeights } from '../../src/network/index.js';
import { isQuantizedType, type QuantizedNetwork } from '../../src/network/quantized-network.js';
import { inferTypes } from '../../src/network/quantized-types.js';
import { runQuantized } from '../../src/network/run-quantized.js';
import { calibrate, correctBiases, quantizationReport, quantizeNetwork } from '../../src/quantization/index.js';
import { realNumbers } from '../../src/quantization/quantization-report.js';
import { quantizedWeights } from '../../src/quantization/quantize-weights.js';
import { type QuantizedTensor, sizeOf, type Tensor, tensor } from '../../src/tensor.js';

const conventions = { source: 'other', output: 'logits' } as const;

const typesOf = ({ nodes }: QuantizedNetwork) => Object.fromEntries(nodes.map(({ name, type }) => [name, type]));
const kindsOf = ({ nodes }: QuantizedNetwork) => nodes.map(({ name, kind }) => `${kind} ${name}`);

/** Numbers from −1 to 1 that look random and are always the same. */
const waves = (shape: readonly number[], begin = 0): Tensor =>
  tensor(
    shape,
    Float32Array.from({ length: sizeOf(shape) }, (_, i) => Math.sin((begin + i + 1) ** 2)),
  );

describe('weights', () => {
  const input = { type: 'int8', scale: 0.5, zeroPoint: 3 } as const;
  // inputs × outputs       output 0  output 1
  const kernel = tensor([2, 2], [1.27, -0.5, 0.101, 0.25]); // prettier-ignore

  test('a scale for each output channel: its largest number is 127', () => {
    const made = quantizedWeights(kernel, tensor([2], [1, -2]), { layout: 'IO', perChannel: true, input });
    expect([...made.kernel.data]).toEqual([127, -127, 10, 64]);
    expect(made.kernel.type).toEqual({
      type: 'int8',
      scales: [Math.fround(Math.fround(1.27) / 127), Math.fround(0.5 / 127)],
      axis: 1,
    });
    // 1 / (0.5 · 0.01) and −2 / (0.5 · 0.5 / 127)
    expect([...made.bias.data]).toEqual([200, -1016]);
  });

  test('one scale for all', () => {
    const made = quantizedWeights(kernel, undefined, { layout: 'IO', perChannel: false, input });
    expect([...made.kernel.data]).toEqual([127, -50, 10, 25]);
    expect(made.kernel.type).toEqual({ type: 'int8', scale: Math.fround(Math.fround(1.27) / 127), zeroPoint: 0 });
    expect([...made.bias.data]).toEqual([0, 0]);
  });

  test('bias correction: 0.101 became 0.10 where the mean input is 4, so that the sum is 0.004 too small', () => {
    const made = quantizedWeights(kernel, undefined, {
      layout: 'IO',
      perChannel: true,
      input: { type: 'int8', scale: 0.001, zeroPoint: 0 },
      means: Float64Array.of(0, 4),
    });
    // In steps of 0.001 · 0.01: 400; the second output's 0.25 became 64 · 0.5 / 127 = 0.25197, times 4 is 0.00787 too much.
    expect(made.bias.data[0]).toBeCloseTo(400, -1);
    expect(made.bias.data[1]).toBe(
      Math.round((-4 * (64 * Math.fround(0.5 / 127) - 0.25)) / (0.001 * Math.fround(0.5 / 127))),
    );
  });

  test('a dead channel with a bias gets a scale that holds it', () => {
    const made = quantizedWeights(tensor([1, 2], [0, 1]), tensor([2], [7, 0]), {
      layout: 'IO',
      perChannel: true,
      input,
    });
    const { scales } = made.kernel.type as { scales: readonly number[] };
    expect(made.bias.data[0] * scales[0] * 0.5).toBeCloseTo(7, 5);
    expect(made.kernel.data[0]).toBe(0);
  });
});

async function quantized(network: Network, pictures: readonly Tensor[], options = {}): Promise<QuantizedNetwork> {
  return quantizeNetwork(await calibrate(network, pictures), options);
}

describe('types', () => {
  test('relu6 bounds its layer; pad, pool and reshape keep the type; the ends are real numbers', async () => {
    const net = new NetworkBuilder();
    let x = net.input('x', [1, 4, 4, 2]);
    x = net.add('conv', 'pointwiseConv2d', x, { filters: 3, bias: true });
    x = net.add('six', 'relu6', x, {});
    x = net.add('pad', 'pad', x, { padding: { top: 1, bottom: 0, left: 1, right: 0 }, value: 0 });
    x = net.add('pool', 'maxPool', x, { poolSize: [2, 2], strides: [2, 2], padding: 'valid' });
    x = net.add('flat', 'flatten', x, {});
    x = net.add('dense', 'dense', x, { units: 2, bias: true });
    x = net.add('shares', 'softmax', x, {});
    const network = randomWeights(net.build('types', [x], conventions), 1);
    const made = await quantized(network, [waves([1, 4, 4, 2])]);
    expect(kindsOf(made)).toEqual([
      'quantize x/int8',
      'pointwiseConv2d conv',
      'relu6 six',
      'pad pad',
      'maxPool pool',
      'flatten flat',
      'dense dense',
      'softmax shares',
      'dequantize shares/real',
    ]);
    const types = typesOf(made);
    expect(types.six).toMatchObject({ type: 'int8', zeroPoint: -128 });
    for (const name of ['conv', 'pad', 'pool', 'flat']) expect(types[name]).toEqual(types.six);
    expect(types.shares).toEqual({ type: 'int8', scale: 1 / 256, zeroPoint: -128 });
    expect(made.outputs).toEqual(['shares/real']);
  });

  test('both parts of a concat have its type', async () => {
    const net = new NetworkBuilder();
    const x = net.input('x', [1, 3, 3, 2]);
    const a = net.add('a', 'pointwiseConv2d', x, { filters: 2, bias: false });
    const b = net.add('b', 'relu', net.add('c', 'pointwiseConv2d', x, { filters: 2, bias: false }), {});
    const joined = net.add('joined', 'concat', [a, b], { axis: 3 });
    const shares = net.add('shares', 'sigmoid', joined, {});
    const both = net.add('both', 'concat', [joined, shares], { axis: 3 });
    const network = randomWeights(net.build('parts', [both], conventions), 2);
    const made = await quantized(network, [waves([1, 3, 3, 2])]);
    const types = typesOf(made);
    for (const name of ['a', 'b', 'c']) expect(types[name]).toEqual(types.joined);
    expect(kindsOf(made)).toContain('quantize shares/int8');
  });

  test('a layer without an integer form stays real', async () => {
    const net = new NetworkBuilder();
    let x = net.input('x', [1, 3, 3, 2]);
    x = net.add('first', 'relu', net.add('before', 'pointwiseConv2d', x, { filters: 4, bias: true }), {});
    x = net.add('norm', 'batchNorm', x, { epsilon: 1e-3, scale: true, center: true });
    x = net.add('last', 'pointwiseConv2d', x, { filters: 2, bias: true });
    const network = randomWeights(net.build('island', [x], conventions), 3);
    const made = await quantized(network, [waves([1, 3, 3, 2])]);
    expect(kindsOf(made)).toEqual([
      'quantize x/int8',
      'pointwiseConv2d before',
      'relu first',
      'dequantize first/real',
      'batchNorm norm',
      'quantize norm/int8',
      'pointwiseConv2d last',
      'dequantize last/real',
    ]);
  });

  test('a squeeze-and-excitation block: integers but for its hard sigmoid, of which the kernels make a table', async () => {
    const net = new NetworkBuilder();
    const x = net.add(
      'swish',
      'hardSwish',
      net.add('before', 'pointwiseConv2d', net.input('x', [1, 3, 3, 2]), { filters: 4, bias: true }),
      {},
    );
    const mean = net.add('mean', 'globalAveragePool', x, { keepDims: true });
    const gate = net.add(
      'gate',
      'hardSigmoid',
      net.add('excite', 'pointwiseConv2d', mean, { filters: 4, bias: true }),
      {},
    );
    const network = randomWeights(net.build('gated', [net.add('y', 'multiply', [x, gate], {})], conventions), 3);
    const made = await quantized(network, [waves([1, 3, 3, 2])]);
    expect(kindsOf(made).slice(1, -1)).toEqual([
      'pointwiseConv2d before',
      'hardSwish swish',
      'globalAveragePool mean',
      'pointwiseConv2d excite',
      'dequantize excite/real',
      'hardSigmoid gate',
      'quantize gate/int8',
      'multiply y',
    ]);
    // real numbers come in and go out
    const operations = (await compileQuantized(made)).report().operations.slice(1, -1);
    expect(operations.flatMap(({ kernels }) => Object.keys(kernels))).not.toContain('page');
    expect(operations.map(({ nodes }) => nodes)).toContainEqual(['excite/real', 'gate', 'gate/int8']);
  });

  test('what several layers compute of one number each stays real together', async () => {
    const net = new NetworkBuilder();
    const x = net.add('first', 'pointwiseConv2d', net.input('x', [1, 3, 3, 2]), { filters: 4, bias: true });
    const above = net.add('above', 'relu', x, {});
    const minus = net.add('minus', 'batchNorm', x, { epsilon: 1e-3, scale: true, center: true });
    const leaky = net.add('leaky', 'add', [above, net.add('below', 'relu', minus, {})], {});
    const last = net.add('last', 'pointwiseConv2d', leaky, { filters: 2, bias: true });
    const made = await quantized(randomWeights(net.build('leaky', [last], conventions), 3), [waves([1, 3, 3, 2])]);
    const types = typesOf(made);
    for (const name of ['above', 'minus', 'below', 'leaky']) expect(types[name]).toBe('float32');
    const { operations } = (await compileQuantized(made)).report();
    expect(operations.map(({ nodes }) => nodes)).toContainEqual([
      'first/real',
      'above',
      'minus',
      'below',
      'leaky',
      'leaky/int8',
    ]);
  });

  test('bytes of a picture go in where the preprocessing is one scale and one mean', async () => {
    const network = randomWeights(mobilenetV1({ alpha: 0.25, resolution: 32, classes: 5, conventions: 'keras' }), 4);
    const made = await quantized(network, [waves([1, 32, 32, 3])]);
    expect(made.inputs[0].type).toEqual({ type: 'uint8', scale: Math.fround(1 / 127.5), zeroPoint: 128 });
    expect(made.conventions.preprocessing!.mean).toEqual([128 / 127.5, 128 / 127.5, 128 / 127.5]);
    const floats = await quantized(network, [waves([1, 32, 32, 3])], { input: 'float32' });
    expect(floats.inputs[0].type).toBe('float32');
    expect(floats.conventions).toEqual(network.conventions);
  });
});

describe('whole networks', () => {
  test.each([
    ['V1', mobilenetV1({ alpha: 0.25, resolution: 64, classes: 10, conventions: 'keras' })],
    ['V2', mobilenetV2({ alpha: 0.35, resolution: 64, classes: 10, conventions: 'torchvision' })],
  ])('%s: the noise is 20 dB below the signal, the file comes back, kernels and layers agree', async (_, described) => {
    const network = randomWeights(described, 5);
    const pictures = Array.from({ length: 4 }, (_, i) => waves([1, 64, 64, 3], 1000 * i));
    const calibration = await calibrate(network, pictures);
    const made = quantizeNetwork(calibration);
    const report = await quantizationReport(calibration.network, made, pictures);
    expect(report.sqnr).toBeGreaterThan(20);
    expect(report.pictures).toBe(4);
    const read = await readQuantizedNetwork(await writeNetwork(made, 'tflite'));
    const { shape, type } = made.inputs[0];
    const input = (
      isQuantizedType(type)
        ? { shape, type, data: Uint8Array.from({ length: sizeOf(shape) }, (_, i) => (i * 37) % 256) }
        : pictures[0]
    ) as QuantizedTensor;
    const plan = await compileQuantized(made);
    const [kernels] = plan.run(input).values();
    const [layers] = runQuantized(made, input).values();
    const [again] = (await compileQuantized(read)).run(input).values();
    expect(kernels.data).toEqual(layers.data);
    expect(again.data).toEqual(layers.data);
  });

  test.each(['tflite', 'onnx', 'safetensors', 'npz'] as const)(
    '.%s: layers that stay real keep their weights',
    async (format) => {
      const net = new NetworkBuilder();
      let x = net.add('first', 'relu', net.input('x', [1, 3, 3, 2]), {});
      x = net.add('norm', 'batchNorm', x, { epsilon: 1e-3, scale: true, center: true });
      x = net.add('last', 'pointwiseConv2d', x, { filters: 2, bias: true });
      const picture = waves([1, 3, 3, 2]);
      const made = await quantized(randomWeights(net.build('island', [x], conventions), 3), [picture]);
      const read = await readQuantizedNetwork(await writeNetwork(made, format));
      const [wanted, found] = [made, read].map((network) =>
        realNumbers([...runQuantized(network, picture).values()][0]),
      );
      expect(Float32Array.from(found)).toEqual(Float32Array.from(wanted));
    },
  );

  test('random networks: types fit, for any calibration', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom('relu', 'relu6', 'sigmoid', 'maxPool', 'add', 'concat', 'norm', 'pointwise'), {
          minLength: 1,
          maxLength: 6,
        }),
        fc.integer({ min: 1, max: 1000 }),
        fc.float({ min: Math.fround(1e-3), max: 1000, noNaN: true }),
        async (kinds, seed, size) => {
          const net = new NetworkBuilder();
          let x = net.input('x', [1, 4, 4, 3]);
          for (const [i, kind] of kinds.entries()) x = layer(net, `${kind}${i}`, kind, x);
          const network = randomWeights(net.build('random', [x], conventions), seed);
          const picture = waves([1, 4, 4, 3], seed);
          const made = await quantized(network, [{ ...picture, data: picture.data.map((value) => value * size) }]);
          expect(() => inferTypes(made)).not.toThrow();
        },
      ),
      { numRuns: 40 },
    );
  });
});

function layer(net: NetworkBuilder, name: string, kind: string, x: string): string {
  switch (kind) {
    case 'add':
      return net.add(name, 'add', [x, net.add(`${name}/other`, 'relu', x, {})], {});
    case 'concat': {
      const joined = net.add(name, 'concat', [x, net.add(`${name}/other`, 'sigmoid', x, {})], { axis: 3 });
      return net.add(`${name}/narrow`, 'pointwiseConv2d', joined, { filters: 3, bias: true });
    }
    case 'maxPool':
      return net.add(name, 'maxPool', x, { poolSize: [2, 2], strides: [1, 1], padding: 'same' });
    case 'norm':
      return net.add(name, 'batchNorm', net.add(`${name}/before`, 'relu', x, {}), {
        epsilon: 1e-3,
        scale: true,
        center: true,
      });
    case 'pointwise':
      return net.add(name, 'pointwiseConv2d', x, { filters: 3, bias: true });
    default:
      return net.add(name, kind as 'relu', x, {});
  }
}

describe('correctBiases', () => {
  /** y = x, z = y, in steps of 1. */
  const copies = (): Network => {
    const net = new NetworkBuilder();
    const y = net.add('y', 'dense', net.input('x', [1, 1]), { units: 1, bias: false });
    const network = net.build('copies', [net.add('z', 'dense', y, { units: 1, bias: true })], conventions);
    const one = tensor([1, 1], [1]);
    return withWeights(
      network,
      new Map([
        ['y/kernel', one],
        ['z/kernel', one],
        ['z/bias', tensor([1], [0])],
      ]),
    ); // prettier-ignore
  };
  const pictures = [tensor([1, 1], [255]), tensor([1, 1], [Math.fround(0.4)])];

  test('0.4 became 0 in one of two pictures: the sums are 0.2 too small, in steps of 1 / 127', async () => {
    const calibration = await calibrate(copies(), pictures);
    const rounded = quantizeNetwork(calibration);
    const biases = ({ weights }: QuantizedNetwork) => ['y', 'z'].map((name) => weights.get(`${name}/bias`)!.data[0]);
    expect(biases(rounded)).toEqual([0, 0]);
    const layers: number[][] = [];
    const onLayer = (...done: number[]) => layers.push(done);
    const corrected = await correctBiases(calibration.network, rounded, pictures, { onLayer });
    // y is 255.2 and 0.2, which are rounded: z lacks as much.
    expect(biases(corrected)).toEqual([25, 25]);
    expect(layers).toEqual([
      [1, 2],
      [2, 2],
    ]); // prettier-ignore
    expect(corrected.weights.get('y/kernel')).toBe(rounded.weights.get('y/kernel'));
  });

  test('a layer is corrected with those before it corrected', async () => {
    const net = new NetworkBuilder();
    const y = net.add('y', 'dense', net.input('x', [1, 1]), { units: 1, bias: false });
    const z = net.add('z', 'dense', net.add('six', 'relu6', y, {}), { units: 1, bias: false });
    const network = withWeights(
      net.build('bounded', [z], conventions),
      new Map([...copies().weights].filter(([name]) => name !== 'z/bias')),
    );
    const five = [255, 0.4, 0.4, 0.4, 0.4].map((x) => tensor([1, 1], [Math.fround(x)]));
    const calibration = await calibrate(network, five);
    const corrected = await correctBiases(calibration.network, quantizeNetwork(calibration), five);
    // 0.4 became 0: the mean of x is 0.32 too small, in steps of 1 / 127.
    expect(corrected.weights.get('y/bias')!.data[0]).toBe(41);
    // 41 / 127 is 14 steps of 6 / 255. The mean of y is (6 + 4 · 0.4) / 5, that of its integers (6 + 4 · 14 · 6 / 255) / 5; in steps of 6 / 255 / 127:
    expect(corrected.weights.get('z/bias')!.data[0]).toBe(Math.round(((4 * (0.4 * 255)) / 6 - 4 * 14) * (127 / 5)));
  });

  test('the answers are never further from the real numbers for it: where they would be, the network stays as it is', async () => {
    let [better, asItWas] = [0, 0];
    for (let seed = 1; seed <= 12; seed++) {
      const net = new NetworkBuilder();
      let x = net.add('first', 'conv2d', net.input('x', [1, 6, 6, 2]), { filters: 4, kernelSize: [3, 3], bias: true });
      x = net.add('depthwise', 'depthwiseConv2d', net.add('six', 'relu6', x), { kernelSize: [3, 3], bias: true });
      x = net.add('logits', 'dense', net.add('pool', 'globalAveragePool', x), { units: 3 });
      const network = randomWeights(net.build('small', [x], conventions), seed);
      const some = [0, 100, 200].map((begin) => waves([1, 6, 6, 2], begin + seed));
      const calibration = await calibrate(network, some);
      const rounded = quantizeNetwork(calibration, { biasCorrection: false });
      const corrected = await correctBiases(calibration.network, rounded, some);
      const sqnrOf = async (one: QuantizedNetwork) => (await quantizationReport(calibration.network, one, some)).sqnr;
      expect(await sqnrOf(corrected)).toBeGreaterThanOrEqual(await sqnrOf(rounded));
      if (corrected === rounded) asItWas++;
      else better++;
    }
    expect(better).toBeGreaterThan(0);
    expect(asItWas).toBeGreaterThan(0);
  });

  test('without pictures, and with a network of another calibration', async () => {
    const calibration = await calibrate(copies(), pictures);
    const rounded = quantizeNetwork(calibration);
    await expect(correctBiases(calibration.network, rounded, [])).rejects.toThrow(
      'copies: calibration wants at least one picture',
    );
    const other = { ...rounded, name: 'other', nodes: rounded.nodes.filter(({ name }) => name !== 'z') };
    await expect(correctBiases(calibration.network, other, pictures)).rejects.toThrow(
      "other: has no layer 'z' of the network of real numbers",
    );
  });
});

describe('errors', () => {
  const dense = () => {
    const net = new NetworkBuilder();
    return net.build('small', [net.add('y', 'dense', net.input('x', [1, 2]), { units: 1, bias: false })], conventions);
  };

  test('no picture', async () => {
    await expect(calibrate(randomWeights(dense(), 1), [])).rejects.toThrow(
      'small: calibration wants at least one picture',
    );
  });

  test('no weights', async () => {
    await expect(calibrate(dense(), [tensor([1, 2], [1, 2])])).rejects.toThrow('small');
  });

  test('numbers that are none', async () => {
    const network = withWeights(dense(), new Map([['y/kernel', tensor([2, 1], [1, Number.POSITIVE_INFINITY])]]));
    await expect(calibrate(network, [tensor([1, 2], [1, 2])])).rejects.toThrow(
      "small: 'y', picture 1: number 0 is Infinity, for which there is no integer",
    );
  });

  test('bytes where the preprocessing does not allow them', async () => {
    const calibration = await calibrate(randomWeights(dense(), 1), [tensor([1, 2], [1, 2])]);
    expect(() => quantizeNetwork(calibration, { input: 'uint8' })).toThrow(
      "small: its preprocessing is not one scale and one mean for all channels; wanted input 'float32'",
    );
  });

  test('several inputs', async () => {
    const net = new NetworkBuilder();
    const sum = net.add('y', 'add', [net.input('a', [1, 2]), net.input('b', [1, 2])], {});
    const network = net.build('two', [sum], conventions);
    const calibration = { network, ranges: new Map(), means: new Map(), pictures: 1 };
    expect(() => quantizeNetwork(calibration)).toThrow('two: only networks of one input are quantised');
  });
});
