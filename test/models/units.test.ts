/** Output stride: atrous convolution in place of stride, by slim's rule. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { mobilenet } from '../../src/models/index.js';
import { inferShapes, type Network, randomWeights, run, summarize, withWeights } from '../../src/network/index.js';
import { wantedWeights } from '../../src/network/shapes.js';
import { coordinateOf, indexOf, tensor } from '../../src/tensor.js';
import { expectWithin, signed } from '../network/helpers.js';

const conventions = ['slim', 'keras', 'torchvision'] as const;
const architectures = ['mobilenet_v1', 'mobilenet_v2'] as const;

/** [stride, dilation] of the depthwise convolutions. */
function sampling(network: Network): string {
  return network.nodes
    .flatMap((node) => (node.kind === 'depthwiseConv2d' ? [node.attributes] : []))
    .map(({ strides, dilation }) => (strides[0] > 1 ? `s${strides[0]}` : `d${dilation[0]}`))
    .join(' ');
}

describe('small pictures', () => {
  test.each([
    ['mobilenet_v1', 'd1 d1 d1 s2 d1 s2 d1 d1 d1 d1 d1 s2 d1'],
    ['mobilenet_v2', 'd1 d1 d1 s2 d1 d1 s2 d1 d1 d1 d1 d1 d1 s2 d1 d1 d1'],
  ] as const)('%s: the first two strides of 2 are 1, the weights stay the same', (architecture, wanted) => {
    for (const each of conventions) {
      const network = mobilenet(architecture, { smallPictures: true, conventions: each, head: 'features' });
      expect(sampling(network)).toBe(wanted);
      expect(network.nodes.find(({ kind }) => kind === 'conv2d')).toMatchObject({ attributes: { strides: [1, 1] } });
      expect(inferShapes(network).get(network.outputs[0])?.slice(1, 3)).toEqual([4, 4]);
      expect(wantedWeights(network)).toEqual(
        wantedWeights(mobilenet(architecture, { conventions: each, head: 'features' })),
      );
    }
  });

  test('beyond these two strides it is the network of four times the side', () => {
    const layersAfter = (network: Network, layer: string) => {
      const { layers } = summarize(network);
      const after = layers.slice(layers.findIndex(({ name }) => name === layer) + 1);
      return after.map(({ name, output, multiplyAdds }) => ({ name, output, multiplyAdds }));
    };
    const small = mobilenet('mobilenet_v2', { smallPictures: true });
    const large = mobilenet('mobilenet_v2', { resolution: 128 });
    expect(layersAfter(small, 'block_1_depthwise')).toEqual(layersAfter(large, 'block_1_depthwise'));
    expect(layersAfter(small, 'block_1_depthwise').length).toBeGreaterThan(100);
  });

  test('from 8 pixels on, output stride 8 at most', () => {
    const map = (options: object) => {
      const network = mobilenet('mobilenet_v2', { smallPictures: true, head: 'features', ...options });
      return inferShapes(network).get(network.outputs[0])?.slice(1, 3);
    };
    expect(map({ resolution: 8 })).toEqual([1, 1]);
    expect(map({ resolution: [24, 9] })).toEqual([3, 2]);
    for (const outputStride of [8, 16, 32]) expect(map({ outputStride })).toEqual([4, 4]);
  });

  test('where the first row of 24 channels has as many as its input, it is a residual block now', () => {
    const additions = (smallPictures: boolean) =>
      mobilenet('mobilenet_v2', { alpha: 0.35, smallPictures }).nodes.filter(({ kind }) => kind === 'add').length;
    expect([additions(false), additions(true)]).toEqual([10, 11]);
  });
});

describe('output stride', () => {
  // The layer whose stride is taken away keeps the rate from before; the layers after it have the new one.
  test.each([
    ['mobilenet_v1', 32, 'd1 s2 d1 s2 d1 s2 d1 d1 d1 d1 d1 s2 d1'],
    ['mobilenet_v1', 16, 'd1 s2 d1 s2 d1 s2 d1 d1 d1 d1 d1 d1 d2'],
    ['mobilenet_v1', 8, 'd1 s2 d1 s2 d1 d1 d2 d2 d2 d2 d2 d2 d4'],
    ['mobilenet_v2', 32, 'd1 s2 d1 s2 d1 d1 s2 d1 d1 d1 d1 d1 d1 s2 d1 d1 d1'],
    ['mobilenet_v2', 16, 'd1 s2 d1 s2 d1 d1 s2 d1 d1 d1 d1 d1 d1 d1 d2 d2 d2'],
    ['mobilenet_v2', 8, 'd1 s2 d1 s2 d1 d1 d1 d2 d2 d2 d2 d2 d2 d2 d4 d4 d4'],
  ] as const)('%s at %i', (architecture, outputStride, wanted) => {
    for (const each of conventions)
      expect(sampling(mobilenet(architecture, { outputStride, conventions: each }))).toBe(wanted);
  });

  test.each(architectures)('%s: the last map is input / output stride, the weights stay the same', (architecture) => {
    for (const each of conventions) {
      const strided = wantedWeights(mobilenet(architecture, { conventions: each }));
      for (const outputStride of [8, 16, 32] as const) {
        const network = mobilenet(architecture, {
          conventions: each,
          outputStride,
          head: 'features',
          resolution: [224, 160],
        });
        const map = inferShapes(network).get(network.outputs[0])!;
        expect(map.slice(1, 3)).toEqual([224 / outputStride, 160 / outputStride]);
        expect(wantedWeights(mobilenet(architecture, { conventions: each, outputStride }))).toEqual(strided);
      }
    }
  });

  /**
   * Where a stride-2 layer pads even sizes by (0, 1), as TensorFlow does, its positions lie on the odd rows of the dense map; padded by
   * (1, 1), as in PyTorch, on the even ones. There both networks compute the same numbers.
   */
  test('the denser network computes the same features at the positions that the strided one has', () => {
    const cases = fc.record({
      architecture: fc.constantFrom(...architectures),
      conventions: fc.constantFrom(...conventions),
      outputStride: fc.constantFrom(8 as const, 16 as const),
      seed: fc.nat(),
    });
    fc.assert(
      fc.property(cases, ({ seed, outputStride, ...options }) => {
        const common = { ...options, alpha: 0.15, resolution: [64, 96] as const, head: 'features' as const };
        const strided = randomWeights(mobilenet(options.architecture, common), seed);
        const dense = withWeights(mobilenet(options.architecture, { ...common, outputStride }), strided.weights);
        const x = signed([1, 64, 96, 3], seed);
        const few = run(strided, x).get(strided.outputs[0])!;
        const many = run(dense, x).get(dense.outputs[0])!;
        const factor = 32 / outputStride;
        const offset = options.conventions === 'torchvision' ? 0 : factor - 1;
        const [, height, width, channels] = few.shape;
        expect(many.shape).toEqual([1, height * factor, width * factor, channels]);
        const sampled = few.data.map((_, i) => {
          const [, row, column, c] = coordinateOf(few.shape, i);
          return many.data[indexOf(many.shape, [0, row * factor + offset, column * factor + offset, c])];
        });
        expectWithin('features', tensor(few.shape, sampled), few, () => 0);
      }),
      { numRuns: 12 },
    );
  });
});

describe('any network', () => {
  const options = fc.record({
    architecture: fc.constantFrom(...architectures),
    alpha: fc.double({ min: 0.05, max: 0.3, noNaN: true }),
    resolution: fc.tuple(fc.integer({ min: 32, max: 70 }), fc.integer({ min: 32, max: 70 })),
    classes: fc.integer({ min: 1, max: 12 }),
    conventions: fc.constantFrom(...conventions),
    outputStride: fc.constantFrom(8 as const, 16 as const, 32 as const),
    head: fc.constantFrom('classifier' as const, 'pooled' as const, 'features' as const),
    output: fc.constantFrom('logits' as const, 'probabilities' as const),
    expansionFactor: fc.constantFrom(1, 2, 2.5, 6),
  });

  test('of any alpha, resolution, expansion and conventions gives tensors of the inferred shapes', () => {
    fc.assert(
      fc.property(options, fc.nat(), ({ architecture, ...rest }, seed) => {
        const network = randomWeights(mobilenet(architecture, rest), seed);
        const shapes = inferShapes(network, new Map([['input', [2, ...rest.resolution, 3]]]));
        const y = run(network, signed([2, ...rest.resolution, 3], seed)).get(network.outputs[0])!;
        expect(y.shape).toEqual(shapes.get(network.outputs[0]));
        expect(y.data.every((value) => Number.isFinite(value))).toBe(true);
        if (rest.head !== 'classifier') return;
        expect(y.shape).toEqual([2, rest.classes]);
        if (rest.output === 'probabilities') {
          expect(Array.from(y.data.slice(0, rest.classes)).reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 5);
        }
      }),
      { numRuns: 25 },
    );
  });
});
