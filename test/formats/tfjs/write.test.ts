/** Graph models that this library writes: read back, and run by TensorFlow.js. */
import { describe, expect, test } from 'vitest';
import { writeTfjs } from '../../../src/formats/index.js';
import { readTfjs } from '../../../src/formats/tfjs.js';
import { mobilenetV1, mobilenetV2 } from '../../../src/models/index.js';
import { type Network, NetworkBuilder, randomWeights, run } from '../../../src/network/index.js';
import { type Tensor, tensor } from '../../../src/tensor.js';
import { lifelikeWeights, randomInput } from '../../agreement/lifelike.js';
import { expectWithin } from '../../network/helpers.js';
import { noTfjs, runGraphModel } from '../../peers/tfjs.js';
import { everyKind, withNormalWeights } from '../onnx/every-kind.js';

/** Of the largest number of the output: weights and sums of float32. */
const ROUNDING = 2e-5;

function expectClose(name: string, found: Tensor, wanted: Tensor): void {
  const largest = Array.from(wanted.data).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  expectWithin(name, found, wanted, () => ROUNDING * largest);
}

const networks: readonly [name: string, network: () => Network][] = [
  ['every kind of layer', everyKind],
  ['V1 0.25 of slim, 65', () => lifelikeWeights(mobilenetV1({ alpha: 0.25, resolution: 65, classes: 11 }), 3)],
  [
    'V2 0.35 of torchvision, 97',
    () => lifelikeWeights(mobilenetV2({ alpha: 0.35, resolution: 97, classes: 5, conventions: 'torchvision' }), 3),
  ],
];

describe.each(networks)('%s', (_, make) => {
  const network = make();
  const [{ name, shape }] = network.inputs;
  const x = randomInput([2, ...shape.slice(1)], 9);
  const wanted = run(network, x);

  test('is read back with the same names and answers', async () => {
    const back = await readTfjs(await writeTfjs(network));
    expect(back.name).toBe(network.name);
    expect(back.inputs).toEqual(network.inputs);
    expect(back.outputs).toEqual(network.outputs);
    expect(back.conventions).toEqual(network.conventions);
    const found = run(back, x);
    for (const [output, y] of wanted) expectClose(output, found.get(output)!, y);
  });

  test.skipIf(noTfjs)('TensorFlow.js computes the same (needs @tensorflow/tfjs-converter)', async () => {
    const found = await runGraphModel(await writeTfjs(network), { [name]: x }, network.outputs);
    for (const [output, y] of wanted) {
      const { shape: theirs, data } = found.get(output)!;
      expectClose(output, tensor(theirs, data), y);
    }
  });
});

const parsed = (files: ReadonlyMap<string, Uint8Array>) =>
  JSON.parse(new TextDecoder().decode(files.get('model.json')!));

test('names that TensorFlow does not take are changed; inputs and outputs can be fed and asked for by their own', async () => {
  const net = new NetworkBuilder();
  const input = net.input('in:0', [1, 3]);
  const a = net.add('/layer one', 'relu', input, {});
  const b = net.add('layer_one', 'sigmoid', net.add('x/layer_one', 'relu6', a, {}), {});
  const network = net.build('small', [net.add('out;put:0', 'add', [a, b], {})], {
    source: 'other',
    output: 'features',
  });
  const files = await writeTfjs(network);
  const { modelTopology, signature } = parsed(files);
  expect(
    modelTopology.node.map(({ name, input: read }: { name: string; input?: string[] }) => [name, ...(read ?? [])]),
  ).toEqual([
    ['in_0'],
    ['x/layer_one_2', 'in_0'],
    ['x/layer_one', 'x/layer_one_2'],
    ['layer_one', 'x/layer_one'],
    ['out_put_0', 'x/layer_one_2', 'layer_one'],
  ]);
  expect([signature.inputs['in:0'].name, signature.outputs['out;put:0'].name]).toEqual(['in_0:0', 'out_put_0:0']);
  const back = await readTfjs(files);
  const x = tensor([1, 3], [-1, 0, 2]);
  expect(run(back, x).get('out_put_0')).toEqual(run(network, x).get('out;put:0'));
});

test.each([899, 900, 901, 993, 994, 1000])('names of %i characters come back as ones that differ', async (length) => {
  const [a, b] = ['a', 'b'].map((end) => 'n'.repeat(length - 1) + end);
  const net = new NetworkBuilder();
  net.add(a, 'pointwiseConv2d', net.input('x', [1, 1, 2, 3]), { filters: 2, bias: true });
  net.add(b, 'softmax', a);
  const network = randomWeights(net.build('long', [b], { source: 'other', output: 'probabilities' }), 1);
  const x = randomInput([1, 1, 2, 3], 3);
  const back = await readTfjs(await writeTfjs(network));
  expectClose('the answer', run(back, x).get(back.outputs[0])!, run(network, x).get(b)!);
  expect(new Set(back.nodes.map(({ name }) => name)).size).toBe(back.nodes.length);
});

test('the weights lie in files of 4 MiB, kernels as float16 where that is asked for', async () => {
  const net = new NetworkBuilder();
  const y = net.add('y', 'dense', net.input('x', [1, 1100]), { units: 1000, bias: true });
  const network = withNormalWeights(net.build('wide', [y], { source: 'other', output: 'features' }), 1);
  const sizes = (files: ReadonlyMap<string, Uint8Array>) =>
    [...files].slice(1).map(([name, { length }]) => [name, length]);
  const half = await writeTfjs(network, { kernels: 'float16' });
  expect(sizes(await writeTfjs(network))).toEqual([
    ['group1-shard1of2.bin', 2 ** 22],
    ['group1-shard2of2.bin', 4 * 1100 * 1000 + 4 * 1000 - 2 ** 22],
  ]);
  expect(sizes(half)).toEqual([['group1-shard1of1.bin', 2 * 1100 * 1000 + 4 * 1000]]);
  const { weights } = await readTfjs(half);
  const kernel = network.weights.get('y/kernel')!;
  const rounding = (i: number) => Math.max(2 ** -11 * Math.abs(kernel.data[i]), 2 ** -25);
  expectWithin('y/kernel', weights.get('y/kernel')!, kernel, rounding);
  expect(weights.get('y/bias')).toEqual(network.weights.get('y/bias'));
});

test('a list of tensors has its length beside it, as tf.raw_ops.ConcatV2 wants it', async () => {
  const { modelTopology } = parsed(await writeTfjs(everyKind()));
  const joins = modelTopology.node.filter(({ op }: { op: string }) => op === 'ConcatV2');
  expect(joins.length).toBeGreaterThan(0);
  for (const { input, attr } of joins) {
    expect(attr).toEqual({
      T: { type: 'DT_FLOAT' },
      N: { i: `${input.length - 1}` },
      Tidx: { type: 'DT_INT32' },
    });
  }
});
