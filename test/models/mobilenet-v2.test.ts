import { describe, expect, test } from 'vitest';
import { mobilenetV2 } from '../../src/models/index.js';
import { MOBILENET_V2_TABLE } from '../../src/models/mobilenet-v2.js';
import { receptiveFields, windowOf } from '../../src/network/counting/receptive-field.js';
import { inferShapes, type Network, summarize } from '../../src/network/index.js';
import { wantedWeights } from '../../src/network/shapes.js';
import { checkGoldenTable, count } from './golden.js';

/**
 * MobileNet V2 1.0 at 224 with 1000 classes, computed independently of this code from the layer list of the authors' mobilenet_v2.py:
 * slim scope, Keras layer, kernel, stride, input, output, what follows, weights with the classifier's bias, multiply-adds, receptive
 * field.
 */
const GOLDEN = `
  Conv                        Conv1                     3x3      2  224x224x3   112x112x32  relu6       864        10,838,016  3
  expanded_conv/depthwise     expanded_conv_depthwise   3x3dw    1  112x112x32  112x112x32  relu6       288        3,612,672   7
  expanded_conv/project       expanded_conv_project     1x1      1  112x112x32  112x112x16  linear      512        6,422,528   7
  expanded_conv_1/expand      block_1_expand            1x1      1  112x112x16  112x112x96  relu6       1,536      19,267,584  7
  expanded_conv_1/depthwise   block_1_depthwise         3x3dw    2  112x112x96  56x56x96    relu6       864        2,709,504   11
  expanded_conv_1/project     block_1_project           1x1      1  56x56x96    56x56x24    linear      2,304      7,225,344   11
  expanded_conv_2/expand      block_2_expand            1x1      1  56x56x24    56x56x144   relu6       3,456      10,838,016  11
  expanded_conv_2/depthwise   block_2_depthwise         3x3dw    1  56x56x144   56x56x144   relu6       1,296      4,064,256   19
  expanded_conv_2/project     block_2_project           1x1      1  56x56x144   56x56x24    linear+add  3,456      10,838,016  19
  expanded_conv_3/expand      block_3_expand            1x1      1  56x56x24    56x56x144   relu6       3,456      10,838,016  19
  expanded_conv_3/depthwise   block_3_depthwise         3x3dw    2  56x56x144   28x28x144   relu6       1,296      1,016,064   27
  expanded_conv_3/project     block_3_project           1x1      1  28x28x144   28x28x32    linear      4,608      3,612,672   27
  expanded_conv_4/expand      block_4_expand            1x1      1  28x28x32    28x28x192   relu6       6,144      4,816,896   27
  expanded_conv_4/depthwise   block_4_depthwise         3x3dw    1  28x28x192   28x28x192   relu6       1,728      1,354,752   43
  expanded_conv_4/project     block_4_project           1x1      1  28x28x192   28x28x32    linear+add  6,144      4,816,896   43
  expanded_conv_5/expand      block_5_expand            1x1      1  28x28x32    28x28x192   relu6       6,144      4,816,896   43
  expanded_conv_5/depthwise   block_5_depthwise         3x3dw    1  28x28x192   28x28x192   relu6       1,728      1,354,752   59
  expanded_conv_5/project     block_5_project           1x1      1  28x28x192   28x28x32    linear+add  6,144      4,816,896   59
  expanded_conv_6/expand      block_6_expand            1x1      1  28x28x32    28x28x192   relu6       6,144      4,816,896   59
  expanded_conv_6/depthwise   block_6_depthwise         3x3dw    2  28x28x192   14x14x192   relu6       1,728      338,688     75
  expanded_conv_6/project     block_6_project           1x1      1  14x14x192   14x14x64    linear      12,288     2,408,448   75
  expanded_conv_7/expand      block_7_expand            1x1      1  14x14x64    14x14x384   relu6       24,576     4,816,896   75
  expanded_conv_7/depthwise   block_7_depthwise         3x3dw    1  14x14x384   14x14x384   relu6       3,456      677,376     107
  expanded_conv_7/project     block_7_project           1x1      1  14x14x384   14x14x64    linear+add  24,576     4,816,896   107
  expanded_conv_8/expand      block_8_expand            1x1      1  14x14x64    14x14x384   relu6       24,576     4,816,896   107
  expanded_conv_8/depthwise   block_8_depthwise         3x3dw    1  14x14x384   14x14x384   relu6       3,456      677,376     139
  expanded_conv_8/project     block_8_project           1x1      1  14x14x384   14x14x64    linear+add  24,576     4,816,896   139
  expanded_conv_9/expand      block_9_expand            1x1      1  14x14x64    14x14x384   relu6       24,576     4,816,896   139
  expanded_conv_9/depthwise   block_9_depthwise         3x3dw    1  14x14x384   14x14x384   relu6       3,456      677,376     171
  expanded_conv_9/project     block_9_project           1x1      1  14x14x384   14x14x64    linear+add  24,576     4,816,896   171
  expanded_conv_10/expand     block_10_expand           1x1      1  14x14x64    14x14x384   relu6       24,576     4,816,896   171
  expanded_conv_10/depthwise  block_10_depthwise        3x3dw    1  14x14x384   14x14x384   relu6       3,456      677,376     203
  expanded_conv_10/project    block_10_project          1x1      1  14x14x384   14x14x96    linear      36,864     7,225,344   203
  expanded_conv_11/expand     block_11_expand           1x1      1  14x14x96    14x14x576   relu6       55,296     10,838,016  203
  expanded_conv_11/depthwise  block_11_depthwise        3x3dw    1  14x14x576   14x14x576   relu6       5,184      1,016,064   235
  expanded_conv_11/project    block_11_project          1x1      1  14x14x576   14x14x96    linear+add  55,296     10,838,016  235
  expanded_conv_12/expand     block_12_expand           1x1      1  14x14x96    14x14x576   relu6       55,296     10,838,016  235
  expanded_conv_12/depthwise  block_12_depthwise        3x3dw    1  14x14x576   14x14x576   relu6       5,184      1,016,064   267
  expanded_conv_12/project    block_12_project          1x1      1  14x14x576   14x14x96    linear+add  55,296     10,838,016  267
  expanded_conv_13/expand     block_13_expand           1x1      1  14x14x96    14x14x576   relu6       55,296     10,838,016  267
  expanded_conv_13/depthwise  block_13_depthwise        3x3dw    2  14x14x576   7x7x576     relu6       5,184      254,016     299
  expanded_conv_13/project    block_13_project          1x1      1  7x7x576     7x7x160     linear      92,160     4,515,840   299
  expanded_conv_14/expand     block_14_expand           1x1      1  7x7x160     7x7x960     relu6       153,600    7,526,400   299
  expanded_conv_14/depthwise  block_14_depthwise        3x3dw    1  7x7x960     7x7x960     relu6       8,640      423,360     363
  expanded_conv_14/project    block_14_project          1x1      1  7x7x960     7x7x160     linear+add  153,600    7,526,400   363
  expanded_conv_15/expand     block_15_expand           1x1      1  7x7x160     7x7x960     relu6       153,600    7,526,400   363
  expanded_conv_15/depthwise  block_15_depthwise        3x3dw    1  7x7x960     7x7x960     relu6       8,640      423,360     427
  expanded_conv_15/project    block_15_project          1x1      1  7x7x960     7x7x160     linear+add  153,600    7,526,400   427
  expanded_conv_16/expand     block_16_expand           1x1      1  7x7x160     7x7x960     relu6       153,600    7,526,400   427
  expanded_conv_16/depthwise  block_16_depthwise        3x3dw    1  7x7x960     7x7x960     relu6       8,640      423,360     491
  expanded_conv_16/project    block_16_project          1x1      1  7x7x960     7x7x320     linear      307,200    15,052,800  491
  Conv_1                      Conv_1                    1x1      1  7x7x320     7x7x1280    relu6       409,600    20,070,400  491
  Logits/AvgPool              global_average_pooling2d  7x7 avg  -  7x7x1280    1x1x1280    -           0          0           -
  Logits/Conv2d_1c_1x1        predictions               1x1      1  1x1x1280    1x1x1000    linear      1,281,000  1,280,000   -
`;

const kinds = (network: Network, kind: string) => network.nodes.filter((node) => node.kind === kind);
const layer = (network: Network, name: string) => network.nodes.find((each) => each.name === name);
const all = ['slim', 'keras', 'torchvision'] as const;

/** Output channels of the first convolution, of each row of Table 2 and of the last convolution. */
function channels(network: Network): number[] {
  const shapes = inferShapes(network);
  const last = (name: string) => shapes.get(name)!.at(-1)!;
  return ['Conv', ...[0, 2, 5, 9, 12, 15, 16].map((n) => `expanded_conv${n ? `_${n}` : ''}/project`), 'Conv_1'].map(
    last,
  );
}

describe('MobileNet V2', () => {
  test('every layer agrees with the golden table', () => {
    const rows = checkGoldenTable(GOLDEN, {
      slim: mobilenetV2({ conventions: 'slim', classes: 1000 }),
      keras: mobilenetV2({ conventions: 'keras' }),
    });
    expect(rows).toHaveLength(54);
  });

  test("what follows each convolution agrees with the golden table: ReLU6, nothing, or nothing and the block's input", () => {
    const grouped = summarize(mobilenetV2({ conventions: 'slim', output: 'logits' }), { grouped: true }).layers;
    const words = {
      'batchNorm,relu6': 'relu6',
      batchNorm: 'linear',
      'batchNorm,add': 'linear+add',
      reshape: 'linear',
      dropout: '-',
    };
    const found = grouped.map(({ name, followedBy }) => `${name} ${words[`${followedBy}` as keyof typeof words]}`);
    const wanted = GOLDEN.trim()
      .split('\n')
      .map((line) => line.trim().split(/\s{2,}/))
      .map((columns) => `${columns[0]} ${columns[6]}`);
    expect(found).toEqual(wanted);
  });

  test("the paper's Table 2: 17 bottlenecks with the strides and inputs of the network", () => {
    const network = mobilenetV2();
    const shapes = inferShapes(network);
    const bottlenecks = MOBILENET_V2_TABLE.filter(({ operator }) => operator === 'bottleneck');
    expect(bottlenecks.reduce((sum, { n }) => sum + n, 0)).toBe(17);
    const strides = kinds(network, 'depthwiseConv2d').map((node) => windowOf(node)!.strides[0]);
    expect(strides).toEqual([1, 2, 1, 2, 1, 1, 2, 1, 1, 1, 1, 1, 1, 2, 1, 1, 1]);
    const firstOfRow = [
      'Conv1',
      'expanded_conv_depthwise',
      ...[1, 3, 6, 10, 13, 16].map((n) => `block_${n}_expand`),
      'Conv_1',
    ];
    expect(firstOfRow.map((name) => shapes.get(layer(network, name)!.inputs[0])!.slice(1))).toEqual([
      [224, 224, 3],
      [112, 112, 32],
      [112, 112, 16],
      [56, 56, 24],
      [28, 28, 32],
      [14, 14, 64],
      [14, 14, 96],
      [7, 7, 160],
      [7, 7, 320],
    ]);
    expect(MOBILENET_V2_TABLE).toHaveLength(9);
  });

  test.each(all)(
    '%s: 52 convolutions with batch norm, 35 ReLU6, 17 linear projections, 10 additions, 262 weights',
    (conventions) => {
      const network = mobilenetV2({ conventions });
      expect(kinds(network, 'batchNorm')).toHaveLength(52);
      expect(kinds(network, 'relu6')).toHaveLength(35);
      expect(kinds(network, 'add')).toHaveLength(10);
      const afterNorm = kinds(network, 'batchNorm').map(
        ({ name }) => network.nodes.find((node) => node.inputs.includes(name))!.kind,
      );
      expect(afterNorm.filter((kind) => kind === 'relu6')).toHaveLength(35);
      expect(wantedWeights(network).size).toBe(262);
    },
  );

  test("additions in the blocks 2, 4, 5, 7, 8, 9, 11, 12, 14, 15, each of the block's input and its linear projection", () => {
    const adds = kinds(mobilenetV2(), 'add');
    expect(adds.map(({ name }) => name)).toEqual(
      [2, 4, 5, 7, 8, 9, 11, 12, 14, 15].map((block) => `block_${block}_add`),
    );
    expect(adds[0].inputs).toEqual(['block_1_project_BN', 'block_2_project_BN']);
    expect(adds[2].inputs).toEqual(['block_4_add', 'block_5_project_BN']);
  });

  test('300,774,272 multiply-adds, and not the 313.62 million of an expansion in the block with t = 1', () => {
    const { multiplyAdds } = summarize(mobilenetV2()).totals;
    expect(multiplyAdds).toBe(300_774_272);
    const phantom = 112 * 112 * 32 * 32;
    expect(multiplyAdds + phantom).toBe(313_619_328);
    expect(layer(mobilenetV2(), 'expanded_conv_expand')).toBeUndefined();
  });

  test('314,130,496 when batch norm counts 2 an element: the other way to a wrong 314 million', () => {
    const summary = summarize(mobilenetV2(), { counting: 'batch-norm' });
    expect(summary.totals.multiplyAdds).toBe(314_130_496);
    expect(summary.convention).toContain('batch norm counts 2');
  });

  test('receptive field 491, effective stride 32', () => {
    expect(receptiveFields(mobilenetV2()).get('out_relu')).toMatchObject({ size: [491, 491], stride: [32, 32] });
  });

  test('activations: 6,678,112 numbers in the feature maps, 1,505,280 in and out of the largest layer', () => {
    for (const conventions of all) {
      const { activations } = summarize(mobilenetV2({ conventions })).totals;
      expect(activations).toEqual({ featureMaps: 6_678_112, peak: 1_505_280 });
    }
  });

  test.each([
    [1.4, [48, 24, 32, 48, 88, 136, 224, 448, 1792]],
    [1.3, [40, 24, 32, 40, 80, 128, 208, 416, 1664]],
    [1.0, [32, 16, 24, 32, 64, 96, 160, 320, 1280]],
    [0.75, [24, 16, 24, 24, 48, 72, 120, 240, 1280]],
    [0.5, [16, 8, 16, 16, 32, 48, 80, 160, 1280]],
    [0.35, [16, 8, 8, 16, 24, 32, 56, 112, 1280]],
  ])('alpha %s: channels %j', (alpha, wanted) => {
    expect(channels(mobilenetV2({ alpha, conventions: 'slim' }))).toEqual(wanted);
  });

  describe("slim's unit tests (mobilenet_v2_test.py)", () => {
    const widths = (network: Network) =>
      new Set(
        [...inferShapes(network)]
          .filter(([name]) => windowOf(layer(network, name) ?? network.nodes[1]))
          .map(([, shape]) => shape.at(-1)),
      );

    test.each([
      [224, 7],
      [192, 6],
      [160, 5],
      [128, 4],
      [96, 3],
    ])('input %i ends with a map of %i', (resolution, side) => {
      const network = mobilenetV2({ resolution, conventions: 'slim', head: 'features' });
      expect(inferShapes(network).get('Conv_1/Relu6')).toEqual([1, side, side, 1280]);
    });

    test('divisible_by 16, min_depth 32', () => {
      expect(widths(mobilenetV2({ conventions: 'slim', channelDivisor: 16, minChannels: 32 }))).toEqual(
        new Set([32, 64, 96, 160, 192, 320, 384, 576, 960, 1280, 1001]),
      );
    });

    test('alpha 0.1, min_depth 32, plain call', () => {
      const network = mobilenetV2({ conventions: 'slim', alpha: 0.1, minChannels: 32, narrowLast: true });
      expect(widths(network)).toEqual(new Set([32, 192, 128, 1001]));
    });

    test('alpha 0.01, finegrain classification', () => {
      expect(widths(mobilenetV2({ conventions: 'slim', alpha: 0.01 }))).toEqual(new Set([8, 48, 1001, 1280]));
    });
  });

  test("slim's plain call narrows the last convolution: 204,987,552 instead of 209,071,072 at alpha 0.75", () => {
    const options = { alpha: 0.75, conventions: 'slim' } as const;
    expect(count(mobilenetV2({ ...options, narrowLast: true }))).toMatchObject({
      multiplyAdds: 204_987_552,
      trainable: 2_239_945,
    });
    expect(count(mobilenetV2(options))).toMatchObject({ multiplyAdds: 209_071_072, trainable: 2_637_705 });
    expect(count(mobilenetV2({ alpha: 1.4, narrowLast: true }))).toEqual(count(mobilenetV2({ alpha: 1.4 })));
  });

  test('the parameters of the papers and libraries: 3.47, 3.50 and 3.54 million', () => {
    expect(count(mobilenetV2())).toMatchObject({ kernels: 3_469_760, trainable: 3_504_872, stored: 3_538_984 });
  });

  describe('conventions', () => {
    test('slim', () => {
      const network = mobilenetV2({ conventions: 'slim' });
      expect(layer(network, 'expanded_conv_1/depthwise')!.attributes).toMatchObject({
        padding: 'same',
        strides: [2, 2],
      });
      expect(layer(network, 'expanded_conv/project/BatchNorm')!.attributes).toMatchObject({ epsilon: 1e-3 });
      expect(layer(network, 'expanded_conv/project/Relu6')).toBeUndefined();
      expect(layer(network, 'Logits/Dropout')!.attributes).toEqual({ rate: 0.2 });
      expect(network.nodes.slice(-5).map(({ name }) => name)).toEqual([
        'Logits/AvgPool',
        'Logits/Dropout',
        'Logits/Conv2d_1c_1x1',
        'Logits/Squeeze',
        'Predictions',
      ]);
      expect(network.conventions).toMatchObject({ source: 'slim', output: 'probabilities', labelOffset: 1 });
    });

    test("Keras: no dropout, a dense classifier, 'same' as correct_pad", () => {
      const network = mobilenetV2();
      expect(kinds(network, 'dropout')).toEqual([]);
      expect(kinds(network, 'pad')).toEqual([]);
      expect(layer(network, 'block_1_depthwise')!.attributes).toMatchObject({ padding: 'same', strides: [2, 2] });
      expect(network.nodes.slice(0, 3).map(({ name }) => name)).toEqual(['Conv1', 'bn_Conv1', 'Conv1_relu']);
      expect(network.nodes.slice(-6).map(({ name }) => name)).toEqual([
        'Conv_1',
        'Conv_1_bn',
        'out_relu',
        'global_average_pooling2d',
        'predictions',
        'predictions_softmax',
      ]);
      expect(layer(network, 'predictions')!.kind).toBe('dense');
      expect(network.conventions).toMatchObject({ source: 'keras', output: 'probabilities', labelOffset: 0 });
    });

    test('torchvision: the keys of its state dict, (1, 1) padding, epsilon 1e-5, logits', () => {
      const network = mobilenetV2({ conventions: 'torchvision' });
      const weights = wantedWeights(network);
      // shapes as in the state dict, in our layouts
      expect(weights.get('features.0.0/kernel')).toEqual([3, 3, 3, 32]);
      expect(weights.get('features.1.conv.0.0/kernel')).toEqual([3, 3, 32, 1]);
      expect(weights.get('features.1.conv.1/kernel')).toEqual([32, 16]);
      expect(weights.get('features.1.conv.2/gamma')).toEqual([16]);
      expect(weights.get('features.2.conv.0.0/kernel')).toEqual([16, 96]);
      expect(weights.get('features.2.conv.1.0/kernel')).toEqual([3, 3, 96, 1]);
      expect(weights.get('features.2.conv.2/kernel')).toEqual([96, 24]);
      expect(weights.get('features.2.conv.3/movingMean')).toEqual([24]);
      expect(weights.get('features.17.conv.2/kernel')).toEqual([960, 320]);
      expect(weights.get('features.18.0/kernel')).toEqual([320, 1280]);
      expect(weights.get('classifier.1/kernel')).toEqual([1280, 1000]);
      expect(layer(network, 'features.2.conv.1.0')!.attributes).toMatchObject({
        padding: { top: 1, bottom: 1, left: 1, right: 1 },
      });
      expect(layer(network, 'features.18.1')!.attributes).toMatchObject({ epsilon: 1e-5 });
      expect(kinds(network, 'add')[0].name).toBe('features.3.add');
      expect(network.outputs).toEqual(['classifier.1']);
      expect(network.conventions).toMatchObject({ source: 'torchvision', output: 'logits', labelOffset: 0 });
    });

    test('all three end with the same map at every size', () => {
      for (let resolution = 32; resolution < 100; resolution++) {
        const sides = all.map((conventions) => {
          const network = mobilenetV2({ conventions, resolution, alpha: 0.1, head: 'features' });
          return inferShapes(network).get(network.outputs[0])![1];
        });
        expect(sides).toEqual([Math.ceil(resolution / 32), Math.ceil(resolution / 32), Math.ceil(resolution / 32)]);
      }
    });
  });

  describe('expansion factor', () => {
    test('4: every expansion has four times the channels of its input', () => {
      const network = mobilenetV2({ expansionFactor: 4 });
      const weights = wantedWeights(network);
      expect(weights.get('block_1_expand/kernel')).toEqual([16, 64]);
      expect(weights.get('block_16_expand/kernel')).toEqual([160, 640]);
      expect(network.name).toBe('mobilenet_v2_1.0_224_t4');
    });

    test('1: no expansions at all', () => {
      const network = mobilenetV2({ expansionFactor: 1 });
      expect(network.nodes.filter(({ name }) => name.endsWith('_expand'))).toEqual([]);
      expect(kinds(network, 'add')).toHaveLength(10);
    });

    test('the first block has no expansion, whatever its channels are', () => {
      const network = mobilenetV2({ conventions: 'slim', alpha: 0.6, channelDivisor: 4 });
      expect(wantedWeights(network).get('expanded_conv/depthwise/kernel')).toEqual([3, 3, 20, 1]);
      expect(layer(network, 'expanded_conv/expand')).toBeUndefined();
    });

    test('a fraction is rounded by the conventions: 8 · 2.3 = 18.4, of which 16 would lose over 10 %', () => {
      const expanded = (conventions: (typeof all)[number], name: string) =>
        wantedWeights(mobilenetV2({ conventions, expansionFactor: 2.3, alpha: 0.1 })).get(`${name}/kernel`);
      expect(expanded('slim', 'expanded_conv_1/expand')).toEqual([8, 24]);
      expect(expanded('keras', 'block_1_expand')).toEqual([8, 18]);
      expect(expanded('torchvision', 'features.2.conv.0.0')).toEqual([8, 18]);
    });
  });
});
