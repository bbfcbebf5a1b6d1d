import { describe, expect, test } from 'vitest';
import { mobilenetV1 } from '../../src/models/index.js';
import { MOBILENET_V1_TABLE } from '../../src/models/mobilenet-v1.js';
import { receptiveFields, windowOf } from '../../src/network/counting/receptive-field.js';
import { inferShapes, type Network, summarize } from '../../src/network/index.js';
import { wantedWeights } from '../../src/network/shapes.js';
import { slideWindows } from '../../src/padding.js';
import { checkGoldenTable, count } from './golden.js';

/**
 * MobileNet V1 1.0 at 224 with 1000 classes, computed independently of this code from the layer list of the authors' mobilenet_v1.py:
 * slim scope, Keras layer, kernel, stride, input, output, 'same' padding (before, after), weights with the classifier's bias,
 * multiply-adds, receptive field.
 */
const GOLDEN = `
  Conv2d_0             conv1                     3x3      2  224x224x3   112x112x32  (0,1)  864        10,838,016  3
  Conv2d_1_depthwise   conv_dw_1                 3x3dw    1  112x112x32  112x112x32  (1,1)  288        3,612,672   7
  Conv2d_1_pointwise   conv_pw_1                 1x1      1  112x112x32  112x112x64  (0,0)  2,048      25,690,112  7
  Conv2d_2_depthwise   conv_dw_2                 3x3dw    2  112x112x64  56x56x64    (0,1)  576        1,806,336   11
  Conv2d_2_pointwise   conv_pw_2                 1x1      1  56x56x64    56x56x128   (0,0)  8,192      25,690,112  11
  Conv2d_3_depthwise   conv_dw_3                 3x3dw    1  56x56x128   56x56x128   (1,1)  1,152      3,612,672   19
  Conv2d_3_pointwise   conv_pw_3                 1x1      1  56x56x128   56x56x128   (0,0)  16,384     51,380,224  19
  Conv2d_4_depthwise   conv_dw_4                 3x3dw    2  56x56x128   28x28x128   (0,1)  1,152      903,168     27
  Conv2d_4_pointwise   conv_pw_4                 1x1      1  28x28x128   28x28x256   (0,0)  32,768     25,690,112  27
  Conv2d_5_depthwise   conv_dw_5                 3x3dw    1  28x28x256   28x28x256   (1,1)  2,304      1,806,336   43
  Conv2d_5_pointwise   conv_pw_5                 1x1      1  28x28x256   28x28x256   (0,0)  65,536     51,380,224  43
  Conv2d_6_depthwise   conv_dw_6                 3x3dw    2  28x28x256   14x14x256   (0,1)  2,304      451,584     59
  Conv2d_6_pointwise   conv_pw_6                 1x1      1  14x14x256   14x14x512   (0,0)  131,072    25,690,112  59
  Conv2d_7_depthwise   conv_dw_7                 3x3dw    1  14x14x512   14x14x512   (1,1)  4,608      903,168     91
  Conv2d_7_pointwise   conv_pw_7                 1x1      1  14x14x512   14x14x512   (0,0)  262,144    51,380,224  91
  Conv2d_8_depthwise   conv_dw_8                 3x3dw    1  14x14x512   14x14x512   (1,1)  4,608      903,168     123
  Conv2d_8_pointwise   conv_pw_8                 1x1      1  14x14x512   14x14x512   (0,0)  262,144    51,380,224  123
  Conv2d_9_depthwise   conv_dw_9                 3x3dw    1  14x14x512   14x14x512   (1,1)  4,608      903,168     155
  Conv2d_9_pointwise   conv_pw_9                 1x1      1  14x14x512   14x14x512   (0,0)  262,144    51,380,224  155
  Conv2d_10_depthwise  conv_dw_10                3x3dw    1  14x14x512   14x14x512   (1,1)  4,608      903,168     187
  Conv2d_10_pointwise  conv_pw_10                1x1      1  14x14x512   14x14x512   (0,0)  262,144    51,380,224  187
  Conv2d_11_depthwise  conv_dw_11                3x3dw    1  14x14x512   14x14x512   (1,1)  4,608      903,168     219
  Conv2d_11_pointwise  conv_pw_11                1x1      1  14x14x512   14x14x512   (0,0)  262,144    51,380,224  219
  Conv2d_12_depthwise  conv_dw_12                3x3dw    2  14x14x512   7x7x512     (0,1)  4,608      225,792     251
  Conv2d_12_pointwise  conv_pw_12                1x1      1  7x7x512     7x7x1024    (0,0)  524,288    25,690,112  251
  Conv2d_13_depthwise  conv_dw_13                3x3dw    1  7x7x1024    7x7x1024    (1,1)  9,216      451,584     315
  Conv2d_13_pointwise  conv_pw_13                1x1      1  7x7x1024    7x7x1024    (0,0)  1,048,576  51,380,224  315
  Logits/AvgPool_1a    global_average_pooling2d  7x7 avg  -  7x7x1024    1x1x1024    -      0          0           -
  Logits/Conv2d_1c_1x1  conv_preds                1x1      1  1x1x1024    1x1x1000    (0,0)  1,025,000  1,024,000   -
`;

const kinds = (network: Network, kind: string) => network.nodes.filter((node) => node.kind === kind);

describe('MobileNet V1', () => {
  test('every layer agrees with the golden table', () => {
    const rows = checkGoldenTable(GOLDEN, {
      slim: mobilenetV1({ conventions: 'slim', classes: 1000 }),
      keras: mobilenetV1({ conventions: 'keras' }),
    });
    expect(rows).toHaveLength(29);
  });

  test("the golden table's padding is what 'same' gives", () => {
    const network = mobilenetV1({ conventions: 'slim' });
    const shapes = inferShapes(network);
    const found = network.nodes.flatMap((node) => {
      const window = windowOf(node);
      if (window === undefined || node.name.startsWith('Logits')) return [];
      const [, height, width] = shapes.get(node.inputs[0])!;
      const { vertical } = slideWindows(
        node.name,
        [height, width],
        window.kernelSize,
        window.strides,
        [1, 1],
        window.padding,
      );
      return [`${node.name} (${vertical.before},${vertical.after})`];
    });
    const wanted = GOLDEN.trim()
      .split('\n')
      .slice(0, 27)
      .map((line) => line.trim().split(/\s{2,}/))
      .map((columns) => `${columns[0]} ${columns[6]}`);
    expect(found).toEqual(wanted);
  });

  test("the paper's Table 1 holds what the network does: input sizes, channels, strides", () => {
    const network = mobilenetV1();
    const shapes = inferShapes(network);
    const convolutions = network.nodes.filter((node) => windowOf(node) && node.name !== 'conv_preds');
    expect(MOBILENET_V1_TABLE).toHaveLength(27);
    /** [size of the map, channels] of each row's input, as the paper prints them. */
    const inputs = [
      [224, 3],
      ...[32, 32, 64].map((channels) => [112, channels]),
      ...[64, 128, 128, 128].map((channels) => [56, channels]),
      ...[128, 256, 256, 256].map((channels) => [28, channels]),
      ...[256, ...Array(11).fill(512)].map((channels) => [14, channels]),
      ...[512, 1024, 1024].map((channels) => [7, channels]),
    ];
    expect(inputs).toHaveLength(27);
    for (const [index, { s, filter, type }] of MOBILENET_V1_TABLE.entries()) {
      const [side, channels] = inputs[index];
      const node = convolutions[index];
      const source = network.nodes.find(({ name }) => name === node.inputs[0]);
      const unpadded = source?.kind === 'pad' ? source.inputs[0] : node.inputs[0];
      expect(shapes.get(unpadded), node.name).toEqual([1, side, side, channels]);
      expect(windowOf(node)!.strides, node.name).toEqual([s, s]);
      expect(windowOf(node)!.kernelSize, node.name).toEqual(filter.slice(0, 2));
      expect(filter[2], node.name).toBe(channels);
      expect(type, node.name).toBe(node.kind === 'depthwiseConv2d' ? 'Conv dw' : 'Conv');
    }
  });

  test.each(['slim', 'keras', 'torchvision'] as const)(
    '%s: 27 convolutions, each with batch norm and ReLU6, and 137 weights',
    (conventions) => {
      const network = mobilenetV1({ conventions });
      expect(kinds(network, 'batchNorm')).toHaveLength(27);
      expect(kinds(network, 'relu6')).toHaveLength(27);
      expect(kinds(network, 'depthwiseConv2d')).toHaveLength(13);
      expect(wantedWeights(network).size).toBe(137);
      for (const { name, attributes } of network.nodes.filter((node) => windowOf(node))) {
        const classifier = /Logits|conv_preds|classifier/.test(name);
        expect((attributes as { bias: boolean }).bias, name).toBe(classifier);
      }
    },
  );

  test('receptive field 315, effective stride 32, effective padding 126 at even sizes', () => {
    const fields = receptiveFields(mobilenetV1({ conventions: 'slim' }));
    expect(fields.get('Conv2d_13_pointwise/Relu6')).toEqual({
      size: [315, 315],
      stride: [32, 32],
      padding: [126, 126],
    });
  });

  test('activations: 5,042,688 numbers in the feature maps, 1,204,224 in and out of the largest layer', () => {
    for (const conventions of ['slim', 'keras', 'torchvision'] as const) {
      const { activations } = summarize(mobilenetV1({ conventions })).totals;
      expect(activations).toEqual({ featureMaps: 5_042_688, peak: 1_204_224 });
    }
  });

  test("slim's and Keras' final maps agree at multiples of 32, and differ for 279 of the 298 sizes from 32 to 329", () => {
    const finalMap = (conventions: 'slim' | 'keras' | 'torchvision', resolution: number) => {
      const network = mobilenetV1({ conventions, resolution, alpha: 0.25, head: 'features' });
      return inferShapes(network).get(network.outputs[0])![1];
    };
    const sizes = Array.from({ length: 298 }, (_, index) => 32 + index);
    const differing = sizes.filter((size) => finalMap('slim', size) !== finalMap('keras', size));
    expect(differing).toHaveLength(279);
    expect(differing.filter((size) => size % 32 === 0)).toEqual([]);
    for (const size of sizes) {
      expect(finalMap('slim', size)).toBe(Math.ceil(size / 32));
      expect(finalMap('torchvision', size)).toBe(Math.ceil(size / 32));
    }
  });

  describe('conventions', () => {
    const node = (network: Network, name: string) => network.nodes.find((each) => each.name === name);

    test('slim: same padding, epsilon 1e-3, 1001 classes with background, probabilities', () => {
      const network = mobilenetV1({ conventions: 'slim' });
      expect(node(network, 'Conv2d_2_depthwise')!.attributes).toEqual({
        kernelSize: [3, 3],
        strides: [2, 2],
        dilation: [1, 1],
        padding: 'same',
        depthMultiplier: 1,
        bias: false,
      });
      expect(node(network, 'Conv2d_0/BatchNorm')!.attributes).toEqual({ epsilon: 1e-3, scale: true, center: true });
      expect(network.outputs).toEqual(['Predictions']);
      expect(network.nodes.slice(-5).map(({ name, kind }) => [name, kind])).toEqual([
        ['Logits/AvgPool_1a', 'globalAveragePool'],
        ['Logits/Dropout_1b', 'dropout'],
        ['Logits/Conv2d_1c_1x1', 'pointwiseConv2d'],
        ['Logits/SpatialSqueeze', 'reshape'],
        ['Predictions', 'softmax'],
      ]);
      expect(node(network, 'Logits/Dropout_1b')!.attributes).toEqual({ rate: 0.001 });
      expect(inferShapes(network).get('Predictions')).toEqual([1, 1001]);
      const { source, output, labelOffset, preprocessing } = network.conventions;
      expect({ source, output, labelOffset }).toEqual({ source: 'slim', output: 'probabilities', labelOffset: 1 });
      expect(preprocessing).toMatchObject({
        crop: { kind: 'central', fraction: 0.875 },
        resize: 'tf1-legacy',
        size: [224, 224],
      });
    });

    test('Keras: (0, 1) padding layers before stride 2, epsilon 1e-3, 1000 classes, the names of its weight files', () => {
      const network = mobilenetV1({ conventions: 'keras' });
      expect(kinds(network, 'pad').map(({ name }) => name)).toEqual([
        'conv_pad_2',
        'conv_pad_4',
        'conv_pad_6',
        'conv_pad_12',
      ]);
      expect(node(network, 'conv_pad_2')!.attributes).toEqual({
        padding: { top: 0, bottom: 1, left: 0, right: 1 },
        value: 0,
      });
      expect(node(network, 'conv_dw_2')!.attributes).toMatchObject({ padding: 'valid', strides: [2, 2] });
      expect(node(network, 'conv1')!.attributes).toMatchObject({ padding: 'same', strides: [2, 2] });
      expect(node(network, 'conv1_bn')!.attributes).toMatchObject({ epsilon: 1e-3 });
      expect(network.nodes.slice(0, 6).map(({ name }) => name)).toEqual([
        'conv1',
        'conv1_bn',
        'conv1_relu',
        'conv_dw_1',
        'conv_dw_1_bn',
        'conv_dw_1_relu',
      ]);
      expect(network.nodes.slice(-5).map(({ name }) => name)).toEqual([
        'global_average_pooling2d',
        'dropout',
        'conv_preds',
        'reshape_2',
        'predictions',
      ]);
      expect(network.conventions).toMatchObject({ source: 'keras', output: 'probabilities', labelOffset: 0 });
    });

    test('torchvision, whose V1 is ours: (1, 1) padding, epsilon 1e-5, a dense layer of logits', () => {
      const network = mobilenetV1({ conventions: 'torchvision' });
      expect(node(network, 'features.2.0.0')!.attributes).toMatchObject({
        padding: { top: 1, bottom: 1, left: 1, right: 1 },
        strides: [2, 2],
      });
      expect(node(network, 'features.0.1')!.attributes).toMatchObject({ epsilon: 1e-5 });
      expect(network.nodes.slice(-3).map(({ name, kind }) => [name, kind])).toEqual([
        ['avgpool', 'globalAveragePool'],
        ['classifier.0', 'dropout'],
        ['classifier.1', 'dense'],
      ]);
      expect(network.conventions).toMatchObject({ source: 'torchvision', output: 'logits', labelOffset: 0 });
      expect(network.conventions.preprocessing!.mean).toEqual([0.485, 0.456, 0.406]);
    });
  });

  describe('what can be asked for', () => {
    test('logits and probabilities', () => {
      expect(mobilenetV1({ output: 'logits' }).outputs).toEqual(['reshape_2']);
      expect(mobilenetV1({ output: 'probabilities', conventions: 'torchvision' }).outputs).toEqual(['softmax']);
    });

    test('heads', () => {
      const pooled = mobilenetV1({ head: 'pooled', alpha: 0.5 });
      expect(inferShapes(pooled).get(pooled.outputs[0])).toEqual([1, 512]);
      const features = mobilenetV1({ head: 'features', resolution: [160, 224] });
      expect(inferShapes(features).get(features.outputs[0])).toEqual([1, 5, 7, 1024]);
      expect(features.conventions).not.toHaveProperty('labelOffset');
      expect(features.conventions.output).toBe('features');
    });

    test('classes and label offset', () => {
      expect(mobilenetV1({ classes: 1001 }).conventions.labelOffset).toBe(1);
      expect(mobilenetV1({ classes: 5, conventions: 'slim' }).conventions.labelOffset).toBe(0);
      expect(mobilenetV1({ classes: 91, labelOffset: 1 }).conventions.labelOffset).toBe(1);
      expect(summarize(mobilenetV1({ classes: 5 })).totals.multiplyAdds).toBe(567_716_352 + 5 * 1024);
    });

    test('the base without head: 3,185,088 weights and 567,716,352 multiply-adds', () => {
      expect(count(mobilenetV1({ head: 'features' }))).toMatchObject({ multiplyAdds: 567_716_352, kernels: 3_185_088 });
    });

    test("slim's own unit test: 3,217,920 numbers with batch norm of beta, mean and variance only", () => {
      const { totals } = summarize(mobilenetV1({ head: 'features' }));
      const gammas = [...wantedWeights(mobilenetV1({ head: 'features' }))].filter(([name]) => name.endsWith('/gamma'));
      const withoutGamma = totals.params.stored - gammas.reduce((sum, [, [channels]]) => sum + channels, 0);
      expect(withoutGamma).toBe(3_217_920);
    });

    test('full convolutions: 4,866 million without the classifier, as printed, and 4,867 with it', () => {
      expect(count(mobilenetV1({ convolutions: 'full', head: 'features' })).multiplyAdds).toBe(4_866_269_184);
      const whole = count(mobilenetV1({ convolutions: 'full' }));
      expect(whole).toEqual({
        multiplyAdds: 4_867_293_184,
        kernels: 29_281_120,
        trainable: 29_294_088,
        stored: 29_306_056,
      });
    });

    test('shallow: 307 million, five separable convolutions fewer', () => {
      const shallow = mobilenetV1({ shallow: true });
      expect(count(shallow)).toMatchObject({ multiplyAdds: 307_323_392, trainable: 2_887_976 });
      expect(kinds(shallow, 'depthwiseConv2d')).toHaveLength(8);
    });

    test('names', () => {
      expect(mobilenetV1({ alpha: 0.75, resolution: 192 }).name).toBe('mobilenet_v1_0.75_192');
      expect(mobilenetV1({ resolution: [160, 224] }).name).toBe('mobilenet_v1_1.0_160x224');
      expect(mobilenetV1({ shallow: true }).name).toBe('mobilenet_v1_shallow_1.0_224');
      expect(mobilenetV1({ convolutions: 'full' }).name).toBe('mobilenet_v1_full_1.0_224');
      expect(mobilenetV1({ convolutions: 'full', shallow: true }).name).toBe('mobilenet_v1_shallow_full_1.0_224');
    });
  });
});
