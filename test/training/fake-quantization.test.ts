/** Quantisation-aware training: which numbers the forward pass computes with, and that gradients pass the rounding. */
import { expect, test } from 'vitest';
import { NetworkBuilder, randomWeights, withWeights } from '../../src/network/index.js';
import { tensor } from '../../src/tensor.js';
import { createProgram } from '../../src/training/programs.js';
import { type Grids, gridOf, onGrid, quantizedKernels } from '../../src/training/step/fake-quantization.js';
import { packParameters, parameterLayout } from '../../src/training/step/parameters.js';

function small() {
  const net = new NetworkBuilder();
  const pooled = net.add('pool', 'globalAveragePool', net.input('x', [1, 1, 1, 2]), {});
  const logits = net.add('logits', 'dense', pooled, { units: 2, bias: true });
  return net.build('small', [logits], { source: 'other', output: 'logits' });
}

// inputs × outputs   output 0  output 1
const kernel = tensor([2, 2], [1.27, -0.5, 0.101, 0.25]);
const bias = tensor([2], [0.123, 0]);
const weights = new Map([
  ['logits/kernel', kernel],
  ['logits/bias', bias],
]);

test('kernels are 127ths of the largest number of their output; biases stay', () => {
  const network = withWeights(small(), weights);
  const rounded = quantizedKernels(parameterLayout(network), packParameters(network).values);
  // 0.101 is 10.1 hundredths, 0.25 is 63.5 steps of 0.5 / 127.
  const expected = [1.27, -0.5, 0.1, (64 * 0.5) / 127, 0.123, 0];
  for (const [i, value] of expected.entries()) expect(rounded[i]).toBeCloseTo(value, 6);
});

test('depthwise kernels: each of C · M outputs by itself', () => {
  const net = new NetworkBuilder();
  const window = { kernelSize: [1, 2], strides: [1, 1], dilation: [1, 1], padding: 'valid' } as const;
  const y = net.add('d', 'depthwiseConv2d', net.input('x', [1, 1, 2, 2]), {
    ...window,
    depthMultiplier: 1,
    bias: false,
  });
  const network = withWeights(
    net.build('small', [y], { source: 'other', output: 'features' }),
    new Map([['d/kernel', tensor([1, 2, 2, 1], [127, 0, 0.6, 0])]]),
  );
  // The second output is dead.
  expect([...quantizedKernels(parameterLayout(network), packParameters(network).values)]).toEqual([127, 0, 1, 0]);
});

test('the grid of an int8 type', () => {
  expect(gridOf({ type: 'int8', scale: 0.5, zeroPoint: -28 })).toEqual({ scale: 0.5, lo: -100, hi: 155 });
});

test('halves go to even numbers, as the kernel rounds them; what is beyond the grid is its end', () => {
  const x = tensor([6], [-0.75, -0.25, 0.25, 0.75, 1.25, 9]);
  expect([...onGrid(x, { scale: 0.5, lo: -128, hi: 3 }).data]).toEqual([-1, -0, 0, 1, 1, 1.5]);
  expect(onGrid(x, undefined)).toBe(x);
});

test.each(['simd', 'reference'] as const)(
  '%s: computes with rounded numbers, gradients as if they were not',
  async (target) => {
    const network = withWeights(small(), weights);
    const program = await createProgram(target, network, 1, new Map([['pool', { scale: 0.5, lo: -128, hi: 3 }]]));
    const gradients = new Float32Array(6);
    const { values } = packParameters(network);
    const { loss } = program.step(
      values,
      Float32Array.of(1.1, 2.2),
      Float32Array.of(1, 0),
      gradients,
      new Float32Array(0),
      1,
    );
    // 1.1 is 2.2 halves, 2.2 would be 4.4 and is 3 of them at most.
    const pool = [1, 1.5];
    const logits = [pool[0] * 1.27 + pool[1] * 0.1 + 0.123, pool[0] * -0.5 + (pool[1] * 64 * 0.5) / 127];
    const share = 1 / (1 + Math.exp(logits[1] - logits[0]));
    expect(loss).toBeCloseTo(-Math.log(share), 5);
    const slopes = [share - 1, 1 - share];
    const expected = [...pool.flatMap((x) => slopes.map((slope) => x * slope)), ...slopes];
    for (const [i, value] of expected.entries()) expect(gradients[i]).toBeCloseTo(value, 5);
  },
);

test('without grids nothing is rounded', async () => {
  const network = randomWeights(small(), 1);
  const lossOf = async (grids?: Grids) => {
    const program = await createProgram('simd', network, 1, grids);
    const [pictures, targets] = [Float32Array.of(1.1, 2.2), Float32Array.of(1, 0)];
    const { values } = packParameters(network);
    return program.step(values, pictures, targets, new Float32Array(6), new Float32Array(0), 1).loss;
  };
  // Without tensors, kernels alone.
  expect(await lossOf()).not.toBe(await lossOf(new Map()));
});
