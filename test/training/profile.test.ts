import { expect, test } from 'vitest';
import { NetworkBuilder, randomWeights } from '../../src/network/index.js';
import { profileStep } from '../../src/training/profile.js';
import { createProgram, type TrainingTarget } from '../../src/training/programs.js';
import { packParameters } from '../../src/training/step/parameters.js';
import { shapesData, tinyNetwork } from './tiny.js';

const data = shapesData(2, 1);

async function stepOf(target: TrainingTarget) {
  const network = randomWeights(tinyNetwork(data, 0.1), 1);
  const { values, statistics } = packParameters(network);
  const program = await createProgram(target, network, 2);
  const targets = Float32Array.of(1, 0, 0, 0, 1, 0);
  const pictures = Float32Array.from({ length: 2 * 8 * 8 * 3 }, (_, i) => Math.sin(i));
  return { program, args: [values, pictures, targets, values.slice(), statistics, 1] as const };
}

test('every operation of a step, with its nodes, its kernels and its time', async () => {
  const { program, args } = await stepOf('simd');
  const times = profileStep(program, ...args);
  const forward = [
    ['input'],
    ['conv'],
    ['conv_bn', 'conv_relu'],
    ['depthwise'],
    ['depthwise_bn', 'depthwise_relu'],
    ['pointwise'],
    ['pointwise_bn', 'pointwise_relu'],
    ['pool'],
    ['logits_dropout'],
    ['logits'],
  ];
  expect(times.map(({ pass, nodes }) => [pass, ...nodes])).toEqual([
    ...forward.map((nodes) => ['forward', ...nodes]),
    ['loss'],
    ...forward
      .slice(1)
      .reverse()
      .map((nodes) => ['backward', ...nodes]),
  ]);
  expect(times[3].kernels).toEqual({ toGroups: 1, turnFilters: 1, depthwiseGroups: 1 });
  expect(times[10].kernels).toEqual({ zeroBytes: 1, crossEntropy: 1 });
  for (const { milliseconds } of times) expect(milliseconds).toBeGreaterThanOrEqual(0);
});

test('a step that is profiled computes what another does', async () => {
  const [profiled, other] = [await stepOf('simd'), await stepOf('simd')];
  profileStep(profiled.program, ...profiled.args);
  other.program.step(...other.args);
  expect(profiled.args[3]).toEqual(other.args[3]);
});

test('of the two terms of a sum one has the gradient in the same memory, the other a copy', async () => {
  const net = new NetworkBuilder();
  const x = net.input('x', [1, 4, 4, 8]);
  const [a, b] = ['a', 'b'].map((name) => net.add(name, 'pointwiseConv2d', x, { filters: 8, bias: false }));
  const [twice, sum] = [net.add('twice', 'add', [a, a], {}), net.add('sum', 'add', ['twice', b], {})];
  net.add('logits', 'globalAveragePool', net.add('three', 'add', [sum, twice, x], {}), { keepDims: false });
  const network = net.build('sums', ['logits'], { source: 'other', output: 'logits' });
  const { operations } = await createProgram('simd', randomWeights(network, 1), 2);
  const copies = (name: string) =>
    operations!.find(({ pass, nodes }) => pass === 'backward' && nodes[0] === name)!.kernels.copyBytes ?? 0;
  // The pictures have no gradient; `a`, which is both terms, gets two.
  expect(['three', 'sum', 'twice'].map(copies)).toEqual([1, 1, 2]);
});

test('the layers in TypeScript have no kernels to profile', async () => {
  const { program, args } = await stepOf('reference');
  expect(() => profileStep(program, ...args)).toThrow(
    "training: only kernels can be profiled, and the target 'reference' has none",
  );
});
