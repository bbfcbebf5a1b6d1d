/** What a plan of a quantised network says of itself, and of what it cannot do. */
import { describe, expect, test } from 'vitest';
import { planBlocks } from '../../../src/engine/blocks.js';
import { profile } from '../../../src/engine/index.js';
import { compileQuantized } from '../../../src/engine/int8/engine.js';
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
