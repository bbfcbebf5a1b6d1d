/** What the detectors and segmenters yield, what their layers are called, and the text of every refusal. */
import { describe, expect, test } from 'vitest';
import { UsageError } from '../../src/errors.js';
import { type DeeplabV3Options, deeplabV3, type SsdOptions, ssd } from '../../src/models/index.js';
import { SSD_SHAPES, ssdAnchors, ssdMaps } from '../../src/network/anchors.js';
import { inferShapes, type Network } from '../../src/network/index.js';

const outputShapes = (network: Network) => network.outputs.map((name) => inferShapes(network).get(name));
const names = (network: Network) => network.nodes.map(({ name }) => name);

describe('ssd', () => {
  test.each([
    [300, 1917],
    [320, 2034],
    [192, 738],
    [33, 3 * 9 + 6 * (4 + 1 + 1 + 1 + 1)],
  ])('at %i: codes and scores of %i anchors, as many as the formula makes', (side, count) => {
    for (const backbone of ['v1', 'v2'] as const) {
      const network = ssd({ backbone, resolution: side, classes: 3 });
      expect(outputShapes(network)).toEqual([
        [1, count, 4],
        [1, count, 4],
      ]);
    }
    expect(ssdAnchors([side, side]).shape).toEqual([count, 4]);
  });

  test('what its conventions say: TensorFlow’s weights, the whole picture stretched, boxes by its own anchors', () => {
    expect(ssd({ resolution: [192, 320] }).conventions).toMatchObject({
      source: 'slim',
      output: 'features',
      preprocessing: { size: [192, 320], crop: { kind: 'stretch' }, resize: 'half-pixel', channels: 'rgb' },
      detection: { codes: 'codes', scores: 'scores', background: 'slot 0', scales: [10, 10, 5, 5] },
    });
  });

  test('an input that is not square', () => {
    const network = ssd({ resolution: [192, 320] });
    const maps = ssdMaps([192, 320]);
    const count = maps.reduce((sum, [height, width], map) => sum + height * width * SSD_SHAPES[map].length, 0);
    expect(outputShapes(network)[0]).toEqual([1, count, 4]);
    expect(network.name).toBe('ssdlite_mobilenet_v2_1.0_192x320');
  });

  test('the names of its scopes in TensorFlow', () => {
    expect(names(ssd({ backbone: 'v1', heads: 'pointwise', resolution: 300 }))).toEqual(
      expect.arrayContaining([
        'Conv2d_13_pointwise_1_Conv2d_2_1x1_256',
        'Conv2d_13_pointwise_2_Conv2d_2_3x3_s2_512',
        'Conv2d_13_pointwise_1_Conv2d_5_1x1_64',
        'Conv2d_13_pointwise_2_Conv2d_5_3x3_s2_128',
        'BoxPredictor_0/BoxEncodingPredictor',
        'BoxPredictor_5/ClassPredictor',
      ]),
    );
    expect(names(ssd())).toEqual(
      expect.arrayContaining([
        'layer_19_2_Conv2d_2_3x3_s2_512_depthwise',
        'BoxPredictor_0/ClassPredictor_depthwise/BatchNorm',
      ]),
    );
  });

  test.each<[SsdOptions, string]>([
    [{ resolution: 32 }, 'ssd: resolution must be 33 pixels or more, found 32'],
    [{ resolution: [300, 20] }, 'ssd: resolution must be 33 pixels or more, found 300,20'],
    [{ classes: 0 }, 'ssd: classes must be a whole number of 1 or more, found 0'],
    [{ heads: 'lite' as never }, "ssd: heads must be one of ssdlite, pointwise, full, found 'lite'"],
    [{ extras: 'none' as never }, "ssd: extras must be one of depthwise, full, found 'none'"],
    [{ backbone: 'v3' as never }, "ssd: backbone must be one of v1, v2, found 'v3'"],
    [{ alpha: 0 }, 'mobilenetV2: alpha must be a number above 0, found 0'],
    [
      { size: 300 } as never,
      "ssd, options: there is no field 'size'; wanted backbone, alpha, resolution, classes, heads, extras",
    ],
    [[] as never, 'ssd, options: wanted an object, found []'],
  ])('refuses %o', (options, message) => {
    expect(() => ssd(options)).toThrow(new UsageError(message));
  });
});

describe('deeplabV3', () => {
  test.each([
    [513, 16, 33],
    [513, 8, 65],
    [257, 8, 33],
    [513, 32, 17],
  ] as const)(
    'at %i with output stride %i: a map of %i, scores at the size of the input',
    (side, outputStride, map) => {
      for (const backbone of ['v1', 'v2'] as const) {
        const network = deeplabV3({ backbone, resolution: side, outputStride, classes: 5 });
        expect(outputShapes(network)).toEqual([[1, side, side, 5]]);
        expect(inferShapes(network).get('logits/semantic')).toEqual([1, map, map, 5]);
      }
    },
  );

  /** Google's deeplab: model.py and core/utils.py name the scopes. */
  test('the names of its scopes in TensorFlow, and what is done to pictures', () => {
    const network = deeplabV3({ aspp: [6], separable: true, resolution: [65, 129] });
    const head = names(network).slice(names(network).indexOf('image_pooling/mean'));
    const normalised = (name: string) => [name, `${name}/BatchNorm`, `${name}/Relu`];
    expect(head).toEqual([
      'image_pooling/mean',
      ...normalised('image_pooling'),
      'image_pooling/resized',
      ...normalised('aspp0'),
      ...normalised('aspp1_depthwise'),
      ...normalised('aspp1_pointwise'),
      'concat',
      ...normalised('concat_projection'),
      'concat_projection/dropout',
      'logits/semantic',
      'scores',
    ]);
    expect(network.outputs).toEqual(['scores']);
    expect(network.name).toBe('deeplabv3_mobilenet_v2_1.0_65x129');
    expect(names(deeplabV3({ aspp: [6] }))).toEqual(expect.arrayContaining(normalised('aspp1')));
    // (byte − 127.5) / 127.5
    expect(network.conventions).toMatchObject({
      source: 'slim',
      output: 'features',
      preprocessing: { size: [65, 129], crop: { kind: 'stretch' }, resize: 'half-pixel', channels: 'rgb' },
    });
    const epsilons = network.nodes.flatMap(({ attributes }) => ('epsilon' in attributes ? [attributes.epsilon] : []));
    expect(epsilons.slice(-5)).toEqual([1e-5, 1e-5, 1e-5, 1e-5, 1e-5]);
    expect(network.nodes.find(({ kind }) => kind === 'dropout')!.attributes).toEqual({ rate: 0.1 });
  });

  test('joins the pooled picture first', () => {
    const concat = deeplabV3({ aspp: [6, 12] }).nodes.find(({ name }) => name === 'concat');
    expect(concat?.inputs).toEqual(['image_pooling/resized', 'aspp0/Relu', 'aspp1/Relu', 'aspp2/Relu']);
  });

  test('α 0.5 does not round to multiples of 8: 24 channels become 12', () => {
    const network = deeplabV3({ alpha: 0.5 });
    expect(inferShapes(network).get('expanded_conv_1/project')?.at(-1)).toBe(12);
  });

  test.each<[DeeplabV3Options, string]>([
    [{ aspp: [0] }, 'deeplabV3: aspp must be rates, whole numbers of 1 or more, found 0'],
    [{ outputStride: 4 as never }, 'deeplabV3: outputStride must be one of 8, 16, 32, found 4'],
    [
      { rates: [6] } as never,
      "deeplabV3, options: there is no field 'rates'; wanted backbone, alpha, resolution, classes, outputStride, aspp, separable, lastConvolution",
    ],
    [[] as never, 'deeplabV3, options: wanted an object, found []'],
    [{ classes: 1.5 }, 'deeplabV3: classes must be a whole number of 1 or more, found 1.5'],
    [{ backbone: 'v3' as never }, "deeplabV3: backbone must be one of v1, v2, found 'v3'"],
    [{ resolution: 16 }, 'mobilenetV2: resolution must be whole pixels, 32 or more, found 16,16'],
  ])('refuses %o', (options, message) => {
    expect(() => deeplabV3(options)).toThrow(new UsageError(message));
  });
});
