/** Random networks: every target agrees with the float64 reference, tensor by tensor, fused and unfused, picture by picture. */
import '../kernels/relaxed.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compile } from '../../src/engine/index.js';
import { NetworkBuilder } from '../../src/network/builder.js';
import type { Network } from '../../src/network/network.js';
import type { Padding, Pair } from '../../src/padding.js';
import { nightly } from '../nightly.js';
import { agree } from './agree.js';
import { anyDraft, networkOf, withRandomWeights } from './networks.js';

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
    strides: fc.constantFrom<Pair>([1, 1], [2, 2], [1, 2], [2, 1], [3, 1]),
    dilation: fc.constantFrom(1, 1, 2),
    padding: fc.constantFrom<Padding>('same', 'valid', { top: 0, bottom: 3, left: 2, right: 0 }),
    seed: fc.nat(1000),
  });
  type Block = typeof anyBlock extends fc.Arbitrary<infer Values> ? Values : never;

  function networkOfBlock({ size, channels, expanded, kernel, strides, dilation, padding, seed }: Block): Network {
    const net = new NetworkBuilder();
    const x = net.input('picture', [1, ...size, channels]);
    net.add('expand', 'pointwiseConv2d', x, { filters: expanded, bias: true });
    net.add('expand_relu6', 'relu6', 'expand', {});
    const window = { kernelSize: [kernel, kernel], strides, dilation: [dilation, dilation] } as const;
    net.add('depthwise', 'depthwiseConv2d', 'expand_relu6', { ...window, padding, depthMultiplier: 1, bias: false });
    net.add('depthwise_bn', 'batchNorm', 'depthwise', { epsilon: 1e-3, scale: true, center: true });
    net.add('project', 'pointwiseConv2d', 'depthwise_bn', { filters: channels, bias: false });
    const same = strides[0] * strides[1] === 1 && padding === 'same';
    const outputs = [same ? net.add('sum', 'add', [x, 'project'], {}) : 'project'];
    return withRandomWeights(net.build('block', outputs, { source: 'other', output: 'features' }), seed);
  }

  test(`${BLOCK_RUNS} random ones`, { timeout: 3_600_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(anyBlock, async (block) => agree(networkOfBlock(block), block.seed)),
      { numRuns: BLOCK_RUNS },
    );
  });

  const strides: readonly Pair[] = [
    [1, 1],
    [1, 2],
    [2, 1],
  ];
  test.each(strides)('several blocks, of which the report tells, strides %i and %i', async (...strides) => {
    const network = networkOfBlock({
      size: [24, 23],
      channels: 3,
      expanded: 300,
      kernel: 3,
      strides,
      dilation: 1,
      padding: 'same',
      seed: 1,
    });
    const plan = await compile(network, { target: 'simd' });
    const { operations, memory } = plan.report();
    const [middle] = operations!.filter(({ nodes }) => nodes.includes('depthwise'));
    expect(middle.kernels.depthwise).toBeGreaterThan(1);
    const expandedBytes = 24 * 23 * 300 * 4;
    expect(memory!.largestBufferBytes).toBeLessThan((expandedBytes * 2) / 3);
    await agree(network, 1);
  });
});
