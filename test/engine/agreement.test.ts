/** Random networks: every target agrees with the float64 reference, tensor by tensor, fused and unfused, picture by picture. */
import '../kernels/relaxed.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compile } from '../../src/engine/index.js';
import { NetworkBuilder } from '../../src/network/builder.js';
import type { Network } from '../../src/network/network.js';
import type { Padding } from '../../src/padding.js';
import type { Tensor } from '../../src/tensor.js';
import { nightly } from '../nightly.js';
import { boundsOf, coordinate, expectWithin } from './bounds.js';
import { anyDraft, networkOf, randomInputs, withRandomWeights } from './networks.js';

const TARGETS = ['scalar', 'simd', 'relaxed'] as const;

/** Every target within the bound on every tensor; scalar and SIMD with the same bits; pictures of a batch like pictures alone. */
async function agree(network: Network, seed: number): Promise<void> {
  const batch = randomInputs(network, 3, seed);
  const one = picture(batch, 1);
  const bounds = boundsOf(network, one);
  const results = new Map<string, ReadonlyMap<string, Tensor>>();
  for (const target of TARGETS) {
    const plan = await compile(network, { target });
    const alone = plan.run(one);
    expectWithin(`${target}, run`, alone, bounds);
    const trace = await plan.trace(one);
    if (`${[...trace.keys()]}` !== `${[...bounds.values.keys()]}`) throw new Error(`trace has ${[...trace.keys()]}`);
    expectWithin(`${target}, trace`, trace, bounds);
    sameBits(`${target}, the second run`, plan.run(one), alone);
    sameBits(`${target}, in a batch of 3`, picture(plan.run(batch), 1), alone);
    results.set(target, alone);
    plan.dispose();
  }
  sameBits('scalar and SIMD', results.get('scalar')!, results.get('simd')!);
}

/** The picture at `index` of each tensor. */
function picture(tensors: ReadonlyMap<string, Tensor>, index: number): Map<string, Tensor> {
  return new Map(
    [...tensors].map(([name, { shape, data }]) => {
      const size = data.length / shape[0];
      return [name, { shape: [1, ...shape.slice(1)], data: data.slice(index * size, (index + 1) * size) }];
    }),
  );
}

function sameBits(what: string, found: ReadonlyMap<string, Tensor>, wanted: ReadonlyMap<string, Tensor>): void {
  for (const [name, x] of wanted) {
    const y = found.get(name)!;
    const at = x.data.findIndex((value, i) => !Object.is(value, y.data[i]));
    if (at >= 0) throw new Error(`${what}: ${name}[${coordinate(x, at)}] is ${y.data[at]}, was ${x.data[at]}`);
  }
}

const RUNS = nightly ? 4000 : 120;

test(`${RUNS} random networks`, { timeout: 3_600_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(anyDraft, async (draft) => agree(networkOf(draft), draft.seed)),
    { numRuns: RUNS },
  );
});

describe('inverted residuals that run by row blocks', () => {
  const BLOCK_RUNS = nightly ? 100 : 6;
  const size = fc.integer({ min: 12, max: 26 });
  const anyBlock = fc.record({
    size: fc.tuple(size, size),
    channels: fc.integer({ min: 1, max: 5 }),
    expanded: fc.integer({ min: 200, max: 300 }),
    kernel: fc.constantFrom(3, 5),
    stride: fc.constantFrom(1, 2),
    dilation: fc.constantFrom(1, 1, 2),
    padding: fc.constantFrom<Padding>('same', 'valid', { top: 0, bottom: 3, left: 2, right: 0 }),
    seed: fc.nat(1000),
  });
  type Block = typeof anyBlock extends fc.Arbitrary<infer Values> ? Values : never;

  function networkOfBlock({ size, channels, expanded, kernel, stride, dilation, padding, seed }: Block): Network {
    const net = new NetworkBuilder();
    const x = net.input('picture', [1, ...size, channels]);
    net.add('expand', 'pointwiseConv2d', x, { filters: expanded, bias: true });
    net.add('expand_relu6', 'relu6', 'expand', {});
    const window = { kernelSize: [kernel, kernel], strides: [stride, stride], dilation: [dilation, dilation] } as const;
    net.add('depthwise', 'depthwiseConv2d', 'expand_relu6', { ...window, padding, depthMultiplier: 1, bias: false });
    net.add('depthwise_bn', 'batchNorm', 'depthwise', { epsilon: 1e-3, scale: true, center: true });
    net.add('project', 'pointwiseConv2d', 'depthwise_bn', { filters: channels, bias: false });
    const same = stride === 1 && padding === 'same';
    const outputs = [same ? net.add('sum', 'add', [x, 'project'], {}) : 'project'];
    return withRandomWeights(net.build('block', outputs, { source: 'other', output: 'features' }), seed);
  }

  test(`${BLOCK_RUNS} random ones`, { timeout: 3_600_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(anyBlock, async (block) => agree(networkOfBlock(block), block.seed)),
      { numRuns: BLOCK_RUNS },
    );
  });

  test('several blocks, of which the report tells', async () => {
    const network = networkOfBlock({
      size: [24, 23],
      channels: 3,
      expanded: 300,
      kernel: 3,
      stride: 1,
      dilation: 1,
      padding: 'same',
      seed: 1,
    });
    const plan = await compile(network, { target: 'simd' });
    const { operations, memory } = plan.report();
    const [middle] = operations!.filter(({ nodes }) => nodes.includes('depthwise'));
    expect(middle.kernels.depthwise).toBeGreaterThan(1);
    const expandedBytes = 24 * 23 * 300 * 4;
    expect(memory!.largestBufferBytes).toBeLessThan(expandedBytes / 2);
    await agree(network, 1);
  });
});
