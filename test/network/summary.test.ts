import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { costs } from '../../src/layers/index.js';
import { mobilenet, mobilenetV1 } from '../../src/models/index.js';
import { costOf } from '../../src/network/counting/summary.js';
import { inferShapes, NetworkBuilder, randomWeights, summarize } from '../../src/network/index.js';
import { sizeOf } from '../../src/tensor.js';
import { features } from './helpers.js';

describe('summary', () => {
  test('a layer by hand: 3 × 3, 2 → 4 channels, stride 2 on 5 × 7', () => {
    const net = new NetworkBuilder();
    const attributes = {
      filters: 4,
      kernelSize: [3, 3],
      strides: [2, 2],
      dilation: [1, 1],
      padding: 'same',
      bias: true,
    } as const;
    net.add('norm', 'batchNorm', net.add('conv', 'conv2d', net.input('x', [1, 5, 7, 2]), attributes), {
      epsilon: 1e-3,
      scale: false,
      center: true,
    });
    const { layers, totals, network, convention } = summarize(net.build('n', ['norm'], features));
    expect(network).toBe('n');
    expect(layers).toEqual([
      {
        name: 'conv',
        kind: 'conv2d',
        kernel: [3, 3],
        strides: [2, 2],
        dilation: [1, 1],
        output: [1, 3, 4, 4],
        multiplyAdds: 3 * 4 * 3 * 3 * 2 * 4,
        share: 1,
        params: 3 * 3 * 2 * 4 + 4,
        storedParams: 3 * 3 * 2 * 4 + 4,
        kernelParams: 3 * 3 * 2 * 4,
        receptiveField: [3, 3],
        effectiveStride: [2, 2],
      },
      {
        name: 'norm',
        kind: 'batchNorm',
        kernel: null,
        strides: null,
        dilation: null,
        output: [1, 3, 4, 4],
        multiplyAdds: 0,
        share: 0,
        params: 4, // beta
        storedParams: 12, // beta, mean, variance
        kernelParams: 0,
        receptiveField: [3, 3],
        effectiveStride: [2, 2],
      },
    ]);
    expect(totals).toEqual({
      multiplyAdds: 864,
      flops: 1728,
      params: { trainable: 80, stored: 88, kernels: 72 },
      activations: { featureMaps: 48, peak: 70 + 48 },
    });
    expect(convention).toContain('one product and one sum count as 1');
    expect(convention).toContain('batch norm, activations, pooling, additions and resizing count as 0');
  });

  test('grouped: batch norm and ReLU6 join their convolution, padding disappears, dropout and softmax join the head', () => {
    const { layers, totals } = summarize(mobilenetV1(), { grouped: true });
    expect(layers).toHaveLength(29);
    expect(layers[3]).toMatchObject({
      name: 'conv_dw_2',
      followedBy: ['batchNorm', 'relu6'],
      params: 576 + 128,
      storedParams: 576 + 256,
    });
    expect(layers[2]).toMatchObject({ name: 'conv_pw_1', followedBy: ['batchNorm', 'relu6'] }); // and not the padding
    expect(layers[28]).toMatchObject({ name: 'conv_preds', followedBy: ['reshape', 'softmax'], output: [1, 1000] });
    expect(totals).toEqual(summarize(mobilenetV1()).totals);
    expect(layers.reduce((sum, layer) => sum + layer.params, 0)).toBe(totals.params.trainable);
    expect(layers.reduce((sum, layer) => sum + layer.storedParams, 0)).toBe(totals.params.stored);
  });

  test('an activation after an addition of two branches stays with the addition', () => {
    const net = new NetworkBuilder();
    const x = net.input('x', [1, 4, 4, 2]);
    const a = net.add('a', 'pointwiseConv2d', x, { filters: 2, bias: false });
    const b = net.add('b', 'pointwiseConv2d', x, { filters: 2, bias: false });
    net.add('relu_a', 'relu', a, {});
    net.add('sum', 'add', ['relu_a', b], {});
    net.add('relu_sum', 'relu', 'sum', {});
    const { layers } = summarize(net.build('n', ['relu_sum'], features), { grouped: true });
    expect(layers.map(({ name, followedBy }) => [name, followedBy])).toEqual([
      ['a', undefined],
      ['b', undefined],
      ['relu_a', undefined],
      ['sum', ['relu']],
    ]);
  });

  test('a network without multiply-adds has shares of 0', () => {
    const net = new NetworkBuilder();
    net.add('y', 'relu', net.input('x', [1, 4]), {});
    const { layers, totals } = summarize(net.build('n', ['y'], features));
    expect(layers[0].share).toBe(0);
    expect(totals.activations).toEqual({ featureMaps: 0, peak: 0 });
  });

  test('feature maps end where a pool reaches 1 × 1, whatever its kind', () => {
    const net = new NetworkBuilder();
    const a = net.add('a', 'pointwiseConv2d', net.input('x', [1, 7, 7, 2]), { filters: 5, bias: false });
    const pool = net.add('pool', 'averagePool', a, {
      poolSize: [7, 7],
      strides: [7, 7],
      padding: 'valid',
      includePadding: false,
    });
    net.add('classifier', 'pointwiseConv2d', pool, { filters: 10, bias: true });
    expect(summarize(net.build('n', ['classifier'], features)).totals.activations.featureMaps).toBe(7 * 7 * 5);
  });

  test('a pool that keeps positions along one axis does not end them', () => {
    const net = new NetworkBuilder();
    const window = { strides: [1, 1], padding: 'valid' } as const;
    let x = net.input('x', [1, 7, 7, 2]);
    x = net.add('row', 'maxPool', x, { ...window, poolSize: [7, 1] });
    x = net.add('a', 'pointwiseConv2d', x, { filters: 5, bias: false });
    x = net.add('column', 'maxPool', net.add('b', 'pointwiseConv2d', 'x', { filters: 3, bias: false }), {
      ...window,
      poolSize: [1, 7],
    });
    x = net.add('c', 'pointwiseConv2d', x, { filters: 4, bias: false });
    const summary = summarize(net.build('n', ['a', 'c'], features));
    expect(summary.totals.activations.featureMaps).toBe(7 * 5 + 49 * 3 + 7 * 4);
  });

  test('a convolution that makes a map of 1 × 1 itself still makes a feature map', () => {
    const net = new NetworkBuilder();
    const attributes = {
      filters: 4,
      kernelSize: [3, 3],
      strides: [1, 1],
      dilation: [1, 1],
      padding: 'valid',
      bias: false,
    } as const;
    net.add('b', 'pointwiseConv2d', net.add('a', 'conv2d', net.input('x', [1, 3, 3, 2]), attributes), {
      filters: 6,
      bias: false,
    });
    expect(summarize(net.build('n', ['b'], features)).totals.activations.featureMaps).toBe(4 + 6);
  });

  test('grouped, with batch norm counted: the sums are the same', () => {
    const network = mobilenetV1({ alpha: 0.5 });
    const alone = summarize(network, { counting: 'batch-norm' });
    const grouped = summarize(network, { counting: 'batch-norm', grouped: true });
    expect(grouped.layers.reduce((sum, { multiplyAdds }) => sum + multiplyAdds, 0)).toBe(alone.totals.multiplyAdds);
    expect(grouped.layers.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 9);
  });

  const options = fc.record({
    alpha: fc.double({ min: 0.05, max: 2.5, noNaN: true }),
    resolution: fc.tuple(fc.integer({ min: 32, max: 400 }), fc.integer({ min: 32, max: 400 })),
    classes: fc.integer({ min: 1, max: 2000 }),
    conventions: fc.constantFrom('slim' as const, 'keras' as const, 'torchvision' as const),
    outputStride: fc.constantFrom(8 as const, 16 as const, 32 as const),
    expansionFactor: fc.double({ min: 0.5, max: 10, noNaN: true }),
  });

  test('of any MobileNet: totals are the sums of the layers, shares add up to 1', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('mobilenet_v1' as const, 'mobilenet_v2' as const),
        options,
        (architecture, chosen) => {
          const network = mobilenet(architecture, chosen);
          const { layers, totals } = summarize(network);
          const shapes = inferShapes(network);
          const counted = network.nodes.map((node) => costOf(node, shapes));
          expect(layers.map(({ multiplyAdds }) => multiplyAdds)).toEqual(
            counted.map(({ multiplyAdds }) => multiplyAdds),
          );
          expect(totals.multiplyAdds).toBe(counted.reduce((sum, { multiplyAdds }) => sum + multiplyAdds, 0));
          expect(layers.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 9);
          const grouped = summarize(network, { grouped: true });
          expect(grouped.layers.reduce((sum, { multiplyAdds }) => sum + multiplyAdds, 0)).toBe(totals.multiplyAdds);
        },
      ),
      { numRuns: 30 },
    );
  });

  test("V1 of any width and square size costs what the paper's expressions say, layer by layer", () => {
    const V1_BLOCKS = [
      [1, 64],
      [2, 128],
      [1, 128],
      [2, 256],
      [1, 256],
      [2, 512],
      [1, 512],
      [1, 512],
      [1, 512],
      [1, 512],
      [1, 512],
      [2, 1024],
      [1, 1024],
    ];
    fc.assert(
      fc.property(
        fc.double({ min: 0.25, max: 2, noNaN: true }),
        fc.integer({ min: 32, max: 320 }),
        (alpha, resolution) => {
          const width = (channels: number) => Math.max(Math.trunc(channels * alpha), 8);
          let side = Math.ceil(resolution / 2);
          let M = width(32);
          let wanted = costs.standardCost(3, 3, M, side);
          for (const [stride, channels] of V1_BLOCKS) {
            side = Math.ceil(side / stride);
            wanted += costs.separableCost(3, M, width(channels), side);
            M = width(channels);
          }
          wanted += M * 1001;
          expect(summarize(mobilenetV1({ alpha, resolution, conventions: 'slim' })).totals.multiplyAdds).toBe(wanted);
        },
      ),
      { numRuns: 40 },
    );
  });

  test('stored parameters are the numbers that the weights hold', () => {
    for (const architecture of ['mobilenet_v1', 'mobilenet_v2'] as const) {
      const network = randomWeights(mobilenet(architecture, { alpha: 0.1, resolution: 32 }), 1);
      const held = [...network.weights.values()].reduce((sum, { shape }) => sum + sizeOf(shape), 0);
      expect(summarize(network).totals.params.stored).toBe(held);
    }
  });
});
