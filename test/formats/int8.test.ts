import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FormatError, UsageError } from '../../src/errors.js';
import { readNetwork, writeNetwork, writeTfjs } from '../../src/formats/index.js';
import { writeNpz } from '../../src/formats/tensors/npz.js';
import { readSafetensors, writeSafetensors } from '../../src/formats/tensors/safetensors.js';
import { type Network, NetworkBuilder } from '../../src/network/index.js';
import { tensor } from '../../src/tensor.js';

/** A pointwise convolution from 2 to 2 channels after a depthwise one of 1 × 2 taps. */
function network(depthwise: readonly number[], pointwise: readonly number[]): Network {
  const net = new NetworkBuilder();
  const sampling = { kernelSize: [1, 2], strides: [1, 1], dilation: [1, 1], padding: 'same' } as const;
  const filtered = net.add('d', 'depthwiseConv2d', net.input('in', [1, 1, 2, 2]), {
    ...sampling,
    depthMultiplier: 1,
    bias: false,
  });
  const mixed = net.add('p', 'pointwiseConv2d', filtered, { filters: 2, bias: true });
  return {
    ...net.build('small', [mixed], { source: 'other', output: 'features' }),
    weights: new Map([
      ['d/kernel', tensor([1, 2, 2, 1], [...depthwise])],
      ['p/kernel', tensor([2, 2], [...pointwise])],
      ['p/bias', tensor([2], [0.3, -7])],
    ]),
  };
}

/*
 *   d/kernel   channel 0   1          p/kernel   output 0     1
 *   tap 0         127    -0.5         input 0      0.254      0
 *   tap 1          50     0.25        input 1     -0.0151     0
 *
 *   largest       127     0.5                      0.254      0
 *   scale           1     0.5 / 127                0.002      0
 *   q             127    -127                      127        0
 *                  50      64 (63.5)                -8 (-7.55) 0
 */
const small = network([127, -0.5, 50, 0.25], [0.254, 0, -0.0151, 0]);

test('an example by hand: a scale for each channel, whole numbers beside it', async () => {
  const { tensors } = readSafetensors(await writeNetwork(small, 'safetensors', { kernels: 'int8' }));
  expect([...tensors.keys()].sort()).toEqual(['d/kernel', 'd/kernel/scale', 'p/bias', 'p/kernel', 'p/kernel/scale']);
  expect(tensors.get('d/kernel')).toEqual(tensor([1, 2, 2, 1], [127, -127, 50, 64]));
  expect(tensors.get('d/kernel/scale')).toEqual(tensor([1, 1, 2, 1], [1, 0.5 / 127]));
  expect(tensors.get('p/kernel')).toEqual(tensor([2, 2], [127, 0, -8, 0]));
  expect(tensors.get('p/kernel/scale')).toEqual(tensor([1, 2], [0.254 / 127, 0]));
});

describe.each(['safetensors', 'npz'] as const)('%s', (format) => {
  test('kernels come back as scale · q in float32, the rest as it was', async () => {
    const { weights } = await readNetwork(await writeNetwork(small, format, { kernels: 'int8' }));
    const scale = Math.fround(0.5 / 127);
    expect(weights.get('d/kernel')).toEqual(tensor([1, 2, 2, 1], [127, -127 * scale, 50, 64 * scale]));
    const other = Math.fround(Math.fround(0.254) / 127);
    expect(weights.get('p/kernel')).toEqual(tensor([2, 2], [127 * other, 0, -8 * other, 0]));
    expect(weights.get('p/bias')).toEqual(small.weights.get('p/bias'));
  });

  test('any kernel: each number off by half a step of its channel at most', async () => {
    const finite = fc.float({ noNaN: true, noDefaultInfinity: true, min: Math.fround(-1e30), max: Math.fround(1e30) });
    const four = fc.array(finite, { minLength: 4, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(four, four, async (depthwise, pointwise) => {
        const { weights } = await readNetwork(
          await writeNetwork(network(depthwise, pointwise), format, { kernels: 'int8' }),
        );
        for (const [name, wanted] of [
          ['d/kernel', depthwise],
          ['p/kernel', pointwise],
        ] as const) {
          const found = weights.get(name)!.data;
          for (const [i, w] of wanted.entries()) {
            const largest = Math.max(Math.abs(wanted[i % 2]), Math.abs(wanted[2 + (i % 2)]));
            // Half a step; the scale's rounding to float32 and the product's; a scale may be subnormal.
            const bound = (largest / 127) * 0.5 + largest * 2 ** -22 + 127 * 2 ** -149;
            expect(
              Math.abs(found[i] - w),
              `${name}[${i}]: found ${found[i]}, wanted ${w} ± ${bound}`,
            ).toBeLessThanOrEqual(bound);
          }
        }
      }),
    );
  });

  test('a channel of subnormal numbers', async () => {
    const least = 2 ** -149;
    const tiny = network([180 * least, 0, -90 * least, 0], [1, 1, 1, 1]);
    const { weights } = await readNetwork(await writeNetwork(tiny, format, { kernels: 'int8' }));
    expect(weights.get('d/kernel')).toEqual(tensor([1, 2, 2, 1], [127 * least, 0, -90 * least, 0]));
  });

  test('a kernel beyond float32, in which its scale is written, is an error', async () => {
    const { weights, ...described } = network([0, 0, 0, 0], [1, 2, 3, 4]);
    const large = new Map([...weights, ['d/kernel', tensor([1, 2, 2, 1], Float64Array.of(1, 2, 1e39, 3))]]);
    await expect(writeNetwork({ ...described, weights: large }, format, { kernels: 'int8' })).rejects.toThrow(
      new FormatError('d/kernel: number 2 is 1e+39, which no scale brings to int8'),
    );
  });

  test.each([Number.NaN, Infinity])('a kernel that holds %d is an error', async (value) => {
    await expect(writeNetwork(network([1, 2, value, 3], [1, 2, 3, 4]), format, { kernels: 'int8' })).rejects.toThrow(
      new FormatError(`d/kernel: number 2 is ${value}, which no scale brings to int8`),
    );
  });

  test.each([
    ['another shape', [2, 1], '2,1'],
    ['another size', [1, 3], '1,3'],
    ['too few axes', [2], '2'],
  ])('a scale of %s is an error', async (_, shape, shown) => {
    const weights = new Map([
      ...small.weights,
      ['p/kernel/scale', tensor(shape, new Float32Array(shape[0] * (shape[1] ?? 1)))],
    ]);
    const { weights: __, ...description } = small;
    const options = { architecture: { ...description, weights: new Map() }, fileName: 'x' };
    const bytes = format === 'npz' ? await writeNpz(weights) : writeSafetensors(weights);
    await expect(readNetwork(bytes, options)).rejects.toThrow(
      new FormatError(
        `x: scale of 'p/kernel': wanted the sizes of the kernel's last axes, [2,2], after ones, found [${shown}]`,
      ),
    );
  });
});

test("other runtimes' formats have no such kernels", async () => {
  const complaint = (format: string) =>
    new UsageError(`kernels of int8 are written as .safetensors or .npz, not as ${format}; wanted float16 or float32`);
  for (const format of ['tflite', 'onnx'] as const) {
    await expect(writeNetwork(small, format, { kernels: 'int8' })).rejects.toThrow(complaint(`.${format}`));
  }
  await expect(writeTfjs(small, { kernels: 'int8' })).rejects.toThrow(complaint('a TensorFlow.js model'));
});

test('a tensor of fractions cannot be written as int8', () => {
  const tensors = new Map([['x', tensor([2], [1, 0.5])]]);
  expect(() => writeSafetensors(tensors, new Map(), () => 'int8')).toThrow(
    new FormatError('x: number 1 is 0.5, not a whole number from −128 to 127'),
  );
});
