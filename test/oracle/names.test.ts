/** Tensors of other libraries find their layer. */
import { describe, expect, test } from 'vitest';
import { UsageError } from '../../src/errors.js';
import { mobilenetV1, mobilenetV2 } from '../../src/models/index.js';
import { NetworkBuilder } from '../../src/network/index.js';
import { inOurLayout, type Layout } from '../../src/oracle/layouts.js';
import { matchNames } from '../../src/oracle/names.js';
import { tensor } from '../../src/tensor.js';

const x = tensor([1], [0]);
const match = (network: ReturnType<typeof mobilenetV1>, names: readonly string[], map = {}) =>
  matchNames(network, new Map(names.map((name) => [name, x])), map);
/** Our name for one of theirs. */
const ours = (network: ReturnType<typeof mobilenetV1>, theirs: string): string | undefined =>
  [...match(network, [theirs]).theirNames.keys()][0];

const v1 = mobilenetV1({ conventions: 'keras' });
const v2 = mobilenetV2({ conventions: 'keras' });

describe('V1 by Keras names', () => {
  test.each([
    ['conv_dw_3', 'conv_dw_3'],
    ['mobilenet_1.00_224/conv_dw_3_relu/Relu6:0', 'conv_dw_3_relu'],
    ['model_1/conv_pw_3_bn/FusedBatchNormV3', 'conv_pw_3_bn'],
    ['MobilenetV1/MobilenetV1/Conv2d_3_depthwise/Relu6', 'conv_dw_3_relu'], // slim's .tflite
    ['MobilenetV1/MobilenetV1/Conv2d_3_pointwise/BatchNorm/FusedBatchNorm', 'conv_pw_3_bn'],
    ['MobilenetV1/Conv2d_0/Conv2D', 'conv1'],
    ['MobilenetV1/Logits/Conv2d_1c_1x1/BiasAdd', 'conv_preds'],
    ['MobilenetV1/Predictions/Softmax', 'predictions'],
    ['blocks.0.0.conv_dw', 'conv_dw_1'], // timm mobilenetv1_100
    ['blocks.1.1.bn2', 'conv_pw_3_relu'],
    ['blocks.4.1', 'conv_pw_13_relu'],
    ['conv_stem', 'conv1'],
    ['classifier', 'conv_preds'],
    ['nothing', undefined],
  ])('%s is %s', (theirs, wanted) => expect(ours(v1, theirs)).toBe(wanted));
});

describe('V2 by Keras names', () => {
  test.each([
    ['features.0.0', 'Conv1'], // torchvision's modules, as in its state dict
    ['features.0', 'Conv1_relu'],
    ['features.1.conv.0.0', 'expanded_conv_depthwise'],
    ['features.1.conv.0', 'expanded_conv_depthwise_relu'],
    ['features.2.conv.0', 'block_1_expand_relu'],
    ['features.2.conv.3', 'block_1_project_BN'],
    ['features.2', 'block_1_project_BN'], // stride 2: no addition
    ['features.3', 'block_2_add'],
    ['features.18', 'out_relu'],
    ['classifier.1', 'predictions'],
    ['blocks.0.0.bn2', 'expanded_conv_project_BN'], // timm mobilenetv2_100
    ['blocks.1.1', 'block_2_add'],
    ['blocks.5.2.conv_dw', 'block_15_depthwise'],
    ['bn2', 'out_relu'],
    ['MobilenetV2/expanded_conv_2/add', 'block_2_add'], // slim's .tflite
    ['MobilenetV2/Conv_1/Relu6', 'out_relu'],
    ['a/block_1_expand/Conv2D;a/block_1_expand_BN/FusedBatchNormV3;a/block_1_expand_relu/Relu6', 'block_1_expand_relu'],
  ])('%s is %s', (theirs, wanted) => expect(ours(v2, theirs)).toBe(wanted));
});

test.each([
  ['V1', mobilenetV1],
  ['V2', mobilenetV2],
] as const)('%s: every pair of conventions agrees on all layers that both have', (_, model) => {
  for (const from of ['slim', 'keras', 'torchvision'] as const) {
    for (const to of ['slim', 'keras', 'torchvision'] as const) {
      const theirs = model({ conventions: from, output: 'probabilities' });
      const { theirNames, unmatched } = match(
        model({ conventions: to, output: 'probabilities' }),
        theirs.nodes.map(({ name }) => name),
      );
      const kinds = new Map(theirs.nodes.map(({ name, kind }) => [name, kind]));
      const optional = ['pad', 'dropout', 'reshape']; // not in every library
      expect(unmatched.filter((name) => !optional.includes(kinds.get(name)!))).toEqual([]);
      const positions = [...theirNames.values()].map((name) => theirs.nodes.findIndex((node) => node.name === name));
      expect(positions).toEqual(positions.toSorted((a, b) => a - b)); // in the same order
    }
  }
});

test('the same name goes before a similar one, and the map before both', () => {
  const names = ['model/conv1', 'conv1', 'odd'];
  expect(match(v1, names).theirNames.get('conv1')).toBe('conv1');
  expect(match(v1, names).unmatched).toEqual(['model/conv1', 'odd']);
  expect(match(v1, names, { odd: 'conv1' }).theirNames.get('conv1')).toBe('odd');
});

/** Operations at the end of names, as TensorFlow's converters write them. */
test.each(
  'Conv2D Conv2d depthwise separable_conv2d separable_conv2d/depthwise BiasAdd MatMul FusedBatchNorm FusedBatchNormV3 batchnorm/add_1 batchnorm/mul_1 Relu Relu6 AvgPool Mean Softmax Squeeze Reshape Reshape_1 add add_12 Pad'.split(
    ' ',
  ),
)('%s at the end of a name', (operation) => {
  const net = new NetworkBuilder();
  const network = net.build('m', [net.add('own', 'relu', net.input('x', [1, 1]), {})], {
    source: 'other',
    output: 'features',
  });
  const found = (name: string) => match(network, [name]).theirNames.get('own');
  expect(found(`model/own/${operation}`)).toBe(`model/own/${operation}`);
  expect(found(`own/${operation}_other`)).toBeUndefined();
  expect(found(`own/_${operation}`)).toBeUndefined();
});

test('a map that names what does not exist is an error', () => {
  expect(() => match(v1, ['a'], { a: 'conv_2' })).toThrow(
    /^names: mobilenet_v1_1\.0_224 has no layer 'conv_2'; similar/,
  );
  expect(() => match(v1, ['a'], { b: 'conv1' })).toThrow(
    new UsageError("names: there is no tensor 'b'; similar names: a"),
  );
  expect(() => match(v1, ['a', 'b'], { a: 'conv1', b: 'conv1' })).toThrow(
    new UsageError("names: 'a' and 'b' are both called 'conv1'"),
  );
});

describe('layouts', () => {
  const net = mobilenetV1({ resolution: [32, 64], alpha: 0.25 });
  const input = tensor([1, 32, 64, 3], new Float32Array(32 * 64 * 3));
  const arranged = (name: string, shape: number[], layout: 'nhwc' | 'nchw') => {
    const data = Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => i);
    return inOurLayout(net, input, new Map([[name, tensor(shape, data)]]), layout).get(name)!;
  };

  test('NCHW becomes NHWC', () => {
    const { shape, data } = arranged('conv1', [1, 8, 16, 32], 'nchw');
    expect(shape).toEqual([1, 16, 32, 8]);
    // y, x, c = 2, 3, 5 lay at c, y, x.
    expect(data[(2 * 32 + 3) * 8 + 5]).toBe((5 * 16 + 2) * 32 + 3);
  });

  /** Two pictures of 3 × 2 pixels with 5 channels, whose numbers say where they are: 'nyxc' in digits. */
  const small = (() => {
    const builder = new NetworkBuilder();
    const x = builder.input('x', [2, 3, 2, 5]);
    return builder.build('small', [builder.add('flat', 'flatten', x, {})], { source: 'other', output: 'features' });
  })();
  const indices = [0, 1].flatMap((n) =>
    [0, 1, 2].flatMap((y) => [0, 1].flatMap((x) => [0, 1, 2, 3, 4].map((c) => [n, y, x, c] as const))),
  );
  const inOurs = indices.map(([n, y, x, c]) => 1000 * n + 100 * y + 10 * x + c);
  const given = tensor([2, 3, 2, 5], inOurs);
  /** In the order of a layout's axes, whose sizes are `shape`. */
  const laidOut = (shape: number[], at: (n: number, y: number, x: number, c: number) => readonly number[]) => {
    const data = new Float32Array(shape.reduce((a, b) => a * b));
    indices.forEach(([n, y, x, c], i) => {
      data[at(n, y, x, c).reduce((sum, place, axis) => sum * shape[axis] + place, 0)] = inOurs[i];
    });
    return tensor(shape, data);
  };

  test.each([
    ['nchw', [2, 5, 3, 2], (n, y, x, c) => [n, c, y, x]],
    ['chwn', [5, 3, 2, 2], (n, y, x, c) => [c, y, x, n]],
    ['nc4hw4', [2, 2, 3, 2, 4], (n, y, x, c) => [n, Math.floor(c / 4), y, x, c % 4]],
  ] as [Layout, number[], Parameters<typeof laidOut>[1]][])(
    '%s of two pictures, also flattened',
    (layout, shape, at) => {
      const theirs = laidOut(shape, at);
      const rows = layout === 'chwn' ? theirs : { ...theirs, shape: [2, theirs.data.length / 2] };
      const found = inOurLayout(
        small,
        given,
        new Map([
          ['x', theirs],
          ['flat', rows],
        ]),
        layout,
      );
      expect([found.get('x')!.shape, found.get('flat')!.shape]).toEqual([
        [2, 3, 2, 5],
        [2, 30],
      ]);
      for (const name of ['x', 'flat']) expect([...found.get(name)!.data], name).toEqual(inOurs);
      const double = { shape: theirs.shape, data: Float64Array.from(theirs.data) };
      expect(inOurLayout(small, given, new Map([['x', double]]), layout).get('x')!.data).toEqual(
        Float64Array.from(inOurs),
      );
    },
  );

  test('a layout that nobody has', () => {
    expect(() => inOurLayout(small, given, new Map(), 'hwcn' as Layout)).toThrow(
      "layout must be one of nhwc, nchw, chwn, nc4hw4, found 'hwcn'",
    );
  });

  test('neighbouring axes may be one, not others', () => {
    const [one] = [tensor([2, 6, 5], inOurs)];
    const shapeOf = (shape: number[]) =>
      inOurLayout(small, given, new Map([['x', { ...one, shape }]]), 'nhwc').get('x')!.shape;
    for (const shape of [[2, 6, 5], [6, 2, 5], [60], [2, 3, 10], [2, 1, 3, 2, 5]])
      expect(shapeOf(shape)).toEqual([2, 3, 2, 5]);
    for (const shape of [[4, 15], [2, 2, 3, 5], [5, 12], [61], [2, 3, 2]]) expect(shapeOf(shape)).toEqual(shape);
  });

  test('axes of size 1 come and go', () => {
    expect(arranged('predictions', [1000], 'nhwc').shape).toEqual([1, 1000]);
    expect(arranged('global_average_pooling2d', [1, 256], 'nchw').shape).toEqual([1, 1, 1, 256]);
    expect(arranged('conv1', [16, 32, 8], 'nhwc').shape).toEqual([1, 16, 32, 8]);
  });

  test('what fits in no way stays as it is', () => {
    expect(arranged('conv1', [1, 8, 16, 32], 'nhwc').shape).toEqual([1, 8, 16, 32]);
    expect(arranged('conv1', [1, 9, 16, 32], 'nchw').shape).toEqual([1, 9, 16, 32]);
  });
});
