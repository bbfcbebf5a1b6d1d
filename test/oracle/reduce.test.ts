/** Wrong backends whose faults need something: `reduce` leaves that, and nothing else. */
import { describe, expect, test } from 'vitest';
import { type Network, NetworkBuilder, type NetworkNode, type NodeOf } from '../../src/network/index.js';
import { check, layerSuite, mobilenetSuite, reduce } from '../../src/oracle/index.js';
import { noise } from '../../src/oracle/noise.js';
import { precisionOf } from '../../src/oracle/precision.js';
import type { Segment } from '../../src/oracle/segment.js';
import { livelyWeights } from '../../src/oracle/suites.js';
import type { Tensor } from '../../src/tensor.js';
import { float32, runBackend } from './backend.js';

const v2 = [...mobilenetSuite(7)].find(({ name }) => name === 'mobilenet_v2_0.25_33x47_keras')!;
const single = (name: string) => [...layerSuite(7)].find((problem) => problem.name === name)!;

type Wrong = (node: NetworkNode, y: Tensor, network: Network, tensors: ReadonlyMap<string, Tensor>) => Tensor;

/** A backend that is right but for what `wrong` makes of each layer's numbers, which the layers after it go on with. */
function backend(wrong: Wrong) {
  return ({ network, inputs }: Segment): Map<string, Tensor> => {
    const tensors = new Map(inputs);
    for (const node of network.nodes) {
      const prefix = `${node.name}/`;
      const weights = new Map([...network.weights].filter(([name]) => name.startsWith(prefix)));
      const fed = new Map(node.inputs.map((name) => [name, tensors.get(name)!]));
      const y = runBackend({ ...network, nodes: [node], weights }, fed, float32('forward')).get(node.name)!;
      tensors.set(node.name, wrong(node, y, network, tensors));
    }
    return tensors;
  };
}

const shifted = ({ shape, data }: Tensor): Tensor => ({ shape, data: data.map((value) => value + 1) });
const isOf = <Kind extends NetworkNode['kind']>(node: NetworkNode, kind: Kind): node is NodeOf<Kind> =>
  node.kind === kind;

const inputShapes = ({ inputs }: Segment) => [...inputs.values()].map(({ shape }) => shape);

describe('fewer layers', () => {
  test('a wrong layer of a network is left alone, with one number', async () => {
    const found = await reduce(
      v2,
      backend((node, y) => (isOf(node, 'add') ? shifted(y) : y)),
    );
    expect(found!.network.nodes).toEqual([v2.network.nodes.find(({ kind }) => kind === 'add')]);
    expect(inputShapes(found!)).toEqual([
      [1, 1, 1, 1],
      [1, 1, 1, 1],
    ]);
    expect(found!.wrong).toMatchObject({ name: 'expanded_conv_add', verdict: 'beyond' });
    expect(found!.finished).toBe(true);
  });

  test('a backend that shows activations alone: the convolution before is found by asking for it', async () => {
    const shows = new Set(['relu6', 'add', 'softmax']);
    const wrong = backend((node, y) => (isOf(node, 'depthwiseConv2d') ? shifted(y) : y));
    const found = await reduce(v2, (problem) => {
      const { nodes, outputs } = problem.network;
      const shown = new Set(
        nodes.filter(({ kind, name }) => shows.has(kind) || outputs.includes(name)).map(({ name }) => name),
      );
      return new Map([...wrong(problem)].filter(([name]) => shown.has(name)));
    });
    expect(found!.network.nodes.map(({ kind }) => kind)).toEqual(['depthwiseConv2d']);
  });

  test('what needs its surroundings keeps them: an activation that is wrong behind a batch norm alone', async () => {
    const found = await reduce(
      v2,
      backend((node, y, { nodes }) => {
        const before = nodes.find(({ name }) => name === node.inputs[0]);
        return isOf(node, 'relu6') && before?.kind === 'batchNorm' ? shifted(y) : y;
      }),
    );
    expect(found!.network.nodes.map(({ name }) => name)).toEqual(['bn_Conv1', 'Conv1_relu']);
    expect(found!.wrong.name).toBe('Conv1_relu');
  });

  test('a layer that is wrong from the third on keeps two before it', async () => {
    const found = await reduce(
      v2,
      backend((node, y, { nodes }) => {
        const convolutions = nodes.filter(({ kind }) => kind === 'conv2d' || kind === 'pointwiseConv2d');
        return convolutions.indexOf(node as never) >= 2 ? shifted(y) : y;
      }),
      { mostRuns: 2000 },
    );
    const kinds = found!.network.nodes.map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind === 'conv2d' || kind === 'pointwiseConv2d')).toHaveLength(3);
    expect(found!.network.nodes.length).toBeLessThan(8);
  });
});

describe('smaller tensors', () => {
  test('channels that are no multiple of 4, and more than 8: 9 are left, one row, one column, a kernel of 1 x 1', async () => {
    const problem = single('conv2d-16-to-17');
    const found = await reduce(
      problem,
      backend((node, y) => (isOf(node, 'conv2d') && y.shape[3] % 4 === 1 && y.shape[3] > 8 ? shifted(y) : y)),
    );
    expect(inputShapes(found!)).toEqual([[1, 1, 1, 1]]);
    expect(found!.network.nodes[0].attributes).toMatchObject({ filters: 9, kernelSize: [1, 1], bias: false });
    expect(found!.network.weights.get('conv2d/kernel')!.shape).toEqual([1, 1, 1, 9]);
  });

  test('a stride and an even width', async () => {
    const problem = single('depthwiseConv2d-32-stride-2');
    const needs = ({ attributes }: NodeOf<'depthwiseConv2d'>, x: Tensor): boolean =>
      attributes.strides[1] === 2 && attributes.kernelSize[1] === 3 && x.shape[2] % 2 === 0;
    const even = {
      ...problem,
      inputs: new Map([...problem.inputs].map(([name]) => [name, noise('normal', [2, 6, 8, 32], 3)])),
    };
    const network = { ...problem.network, inputs: [{ name: 'input', shape: [2, 6, 8, 32] }] };
    const found = await reduce(
      { ...even, network },
      backend((node, y, _, tensors) =>
        isOf(node, 'depthwiseConv2d') && needs(node, tensors.get(node.inputs[0])!) ? shifted(y) : y,
      ),
    );
    expect(inputShapes(found!)).toEqual([[1, 1, 2, 1]]);
    expect(found!.network.nodes[0].attributes).toMatchObject({ strides: [2, 2], kernelSize: [1, 3] });
  });

  test('channels are cut through the layers that hand them on', async () => {
    const net = new NetworkBuilder();
    const x = net.input('x', [2, 5, 5, 12]);
    const window = { kernelSize: [3, 3], strides: [1, 1], dilation: [1, 1], padding: 'same' } as const;
    const deep = net.add('deep', 'depthwiseConv2d', [x], { ...window, depthMultiplier: 2, bias: true });
    const norm = net.add('norm', 'batchNorm', [deep], { epsilon: 1e-3, scale: true, center: true });
    const point = net.add('point', 'pointwiseConv2d', [norm], { filters: 8, bias: true });
    const network = livelyWeights(net.build('three', [point], { source: 'other', output: 'features' }), 5);
    const inputs = new Map([['x', noise('normal', [2, 5, 5, 12], 1)]]);
    const found = await reduce(
      { network, inputs },
      backend((node, y, { nodes }) => (node.name === 'point' && nodes.length === 3 ? shifted(y) : y)),
    );
    expect(inputShapes(found!)).toEqual([[1, 1, 1, 1]]);
    const shapes = Object.fromEntries([...found!.network.weights].map(([name, { shape }]) => [name, shape]));
    expect(shapes).toEqual({
      'deep/kernel': [1, 1, 1, 2],
      'norm/gamma': [2],
      'norm/beta': [2],
      'norm/movingMean': [2],
      'norm/movingVariance': [2],
      'point/kernel': [2, 1],
    });
  });

  const always = (kind: NetworkNode['kind']) => backend((node, y) => (isOf(node, kind) ? shifted(y) : y));

  test.each(['conv2d-explicit-padding-normal', 'conv2d-dilated-normal', 'conv2d-stride-2-odd-normal'])(
    'what is wrong whatever its attributes: %s is left with plain ones',
    async (name) => {
      const found = await reduce(single(name), always('conv2d'));
      expect(inputShapes(found!)).toEqual([[1, 1, 1, 1]]);
      expect(found!.network.nodes[0].attributes).toEqual({
        ...{ filters: 1, kernelSize: [1, 1], strides: [1, 1], dilation: [1, 1], padding: 'valid', bias: false },
      });
      expect([...found!.network.weights.keys()]).toEqual(['conv2d/kernel']);
    },
  );

  test('pools: windows of one; a border stays a border', async () => {
    const pool = await reduce(single('maxPool-normal'), always('maxPool'));
    expect(pool!.network.nodes[0].attributes).toMatchObject({ poolSize: [1, 1], strides: [1, 1], padding: 'valid' });
    expect(inputShapes(pool!)).toEqual([[1, 1, 1, 1]]);
    const pad = await reduce(single('pad-normal'), always('pad'));
    expect(pad!.network.nodes[0].attributes).toEqual(single('pad-normal').network.nodes[0].attributes);
    expect(inputShapes(pad!)).toEqual([[1, 1, 1, 1]]);
  });

  test('rows of numbers: pictures and channels', async () => {
    const found = await reduce(single('dense-16-to-17'), always('dense'));
    expect(inputShapes(found!)).toEqual([[1, 1]]);
    expect(found!.network.nodes[0].attributes).toMatchObject({ units: 1 });
  });

  /** Two branches of 6 channels that are joined; wrong only where both are there. */
  const branches = (kind: 'add' | 'concat') => {
    const net = new NetworkBuilder();
    const x = net.input('x', [2, 4, 4, 5]);
    const [a, b] = ['a', 'b'].map((name) => net.add(name, 'pointwiseConv2d', x, { filters: 6, bias: false }));
    const joined = net.add('joined', kind, [a, b], kind === 'concat' ? { axis: -1 } : {});
    const network = livelyWeights(net.build('branches', [joined], { source: 'other', output: 'features' }), 5);
    const inputs = new Map([['x', noise('normal', [2, 4, 4, 5], 1)]]);
    return reduce(
      { network, inputs },
      backend((node, y, { nodes }) => (node.name === 'joined' && nodes.length === 3 ? shifted(y) : y)),
    );
  };

  test('the terms of a sum are cut together, what is joined each by itself', async () => {
    for (const kind of ['add', 'concat'] as const) {
      const found = await branches(kind);
      expect(inputShapes(found!), kind).toEqual([[1, 1, 1, 1]]);
      const shapes = ['a', 'b'].map((name) => found!.network.weights.get(`${name}/kernel`)!.shape);
      expect(shapes, kind).toEqual([
        [1, 1],
        [1, 1],
      ]);
    }
  });

  test('the numbers are those of the problem, from where they were', async () => {
    const problem = single('relu-normal');
    const found = await reduce(
      problem,
      // Wrong for one number alone.
      backend((node, y) => ({ ...y, data: y.data.map((v) => (isOf(node, 'relu') && v === largest ? v + 1 : v)) })),
    );
    expect([...[...found!.inputs.values()][0].data]).toEqual([largest]);
  });
  const largest = Math.max(...[...single('relu-normal').inputs.values()][0].data);
});

test('what is left fails on its own, and every part of it is needed', async () => {
  const wrong = backend((node, y) => (isOf(node, 'conv2d') && y.shape[1] > 2 && y.shape[3] > 4 ? shifted(y) : y));
  const found = (await reduce(single('conv2d-16-to-17'), wrong))!;
  expect(check(found, await wrong(found)).verdict).toBe('beyond');
  expect(inputShapes(found)).toEqual([[1, 3, 1, 1]]);
  expect(found.network.nodes[0].attributes).toMatchObject({ filters: 5 });
});

test('a backend that throws for smaller problems is not asked for them again', async () => {
  const wrong = backend((node, y) => (isOf(node, 'conv2d') ? shifted(y) : y));
  const found = await reduce(single('conv2d-16-to-17'), (problem) => {
    if (inputShapes(problem)[0][1] < 4) throw new Error('no fewer than four rows');
    return wrong(problem);
  });
  expect(inputShapes(found!)).toEqual([[1, 4, 1, 1]]);
});

test('what a backend throws for the whole problem is the answer', async () => {
  await expect(
    reduce(v2, () => {
      throw new Error('out of memory');
    }),
  ).rejects.toThrow('out of memory');
});

test('a right backend: nothing to reduce', async () => {
  expect(
    await reduce(
      v2,
      backend((_, y) => y),
    ),
  ).toBeUndefined();
});

test('no more runs than allowed, and it says so', async () => {
  let runs = 0;
  const found = await reduce(
    v2,
    backend((node, y) => (isOf(node, 'add') ? shifted(y) : y)),
    { mostRuns: 3, onRun: () => runs++ },
  );
  expect([found!.runs, runs, found!.finished]).toEqual([3, 3, false]);
});

test('the precision that the problem is for is the one that it is judged by', async () => {
  const problem = { ...single('relu-normal'), precision: precisionOf('mixed-float16') };
  // 11 bits are right for float16, and wrong for float32.
  const half = backend((_, y) => ({ ...y, data: y.data.map((v) => Math.fround(v * (1 + 2 ** -12))) }));
  expect(await reduce(problem, half)).toBeUndefined();
  expect((await reduce(single('relu-normal'), half))?.wrong.verdict).toBe('beyond');
  expect(await reduce(single('relu-normal'), half, { precision: precisionOf('mixed-float16') })).toBeUndefined();
});
