/** Tasks on a quantised network, asked by the names of its real numbers. */
import { describe, expect, test } from 'vitest';
import { asRealNumbers, type QuantizedNetwork, runQuantized } from '../../src/network/index.js';
import { upTo } from '../../src/network/rewriting/subnetwork.js';
import { withIntegers } from '../../src/tasks/integers.js';
import { type AnyTensor, type QuantizedType, tensor } from '../../src/tensor.js';

const tenths: QuantizedType = { type: 'uint8', scale: 0.1, zeroPoint: 0 };
const halves: QuantizedType = { type: 'uint8', scale: 0.5, zeroPoint: 0 };

/** Twice a number, in halves. In real numbers the two nodes are one tensor. */
const network: QuantizedNetwork = {
  name: 'doubling',
  inputs: [{ name: 'x', shape: [1, 1, 1, 2], type: tenths }],
  nodes: [
    { name: 'twice', kind: 'pointwiseConv2d', inputs: ['x'], attributes: { filters: 2, bias: false }, type: tenths },
    { name: 'halves', kind: 'quantize', inputs: ['twice'], attributes: {}, type: halves },
  ],
  outputs: ['halves'],
  weights: new Map<string, AnyTensor>([
    ['twice/kernel', { shape: [2, 2], data: Uint8Array.of(2, 0, 0, 2), type: { ...halves, scale: 1 } }],
  ]),
  conventions: { source: 'tflite', output: 'features' },
};
const real = asRealNumbers(network);
const x = tensor([1, 1, 1, 2], [1.2, 0.3]);

describe('withIntegers', () => {
  test('the real numbers that the integers stand for, under the names of the real network: of one tensor there the output', async () => {
    const asked: string[][] = [];
    const run = withIntegers(network, (part, inputs) => {
      asked.push([...part.outputs]);
      return runQuantized(part, inputs);
    });
    const [output] = real.outputs;
    expect(await run(real, x)).toEqual(new Map([[output, tensor([1, 1, 1, 2], [2.5, 0.5])]]));
    expect(await run(upTo(real, 'x'), x)).toEqual(new Map([['x', tensor([1, 1, 1, 2], [12 * 0.1, 3 * 0.1])]]));
    expect(asked).toEqual([['halves'], ['x']]);
  });

  test('a part is cut out once, so that it is compiled once', async () => {
    const parts = new Set<QuantizedNetwork>();
    const run = withIntegers(network, (part, inputs) => runQuantized(parts.add(part) && part, inputs));
    await run(real, x);
    await run(real, x);
    expect(parts.size).toBe(1);
  });

  test('a sum that is not yet limited has no integers', async () => {
    const run = withIntegers(network, runQuantized);
    const linear = real.nodes.find(({ name }) => name.endsWith('/linear'))!.name;
    await expect(run(upTo(real, linear), x)).rejects.toThrow(
      `doubling: integers do not compute '${linear}', which is not yet limited to what they can express; ask for the layer behind it, or for real numbers`,
    );
  });
});
