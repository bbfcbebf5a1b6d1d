/** What a network may take: described in a few bytes, refused before anything is allocated. */
import { afterEach, describe, expect, test } from 'vitest';
import { compile } from '../../src/engine/index.js';
import { planMemory } from '../../src/engine/memory-plan.js';
import { deeplabV3, mobilenetV1, mobilenetV2, ssd } from '../../src/models/index.js';
import {
  atResolution,
  type Network,
  NetworkBuilder,
  type NetworkNode,
  type QuantizedNetwork,
  type QuantizedNode,
  run,
  runQuantized,
  setBudget,
  summarize,
  trace,
} from '../../src/network/index.js';
import { makeGolden } from '../../src/oracle/index.js';
import type { Shape, Tensor } from '../../src/tensor.js';
import { traceQuantized } from './trace-quantized.js';

afterEach(() => setBudget(1));

const conventions = { source: 'other', output: 'features' } as const;

function network(shape: Shape, ...layers: readonly (readonly [kind: string, attributes: object])[]): Network {
  const nodes = layers.map(
    ([kind, attributes], index) =>
      ({ name: `n${index}`, kind, inputs: [index === 0 ? 'x' : `n${index - 1}`], attributes }) as NetworkNode,
  );
  const output = nodes.at(-1)?.name ?? 'x';
  return { name: 'net', inputs: [{ name: 'x', shape }], nodes, outputs: [output], weights: new Map(), conventions };
}

const border = (side: number) =>
  ['pad', { padding: { top: side, bottom: 0, left: side, right: 0 }, value: 0 }] as const;
const depthwise = (dilation: readonly number[]) =>
  [
    'depthwiseConv2d',
    { kernelSize: [2, 2], strides: [1, 1], dilation, padding: 'same', depthMultiplier: 1, bias: false },
  ] as const;
const relu = ['relu', {}] as const;

/** An input whose numbers nobody reads before the network is refused. */
const unread = (shape: Shape): Tensor => ({ shape, data: new Float32Array(0) });

// 16384² float32 are 1 GiB.
const refused: readonly [what: string, network: Network, message: string][] = [
  [
    'an input',
    network([1, 40000, 40000, 1]),
    "net: with 'x' of [1,40000,40000,1] it wants 6104 MiB for tensors that exist at the same time, more than 2048; setBudget(3) or --budget 3 allows it",
  ],
  [
    'a padded tensor',
    network([1, 4, 4, 1], border(40000)),
    "net: with 'n0' of [1,40004,40004,1] it wants 6105 MiB for tensors that exist at the same time, more than 2048; setBudget(3) or --budget 3 allows it",
  ],
  [
    'two tensors at once, each of which would do',
    network([1, 20000, 20000, 1], relu),
    "net: with 'n0' of [1,20000,20000,1] it wants 3052 MiB for tensors that exist at the same time, more than 2048; setBudget(2) or --budget 2 allows it",
  ],
  [
    'the rows that a dilated kernel spans',
    network([1, 4, 4, 1], depthwise([2 ** 27, 1])),
    "net: with 'n0' of [1,4,4,1] it wants 10753 MiB for tensors that exist at the same time, more than 2048; setBudget(6) or --budget 6 allows it",
  ],
  [
    'a kernel without numbers yet',
    network([1, 2 ** 18], ['dense', { units: 2 ** 18, bias: false }]),
    "net: with 'n0' of [1,262144] it wants 262146 MiB for tensors that exist at the same time, more than 2048; setBudget(129) or --budget 129 allows it",
  ],
  [
    'a pool that looks at everything and far beyond',
    network([1, 4, 4, 1], ['maxPool', { poolSize: [2 ** 20, 2 ** 20], strides: [1, 1], padding: 'same' }]),
    "net: with 'n0' of [1,4,4,1] it wants 17593 billion multiply-adds, more than 1000; setBudget(18) or --budget 18 allows it",
  ],
  [
    'many inputs of many layers',
    {
      ...network([1, 1]),
      nodes: Array.from({ length: 1025 }, (_, index) => ({
        name: `n${index}`,
        kind: 'add',
        inputs: Array.from({ length: 1024 }, () => 'x'),
        attributes: {},
      })),
      outputs: ['n0'],
    },
    "net: with 'n1024' of [1,1] it wants 1049600 inputs of layers, more than 1048576; setBudget(2) or --budget 2 allows it",
  ],
];

describe.each(refused)('%s is too much', (_, tooLarge, message) => {
  test('for everything that takes a network', async () => {
    const x = unread(tooLarge.inputs[0].shape);
    expect(() => summarize(tooLarge)).toThrow(message);
    expect(() => planMemory(tooLarge)).toThrow(message);
    expect(() => run(tooLarge, x)).toThrow(message);
    expect(() => trace(tooLarge, x)).toThrow(message);
    expect(() => makeGolden(tooLarge, x, { source: { kind: 'tensor', detail: 'x' } } as never)).toThrow(message);
    await expect(compile(tooLarge)).rejects.toThrow(message);
  });

  test('unless the budget is raised by the factor in the error', () => {
    const [, factor] = /setBudget\((\d+)\)/.exec(message)!;
    setBudget(Number(factor) - 1);
    expect(() => summarize(tooLarge)).toThrow(`setBudget(${factor}) or --budget ${factor} allows it`);
    setBudget(Number(factor));
    expect(() => summarize(tooLarge)).not.toThrow();
  });
});

describe('the readable layers, which are slow, compute a twentieth of what kernels may', () => {
  // 300 · 300 · 10⁶ samples are 90 · 10⁹.
  const pool = network([1, 300, 300, 1], ['maxPool', { poolSize: [1000, 1000], strides: [1, 1], padding: 'same' }]);
  const message =
    "net: with 'n0' of [1,300,300,1] it wants 90 billion multiply-adds by the readable layers, more than 50; setBudget(2) or --budget 2 allows it";
  const x = unread([1, 300, 300, 1]);

  test('they refuse what the kernels take', async () => {
    expect(() => run(pool, x)).toThrow(message);
    expect(() => trace(pool, x)).toThrow(message);
    expect(() => makeGolden(pool, x, { source: { kind: 'tensor', detail: 'x' } } as never)).toThrow(message);
    expect(() => summarize(pool)).not.toThrow();
    expect(planMemory(pool).activationBytes).toBeGreaterThan(0);
    (await compile(pool)).dispose();
  });

  test('with integers too, of which a trace keeps every tensor', () => {
    const int8 = { type: 'int8', scale: 1, zeroPoint: 0 } as const;
    const integers = (described: Network): QuantizedNetwork => ({
      ...described,
      inputs: described.inputs.map((input) => ({ ...input, type: int8 })),
      nodes: described.nodes.map((node) => ({ ...node, type: int8 })) as QuantizedNode[],
    });
    const of = (shape: Shape) => ({ shape, data: new Int8Array(0), type: int8 });
    expect(() => runQuantized(integers(pool), of([1, 300, 300, 1]))).toThrow(message);
    const chain = network([1, 8192, 8192, 1], ...Array.from({ length: 8 }, () => relu));
    expect(() => traceQuantized(integers(chain), of([1, 8192, 8192, 1]))).toThrow(
      "net: with 'n7' of [1,8192,8192,1] it wants 2304 MiB for tensors that exist at the same time, more than 2048; setBudget(2) or --budget 2 allows it",
    );
  });
});

test('a chain lets its tensors go, a trace keeps them', async () => {
  // 256 MiB each: three at once at most, nine in all.
  const chain = network([1, 8192, 8192, 1], ...Array.from({ length: 8 }, () => relu));
  expect(() => summarize(chain)).not.toThrow();
  const message =
    "net: with 'n7' of [1,8192,8192,1] it wants 2304 MiB for tensors that exist at the same time, more than 2048; setBudget(2) or --budget 2 allows it";
  expect(() => trace(chain, unread([1, 8192, 8192, 1]))).toThrow(message);
  await expect(compile(chain, { everyTensor: true })).rejects.toThrow(message);
});

test('a batch of n may take n times as much', () => {
  // 923 MiB for a picture. Without weights the run ends before anything is computed.
  const heads = [
    ['globalAveragePool', { keepDims: false }],
    ['dense', { units: 1, bias: false }],
  ] as const;
  const large = network([1, 11000, 11000, 2], ...heads);
  expect(() => run(large, unread([3, 11000, 11000, 2]))).toThrow("weight 'n1/kernel' is missing");
});

test('float64 takes twice as much', () => {
  const chain = network([1, 12000, 12000, 1], relu);
  expect(() => run(chain, { shape: [1, 12000, 12000, 1], data: new Float64Array(0) })).toThrow(
    "net: with 'n0' of [1,12000,12000,1] it wants 2198 MiB",
  );
});

test('ordinary networks never meet it, readable or not', () => {
  const numbers = (...shape: Shape) => unread([1, ...shape, 3]);
  // Beyond the budget, the error would say so; these only have no weights yet.
  expect(() => run(mobilenetV1({ alpha: 1, resolution: 224 }), numbers(224, 224))).toThrow('is missing');
  expect(() => run(ssd({ backbone: 'v1', heads: 'full', resolution: 300 }), numbers(300, 300))).toThrow('is missing');
  expect(() => run(deeplabV3({ backbone: 'v1', outputStride: 8 }), numbers(513, 513))).toThrow('is missing');
  for (const model of [mobilenetV1, mobilenetV2]) {
    expect(() => atResolution(model({ classes: 1000 }), [3000, 3000])).not.toThrow();
  }
});

test('a builder refuses too, and a budget must be a number above 0', () => {
  const builder = new NetworkBuilder();
  builder.input('x', [1, 40000, 40000, 1]);
  expect(() => builder.build('net', ['x'], conventions)).toThrow('--budget 3 allows it');
  for (const times of [0, -1, Number.NaN]) {
    expect(() => setBudget(times)).toThrow(`setBudget: wanted a number above 0, found ${times}`);
  }
  setBudget(Number.POSITIVE_INFINITY);
  expect(builder.build('net', ['x'], conventions).name).toBe('net');
});
