/** Architectures as Keras 2.8's and Keras 3's `model.to_json()` write them. */
import { describe, expect, test } from 'vitest';
import { NetworkError } from '../../src/errors.js';
import { atResolution, inferShapes } from '../../src/network/index.js';
import { networkFromKerasConfig } from './keras-network.js';

type Config = Record<string, unknown>;

const layer = (className: string, name: string, config: Config, ...inputs: string[]) => ({
  class_name: className,
  config: { name, trainable: true, dtype: 'float32', ...config },
  name,
  inbound_nodes: inputs.length === 0 ? [] : [inputs.map((input) => [input, 0, 0, {}])],
});

const input = (...sizes: (number | null)[]) =>
  layer('InputLayer', 'input_1', { batch_input_shape: [null, ...sizes], sparse: false, ragged: false });

const functional = (layers: { name: string }[], outputs = [layers.at(-1)!.name], name = 'model') => ({
  class_name: 'Functional',
  config: { name, layers, input_layers: [['input_1', 0, 0]], output_layers: outputs.map((output) => [output, 0, 0]) },
  keras_version: '2.8.0',
  backend: 'tensorflow',
});

/** A model of one layer, called `x`, on an 8 × 8 picture of 3 channels. */
const single = (className: string, config: Config, ...sizes: number[]) =>
  functional([input(...(sizes.length > 0 ? sizes : [8, 8, 3])), layer(className, 'x', config, 'input_1')]);

/** Kinds and attributes by name of the nodes that the layer becomes. */
const nodesOf = (config: unknown) =>
  Object.fromEntries(
    networkFromKerasConfig(config).nodes.map(({ name, kind, attributes }) => [name, [kind, attributes]]),
  );

const convolution = {
  kernel_size: [3, 3],
  strides: [2, 2],
  padding: 'same',
  data_format: 'channels_last',
  dilation_rate: [1, 1],
  groups: 1,
  activation: 'linear',
  use_bias: false,
  kernel_initializer: { class_name: 'GlorotUniform', config: { seed: null } },
  kernel_regularizer: null,
};
const window = { kernelSize: [3, 3], strides: [2, 2], dilation: [1, 1], padding: 'same' };

describe('layer classes', () => {
  test.each<[string, Config, Record<string, unknown>]>([
    ['Conv2D', { ...convolution, filters: 4 }, { x: ['conv2d', { ...window, filters: 4, bias: false }] }],
    [
      'Conv2D',
      { ...convolution, filters: 4, kernel_size: [1, 1] },
      { x: ['conv2d', { ...window, kernelSize: [1, 1], filters: 4, bias: false }] },
    ],
    [
      'Conv2D',
      { ...convolution, filters: 4, kernel_size: [1, 1], strides: [1, 1], use_bias: true, activation: 'relu' },
      { x: ['pointwiseConv2d', { filters: 4, bias: true }], x_relu: ['relu', {}] },
    ],
    [
      'DepthwiseConv2D',
      { ...convolution, depth_multiplier: 2, padding: 'valid', strides: [1, 1], dilation_rate: [2, 2] },
      {
        x: [
          'depthwiseConv2d',
          { ...window, strides: [1, 1], dilation: [2, 2], padding: 'valid', depthMultiplier: 2, bias: false },
        ],
      },
    ],
    [
      'SeparableConv2D',
      { ...convolution, filters: 5, depth_multiplier: 2, use_bias: true, activation: 'sigmoid' },
      {
        x_depthwise: ['depthwiseConv2d', { ...window, depthMultiplier: 2, bias: false }],
        x: ['pointwiseConv2d', { filters: 5, bias: true }],
        x_sigmoid: ['sigmoid', {}],
      },
    ],
    [
      'BatchNormalization',
      { axis: [3], momentum: 0.99, epsilon: 1e-5, center: true, scale: false },
      { x: ['batchNorm', { epsilon: 1e-5, scale: false, center: true }] },
    ],
    [
      'BatchNormalization',
      { axis: -1, momentum: 0.99, fused: true },
      { x: ['batchNorm', { epsilon: 1e-3, scale: true, center: true }] },
    ],
    ['ReLU', { max_value: 6, negative_slope: 0, threshold: 0 }, { x: ['relu6', {}] }],
    ['ReLU', { max_value: null, negative_slope: 0, threshold: 0 }, { x: ['relu', {}] }],
    ['ReLU', { max_value: 1 }, { x: ['clamp', { min: 0, max: 1 }] }],
    ['Activation', { activation: 'relu6' }, { x: ['relu6', {}] }],
    ['Activation', { activation: 'linear' }, {}],
    ['Softmax', { axis: -1 }, { x: ['softmax', {}] }],
    [
      'ZeroPadding2D',
      {
        padding: [
          [0, 1],
          [2, 3],
        ],
        data_format: 'channels_last',
      },
      { x: ['pad', { padding: { top: 0, bottom: 1, left: 2, right: 3 }, value: 0 }] },
    ],
    [
      'GlobalAveragePooling2D',
      { data_format: 'channels_last', keepdims: true },
      { x: ['globalAveragePool', { keepDims: true }] },
    ],
    ['GlobalAveragePooling2D', { data_format: 'channels_last' }, { x: ['globalAveragePool', { keepDims: false }] }],
    [
      'AveragePooling2D',
      { pool_size: [2, 2], strides: [1, 1], padding: 'same' },
      { x: ['averagePool', { poolSize: [2, 2], strides: [1, 1], padding: 'same', includePadding: false }] },
    ],
    [
      'MaxPooling2D',
      { pool_size: [2, 2], strides: null, padding: 'valid' },
      { x: ['maxPool', { poolSize: [2, 2], strides: [2, 2], padding: 'valid' }] },
    ],
    ['Reshape', { target_shape: [64, -1] }, { x: ['reshape', { shape: [64, -1] }] }],
    ['Flatten', { data_format: 'channels_last' }, { x: ['flatten', {}] }],
    [
      'Dense',
      { units: 7, activation: 'softmax', use_bias: true },
      { x: ['dense', { units: 7, bias: true }], x_softmax: ['softmax', {}] },
    ],
    ['Dropout', { rate: 0.25, noise_shape: null, seed: null }, { x: ['dropout', { rate: 0.25 }] }],
  ])('%s %j', (className, config, nodes) => {
    expect(nodesOf(single(className, config))).toEqual(nodes);
  });

  test('Add and Concatenate join branches; a layer is read under its own name even where its activation is a node', () => {
    const relu = layer('Conv2D', 'a', { ...convolution, filters: 3, strides: [1, 1], activation: 'relu' }, 'input_1');
    const network = networkFromKerasConfig(
      functional(
        [
          input(8, 8, 3),
          relu,
          layer('Add', 'b', {}, 'input_1', 'a'),
          layer('Concatenate', 'c', { axis: -1 }, 'b', 'a'),
        ],
        ['c', 'a'],
      ),
    );
    expect(network.nodes.map(({ name, inputs }) => [name, inputs])).toEqual([
      ['a', ['input_1']],
      ['a_relu', ['a']],
      ['b', ['input_1', 'a_relu']],
      ['c', ['b', 'a_relu']],
    ]);
    expect(network.outputs).toEqual(['c', 'a_relu']);
    expect(inferShapes(network).get('c')).toEqual([1, 8, 8, 6]);
  });
});

describe('forms of a model', () => {
  const dense = { units: 2, activation: 'linear', use_bias: true };

  test('Sequential of Keras 2: the first layer states the input', () => {
    const layers = [
      {
        class_name: 'Flatten',
        config: { name: 'f', batch_input_shape: [null, 2, 2, 1], data_format: 'channels_last' },
      },
      { class_name: 'Dense', config: { name: 'd', ...dense } },
    ];
    const network = networkFromKerasConfig({ class_name: 'Sequential', config: { name: 'small', layers } });
    expect(network).toMatchObject({
      name: 'small',
      inputs: [{ name: 'f_input', shape: [1, 2, 2, 1] }],
      outputs: ['d'],
    });
    expect(networkFromKerasConfig({ class_name: 'Sequential', config: layers }).nodes).toEqual(network.nodes);
  });

  test('Functional of Keras 3: tensors with their history, dtype policies, switches that are off', () => {
    const dtype = { module: 'keras', class_name: 'DTypePolicy', config: { name: 'float32' }, registered_name: null };
    const history = (name: string) => ({
      class_name: '__keras_tensor__',
      config: { shape: [null, 2, 2, 1], dtype: 'float32', keras_history: [name, 0, 0] },
    });
    const of3 = (className: string, name: string, config: Config, inbound: unknown[]) => ({
      module: 'keras.layers',
      class_name: className,
      config: { name, trainable: true, dtype, ...config },
      registered_name: null,
      build_config: {},
      name,
      inbound_nodes: inbound,
    });
    const layers = [
      of3('InputLayer', 'input_1', { batch_shape: [null, 2, 2, 1], sparse: false, ragged: false, optional: false }, []),
      of3('Conv2D', 'a', { ...convolution, filters: 1 }, [{ args: [history('input_1')], kwargs: {} }]),
      of3('Conv2D', 'b', { ...convolution, filters: 1 }, [{ args: [history('input_1')], kwargs: {} }]),
      of3('Add', 'c', {}, [{ args: [[history('a'), history('b')]], kwargs: {} }]),
      of3('BatchNormalization', 'd', { axis: -1, synchronized: false }, [
        { args: [history('c')], kwargs: { mask: null } },
      ]),
    ];
    const network = networkFromKerasConfig({
      class_name: 'Functional',
      config: { name: 'm', layers, output_layers: ['d', 0, 0] },
    });
    expect(network.nodes.map(({ name, inputs }) => [name, inputs])).toEqual([
      ['a', ['input_1']],
      ['b', ['input_1']],
      ['c', ['a', 'b']],
      ['d', ['c']],
    ]);
    expect(network.outputs).toEqual(['d']);
  });

  test.each<[string, { name: string }[], Config]>([
    [
      'softmax',
      [layer('Flatten', 'f', {}, 'input_1'), layer('Dense', 'd', { ...dense, activation: 'softmax' }, 'f')],
      { output: 'probabilities', labelOffset: 0 },
    ],
    [
      'vector',
      [layer('Flatten', 'f', {}, 'input_1'), layer('Dense', 'd', dense, 'f')],
      { output: 'logits', labelOffset: 0 },
    ],
    [
      '1001 outputs',
      [layer('Flatten', 'f', {}, 'input_1'), layer('Dense', 'd', { ...dense, units: 1001 }, 'f')],
      { output: 'logits', labelOffset: 1, assumed: ['labelOffset'] },
    ],
    ['pooled', [layer('GlobalAveragePooling2D', 'g', {}, 'input_1')], { output: 'features' }],
    ['map', [layer('ReLU', 'r', {}, 'input_1')], { output: 'features' }],
  ])('%s at the end', (_, layers, conventions) => {
    expect(networkFromKerasConfig(functional([input(2, 2, 1), ...layers])).conventions).toEqual({
      source: 'keras',
      ...conventions,
    });
  });

  test.each(['batch_input_shape', 'batch_shape', 'batchInputShape'])('the input may be stated as %s', (key) => {
    const stated = layer('InputLayer', 'input_1', { [key]: [null, 4, 6, 3] });
    const network = networkFromKerasConfig(functional([stated, layer('ReLU', 'r', {}, 'input_1')]));
    expect(network.inputs).toEqual([{ name: 'input_1', shape: [1, 4, 6, 3] }]);
    const first = { class_name: 'ReLU', config: { name: 'r', [key]: [null, 4, 6, 3] } };
    const sequential = { class_name: 'Sequential', config: { name: 's', layers: [first] } };
    expect(networkFromKerasConfig(sequential).inputs[0].shape).toEqual([1, 4, 6, 3]);
  });

  test('preprocessing is known for the names that Keras itself gives, at the size of the input', () => {
    const layers = [input(96, 128, 3), layer('ReLU', 'r', {}, 'input_1')];
    const { conventions } = networkFromKerasConfig(functional(layers, undefined, 'mobilenet_0.25_128'));
    expect(conventions.preprocessing).toMatchObject({
      size: [96, 128],
      scale: 1 / 127.5,
      mean: [1, 1, 1],
      channels: 'rgb',
    });
  });
});

describe('what is not supported is refused by name', () => {
  const title = (className: string) => `layer 'x' (${className})`;
  const supported =
    'Conv2D, DepthwiseConv2D, SeparableConv2D, Dense, BatchNormalization, BatchNormalizationV1, BatchNormalizationV2, SyncBatchNormalization, ReLU, Activation, ELU, LeakyReLU, PReLU, Softmax, ZeroPadding2D, GlobalAveragePooling2D, GlobalMaxPooling2D, AveragePooling2D, MaxPooling2D, Reshape, Flatten, Rescaling, Normalization, Resizing, CenterCrop, RandomCrop, Dropout, SpatialDropout2D, GaussianDropout, AlphaDropout, GaussianNoise, ActivityRegularization, RandomFlip, RandomRotation, RandomTranslation, RandomZoom, RandomShear, RandomHeight, RandomWidth, RandomContrast, RandomBrightness, RandomHue, RandomSaturation, RandomColorJitter, RandomGrayscale, RandomSharpness, RandomErasing, RandomInvert, RandomPosterization, UpSampling2D, Cropping2D, Multiply, Add, Concatenate';
  test.each<[string, Config, string]>([
    ['Lambda', {}, `: this layer class is not supported; supported are ${supported}`],
    ['constructor', {}, `: this layer class is not supported; supported are ${supported}`],
    ['ReLU', { negative_slope: 0.2, max_value: 6 }, '.negative_slope: wanted one of 0, found 0.2'],
    ['ReLU', { threshold: 1 }, '.threshold: wanted one of 0, found 1'],
    ['ReLU', { max_value: -1 }, '.max_value: wanted a number above 0, found -1'],
    [
      'Activation',
      { activation: 'softplus' },
      ".activation: wanted one of 'linear', 'relu', 'relu6', 'leaky_relu', 'elu', 'selu', 'gelu', 'tanh', 'sigmoid', 'softmax', 'swish', 'silu', 'hard_swish', 'hard_silu', 'hard_sigmoid', found 'softplus'",
    ],
    [
      'Activation',
      {},
      ".activation: wanted one of 'linear', 'relu', 'relu6', 'leaky_relu', 'elu', 'selu', 'gelu', 'tanh', 'sigmoid', 'softmax', 'swish', 'silu', 'hard_swish', 'hard_silu', 'hard_sigmoid', found undefined",
    ],
    [
      'Conv2D',
      { ...convolution, filters: 1, data_format: 'channels_first' },
      ".data_format: wanted one of 'channels_last', found 'channels_first'",
    ],
    ['Conv2D', { ...convolution, filters: 3, groups: 3 }, '.groups: wanted one of 1, found 3'],
    [
      'Conv2D',
      { ...convolution, filters: 1, padding: 'causal' },
      ".padding: wanted one of 'same', 'valid', found 'causal'",
    ],
    ['Conv2D', { ...convolution, filters: 1, lora_rank: 4 }, ': lora_rank 4 is not supported'],
    ['Conv2D', { ...convolution }, '.filters: wanted a whole number from 1 to 2147483647, found undefined'],
    ['BatchNormalization', { axis: 1 }, ': axis 1 is not supported; wanted the last of 4 axes, 3'],
    ['Softmax', { axis: 1 }, ': axis 1 is not supported; wanted the last of 4 axes, 3'],
    ['Softmax', { axis: [2, 3] }, '.axis: wanted a list of 1, found [2, 3]'],
    ['ZeroPadding2D', { padding: 1 }, '.padding: wanted a list of 2, found 1'],
    ['BatchNormalization', { axis: 3, renorm: true }, ': renorm true is not supported'],
    [
      'Dense',
      { units: 3, quantization_config: { bits: 8 } },
      ': quantization_config an object with bits is not supported',
    ],
  ])('%s %j', (className, config, message) => {
    expect(() => networkFromKerasConfig(single(className, config))).toThrow(
      new NetworkError(title(className) + message),
    );
  });

  test.each<[string, unknown, string]>([
    ['no object', [], 'model_config: wanted an object, found []'],
    [
      'class',
      { class_name: 'Custom', config: {} },
      "model_config.class_name: wanted one of 'Functional', 'Model', 'Sequential', found 'Custom'",
    ],
    ['no layers', functional([], ['x']), 'model_config.config.layers: wanted a list of 1 to 10000, found []'],
    [
      'a model without layers within',
      functional([input(8, 8, 3), layer('Functional', 'x', { layers: [] }, 'input_1')]),
      "layer 'x' (Functional).config.layers: wanted a list of 1 to 10000, found []",
    ],
    [
      'open sizes',
      functional([input(null, null, 3)]),
      "layer 'input_1' (InputLayer): its input [batch,any,any,3] leaves sizes open; say the resolution",
    ],
    [
      'used twice',
      functional([
        input(8, 8, 3),
        { ...layer('ReLU', 'x', {}), inbound_nodes: [[['input_1', 0, 0, {}]], [['x', 0, 0, {}]]] },
      ]),
      "layer 'x' (ReLU).inbound_nodes: a layer must be used exactly once; this one is used 2 times",
    ],
    [
      'second result',
      functional([input(8, 8, 3), { ...layer('ReLU', 'x', {}), inbound_nodes: [[['input_1', 0, 1, {}]]] }]),
      "layer 'x' (ReLU).inbound_nodes[0][0]: wanted one of 0, found 1",
    ],
    [
      'unknown input',
      functional([input(8, 8, 3), layer('ReLU', 'x', {}, 'y')]),
      "layer 'x' (ReLU): it reads 'y', which is not a layer before it",
    ],
    [
      'unknown output',
      functional([input(8, 8, 3)], ['y']),
      "model_config.output_layers: it reads 'y', which is not a layer before it",
    ],
    [
      'one name twice',
      functional([input(8, 8, 3), layer('ReLU', 'input_1', {}, 'input_1')]),
      "layer 'input_1' (ReLU): there are two layers of this name",
    ],
    [
      'no input',
      { class_name: 'Sequential', config: { name: 's', layers: [layer('ReLU', 'x', {})] } },
      "layer 'x' (ReLU).batch_input_shape: wanted a list of 1 to 8, found undefined",
    ],
  ])('%s', (_, config, message) => {
    expect(() => networkFromKerasConfig(config)).toThrow(new NetworkError(message));
  });
});

test('a resolution fills the sizes that an input leaves open, and no others', () => {
  const open = functional([input(null, null, 3)]);
  expect(networkFromKerasConfig(open, [64, 96]).inputs[0].shape).toEqual([1, 64, 96, 3]);
  expect(networkFromKerasConfig(functional([input(32, 32, 3)]), [64, 96]).inputs[0].shape).toEqual([1, 32, 32, 3]);
  expect(() => networkFromKerasConfig(functional([input(null, null, null)]), [64, 96])).toThrow(
    "layer 'input_1' (InputLayer): its input [batch,any,any,any] leaves sizes open; say the resolution",
  );
});

test('a network may be put to another size afterwards', () => {
  const network = networkFromKerasConfig(single('Conv2D', { ...convolution, filters: 4 }));
  expect(inferShapes(atResolution(network, [9, 5])).get('x')).toEqual([1, 5, 3, 4]);
});
