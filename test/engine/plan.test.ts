/** What a plan promises: inputs, outputs, batches, memory, disposal, and the text of every error. */
import '../kernels/relaxed.js';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Plan } from '../../src/engine/engine.js';
import { compile, profile } from '../../src/engine/index.js';
import { mobilenetV1, mobilenetV2 } from '../../src/models/index.js';
import { setBudget } from '../../src/network/budget.js';
import { NetworkBuilder } from '../../src/network/builder.js';
import type { Network } from '../../src/network/network.js';
import { upTo } from '../../src/network/rewriting/subnetwork.js';
import { run, trace } from '../../src/network/run.js';
import { sizeOf, type Tensor, tensor, toFloat64, zeros } from '../../src/tensor.js';
import { nightly } from '../nightly.js';
import { randomInputs, withRandomWeights } from './networks.js';

const OTHER = { source: 'other', output: 'features' } as const;

/** An inverted residual and a classifier of three classes. */
function tiny(): Network {
  const net = new NetworkBuilder();
  const x = net.input('picture', [1, 5, 6, 3]);
  net.add('expand', 'pointwiseConv2d', x, { filters: 9, bias: false });
  net.add('expand_bn', 'batchNorm', 'expand', { epsilon: 1e-3, scale: true, center: true });
  net.add('expand_relu6', 'relu6', 'expand_bn', {});
  const window = { kernelSize: [3, 3], strides: [1, 1], dilation: [1, 1], padding: 'same' } as const;
  net.add('depthwise', 'depthwiseConv2d', 'expand_relu6', { ...window, depthMultiplier: 1, bias: true });
  net.add('project', 'pointwiseConv2d', 'depthwise', { filters: 3, bias: true });
  net.add('sum', 'add', [x, 'project'], {});
  net.add('pool', 'globalAveragePool', 'sum', { keepDims: false });
  net.add('logits', 'dense', 'pool', { units: 3, bias: true });
  return withRandomWeights(net.build('tiny', ['sum', 'logits'], OTHER), 1);
}

/** left + right, then ReLU. */
function two(): Network {
  const net = new NetworkBuilder();
  const inputs = [net.input('left', [1, 2, 2, 1]), net.input('right', [1, 2, 2, 1])];
  net.add('sum', 'add', inputs, {});
  net.add('relu', 'relu', 'sum', {});
  return net.build('two', ['relu'], OTHER);
}

const numbers = (x: Tensor | undefined): number[] => [...x!.data];

describe.each(['simd', 'reference'] as const)('on %s', (target) => {
  test('the given inputs stay as they are, and earlier results too', async () => {
    const plan = await compile(tiny(), { target });
    const [first, second] = [randomInputs(plan.network, 2, 1), randomInputs(plan.network, 1, 2)];
    const before = numbers(first.get('picture'));
    const results = plan.run(first);
    const kept = numbers(results.get('sum'));
    plan.run(second);
    expect(numbers(first.get('picture'))).toEqual(before);
    expect(numbers(results.get('sum'))).toEqual(kept);
  });

  test('one tensor stands for the only input; float64 numbers are computed with as float32', async () => {
    const plan = await compile(tiny(), { target });
    const [x] = randomInputs(plan.network, 1, 3).values();
    const wanted = plan.run(new Map([['picture', x]]));
    const found = plan.run(toFloat64(x));
    for (const [name, { shape, data }] of wanted) {
      expect(found.get(name)!.shape).toEqual(shape);
      expect(found.get(name)!.data).toBeInstanceOf(Float32Array);
      expect(numbers(found.get(name))).toEqual([...data]);
    }
  });

  test('results go into the given tensors, which are the ones returned', async () => {
    const plan = await compile(tiny(), { target });
    const inputs = randomInputs(plan.network, 2, 4);
    const wanted = plan.run(inputs);
    const into = new Map([
      ['sum', zeros([2, 5, 6, 3])],
      ['logits', zeros([2, 3])],
    ]);
    const found = plan.run(inputs, into);
    for (const [name, x] of into) {
      expect(found.get(name)).toBe(x);
      expect(numbers(x)).toEqual(numbers(wanted.get(name)));
    }
  });

  test('an output that has no tensor given gets a new one', async () => {
    const plan = await compile(tiny(), { target });
    const logits = zeros([1, 3]);
    const found = plan.run(randomInputs(plan.network, 1, 5), new Map([['logits', logits]]));
    expect(found.get('logits')).toBe(logits);
    expect(found.get('sum')!.shape).toEqual([1, 5, 6, 3]);
  });

  test('a given tensor of another shape is refused', async () => {
    const plan = await compile(tiny(), { target });
    const into = new Map([['logits', zeros([3, 1])]]);
    expect(() => plan.run(randomInputs(plan.network, 1, 6), into)).toThrow(
      "the tensor for output 'logits' must be [1,3], found [3,1]",
    );
  });

  test('with everyTensor, every tensor is a result, inputs included, in the order of the reference', async () => {
    const network = tiny();
    const plan = await compile(network, { target, everyTensor: true });
    const inputs = randomInputs(network, 2, 7);
    const wanted = trace(network, inputs);
    const found = plan.run(inputs);
    expect([...found.keys()]).toEqual([...wanted.keys()]);
    for (const [name, { shape }] of wanted) expect(found.get(name)!.shape).toEqual(shape);
    expect(numbers(found.get('picture'))).toEqual(numbers(inputs.get('picture')));
  });

  test('NaN reaches the same results as in the reference', async () => {
    const whole = withRandomWeights(mobilenetV1({ alpha: 0.25, resolution: 64, conventions: 'keras' }), 5);
    const network = upTo(whole, 'conv_pw_4_relu');
    const plan = await compile(network, { target });
    const inputs = randomInputs(network, 1, 8);
    inputs.get('input')!.data[3 * (64 * 20 + 33)] = Number.NaN;
    const [wanted] = run(network, inputs).values();
    const [found] = plan.run(inputs).values();
    const places = ({ data }: Tensor) => [...data].map((value) => Number.isNaN(value));
    expect(new Set(places(wanted))).toEqual(new Set([true, false]));
    expect(places(found)).toEqual(places(wanted));
  });

  describe('wrong inputs', () => {
    const picture = (...shape: number[]) => zeros(shape);

    test.each<[what: string, network: Network, inputs: Parameters<Plan['run']>[0], message: string]>([
      ['a shape', tiny(), picture(1, 6, 5, 3), "tiny: input 'picture' must be [batch, 5, 6, 3], found [1, 6, 5, 3]"],
      ['a rank', tiny(), picture(5, 6, 3), "tiny: input 'picture' must be [batch, 5, 6, 3], found [5, 6, 3]"],
      ['no tensor', tiny(), new Map(), 'tiny: wanted a Map with a tensor for each of picture, found nothing'],
      [
        'a name',
        tiny(),
        new Map([['image', picture(1, 5, 6, 3)]]),
        'tiny: wanted a Map with a tensor for each of picture, found image',
      ],
      [
        'one for two',
        two(),
        picture(1, 2, 2, 1),
        'two: wanted a Map with a tensor for each of left, right, found one tensor',
      ],
    ])('%s', async (_, network, inputs, message) => {
      const plan = await compile(network, { target });
      expect(() => plan.run(inputs)).toThrow(message);
    });
  });

  test('dispose may be called again; a disposed plan says so', async () => {
    const plan = await compile(tiny(), { target });
    const inputs = randomInputs(plan.network, 1, 9);
    plan.run(inputs);
    plan.dispose();
    plan.dispose();
    const message = 'tiny: this plan was disposed; compile the network again';
    expect(() => plan.run(inputs)).toThrow(message);
    expect(() => profile(plan, inputs)).toThrow(message);
  });
});

describe('on WASM', () => {
  test('batches of different sizes are refused', async () => {
    const plan = await compile(two(), { target: 'simd' });
    const inputs = new Map([
      ['left', zeros([2, 2, 2, 1])],
      ['right', zeros([3, 2, 2, 1])],
    ]);
    expect(() => plan.run(inputs)).toThrow('two: all inputs must have the same batch of 1 or more, found 2,3');
  });

  test('so is a batch of nothing', async () => {
    const plan = await compile(two(), { target: 'simd' });
    const inputs = new Map(['left', 'right'].map((name) => [name, zeros([0, 2, 2, 1])]));
    expect(() => plan.run(inputs)).toThrow('two: all inputs must have the same batch of 1 or more, found 0,0');
  });

  test.each<[what: string, change: (weights: Map<string, Tensor>) => void, message: string]>([
    [
      'none',
      (weights) => weights.clear(),
      "weight 'expand/kernel' is missing, and 10 more; a network without weights describes, but cannot run",
    ],
    [
      'a missing one',
      (weights) => weights.delete('expand_bn/beta'),
      "weight 'expand_bn/beta' is missing; a network without weights describes, but cannot run",
    ],
    [
      'one of another shape',
      (weights) => weights.set('logits/kernel', zeros([3, 4])),
      'the weights do not fit the network:\n  wrong shape: logits/kernel is [3,4], wanted [3,3]',
    ],
    [
      'a surplus one',
      (weights) => weights.set('expand/bias', zeros([9])),
      'the weights do not fit the network:\n  surplus: expand/bias [9]',
    ],
  ])('weights that do not fit are refused: %s', async (_, change, message) => {
    const weights = new Map(tiny().weights);
    change(weights);
    for (const target of ['simd', 'reference'] as const) {
      await expect(compile({ ...tiny(), weights }, { target })).rejects.toThrow(`tiny: ${message}`);
    }
  });

  test('pictures cannot be joined along the batch', async () => {
    const net = new NetworkBuilder();
    const x = net.input('x', [1, 2]);
    net.add('both', 'concat', [x, x], { axis: 0 });
    await expect(compile(net.build('joined', ['both'], OTHER), { target: 'simd' })).rejects.toThrow(
      'both: the engine runs picture by picture and cannot join batches',
    );
  });

  test('more memory than there can be is an error that says how much', async () => {
    setBudget(10);
    onTestFinished(() => setBudget(1));
    const net = new NetworkBuilder();
    const x = net.input('x', [1, 25_000, 25_000, 1]);
    net.add('relu', 'relu', x, {});
    net.add('add', 'add', [x, 'relu'], {});
    await expect(compile(net.build('huge', ['add'], OTHER), { target: 'simd' })).rejects.toThrow(
      /^huge: it needs \d{4} MiB of WASM memory, which this machine refuses \(.+\)$/,
    );
  });

  test('names that look like keys of the plan', async () => {
    const net = new NetworkBuilder();
    let x = net.input('x', [1, 5]);
    for (const name of ['zeros', 'bias zeros', 'zeros 16', 'scale zeros']) {
      x = net.add(name, 'dense', x, { units: 5, bias: name.startsWith('bias') });
    }
    const network = withRandomWeights(net.build('names', [x], OTHER), 2);
    const inputs = randomInputs(network, 1, 3);
    const [wanted] = run(network, inputs).values();
    const [found] = (await compile(network, { target: 'simd' })).run(inputs).values();
    wanted.data.forEach((value, i) => {
      expect(found.data[i]).toBeCloseTo(value, 5);
    });
  });

  test('a matrix whose rows are longer than the window that weights are packed through', async () => {
    const net = new NetworkBuilder();
    net.add('wide', 'dense', net.input('x', [1, 3]), { units: 70_001, bias: true });
    const network = withRandomWeights(net.build('wide', ['wide'], OTHER), 4);
    const inputs = randomInputs(network, 1, 5);
    const [wanted] = run(network, inputs).values();
    const [found] = (await compile(network, { target: 'simd' })).run(inputs).values();
    expect(Math.max(...wanted.data.map((value, i) => Math.abs(value - found.data[i])))).toBeLessThan(1e-5);
  });

  test('a sum of two sequences of dense rows', async () => {
    const net = new NetworkBuilder();
    const x = net.input('x', [1, 5, 7]);
    net.add('a', 'dense', x, { units: 3, bias: true });
    net.add('b', 'dense', x, { units: 3, bias: true });
    net.add('sum', 'add', ['a', 'b'], {});
    const network = withRandomWeights(net.build('rows', ['sum'], OTHER), 6);
    const inputs = randomInputs(network, 2, 7);
    const [wanted] = run(network, inputs).values();
    const [found] = (await compile(network, { target: 'simd' })).run(inputs).values();
    expect(Math.max(...wanted.data.map((value, i) => Math.abs(value - found.data[i])))).toBeLessThan(1e-5);
  });

  test('plans of one network do not disturb each other', async () => {
    const network = tiny();
    const plans = await Promise.all(
      ['simd', 'simd', 'scalar'].map((target) => compile(network, { target: target as 'simd' })),
    );
    const inputs = [1, 2, 3].map((seed) => randomInputs(network, 1, seed));
    const alone = inputs.map((x) => numbers(plans[0].run(x).get('logits')));
    const together = inputs.map((x, i) => numbers(plans[i].run(x).get('logits')));
    expect(together).toEqual(alone);
    plans[0].dispose();
    expect(numbers(plans[1].run(inputs[2]).get('logits'))).toEqual(alone[2]);
  });

  test('a profile names every node of the network once', async () => {
    const plan = await compile(tiny(), { target: 'simd' });
    const times = profile(plan, randomInputs(plan.network, 1, 1));
    expect(times.flatMap(({ nodes }) => nodes)).toEqual(plan.network.nodes.map(({ name }) => name));
    for (const { milliseconds } of times) expect(milliseconds).toBeGreaterThanOrEqual(0);
  });

  test('the reference has no profile', async () => {
    const plan = await compile(tiny(), { target: 'reference' });
    expect(() => profile(plan, randomInputs(plan.network, 1, 1))).toThrow(
      "tiny: only WASM targets can be profiled, this plan runs on 'reference'",
    );
  });
});

test.each([
  [2, 1],
  [2, 3],
])('a network declared for batches of %i runs batches of %i', async (declared, batch) => {
  const net = new NetworkBuilder();
  net.add('y', 'maxPool', net.input('x', [declared, 2, 2, 1]), { poolSize: [2, 2], strides: [2, 2], padding: 'valid' });
  const plan = await compile(net.build('pool', ['y'], OTHER), { target: 'simd' });
  const pictures = tensor(
    [batch, 2, 2, 1],
    Float32Array.from({ length: 4 * batch }, (_, i) => i),
  );
  const found = plan.run(pictures).get('y')!;
  plan.dispose();
  expect([found.shape, numbers(found)]).toEqual([[batch, 1, 1, 1], [3, 7, 11].slice(0, batch)]);
});

describe('memory', () => {
  const PAGE = 65536;
  const networks = [
    mobilenetV1({ alpha: 1 }),
    mobilenetV1({ alpha: 0.25, resolution: 128 }),
    mobilenetV2({ alpha: 1 }),
    mobilenetV2({ alpha: 0.35, resolution: 96 }),
  ];

  /** Bytes of the weights once batch norms are folded: kernels, and a bias for each of their output channels. */
  function foldedWeightBytes({ weights }: Network): number {
    let count = 0;
    for (const [name, { shape }] of weights) {
      if (!name.endsWith('/kernel')) continue;
      const depthwise = shape.length === 4 && shape[3] === 1;
      count += sizeOf(shape) + (depthwise ? shape[2] : shape[shape.length - 1]);
    }
    return count * 4;
  }

  test.each(networks)(
    '$name: no more than weights and planned peak, plus a tenth, in whole pages',
    async (architecture) => {
      const network = withRandomWeights(architecture, 1);
      const plan = await compile(network, { target: 'simd' });
      const { weightBytes, activationBytes, totalBytes } = plan.report().memory!;
      const allowed = 1.1 * (foldedWeightBytes(network) + activationBytes);
      expect(totalBytes).toBeLessThanOrEqual(Math.ceil(allowed / PAGE) * PAGE);
      expect(totalBytes - weightBytes - activationBytes).toBeLessThan(PAGE);
    },
  );

  test.each([
    [100, 100 * 100 * 4],
    [300, 256 * 1024],
  ])('weights of %i × %i are packed through as much as they take, up to 256 kB', async (units, staging) => {
    const net = new NetworkBuilder();
    net.add('y', 'dense', net.input('x', [1, units]), { units, bias: true });
    const plan = await compile(withRandomWeights(net.build('square', ['y'], OTHER), 1), { target: 'simd' });
    const { weightBytes, totalBytes } = plan.report().memory!;
    plan.dispose();
    expect(totalBytes - weightBytes).toBe(staging);
  });

  test('V2 at 224: no buffer as large as the expanded tensor that the paper speaks of (§5.1)', async () => {
    const plan = await compile(withRandomWeights(mobilenetV2(), 1), { target: 'simd' });
    // 112 × 112 × 96 float32: the widest tensor of the network.
    expect(plan.report().memory!.largestBufferBytes).toBeLessThan((112 * 112 * 96 * 4) / 2);
  });

  test('stays the same over thousands of runs, and a run into given tensors leaves nothing behind', async () => {
    setFlagsFromString('--expose-gc');
    const collect: () => void = runInNewContext('gc');
    const plan = await compile(tiny(), { target: 'simd' });
    const inputs = randomInputs(plan.network, 1, 1);
    const into = new Map([
      ['sum', zeros([1, 5, 6, 3])],
      ['logits', zeros([1, 3])],
    ]);
    const used = () => {
      collect();
      const { heapUsed, external, arrayBuffers } = process.memoryUsage();
      return heapUsed + external + arrayBuffers;
    };
    for (let i = 0; i < 500; i++) plan.run(inputs, into);
    const { totalBytes } = plan.report().memory!;
    const before = used();
    for (let i = 0; i < (nightly ? 100_000 : 10_000); i++) plan.run(inputs, into);
    // One float32 tensor kept for each run would be at least 5 · 6 · 3 · 4 · 10,000 bytes = 3.6 MB.
    expect(used() - before).toBeLessThan(500_000);
    expect(plan.report().memory!.totalBytes).toBe(totalBytes);
  });
});

test('a tensor is a tensor, wherever its numbers begin in their buffer', async () => {
  const plan = await compile(two(), { target: 'simd' });
  const buffer = new Float32Array([9, 9, 1, -2, 3, -4, 9]);
  const view = tensor([1, 2, 2, 1], buffer.subarray(2, 6));
  const inputs = new Map(['left', 'right'].map((name) => [name, view]));
  const target = new Float32Array(6).fill(7);
  plan.run(inputs, new Map([['relu', tensor([1, 2, 2, 1], target.subarray(1, 5))]]));
  expect([...target]).toEqual([7, 2, 0, 6, 0, 7]);
});
