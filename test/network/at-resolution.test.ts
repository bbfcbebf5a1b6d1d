import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { NetworkError } from '../../src/errors.js';
import { mobilenetV1, mobilenetV2, ssd } from '../../src/models/index.js';
import {
  atResolution,
  inferShapes,
  type Network,
  NetworkBuilder,
  randomWeights,
  run,
} from '../../src/network/index.js';
import { features, signed } from './helpers.js';

describe('atResolution', () => {
  test('the same weights at another size', () => {
    const small = randomWeights(mobilenetV1({ alpha: 0.1, resolution: 32, classes: 7 }), 1);
    const wide = atResolution(small, [48, 80]);
    expect(run(wide, signed([1, 48, 80, 3], 2)).get('predictions')!.shape).toEqual([1, 7]);
    expect(wide.weights).toBe(small.weights);
    expect(small.inputs[0].shape).toEqual([1, 32, 32, 3]);
  });

  test('preprocessing follows: the size, and a shorter side in proportion, as the presets have it', () => {
    for (const conventions of ['slim', 'keras', 'torchvision'] as const) {
      const resized = atResolution(mobilenetV2({ conventions }), [160, 160]);
      expect(resized.conventions).toEqual(mobilenetV2({ conventions, resolution: 160 }).conventions);
    }
  });

  test('is what the model itself describes at that size', () => {
    const { inputs, nodes } = atResolution(mobilenetV2(), [97, 131]);
    const model = mobilenetV2({ resolution: [97, 131] });
    expect({ inputs, nodes }).toEqual({ inputs: model.inputs, nodes: model.nodes });
  });

  test('of a network that reads no picture', () => {
    const net = new NetworkBuilder();
    net.add('y', 'relu', net.input('x', [1, 4]), {});
    expect(() => atResolution(net.build('n', ['y'], features), [32, 32])).toThrow(
      new NetworkError("n: input 'x' of shape [1, 4] is no picture, and has no resolution"),
    );
  });

  test('of a layer that cannot take it', () => {
    const net = new NetworkBuilder();
    net.add('y', 'reshape', net.input('x', [1, 4, 4, 3]), { shape: [48] });
    expect(() => atResolution(net.build('n', ['y'], features), [5, 5])).toThrow(/^y: reshape/);
  });
});

/** DeepLabV3's head on two convolutions: image pooling brought back to the map, joined with it, and the scores at the picture's size. */
function segmenter([height, width]: readonly [number, number], pooling: 'pool' | 'global') {
  const net = new NetworkBuilder();
  const picture = net.input('picture', [1, height, width, 3]);
  const conv = {
    filters: 4,
    kernelSize: [3, 3],
    strides: [2, 2],
    dilation: [1, 1],
    padding: 'same',
    bias: false,
  } as const;
  const early = net.add('early', 'conv2d', picture, conv);
  const map = net.add('map', 'conv2d', early, conv);
  const [rows, columns] = [Math.ceil(Math.ceil(height / 2) / 2), Math.ceil(Math.ceil(width / 2) / 2)];
  const image =
    pooling === 'global'
      ? net.add('image', 'globalAveragePool', map, { keepDims: true })
      : net.add('image', 'averagePool', map, {
          poolSize: [rows, columns],
          strides: [1, 1],
          padding: 'valid',
          includePadding: false,
        });
  const thin = net.add('thin', 'pointwiseConv2d', image, { filters: 2, bias: false });
  const rule = 'tf1-align-corners';
  const back = net.add('back', 'resizeBilinear', net.add('on', 'relu', thin, {}), { size: [rows, columns], rule });
  const both = net.add('both', 'concat', [back, map], { axis: -1 });
  const double = net.add('double', 'resizeBilinear', both, {
    size: [Math.ceil(height / 2), Math.ceil(width / 2)],
    rule,
  });
  const sum = net.add('sum', 'concat', [net.add('less', 'relu6', double, {}), early], { axis: -1 });
  const scores = net.add('scores', 'resizeBilinear', sum, { size: [height, width], rule });
  return net.build('segmenter', [scores], features);
}

describe('sizes that layers state', () => {
  test.each(['pool', 'global'] as const)('a segmenter with %s is what it would be if built at that size', (pooling) => {
    const built = randomWeights(segmenter([33, 49], pooling), 1);
    fc.assert(
      fc.property(fc.integer({ min: 17, max: 70 }), fc.integer({ min: 17, max: 70 }), (height, width) => {
        const { nodes, inputs } = segmenter([height, width], pooling);
        expect(atResolution(built, [height, width])).toMatchObject({ nodes, inputs });
      }),
    );
    const there = atResolution(built, [20, 31]);
    expect(run(there, signed([1, 20, 31, 3], 2)).get('scores')!.shape).toEqual([1, 20, 31, 10]);
    expect(atResolution(there, [33, 49]).nodes).toEqual(built.nodes);
  });

  test('a whole factor stays, and a resize of the picture itself keeps its size', () => {
    const net = new NetworkBuilder();
    const picture = net.input('picture', [1, 40, 40, 3]);
    const rule = 'half-pixel' as const;
    const fixed = net.add('fixed', 'resizeBilinear', picture, { size: [32, 32], rule });
    const twice = new NetworkBuilder();
    const x = twice.input('picture', [1, 20, 20, 3]);
    const map = twice.add('map', 'averagePool', x, {
      poolSize: [2, 2],
      strides: [2, 2],
      padding: 'valid',
      includePadding: false,
    });
    twice.add('up', 'resizeBilinear', map, { size: [30, 30], rule });
    const sizes = (network: Network) =>
      network.nodes.flatMap((node) => (node.kind === 'resizeBilinear' ? [node.attributes.size] : []));
    expect(sizes(atResolution(net.build('n', [fixed], features), [80, 90]))).toEqual([[32, 32]]);
    expect(sizes(atResolution(twice.build('n', ['up'], features), [40, 28]))).toEqual([[60, 42]]);
  });
});

describe('detectors', () => {
  test('SSD gets the anchors of the new size', () => {
    const resized = atResolution(ssd({ backbone: 'v1', alpha: 0.25, classes: 2, resolution: 96 }), [64, 128]);
    expect(resized.conventions.detection).toEqual(
      ssd({ backbone: 'v1', alpha: 0.25, classes: 2, resolution: [64, 128] }).conventions.detection,
    );
    const shapes = inferShapes(resized);
    expect(shapes.get('codes')).toEqual([1, (resized.conventions.detection?.anchors.length ?? 0) / 4, 4]);
  });

  test('other anchors have no other size', () => {
    const network = ssd({ resolution: 96, classes: 2 });
    const detection = { ...network.conventions.detection!, anchors: [0.5, 0.5, 1, 1] };
    const other = { ...network, conventions: { ...network.conventions, detection } };
    expect(() => atResolution(other, [128, 128])).toThrow(
      "its 1 anchors are not those of Google's SSD for 96×96, so that nothing tells which they are for 128×128",
    );
    expect(atResolution(other, [96, 96]).conventions.detection).toEqual(detection);
  });
});
