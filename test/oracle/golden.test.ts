import { describe, expect, test } from 'vitest';
import { FormatError, UsageError } from '../../src/errors.js';
import { readNetwork, readTensors } from '../../src/formats/index.js';
import { writeNpz } from '../../src/formats/tensors/npz.js';
import { writeSafetensors } from '../../src/formats/tensors/safetensors.js';
import { inferShapes, type Network } from '../../src/network/index.js';
import { weightShapesOf } from '../../src/network/shapes.js';
import {
  check,
  type Golden,
  layerSuite,
  makeGolden,
  mobilenetSuite,
  type Problem,
  readGolden,
  writeGolden,
} from '../../src/oracle/index.js';
import { precisionOf } from '../../src/oracle/precision.js';
import { type Tensor, tensor } from '../../src/tensor.js';
import { float32, runBackend } from './backend.js';

const problem = [...mobilenetSuite(3)].find(({ name }) => name === 'mobilenet_v2_0.25_33x47_slim') as Problem;
const source = { kind: 'noise', detail: 'normal', seed: 3 } as const;
const golden = makeGolden(problem.network, problem.inputs, { source });
const write = (format: 'safetensors' | 'npz', weights: boolean): Promise<Uint8Array> =>
  writeGolden(golden, { format, weights, generator: 'depthwise 0.0.0' });

test.each(['safetensors', 'npz'] as const)('a bundle in .%s is read back whole', async (format) => {
  const [small] = layerSuite(3);
  const its = makeGolden(small.network, small.inputs, { source });
  const bytes = await writeGolden(its, { format, weights: true, generator: 'depthwise 0.0.0' });
  expect(await readGolden(bytes)).toEqual(its);
});

test('callers without types', () => {
  expect(() => check(golden, undefined as never)).toThrow(
    new UsageError(
      "check: wanted a suite's problem, a golden bundle or { network, inputs }, and a Map of tensors by layer; found an Object and undefined",
    ),
  );
});

test('layers without weights need none: each can be computed anew from any bundle', () => {
  for (const { network, inputs } of layerSuite(3)) {
    const its = makeGolden(network, inputs, { source });
    const bare = { ...its, network: { ...network, weights: new Map() } };
    const [node] = network.nodes;
    const weightless = Object.keys(weightShapesOf(node, inferShapes(network))).length === 0;
    expect(check(bare, its.outputs).mode, node.kind).toBe(weightless ? 'isolated' : 'accumulated');
  }
});

test.each(['safetensors', 'npz'] as const)('a bundle in .%s with weights is a model', async (format) => {
  const model = await readNetwork(await write(format, true));
  expect(model).toEqual(golden.network);
  await expect(readNetwork(await write(format, false), { fileName: 'x' })).rejects.toThrow(
    new FormatError('x: a golden bundle without weights is no model; make it with depthwise golden --weights'),
  );
  const architecture = problem.network;
  await expect(readNetwork(await write(format, true), { fileName: 'x', architecture })).rejects.toThrow(
    new UsageError('x: a golden bundle describes its own network; an architecture is for files of weights alone'),
  );
  const [relu] = layerSuite(1, { kinds: ['relu'] });
  const its = makeGolden(relu.network, relu.inputs, { source });
  expect(await readNetwork(await writeGolden(its, { format, generator: 'depthwise 0.0.0' }))).toEqual(relu.network);
});

test('a bundle whose manifest is damaged is no model', async () => {
  for (const text of ['null', '{}']) {
    await expect(readNetwork(writeSafetensors(new Map(), manifest(text)), { fileName: 'x' })).rejects.toThrow(
      'x: the manifest of the golden bundle has no network',
    );
  }
});

test('without weights the network is a description, and computing anew is an error that says so', async () => {
  const read = (await readGolden(await write('safetensors', false))) as Golden;
  expect(read.network.weights.size).toBe(0);
  expect([...read.outputs.keys()]).toEqual([...golden.outputs.keys()]);
  const without =
    "mobilenet_v2_0.25_33x47: judging each layer by itself, or in another precision, takes the network's weights, which this bundle does not hold; make it with weights, or give the model";
  expect(check(read, read.outputs)).toMatchObject({ mode: 'accumulated', verdict: 'exact' });
  expect(() => check(read, read.outputs, { mode: 'isolated' })).toThrow(without);
  expect(() => check(read, read.outputs, { precision: precisionOf('float16') })).toThrow(without);
});

test('any reader of tensors finds inputs, outputs, bounds and weights by name', async () => {
  const tensors = await readTensors(await write('npz', true));
  expect(tensors.get('inputs/input')!.shape).toEqual([1, 33, 47, 3]);
  expect(tensors.get('outputs/Conv')!.shape).toEqual([1, 17, 24, 8]);
  expect(tensors.get('bounds/Conv')!.shape).toEqual([1, 17, 24, 8]);
  expect(tensors.get('weights/Conv/kernel')!.shape).toEqual([3, 3, 3, 8]);
});

test('the bounds hold the rounding of the outputs: what passes anew passes by the bundle', () => {
  for (const { network, inputs } of [problem, ...[...layerSuite(5)].filter((_, i) => i % 7 === 0)]) {
    const its = makeGolden(network, inputs, { source });
    const theirs = runBackend(network, inputs, float32('pairwise'));
    const anew = check({ network, inputs }, theirs, { mode: 'accumulated' });
    expect(anew.first).toBeUndefined();
    expect(check(its, theirs, { mode: 'accumulated' }).first).toBeUndefined();
  }
});

test('the same problem and seed give the same bytes', async () => {
  const again = makeGolden(problem.network, problem.inputs, { source });
  const bytes = await writeGolden(again, { format: 'safetensors', weights: true, generator: 'depthwise 0.0.0' });
  expect(Buffer.from(bytes).equals(await write('safetensors', true))).toBe(true);
});

test('precision and flushing travel with the bundle', async () => {
  const precision = precisionOf('mixed-float16', { flushesToZero: true });
  const half = makeGolden(problem.network, problem.inputs, { source, precision });
  const bytes = await writeGolden(half, { format: 'npz', generator: 'depthwise 0.0.0' });
  expect(await readGolden(bytes)).toMatchObject({ precision });
});

test('a network without weights has no golden bundle', () => {
  const bare = { ...problem.network, weights: new Map() };
  expect(() => makeGolden(bare, problem.inputs, { source })).toThrow(
    "mobilenet_v2_0.25_33x47: weight 'Conv/kernel' is missing; bounds need all of a network's weights",
  );
});

const manifest = (text: string) => new Map([['depthwise.golden', text]]);

test.each<[string, () => Uint8Array | Promise<Uint8Array>, string]>([
  [
    'plain tensors',
    () => writeSafetensors(new Map([['x', tensor([1], [1])]])),
    "bad: not a golden bundle: it has no 'depthwise.golden'; make one with depthwise golden",
  ],
  [
    'plain arrays',
    () => writeNpz(new Map([['x', tensor([1], [1])]])),
    "bad: not a golden bundle: it has no 'depthwise.golden'; make one with depthwise golden",
  ],
  ['no JSON', () => writeSafetensors(new Map(), manifest('{')), 'bad: the manifest is not JSON: '],
  [
    'another format',
    () => writeSafetensors(new Map(), manifest('{"format":"x","version":3}')),
    "bad: wanted a manifest of format 'depthwise-golden', version 1 or 2, found 'x', version 3",
  ],
  ['null', () => writeSafetensors(new Map(), manifest('null')), 'bad: wanted a manifest of format'],
  [
    'no precision',
    () => writeSafetensors(new Map(), manifest('{"format":"depthwise-golden","version":1}')),
    "bad: the manifest's precision must be one of float32, float16",
  ],
  [
    'no network',
    () => writeSafetensors(new Map(), manifest('{"format":"depthwise-golden","version":1,"precision":"tf32"}')),
    'bad: network description',
  ],
])('%s', async (_, bytes, message) => {
  await expect(readGolden(await bytes(), 'bad')).rejects.toThrow(message);
});

test('a bundle that lacks a bound is an error', async () => {
  const bounds = new Map(golden.bounds);
  bounds.delete('Conv/Relu6');
  const bytes = await writeGolden({ ...golden, bounds }, { format: 'safetensors', generator: 'depthwise 0.0.0' });
  await expect(readGolden(bytes, 'bad')).rejects.toThrow("bad: 'bounds/Conv/Relu6' of shape [1,17,24,8] is missing");
  const halved = { ...golden, isolated: bounds };
  const half = await writeGolden(halved, { format: 'safetensors', generator: 'depthwise 0.0.0' });
  await expect(readGolden(half, 'bad')).rejects.toThrow("bad: 'isolated/Conv/Relu6' of shape [1,17,24,8] is missing");
});

describe('isolated bounds', () => {
  /** Every layer by itself, fed the golden outputs of those before it. */
  const fedGolden = (its: Golden, arithmetic = float32('pairwise')): Map<string, Tensor> => {
    const known = new Map([...its.inputs, ...its.outputs]);
    return new Map(
      its.network.nodes.map((node): [string, Tensor] => {
        const fed = new Map(node.inputs.map((name) => [name, known.get(name)!]));
        const weights = new Map([...its.network.weights].filter(([name]) => name.startsWith(`${node.name}/`)));
        const single: Network = { ...its.network, nodes: [node], weights };
        return [node.name, runBackend(single, fed, arithmetic).get(node.name)!];
      }),
    );
  };

  test('hold a right backend whose layers are fed the golden outputs, and decide every layer', () => {
    const report = check(golden, fedGolden(golden), { mode: 'fed' });
    expect(report).toMatchObject({ mode: 'fed', verdict: 'within rounding' });
    expect(report.layers).toHaveLength(golden.network.nodes.length);
  });

  test('name the only wrong layer', () => {
    const { network } = golden;
    const nodes = network.nodes.map((node) =>
      node.name === 'expanded_conv_3/depthwise/BatchNorm'
        ? { ...node, attributes: { ...node.attributes, epsilon: 0 } }
        : node,
    );
    const wrong = fedGolden({ ...golden, network: { ...network, nodes: nodes as typeof network.nodes } });
    const { layers } = check(golden, wrong, { mode: 'fed' });
    const beyond = layers.filter(({ verdict }) => verdict === 'beyond').map(({ name }) => name);
    expect(beyond).toEqual(['expanded_conv_3/depthwise/BatchNorm']);
  });

  test('of a single layer are those from the input on', () => {
    const [small] = layerSuite(3);
    const its = makeGolden(small.network, small.inputs, { source });
    expect(its.isolated).toEqual(its.bounds);
  });

  test('a bundle of an earlier version has none, and says so', async () => {
    const { isolated: _, ...old } = golden;
    const read = await readGolden(await writeGolden(old, { format: 'npz', generator: 'depthwise 0.0.0' }));
    expect(read.isolated).toBeUndefined();
    expect(() => check(read, golden.outputs, { mode: 'fed' })).toThrow(
      'mobilenet_v2_0.25_33x47: the bundle has no isolated bounds; make it anew with depthwise golden',
    );
    expect(() => check(problem, golden.outputs, { mode: 'fed' })).toThrow(
      "mobilenet_v2_0.25_33x47: mode 'fed' goes with a golden bundle",
    );
    expect(() => check(golden, golden.outputs, { mode: 'fed', precision: precisionOf('tf32') })).toThrow(
      "mobilenet_v2_0.25_33x47: layers that were fed golden outputs go by the bundle's own bounds, which are for float32",
    );
  });
});
