import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { FormatError, UsageError } from '../../src/errors.js';
import { readTensors } from '../../src/formats/index.js';
import { readKerasH5 } from '../../src/formats/keras/file.js';
import { mobilenetV1, mobilenetV2 } from '../../src/models/index.js';
import { type Network, NetworkBuilder, randomWeights, run } from '../../src/network/index.js';
import { normalRandom } from '../../src/random.js';
import { sizeOf, tensor } from '../../src/tensor.js';
import { dataPath, noData } from '../data.js';
import { addTexts, addWeights, h5File, kerasModelFile, kerasWeightsFile, type LayerWeights } from './h5.js';
import { expectSameNetwork } from './same.js';

/** A 1 × 1 convolution without bias, ReLU6, pooling and a dense layer with softmax, on a 2 × 2 picture of one channel. */
const layers = [
  {
    class_name: 'InputLayer',
    name: 'in',
    config: { name: 'in', batch_input_shape: [null, 2, 2, 1] },
    inbound_nodes: [],
  },
  {
    class_name: 'Conv2D',
    name: 'double',
    config: { name: 'double', filters: 1, kernel_size: [1, 1], strides: [1, 1], padding: 'same', use_bias: false },
    inbound_nodes: [[['in', 0, 0, {}]]],
  },
  { class_name: 'ReLU', name: 'clip', config: { name: 'clip', max_value: 6 }, inbound_nodes: [[['double', 0, 0, {}]]] },
  {
    class_name: 'GlobalAveragePooling2D',
    name: 'mean',
    config: { name: 'mean' },
    inbound_nodes: [[['clip', 0, 0, {}]]],
  },
  {
    class_name: 'Dense',
    name: 'two',
    config: { name: 'two', units: 2, activation: 'softmax' },
    inbound_nodes: [[['mean', 0, 0, {}]]],
  },
];
const config = { class_name: 'Functional', config: { name: 'small', layers, output_layers: [['two', 0, 0]] } };
const weights: LayerWeights = {
  in: {},
  double: { 'double/kernel:0': [[1, 1, 1, 1], [2]] },
  clip: {},
  mean: {},
  two: {
    'two/kernel:0': [
      [1, 2],
      [1, -1],
    ],
    'two/bias:0': [[2], [0, 9]],
  },
};

/** 1 2 / 3 4 doubled and clipped is 2 4 / 6 6, whose mean is 4.5; 4.5 · 1 + 0 and 4.5 · −1 + 9 are equal, so are their probabilities. */
function expectHalves(network: Network): void {
  const [output] = run(network, tensor([1, 2, 2, 1], [1, 2, 3, 4])).values();
  expect(output).toEqual(tensor([1, 2], [0.5, 0.5]));
}

describe('whole models', () => {
  test('architecture and weights come from the file', async () => {
    const network = await readKerasH5(await kerasModelFile(config, weights), { fileName: 'small.h5' });
    expect(network.name).toBe('small');
    expect([...network.weights.keys()]).toEqual(['double/kernel', 'two/kernel', 'two/bias']);
    expectHalves(network);
  });

  test('written with the newer object headers of HDF5 1.8, variable-length names and names without :0', async () => {
    const bytes = await h5File((file) => {
      file.create_attribute('model_config', JSON.stringify(config));
      const group = file.create_group('model_weights');
      group.create_attribute('layer_names', ['double', 'two'], [2], 'S');
      for (const [layer, weight, shape, numbers] of [
        ['double', 'kernel', [1, 1, 1, 1], [2]],
        ['two', 'kernel', [1, 2], [1, -1]],
        ['two', 'bias', [2], [0, 9]],
      ] as const) {
        const found = group.keys().includes(layer) ? group.get(layer) : group.create_group(layer);
        if (found === null || !('create_dataset' in found)) throw new Error(`no group ${layer}`);
        found.create_dataset({ name: weight, data: Float32Array.from(numbers), shape: [...shape] });
      }
      for (const [layer, names] of [
        ['double', ['kernel']],
        ['two', ['kernel', 'bias']],
      ] as const) {
        (group.get(layer) as typeof group).create_attribute('weight_names', [...names], [names.length], 'S');
      }
    }, 'v108');
    expectHalves(await readKerasH5(bytes));
  });

  test('batch norm and depthwise kernels keep their order and layout; a separable convolution has two nodes', async () => {
    const sequential = {
      class_name: 'Sequential',
      config: {
        name: 's',
        layers: [
          {
            class_name: 'BatchNormalization',
            config: { name: 'bn', axis: [3], epsilon: 0, batch_input_shape: [null, 3, 3, 2] },
          },
          {
            class_name: 'DepthwiseConv2D',
            config: { name: 'dw', kernel_size: [3, 3], depth_multiplier: 2, use_bias: true },
          },
          { class_name: 'SeparableConv2D', config: { name: 'sep', kernel_size: [1, 1], filters: 1 } },
        ],
      },
    };
    const bytes = await kerasModelFile(sequential, {
      bn: {
        'bn/gamma:0': [[2], [1, 2]],
        'bn/beta:0': [[2], [3, 4]],
        'bn/moving_mean:0': [[2], [5, 6]],
        'bn/moving_variance:0': [[2], [7, 8]],
      },
      dw: { 'dw/depthwise_kernel:0': [[3, 3, 2, 2]], 'dw/bias:0': [[4]] },
      sep: { 'sep/depthwise_kernel:0': [[1, 1, 4, 1]], 'sep/pointwise_kernel:0': [[1, 1, 4, 1]], 'sep/bias:0': [[1]] },
    });
    const network = await readKerasH5(bytes);
    const found = Object.fromEntries(
      [...network.weights].map(([name, { shape, data }]) => [name, [shape, data[0], data.at(-1)]]),
    );
    expect(found).toEqual({
      'bn/gamma': [[2], 1, 2],
      'bn/beta': [[2], 3, 4],
      'bn/movingMean': [[2], 5, 6],
      'bn/movingVariance': [[2], 7, 8],
      'dw/kernel': [[3, 3, 2, 2], 1, 36],
      'dw/bias': [[4], 1, 4],
      'sep_depthwise/kernel': [[1, 1, 4, 1], 1, 4],
      'sep/kernel': [[4, 1], 1, 4],
      'sep/bias': [[1], 1, 1],
    });
  });

  test('lists of names in parts, as Keras writes them beyond 64 kB', async () => {
    const bytes = await h5File((file) => {
      file.create_attribute('model_config', JSON.stringify(config));
      const group = file.create_group('model_weights');
      addWeights(group, weights);
      group.delete_attribute('layer_names');
      addTexts(group, 'layer_names0', ['in', 'double']);
      addTexts(group, 'layer_names1', ['clip', 'mean', 'two']);
    });
    expectHalves(await readKerasH5(bytes));
  });
});

/** The weights of a network under the names that Keras gives them. */
function kerasWeights(network: Network, rename: Record<string, string> = {}): LayerWeights {
  const theirs: Record<string, string> = { movingMean: 'moving_mean', movingVariance: 'moving_variance' };
  const found: Record<string, Record<string, [number[], ArrayLike<number>]>> = {};
  for (const [name, { shape, data }] of network.weights) {
    const [node, weight] = name.split('/');
    const { kind } = network.nodes.find((each) => each.name === node)!;
    const keras = kind === 'depthwiseConv2d' && weight === 'kernel' ? 'depthwise_kernel' : (theirs[weight] ?? weight);
    const layer = rename[node] ?? node;
    found[layer] ??= {};
    const inFile = kind === 'pointwiseConv2d' && weight === 'kernel' ? [1, 1, ...shape] : [...shape];
    found[layer][`${layer}/${keras}:0`] = [inFile, data];
  }
  return found;
}

describe('files of weights alone', () => {
  const v1 = randomWeights(mobilenetV1({ alpha: 0.25, resolution: 128 }), 1);

  test.each(['mobilenet_2_5_128_tf.h5', 'C:\\models\\mobilenet_2_5_128_tf.h5', 'mobilenet_v1_0.25_128.h5'])(
    'the standard name %s says the network',
    async (fileName) => {
      const network = await readKerasH5(await kerasWeightsFile(kerasWeights(v1)), { fileName });
      expectSameNetwork(network, v1);
    },
  );

  test('the caller says the network', async () => {
    const bytes = await kerasWeightsFile(kerasWeights(v1));
    expectSameNetwork(await readKerasH5(bytes, { architecture: mobilenetV1({ alpha: 0.25, resolution: 128 }) }), v1);
  });

  test('V2, whose dense layer older files call Logits', async () => {
    const v2 = randomWeights(mobilenetV2({ alpha: 0.35, resolution: 96 }), 2);
    const fileName = 'mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_96.h5';
    const bytes = await kerasWeightsFile(kerasWeights(v2, { predictions: 'Logits' }));
    expectSameNetwork(await readKerasH5(bytes, { fileName }), v2);
  });

  test('nobody says the network', async () => {
    const bytes = await kerasWeightsFile({ a: { 'a/kernel:0': [[1]] } });
    await expect(readKerasH5(bytes, { fileName: 'mine.h5' })).rejects.toThrow(
      new UsageError(
        'mine.h5: holds weights without a network, and its name is none of the published ones; say which network they belong to (architecture, width multiplier, resolution)',
      ),
    );
  });

  const net = new NetworkBuilder();
  const hidden = net.add('a', 'dense', net.input('in', [1, 3]), { units: 2, bias: true });
  const architecture = net.build('tiny', [net.add('b', 'dense', hidden, { units: 1, bias: false })], {
    source: 'keras',
    output: 'logits',
  });

  test('what is missing, too many or of another shape is listed', async () => {
    const bytes = await kerasWeightsFile({
      a: { 'a/kernel:0': [[3, 3]], 'a/beta:0': [[2]] },
      c: { 'c/kernel:0': [[1]] },
      d: { 'd/kernel:0': [[2]] },
    });
    await expect(readKerasH5(bytes, { fileName: 'mine.h5', architecture })).rejects.toThrow(
      new FormatError(`mine.h5: tiny: the weights do not fit the network:
  wrong shape: a/kernel is [3,3], wanted [3,2]
  missing: a/bias [2]
  missing: b/kernel [2,1]
  surplus: a/beta [2]
  surplus: c/kernel [1]
  surplus: d/kernel [2]`),
    );
  });

  test('two weights of one name', async () => {
    const bytes = await kerasWeightsFile({ a: { 'a/kernel:0': [[3, 2]], 'x/kernel:0': [[3, 2]] } });
    await expect(readKerasH5(bytes, { fileName: 'mine.h5', architecture })).rejects.toThrow(
      new FormatError("mine.h5: layer 'a' has two weights 'kernel'"),
    );
  });
});

describe('errors', () => {
  const fails = async (bytes: Uint8Array, message: string) =>
    expect(readKerasH5(bytes, { fileName: 'x.h5' })).rejects.toThrow(new FormatError(`x.h5: ${message}`));

  test('no HDF5', () => fails(Uint8Array.of(1, 2, 3), 'not an HDF5 file: it does not begin with \\x89HDF'));

  test('truncated', async () => {
    const bytes = await kerasModelFile(config, weights);
    await fails(
      bytes.subarray(0, -1),
      `truncated: the HDF5 file ends at byte ${bytes.length}, found ${bytes.length - 1}`,
    );
  });

  test('another program wrote it', async () => {
    await fails(
      await h5File((file) => file.create_attribute('model_config', JSON.stringify(config))),
      "the group 'model_weights' is missing",
    );
    const bytes = await h5File((file) => {
      file.create_attribute('model_config', JSON.stringify(config));
      file.create_group('model_weights');
    });
    await fails(bytes, "not a Keras file: 'model_weights' has no attribute 'layer_names'");
  });

  test('model_config', async () => {
    await expect(readKerasH5(await kerasModelFile('{"class_name":', weights), { fileName: 'x.h5' })).rejects.toThrow(
      /^x\.h5: model_config is not JSON: ./,
    );
    await fails(
      await kerasModelFile({ class_name: 'Custom' }, weights),
      "model_config.class_name: wanted one of 'Functional', 'Model', 'Sequential', found 'Custom'",
    );
    await fails(
      await h5File((file) => file.create_attribute('model_config', Float32Array.of(1, 2))),
      "attribute 'model_config' of '/' is not a text",
    );
  });

  test('a group that its list names is missing', async () => {
    const bytes = await h5File((file) => {
      file.create_attribute('model_config', JSON.stringify(config));
      addTexts(file.create_group('model_weights'), 'layer_names', ['double']);
    });
    await fails(bytes, "there is no 'model_weights/double'");
  });

  test('a list of names that is one text', async () => {
    const bytes = await h5File((file) => {
      file.create_attribute('model_config', JSON.stringify(config));
      file.create_group('model_weights').create_attribute('layer_names', 'double');
    });
    await fails(bytes, "attribute 'layer_names' of 'model_weights' is not a list of texts");
  });

  test('a dataset where a group should be, and a group where a dataset should be', async () => {
    const bytes = await h5File((file) => {
      file.create_attribute('model_config', JSON.stringify(config));
      const group = file.create_group('model_weights');
      addTexts(group, 'layer_names', ['double']);
      group.create_dataset({ name: 'double', data: Float32Array.of(1) });
    });
    await fails(bytes, "'model_weights/double' is a dataset, wanted a group");
    const other = await h5File((file) => {
      file.create_attribute('model_config', JSON.stringify(config));
      const group = file.create_group('model_weights');
      addTexts(group, 'layer_names', ['double']);
      addTexts(group.create_group('double'), 'weight_names', ['kernel:0']);
      (group.get('double') as typeof group).create_group('kernel:0');
    });
    await fails(other, "'model_weights/double/kernel:0' is a group, wanted a dataset");
  });

  test.each<[string, Parameters<typeof file>[0], string]>([
    [
      'compressed',
      { data: new Float32Array(64), chunks: [64], compression: 4 },
      'is stored in chunks or compressed, which is not supported; h5repack -l CONTI -f NONE rewrites it',
    ],
    ['texts', { data: ['a', 'b'] }, ": values of type 'VLEN_STRING' are not supported; wanted floats or integers"],
  ])('%s', async (_, dataset, message) => {
    await fails(await file(dataset), `'model_weights/double/kernel:0'${message.startsWith(':') ? '' : ' '}${message}`);
  });

  /** A model file whose first weight is this dataset. */
  function file(dataset: { data: Float32Array | string[]; chunks?: number[]; compression?: number }) {
    return h5File((root) => {
      root.create_attribute('model_config', JSON.stringify(config));
      const group = root.create_group('model_weights');
      addTexts(group, 'layer_names', ['double']);
      const layer = group.create_group('double');
      addTexts(layer, 'weight_names', ['kernel:0']);
      layer.create_dataset({ name: 'kernel:0', shape: [dataset.data.length], ...dataset });
    });
  }
});

test('readTensors lists every dataset by its path', async () => {
  const bytes = await h5File((file) => {
    file.create_dataset({ name: 'top', data: Int32Array.of(1, -2) });
    file
      .create_group('a')
      .create_group('b')
      .create_dataset({ name: 'c', data: Float32Array.of(1.5, 2), shape: [2, 1] });
  });
  expect(await readTensors(bytes)).toEqual(
    new Map([
      ['a/b/c', tensor([2, 1], [1.5, 2])],
      ['top', tensor([2], Float64Array.of(1, -2))],
    ]),
  );
});

describe.skipIf(noData)('the ImageNet network of keras-applications (needs DEPTHWISE_DATA)', () => {
  const read = () => readKerasH5(readFileSync(dataPath('models', 'mobilenet_v1_0.25_224.h5')));
  const ours = mobilenetV1({ alpha: 0.25 });

  test('its model_config describes the nodes of mobilenetV1, and what Keras says of its input and outputs', async () => {
    const network = await read();
    const withoutNames = ({ nodes }: Network) => nodes.map(({ kind, attributes }) => ({ kind, attributes }));
    expect(withoutNames(network)).toEqual(withoutNames(ours));
    const differing = network.nodes.flatMap(({ name }, index) =>
      name === ours.nodes[index].name ? [] : [[name, ours.nodes[index].name]],
    );
    expect(differing).toEqual([['global_average_pooling2d_1', 'global_average_pooling2d']]);
    expect(network.conventions).toEqual({ ...ours.conventions, assumed: ['labelOffset'] });
  });

  test('137 tensors, 475,544 numbers; both networks give the same probabilities', async () => {
    const network = await read();
    const bytes = readFileSync(dataPath('models', 'mobilenet_v1_0.25_224.h5'));
    const stated = await readKerasH5(bytes, { architecture: ours });
    expect(network.weights.size).toBe(137);
    expect([...network.weights.values()].reduce((sum, { shape }) => sum + sizeOf(shape), 0)).toBe(475_544);
    const normal = normalRandom(1);
    const picture = tensor([1, 224, 224, 3], Float32Array.from({ length: 224 * 224 * 3 }, normal));
    const [theirs] = run(network, picture).values();
    expect(run(stated, picture).get('predictions')).toEqual(theirs);
    expect([...theirs.data].reduce((sum, probability) => sum + probability, 0)).toBeCloseTo(1, 5);
  });
});
