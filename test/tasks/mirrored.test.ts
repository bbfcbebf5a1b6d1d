import { expect, test } from 'vitest';
import { NetworkBuilder, run } from '../../src/network/index.js';
import { classify, type Executor } from '../../src/tasks/index.js';
import { mirrored } from '../../src/tasks/mirrored.js';
import { type Tensor, tensor } from '../../src/tensor.js';
import { asBytes } from './networks.js';

const net = new NetworkBuilder();
const network = net.build('none', [net.add('flat', 'flatten', net.input('in', [1, 2, 2, 2]), {})], {
  source: 'other',
  output: 'logits',
  preprocessing: asBytes,
});

test('an example by hand: columns exchanged, channels not; the mean of both answers', async () => {
  const seen: number[][] = [];
  const execute: Executor = (_, input) => {
    seen.push(Array.from(input.data));
    return new Map([['flat', tensor([1, 2], [input.data[0], 10 * input.data[7]])]]);
  };
  /*
   *   row 0   1 2 | 3 4     mirrored   3 4 | 1 2
   *   row 1   5 6 | 7 8                7 8 | 5 6
   */
  const input = tensor([1, 2, 2, 2], [1, 2, 3, 4, 5, 6, 7, 8]);
  const answers = await mirrored(execute)(network, input);
  expect(seen).toEqual([
    [1, 2, 3, 4, 5, 6, 7, 8],
    [3, 4, 1, 2, 7, 8, 5, 6],
  ]);
  expect([...answers]).toEqual([['flat', tensor([1, 2], [2, 70])]]);
  expect(Array.from(input.data)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
});

test('each picture of a batch by itself, in the numbers that it is given in', async () => {
  const identity: Executor = (_, input) => new Map([['flat', input]]);
  const input = tensor([2, 1, 3, 1], Float64Array.of(1, 2, 4, 8, 16, 32));
  const wanted = tensor([2, 1, 3, 1], Float64Array.of(2.5, 2, 2.5, 20, 16, 20));
  expect((await mirrored(identity)(network, input)).get('flat')).toEqual(wanted);
});

test('an executor that hands out one buffer for all of its answers', async () => {
  const buffer = new Float32Array(1);
  const execute: Executor = (_, input) => {
    buffer[0] = input.data[0];
    return new Map([['flat', { shape: [1, 1], data: buffer }]]);
  };
  const input = tensor([1, 1, 2, 1], [1, 3]);
  expect((await mirrored(execute)(network, input)).get('flat')!.data[0]).toBe(2);
});

test('a symmetric picture: the same answers as without', async () => {
  const pool = new NetworkBuilder();
  const mean = pool.build(
    'mean',
    [pool.add('pool', 'globalAveragePool', pool.input('in', [1, 2, 2, 3]), { keepDims: false })],
    network.conventions,
  );
  const picture = {
    width: 2,
    height: 2,
    channels: 3,
    data: Uint8Array.of(1, 2, 9, 1, 2, 9, 3, 2, 1, 3, 2, 1),
  } as const;
  expect(await classify(mean, picture, { run: mirrored(run) })).toEqual(await classify(mean, picture));
});

test('what is no picture', async () => {
  const input: Tensor = tensor([1, 4], [1, 2, 3, 4]);
  await expect(mirrored(run)(network, input)).rejects.toThrow('mirrored: wanted pictures [N, H, W, C], found [1,4]');
});

test('integers stay integers, made as the executor makes them', async () => {
  const type = { type: 'uint8', scale: 1, zeroPoint: 0 } as const;
  const seen: unknown[] = [];
  const execute: Executor = (_, input) => {
    seen.push(input);
    return new Map([['flat', tensor([1, 1], [input.data[0]])]]);
  };
  const prepare = () => ({ shape: [1, 1, 2, 3], data: Uint8Array.of(1, 2, 3, 4, 5, 6), type }) as unknown as Tensor;
  const run = mirrored(Object.assign(execute, { prepare }));
  await run(network, run.prepare!([], asBytes));
  expect(seen).toEqual([prepare(), { ...prepare(), data: Uint8Array.of(4, 5, 6, 1, 2, 3) }]);
});
