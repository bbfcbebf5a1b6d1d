/** What a plan of a quantised network says of itself, and of what it cannot do. */
import '../../kernels/relaxed.js';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { planBlocks } from '../../../src/engine/blocks.js';
import { profile } from '../../../src/engine/index.js';
import { compileQuantized } from '../../../src/engine/int8/engine.js';
import { lowerIntegers } from '../../../src/engine/int8/lower.js';
import { inferQuantizedShapes } from '../../../src/network/quantized-network.js';
import { sizeOf } from '../../../src/tensor.js';
import { QuantizedBuilder } from './networks.js';

const seeded = { type: 'uint8', perChannel: false, seed: 1 } as const;

/** A 1 × 1 convolution with an activation, and a softmax behind it. */
function small() {
  const net = new QuantizedBuilder(seeded);
  const x = net.input('x', [1, 2, 2, 3]);
  const y = net.add('y', 'pointwiseConv2d', x, { filters: 4, bias: true }, net.anyType());
  net.add('z', 'softmax', net.add('relu', 'relu', y, {}), {}, net.shares());
  return net.build(['z']);
}

describe('the report', () => {
  test('names target, rounding, the nodes that run as one, and their kernels', async () => {
    const plan = await compileQuantized(small(), { target: 'simd', rounding: 'double' });
    const { target, rounding, operations, memory } = plan.report();
    expect([target, rounding]).toEqual(['simd', 'double']);
    expect(operations).toEqual([
      { nodes: ['y', 'relu'], kernels: { bytesToQuads: 1, pointwise: 1 } },
      { nodes: ['z'], kernels: { quadsToBytes: 1, page: 1 } },
    ]);
    expect(memory.weightBytes).toBeGreaterThan(0);
    plan.dispose();
  });

  test('the rounding is single where none is asked for', async () => {
    const plan = await compileQuantized(small());
    expect(plan.report().rounding).toBe('single');
  });
});

/** What a layer needs to run: its kernel, and those that bring its input and its result into the layouts of integers. */
describe('kernels', () => {
  const window = { kernelSize: [3, 3], strides: [1, 1], dilation: [1, 1], padding: 'same', bias: true } as const;
  const once = { ...window, depthMultiplier: 1 } as const;
  const pooled = { poolSize: [2, 2], strides: [1, 1], padding: 'valid' } as const;
  const index = { type: 'int32', scale: 1, zeroPoint: 0 } as const;
  type Draw = (net: QuantizedBuilder, x: string) => string;
  const pointwise = (net: QuantizedBuilder, name: string, x: string, filters = 8) =>
    net.add(name, 'pointwiseConv2d', x, { filters, bias: true }, net.anyType());
  const alone =
    (kind: 'relu' | 'relu6' | 'hardSwish' | 'quantize'): Draw =>
    (net, x) =>
      net.add('y', kind, x, {}, net.anyType());
  const draws: Record<string, [draw: Draw, ...kernels: string[]]> = {
    pointwiseConv2d: [(net, x) => pointwise(net, 'y', x), 'bytesToQuads', 'pointwise', 'quadsToBytes'],
    'pointwiseConv2d of one pixel': [
      (net) => pointwise(net, 'y', net.input('pixel', [1, 1, 1, 8])),
      ...['bytesToQuads', 'dense', 'quadsToBytes'],
    ],
    dense: [
      (net) => net.add('y', 'dense', net.input('row', [1, 8]), { units: 3, bias: true }, net.anyType()),
      ...['bytesToQuads', 'dense', 'quadsToBytes'],
    ],
    conv2d: [
      (net, x) => net.add('y', 'conv2d', x, { ...window, filters: 8 }, net.anyType()),
      ...['bytesToPicture', 'convolution', 'quadsToBytes'],
    ],
    depthwiseConv2d: [
      (net, x) => net.add('y', 'depthwiseConv2d', x, once, net.anyType()),
      ...['bytesToQuads', 'zeroMargins', 'quadsToPlanes', 'depthwise', 'quadsToBytes'],
    ],
    'depthwiseConv2d, two results a channel': [
      (net, x) => net.add('y', 'depthwiseConv2d', x, { ...once, depthMultiplier: 2 }, net.anyType()),
      ...['repeatBytes', 'bytesToQuads', 'zeroMargins', 'quadsToPlanes', 'depthwise', 'quadsToBytes'],
    ],
    'a convolution writes what a depthwise one reads': [
      (net, x) => {
        const y = net.add('y', 'conv2d', x, { ...window, filters: 8 }, net.anyType());
        return net.add('z', 'depthwiseConv2d', y, once, net.anyType());
      },
      ...['bytesToPicture', 'zeroMargins', 'convolution', 'depthwise', 'quadsToBytes'],
    ],
    'an expansion, a depthwise convolution and a projection, twice': [
      (net, x) => {
        const block = (name: string, from: string) =>
          pointwise(
            net,
            `${name} project`,
            net.add(name, 'depthwiseConv2d', pointwise(net, `${name} expand`, from), once, net.anyType()),
          );
        return block('b', block('a', x));
      },
      ...['bytesToQuads', 'zeroMargins', 'pointwise', 'depthwise', 'quadsToBytes'],
    ],
    globalAveragePool: [
      (net, x) => net.add('y', 'globalAveragePool', x, { keepDims: false }, net.anyType()),
      ...['bytesToQuads', 'sums', 'means', 'quadsToBytes'],
    ],
    'averagePool over the whole map': [
      (net, x) => net.add('y', 'averagePool', x, { ...pooled, poolSize: [4, 5], includePadding: false }),
      ...['bytesToQuads', 'sums', 'averages', 'quadsToBytes'],
    ],
    averagePool: [(net, x) => net.add('y', 'averagePool', x, { ...pooled, includePadding: false }), 'pool'],
    maxPool: [(net, x) => net.add('y', 'maxPool', x, pooled), 'pool'],
    add: [(net, x) => net.add('y', 'add', [x, x], {}, net.anyType()), 'bytesToQuads', 'add', 'quadsToBytes'],
    multiply: [
      (net, x) => net.add('y', 'multiply', [x, x], {}, net.anyType()),
      ...['bytesToQuads', 'multiply', 'quadsToBytes'],
    ],
    concat: [(net, x) => net.add('y', 'concat', [x, x], { axis: 3 }), 'copyRuns'],
    'concat of what convolutions made': [
      (net, x) => {
        const y = pointwise(net, 'y', x);
        return net.add('z', 'concat', [y, y], { axis: 3 });
      },
      ...['bytesToQuads', 'pointwise', 'copyRuns', 'quadsToBytes'],
    ],
    flatten: [(net, x) => net.add('y', 'flatten', x, {})],
    reshape: [(net, x) => net.add('y', 'reshape', x, { shape: [10, 16] })],
    dropout: [(net, x) => net.add('y', 'dropout', x, { rate: 0.5 })],
    'reshape between quads': [
      (net, x) => pointwise(net, 'z', net.add('y', 'reshape', pointwise(net, 'p', x), { shape: [5, 4, 8] })),
      ...['bytesToQuads', 'pointwise', 'quadsToBytes'],
    ],
    relu: [alone('relu'), 'lookup'],
    relu6: [alone('relu6'), 'lookup'],
    clamp: [(net, x) => net.add('y', 'clamp', x, { min: -1, max: 1 }, net.anyType()), 'lookup'],
    sigmoid: [(net, x) => net.add('y', 'sigmoid', x, {}, net.shares()), 'lookup'],
    hardSwish: [alone('hardSwish'), 'lookup'],
    quantize: [alone('quantize'), 'lookup'],
    'hardSwish behind a convolution': [
      (net, x) => net.add('z', 'hardSwish', pointwise(net, 'y', x), {}, net.anyType()),
      ...['bytesToQuads', 'pointwise', 'lookupQuads', 'quadsToBytes'],
    ],
    resizeBilinear: [
      (net, x) => net.add('y', 'resizeBilinear', x, { size: [7, 9], rule: 'half-pixel' }),
      'resizeBilinear',
    ],
    argMax: [(net, x) => net.add('y', 'argMax', x, {}, index), 'argMax'],
    'argMax of a resized map': [
      (net, x) =>
        net.add('z', 'argMax', net.add('y', 'resizeBilinear', x, { size: [7, 9], rule: 'half-pixel' }), {}, index),
      'resizeArgMax',
    ],
  };

  test.each(Object.entries(draws))('%s', async (_, [draw, ...kernels]) => {
    const net = new QuantizedBuilder(seeded);
    const plan = await compileQuantized(net.build([draw(net, net.input('x', [1, 4, 5, 8]))]), { target: 'scalar' });
    const found = plan.report().operations.flatMap((operation) => Object.keys(operation.kernels));
    plan.dispose();
    expect(new Set(found)).toEqual(new Set(kernels));
  });

  test('a matrix product runs in blocks of 256 kB: of 200 channels in two bytes, 660 pixels in whole tiles', async () => {
    const net = new QuantizedBuilder(seeded);
    const y = pointwise(net, 'y', net.input('x', [1, 37, 37, 200]));
    const plan = await compileQuantized(net.build([y]), { target: 'scalar' });
    expect(plan.report().operations[0].kernels.pointwise).toBe(Math.ceil((37 * 37) / 660));
    plan.dispose();
  });

  test('another shape for the same numbers takes none, of bytes by four pixels or of indices', async () => {
    const net = new QuantizedBuilder(seeded);
    const y = net.add('reshaped', 'reshape', pointwise(net, 'first', net.input('x', [1, 4, 5, 8])), {
      shape: [5, 4, 8],
    });
    const labels = net.add('labels', 'argMax', pointwise(net, 'second', y), {}, index);
    const flat = net.add('flat', 'flatten', net.add('rows', 'reshape', labels, { shape: [2, 10] }), {});
    const network = net.build([net.add('same', 'dropout', flat, { rate: 0.5 })]);
    const plan = await compileQuantized(network, { target: 'scalar' });
    expect(plan.report().operations.map(({ kernels }) => Object.keys(kernels))).toEqual([
      ['bytesToQuads', 'pointwise'],
      [],
      ['pointwise'],
      ['quadsToBytes', 'argMax'],
      ...[[], [], []],
    ]);
    plan.dispose();
  });

  test('a table for bytes serves a tensor that lies as bytes and as quads', async () => {
    const net = new QuantizedBuilder(seeded);
    const x = net.input('x', [1, 4, 5, 8]);
    const outputs = [pointwise(net, 'y', x), net.add('z', 'sigmoid', x, {}, net.shares())];
    const plan = await compileQuantized(net.build(outputs), { target: 'scalar' });
    expect(Object.keys(plan.report().operations[1].kernels)).toContain('lookup');
    plan.dispose();
  });

  test.each(['int8', 'uint8'] as const)('%s: a convolution reads bytes of the other sign as they are', async (type) => {
    const net = new QuantizedBuilder({ ...seeded, type });
    const x = net.input('x', [1, 4, 5, 3]);
    const own = net.typeOf(x);
    const [other, moved] = type === 'int8' ? (['uint8', 128] as const) : (['int8', -128] as const);
    const signed = net.add('signed', 'quantize', x, {}, { ...own, type: other, zeroPoint: own.zeroPoint + moved });
    const back = net.add('back', 'quantize', signed, {}, own);
    const network = net.build([net.add('y', 'conv2d', back, { ...window, filters: 4 }, net.anyType())]);
    const plan = await compileQuantized(network, { target: 'scalar' });
    const kernels = plan.report().operations.map((operation) => Object.keys(operation.kernels));
    plan.dispose();
    expect(kernels).toEqual([['lookup'], [], ['bytesToPicture', 'convolution', 'quadsToBytes']]);
  });
});

test("the nodes of a table are its operation's, those before it too", async () => {
  const net = new QuantizedBuilder(seeded);
  const real = net.add('real', 'dequantize', net.input('x', [1, 2, 2, 3]), {}, 'float32');
  const product = net.add('product', 'multiply', [real, net.add('sigmoid', 'sigmoid', real, {})], {});
  const plan = await compileQuantized(net.build([net.add('y', 'quantize', product, {}, net.anyType())]));
  expect(plan.report().operations).toEqual([{ nodes: ['real', 'sigmoid', 'product', 'y'], kernels: { lookup: 1 } }]);
  plan.dispose();
});

test('wide products are of bytes where the machine has an instruction for them', async () => {
  const net = new QuantizedBuilder({ type: 'int8', perChannel: false, seed: 3 });
  const y = net.add('y', 'pointwiseConv2d', net.input('x', [1, 4, 4, 64]), { filters: 64, bias: true }, net.anyType());
  const plan = await compileQuantized(net.build([y]), { target: 'relaxed' });
  const [{ kernels }] = plan.report().operations;
  plan.dispose();
  expect(Object.keys(kernels)).toEqual([
    ...['bytesToQuads', 'quadsToByteQuads', expect.stringMatching(/^pointwise(Bytes|Dots)$/), 'quadsToBytes'],
  ]);
});

describe('buffers are as large as their layouts, in cache lines', () => {
  const line = (bytes: number) => Math.ceil(bytes / 64) * 64;
  /** int16, pixels by four and channels by eight. */
  const quads = (pixels: number, channels: number) => line(Math.ceil(pixels / 4) * Math.ceil(channels / 8) * 64);
  const picture = 9 * 7;
  const window = { kernelSize: [3, 3], strides: [1, 1], dilation: [1, 1], padding: 'same', bias: true } as const;
  const draws: Record<string, [draw: (net: QuantizedBuilder, x: string) => string, ...bytes: number[]]> = {
    pointwiseConv2d: [
      (net, x) => net.add('y', 'pointwiseConv2d', x, { filters: 30, bias: true }, net.anyType()),
      ...[quads(picture, 20), quads(picture, 30), line(picture * 30)],
    ],
    globalAveragePool: [
      (net, x) => net.add('y', 'globalAveragePool', x, { keepDims: false }, net.anyType()),
      // sums of 64 bits for two channels
      ...[quads(picture, 20), line(20 * 4), quads(1, 20), line(20)],
    ],
    depthwiseConv2d: [
      (net, x) => net.add('y', 'depthwiseConv2d', x, { ...window, depthMultiplier: 1 }, net.anyType()),
      // rows with margins, one of zeros, a pixel that nobody reads, and four behind; sums of four rows and of three pixels too many
      ...[
        quads(picture, 20),
        quads(picture, 20),
        line(3 * (10 * 9 + 1) * 16 + 4 * 16),
        line((4 * 7 + 3) * 16),
        line(picture * 20),
      ],
    ],
    conv2d: [
      (net, x) => net.add('y', 'conv2d', x, { ...window, filters: 12 }, net.anyType()),
      // a border of zeros, and a number that the last pair may read
      ...[line(11 * 9 * 20 * 2 + 2), quads(picture, 12), line(picture * 12)],
    ],
    'argMax of a resized map': [
      (net, x) => {
        const y = net.add('y', 'resizeBilinear', x, { size: [12, 12], rule: 'half-pixel' });
        return net.add('z', 'argMax', y, {}, { type: 'int32', scale: 1, zeroPoint: 0 });
      },
      ...[line(picture * 4 + 20), 12 * 12 * 4],
    ],
  };

  test.each(Object.entries(draws))('%s', (_, [draw, ...bytes]) => {
    const net = new QuantizedBuilder(seeded);
    const network = net.build([draw(net, net.input('x', [1, 9, 7, 20]))]);
    const { program } = lowerIntegers(network, inferQuantizedShapes(network), 'single', false, 'pairs');
    const sorted = (sizes: readonly number[]) => [...sizes].sort((a, b) => a - b);
    expect(sorted(program.buffers.map((buffer) => buffer.bytes))).toEqual(sorted([line(picture * 20), ...bytes]));
  });
});

test('memory: weights, activations and the largest buffer, in whole cache lines of 64 bytes', async () => {
  const net = new QuantizedBuilder(seeded);
  const x = net.input('x', [1, 8, 8, 16]);
  const plan = await compileQuantized(
    net.build([net.add('y', 'maxPool', x, { poolSize: [3, 3], strides: [1, 1], padding: 'valid' })]),
  );
  const [input, output] = [8 * 8 * 16, 6 * 6 * 16];
  expect(plan.report().memory).toEqual({
    weightBytes: 0,
    activationBytes: input + output,
    totalBytes: input + output,
    largestBufferBytes: input,
  });
  plan.dispose();
});

test.each([true, false])('a chain is planned as what it is: with an expansion %s', async (expands) => {
  const net = new QuantizedBuilder(seeded);
  let x = net.input('x', [1, 56, 56, expands ? 24 : 144]);
  if (expands) x = net.add('expand', 'pointwiseConv2d', x, { filters: 144, bias: true }, net.anyType());
  const window = { kernelSize: [3, 3], strides: [1, 1], dilation: [1, 1], padding: 'same' } as const;
  x = net.add('depthwise', 'depthwiseConv2d', x, { ...window, depthMultiplier: 1, bias: true }, net.anyType());
  const plan = await compileQuantized(
    net.build([net.add('project', 'pointwiseConv2d', x, { filters: 24, bias: true }, net.anyType())]),
    { target: 'simd' },
  );
  const counts = plan.report().operations.map(({ kernels }) => kernels.depthwise ?? 0);
  plan.dispose();
  // Planned for numbers of four bytes, where these have two.
  const sizes = { height: 56, width: 56, outHeight: 56, outWidth: 56, channels: 144 / 2 };
  const blocks = (expands: boolean) =>
    planBlocks({ ...sizes, kernel: 3, stride: 1, dilation: 1, top: 1, expands, wholeMaps: false }).blocks.length;
  expect(counts.reduce((sum, count) => sum + count)).toBe(blocks(expands));
  expect(blocks(true)).not.toBe(blocks(false));
});

test('a profile names every node of the network once, with those that run as one', async () => {
  for (const target of ['simd', 'scalar'] as const) {
    const plan = await compileQuantized(small(), { target });
    const times = profile(plan, new Uint8Array(12));
    expect(times.map(({ nodes }) => nodes)).toEqual([['y', 'relu'], ['z']]);
    for (const { milliseconds } of times) expect(milliseconds).toBeGreaterThanOrEqual(0);
    plan.dispose();
  }
});

describe('results into given tensors', () => {
  test('are those of a run without', async () => {
    const plan = await compileQuantized(small());
    const [first, second] = [new Uint8Array(12).fill(9), new Uint8Array(12).fill(200)];
    const into = plan.run(first);
    const given = into.get('z');
    const wanted = plan.run(second);
    expect(plan.run(second, into).get('z')).toBe(given);
    expect(given).toEqual(wanted.get('z'));
  });

  test.each([
    [[1, 2, 2, 5], Uint8Array, '[1,2,2,5] in a Uint8Array'],
    [[1, 2, 2, 4], Int8Array, '[1,2,2,4] in a Int8Array'],
  ])('of another shape or type are refused', async (shape, Numbers, found) => {
    const plan = await compileQuantized(small());
    const into = new Map([
      ['z', { shape, data: new Numbers(sizeOf(shape)), type: { type: 'uint8', scale: 1, zeroPoint: 0 } as const }],
    ]);
    expect(() => plan.run(new Uint8Array(12), into)).toThrow(
      `the tensor for output 'z' must be [1,2,2,4] in a Uint8Array, found ${found}`,
    );
  });
});

describe('inputs', () => {
  test('a picture of bytes alone is the only input; two of them are a batch', async () => {
    const plan = await compileQuantized(small());
    const bytes = Uint8Array.from({ length: 24 }, (_, i) => 10 * i);
    const both = plan.run(bytes).get('z');
    const second = plan.run(bytes.subarray(12)).get('z');
    expect(both?.shape).toEqual([2, 2, 2, 4]);
    expect(both?.data.subarray(16)).toEqual(second?.data);
  });

  test.each([
    [
      new Uint8Array(13),
      'test: wanted numbers of shape [batch, 2, 2, 3] in a Uint8Array, found 13 numbers in a Uint8Array',
    ],
    [
      new Int8Array(12),
      'test: wanted numbers of shape [batch, 2, 2, 3] in a Uint8Array, found 12 numbers in a Int8Array',
    ],
  ])('others are refused', async (bytes, message) => {
    const plan = await compileQuantized(small());
    expect(() => plan.run(bytes)).toThrow(message);
  });
});

describe('a machine', () => {
  afterEach(() => vi.unstubAllGlobals());
  const freshEngine = async () => {
    vi.resetModules();
    return import('../../../src/engine/int8/engine.js');
  };

  test.each([
    [{}, 'relaxed, simd, scalar'],
    [{ target: 'simd' }, 'simd'],
  ] as const)('without WebAssembly, %o', async (options, named) => {
    vi.stubGlobal('WebAssembly', undefined);
    const { compileQuantized } = await freshEngine();
    await expect(compileQuantized(small(), options)).rejects.toThrow(
      `this machine does not run the integer kernels of target ${named}`,
    );
  });

  test('is asked once whether it knows the instructions of a target', async () => {
    const validate = vi.fn(() => true);
    vi.stubGlobal('WebAssembly', Object.assign(Object.create(WebAssembly), { validate }));
    const { compileQuantized } = await freshEngine();
    (await compileQuantized(small(), { target: 'scalar' })).dispose();
    const { length } = validate.mock.calls;
    (await compileQuantized(small(), { target: 'scalar' })).dispose();
    expect(validate).toHaveBeenCalledTimes(length);
  });
});

test.each([
  [2, 1],
  [2, 3],
])('a network declared for batches of %i runs batches of %i', async (declared, batch) => {
  const net = new QuantizedBuilder(seeded);
  const network = net.build([
    net.add('y', 'maxPool', net.input('x', [declared, 2, 2, 1]), {
      poolSize: [2, 2],
      strides: [2, 2],
      padding: 'valid',
    }),
  ]);
  const plan = await compileQuantized(network);
  const found = plan.run(Uint8Array.from({ length: 4 * batch }, (_, i) => i)).get('y')!;
  plan.dispose();
  expect([found.shape, [...found.data]]).toEqual([[batch, 1, 1, 1], [3, 7, 11].slice(0, batch)]);
});

describe('refused', () => {
  test('unknown targets and roundings', async () => {
    await expect(compileQuantized(small(), { target: 'avx' as 'simd' })).rejects.toThrow(
      "target must be one of relaxed, simd, scalar, found 'avx'",
    );
    await expect(compileQuantized(small(), { rounding: 'up' as 'single' })).rejects.toThrow(
      "rounding must be one of single, double, found 'up'",
    );
  });

  test('a layer without an integer form', async () => {
    const net = new QuantizedBuilder(seeded);
    const x = net.input('x', [1, 2, 2, 3]);
    const network = net.build([net.add('y', 'hardSigmoid', x, {}, net.anyType())]);
    await expect(compileQuantized(network)).rejects.toThrow(
      "y: 'hardSigmoid' is not computed with integers; asRealNumbers computes all layers",
    );
  });

  test('running what was disposed', async () => {
    const plan = await compileQuantized(small());
    plan.dispose();
    plan.dispose();
    expect(() => plan.run(new Uint8Array(12))).toThrow('test: this plan was disposed; compile the network again');
  });
});
