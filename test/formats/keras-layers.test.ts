/** What the smaller Keras layers compute, against their definitions; and that a model which scales its pictures is known to. */
import { describe, expect, test } from 'vitest';
import { FormatError, NetworkError } from '../../src/errors.js';
import { readKerasH5 } from '../../src/formats/keras/file.js';
import { fromJson, type Network, run, toJson } from '../../src/network/index.js';
import { presetFor } from '../../src/network/presets.js';
import { tensor } from '../../src/tensor.js';
import { kerasModelFile, type LayerWeights } from './h5.js';
import { networkFromKerasConfig } from './keras-network.js';

type Config = Record<string, unknown>;

const input = (...shape: number[]) => ({
  class_name: 'InputLayer',
  name: 'in',
  config: { name: 'in', batch_input_shape: [null, ...shape] },
  inbound_nodes: [],
});

/** A chain of layers after an input; `inbound` in place of a plain call of the layer before. */
const chain = (shape: number[], ...layers: [className: string, config: Config, inbound?: unknown][]) => ({
  class_name: 'Functional',
  config: {
    name: 'm',
    layers: [
      input(...shape),
      ...layers.map(([className, config, inbound], at) => ({
        class_name: className,
        name: `x${at}`,
        config: { name: `x${at}`, ...config },
        inbound_nodes: inbound ?? [[[at === 0 ? 'in' : `x${at - 1}`, 0, 0, {}]]],
      })),
    ],
    input_layers: [['in', 0, 0]],
    output_layers: [[layers.length === 0 ? 'in' : `x${layers.length - 1}`, 0, 0]],
  },
});

const results = (network: Network, numbers: number[]) => {
  const [{ shape }] = network.inputs;
  const outputs = run(network, tensor(shape, Float64Array.from(numbers)));
  return [...outputs.get(network.outputs[0])!.data];
};

const numbers = [-3, -0.5, 0, 2];

test.each<[className: string, config: Config, names: string]>([
  ['LeakyReLU', { negative_slope: 0.1 }, 'x0_above x0_minus x0_below x0_slope x0'],
  ['Activation', { activation: 'tanh' }, 'x0_twice x0_sigmoid x0'],
  ['Activation', { activation: 'swish' }, 'x0_sigmoid x0'],
  [
    'Activation',
    { activation: 'gelu' },
    'x0_bounded x0_square x0_power1 x0_times2 x0_power2 x0_times3 x0_power3 x0_times4 x0_power4 x0_times5 x0_power5 x0_times6 x0_power6 x0_odd x0_sigmoid x0',
  ],
  [
    'ELU',
    { alpha: 1 },
    'x0_above x0_minus x0_below x0_shifted x0_sigmoid x0_square x0_first x0_second x0_exponential x0_minusOne x0',
  ],
  [
    'Activation',
    { activation: 'selu' },
    'x0_above x0_minus x0_below x0_shifted x0_sigmoid x0_square x0_first x0_second x0_exponential x0_minusOne x0_line x0',
  ],
  ['GlobalMaxPooling2D', {}, 'x0_max x0'],
  ['GlobalMaxPooling2D', { keepdims: true }, 'x0'],
  ['UpSampling2D', { size: [2, 3] }, 'x0_rows x0_tall x0_columns x0'],
  ['UpSampling2D', { size: [2, 1] }, 'x0_rows x0'],
  ['UpSampling2D', { size: [1, 3] }, 'x0_columns x0'],
  [
    'Cropping2D',
    {
      cropping: [
        [0, 1],
        [1, 0],
      ],
    },
    'x0_rows x0',
  ],
  ['SeparableConv2D', { filters: 2, kernel_size: [1, 1], activation: 'relu' }, 'x0_depthwise x0 x0_relu'],
])('a node for each step of %s %o, with the name of the layer and what it does', (className, config, names) => {
  const network = networkFromKerasConfig(chain([2, 2, 1], [className, config]), undefined, '3.3.3');
  expect(network.nodes.map(({ name }) => name).join(' ')).toBe(names);
});

test('a node for each step of an operation', () => {
  const model = chain([2, 2, 1], ['TFOpLambda', { function: 'nn.gelu' }, [['in', 0, 0, { approximate: true }]]]);
  expect(networkFromKerasConfig(model).nodes.map(({ name }) => name)).toEqual(
    ['_square', '_slope', '_cubic', '_sigmoid', ''].map((step) => `x0${step}`),
  );
});

test('statistics of all machines are statistics', () => {
  const norm = (config: Config) => networkFromKerasConfig(chain([2, 2, 1], ['BatchNormalization', config])).nodes;
  expect(norm({ synchronized: true })).toEqual(norm({}));
});

test('hard_sigmoid of Keras 2 is a line and its ends', () => {
  const network = networkFromKerasConfig(
    chain([2, 2, 1], ['Activation', { activation: 'hard_sigmoid' }]),
    undefined,
    '2.15.0',
  );
  expect(network.nodes.map(({ name }) => name)).toEqual(['x0_line', 'x0']);
});

test.each([
  ['2.15.0', (x: number) => Math.min(Math.max(0.2 * x + 0.5, 0), 1)],
  ['3.3.3', (x: number) => Math.min(Math.max(x / 6 + 0.5, 0), 1)],
])('hard_sigmoid of Keras %s', (version, expected) => {
  const model = chain([2, 2, 1], ['Activation', { activation: 'hard_sigmoid' }]);
  const found = results(networkFromKerasConfig(model, undefined, version), numbers);
  for (const [at, x] of numbers.entries()) expect(found[at]).toBeCloseTo(expected(x), 12);
});

describe('pictures of two channels, 1 … 12 and 10 … 120 in three rows', () => {
  const picture = Array.from({ length: 12 }, (_, i) => [i + 1, 10 * (i + 1)]).flat();
  const both = (...numbers: number[]) => numbers.flatMap((x) => [x, 10 * x]);

  test.each<[string, Config, number[], number[]]>([
    ['CenterCrop', { height: 1, width: 2 }, [1, 1, 2, 2], both(6, 7)],
    ['CenterCrop', { height: 2, width: 3 }, [1, 2, 3, 2], both(1, 2, 3, 5, 6, 7)],
    ['RandomCrop', { height: 3, width: 2, seed: 3 }, [1, 3, 2, 2], both(2, 3, 6, 7, 10, 11)],
    [
      'Cropping2D',
      {
        cropping: [
          [1, 0],
          [0, 2],
        ],
      },
      [1, 2, 2, 2],
      both(5, 6, 9, 10),
    ],
    [
      'UpSampling2D',
      { size: [1, 2], interpolation: 'nearest' },
      [1, 3, 8, 2],
      both(1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12),
    ],
    [
      'UpSampling2D',
      { size: [2, 1] },
      [1, 6, 4, 2],
      both(1, 2, 3, 4, 1, 2, 3, 4, 5, 6, 7, 8, 5, 6, 7, 8, 9, 10, 11, 12, 9, 10, 11, 12),
    ],
  ])('%s %j', (className, config, shape, wanted) => {
    const network = networkFromKerasConfig(chain([3, 4, 2], [className, config]));
    const y = run(network, tensor([1, 3, 4, 2], picture)).get(network.outputs[0])!;
    expect(y.shape).toEqual(shape);
    expect([...y.data]).toEqual(wanted);
  });

  test('UpSampling2D of both, and bilinear', () => {
    const enlarged = (config: Config) => {
      const network = networkFromKerasConfig(chain([3, 4, 2], ['UpSampling2D', config]));
      return { y: run(network, tensor([1, 3, 4, 2], picture)).get(network.outputs[0])!, network };
    };
    const { y } = enlarged({ size: [2, 3] });
    expect(y.shape).toEqual([1, 6, 12, 2]);
    y.data.forEach((found, i) => {
      const [row, column] = [Math.floor(i / 24), Math.floor(i / 2) % 12];
      expect(found).toBe((4 * Math.floor(row / 2) + Math.floor(column / 3) + 1) * (i % 2 === 0 ? 1 : 10));
    });
    expect(enlarged({ size: [2, 2], interpolation: 'bilinear' }).network.nodes[0]).toMatchObject({
      kind: 'resizeBilinear',
      attributes: { size: [6, 8], rule: 'half-pixel' },
    });
  });
});

describe('number by number', () => {
  test.each<[string, Config, (x: number) => number, unknown?]>([
    ['LeakyReLU', { alpha: 0.3 }, (x) => (x < 0 ? 0.3 * x : x)],
    ['LeakyReLU', { negative_slope: 0.1 }, (x) => (x < 0 ? 0.1 * x : x)],
    ['LeakyReLU', {}, (x) => (x < 0 ? 0.3 * x : x)],
    ['ReLU', { negative_slope: 0.25, max_value: null, threshold: 0 }, (x) => (x < 0 ? 0.25 * x : x)],
    ['Activation', { activation: 'leaky_relu' }, (x) => (x < 0 ? 0.2 * x : x)],
    ['Activation', { activation: 'tanh' }, Math.tanh],
    ['Activation', { activation: 'swish' }, (x) => x / (1 + Math.exp(-x))],
    ['Activation', { activation: 'silu' }, (x) => x / (1 + Math.exp(-x))],
    ['Activation', { activation: 'hard_swish' }, (x) => (x * Math.min(Math.max(x + 3, 0), 6)) / 6],
    [
      'Multiply',
      {},
      (x) => x * x,
      [
        [
          ['in', 0, 0, {}],
          ['in', 0, 0, {}],
        ],
      ],
    ],
    ['TFOpLambda', { function: 'math.multiply' }, (x) => x * x, [[['in', 0, 0, { y: ['in', 0, 0] }]]]],
    ['Activation', { activation: { class_name: 'function', config: 'relu6' } }, (x) => Math.min(Math.max(x, 0), 6)],
    ['Rescaling', { scale: 1 / 127.5, offset: -1 }, (x) => x / 127.5 - 1],
    ['Rescaling', { scale: 2 }, (x) => 2 * x],
    ['Normalization', { axis: -1, mean: 3, variance: 4 }, (x) => (x - 3) / 2],
    ['Normalization', { axis: null, mean: [[3]], variance: [[4]], invert: false }, (x) => (x - 3) / 2],
    ['SpatialDropout2D', { rate: 0.2, noise_shape: null, seed: null }, (x) => x],
    ['GaussianDropout', { rate: 0.2 }, (x) => x],
    ['AlphaDropout', { rate: 0.2 }, (x) => x],
    ['GaussianNoise', { stddev: 0.2 }, (x) => x],
    ['ActivityRegularization', { l1: 0.1, l2: 0.1 }, (x) => x],
    ['RandomFlip', { mode: 'horizontal', seed: 3 }, (x) => x],
    ['RandomRotation', { factor: [-0.1, 0.1], fill_mode: 'reflect', interpolation: 'bilinear' }, (x) => x],
    ['RandomZoom', { height_factor: 0.1, width_factor: null }, (x) => x],
    ['RandomContrast', { factor: 0.5 }, (x) => x],
    ['Resizing', { height: 2, width: 2, interpolation: 'bilinear', crop_to_aspect_ratio: false }, (x) => x],
    // as Keras 3 writes it
    [
      'Resizing',
      {
        height: 2,
        width: 2,
        interpolation: 'bilinear',
        fill_mode: 'constant',
        fill_value: 0,
        data_format: 'channels_last',
      },
      (x) => x,
    ],
    ['CenterCrop', { height: 2, width: 2 }, (x) => x],
  ])('%s %j', (className, config, expected, inbound) => {
    const found = results(networkFromKerasConfig(chain([2, 2, 1], [className, config, inbound])), numbers);
    for (const [at, x] of numbers.entries()) expect(found[at]).toBeCloseTo(expected(x), 12);
  });

  const call = (kwargs: Config) => [['in', 0, 0, { name: null, ...kwargs }]];
  const keras3 = (...args: unknown[]) => [
    {
      args: args.map((arg) =>
        arg === 'x' ? { class_name: '__keras_tensor__', config: { keras_history: ['in', 0, 0] } } : arg,
      ),
      kwargs: {},
    },
  ];
  test.each<[string, Config, unknown, (x: number) => number]>([
    ['TFOpLambda', { function: 'math.truediv' }, call({ y: 127.5 }), (x) => x / 127.5],
    ['TFOpLambda', { function: 'math.subtract' }, [call({ y: 1 })], (x) => x - 1],
    ['TFOpLambda', { function: 'math.multiply' }, call({ y: 3 }), (x) => 3 * x],
    ['TFOpLambda', { function: '__operators__.add' }, call({ y: 0.5 }), (x) => x + 0.5],
    ['TFOpLambda', { function: '__operators__.add' }, call({ y: ['in', 0, 0] }), (x) => x + x],
    ['TFOpLambda', { function: 'nn.bias_add' }, call({ value: [7], data_format: 'NHWC' }), (x) => x + 7],
    ['TFOpLambda', { function: 'math.negative' }, call({}), (x) => -x],
    ['TFOpLambda', { function: 'cast' }, call({ dtype: 'float32' }), (x) => x],
    ['TFOpLambda', { function: 'nn.relu' }, call({}), (x) => Math.max(x, 0)],
    ['TFOpLambda', { function: 'nn.relu6' }, call({}), (x) => Math.min(Math.max(x, 0), 6)],
    ['TFOpLambda', { function: 'math.sigmoid' }, call({}), (x) => 1 / (1 + Math.exp(-x))],
    ['TFOpLambda', { function: 'nn.softmax' }, call({ axis: -1 }), () => 1],
    ['TFOpLambda', { function: 'nn.softmax' }, call({}), () => 1],
    ['TFOpLambda', { function: 'nn.silu' }, call({}), (x) => x / (1 + Math.exp(-x))],
    ['TFOpLambda', { function: 'nn.swish' }, call({}), (x) => x / (1 + Math.exp(-x))],
    ['TFOpLambda', { function: 'identity' }, call({}), (x) => x],
    ['TFOpLambda', { function: 'stop_gradient' }, call({}), (x) => x],
    ['TFOpLambda', { function: 'math.tanh' }, call({}), Math.tanh],
    ['TFOpLambda', { function: 'math.subtract' }, [['_CONSTANT_VALUE', -1, 1, { y: ['in', 0, 0] }]], (x) => 1 - x],
    ['TrueDivide', {}, keras3('x', 255), (x) => x / 255],
    ['Subtract', {}, keras3('x', [2]), (x) => x - 2],
    ['Subtract', {}, keras3(2, 'x'), (x) => 2 - x],
    ['Multiply', {}, keras3('x', 2), (x) => x * 2],
    ['Add', {}, keras3('x', 2), (x) => x + 2],
  ])('%s %j of %j', (className, config, inbound, expected) => {
    const found = results(networkFromKerasConfig(chain([2, 2, 1], [className, config, inbound])), numbers);
    for (const [at, x] of numbers.entries()) expect(found[at]).toBeCloseTo(expected(x), 12);
  });
});

/** To some 5e-7: see `elu` of `formats/steps.ts`. */
test.each<[name: string, expected: (x: number) => number]>([
  ['nn.elu', (x) => (x > 0 ? x : Math.expm1(x))],
  // scale and alpha of Klambauer et al. 2017
  ['nn.selu', (x) => 1.0507009873554805 * (x > 0 ? x : 1.6732632423543772 * Math.expm1(x))],
])('the function %s', (name, expected) => {
  const inbound = [['in', 0, 0, { name: null }]];
  const network = networkFromKerasConfig(chain([2, 2, 1], ['TFOpLambda', { function: name }, inbound]));
  for (const [at, y] of results(network, numbers).entries()) expect(y).toBeCloseTo(expected(numbers[at]), 6);
});

test.each<[string, Config, unknown, string]>([
  [
    'a function of two tensors that takes one',
    { function: 'nn.relu' },
    [
      [
        ['in', 0, 0, {}],
        ['in', 0, 0, {}],
      ],
    ],
    "layer 'x0' (TFOpLambda): nn.relu wants one tensor, found 2",
  ],
  [
    'a mean over other axes',
    { function: 'math.reduce_mean' },
    [['in', 0, 0, { axis: [1, 3] }]],
    "layer 'x0' (TFOpLambda): math.reduce_mean of axes [1, 3]; wanted [1, 2]",
  ],
  [
    'a function that no layer computes',
    { function: 'image.resize' },
    [['in', 0, 0, {}]],
    "layer 'x0' (TFOpLambda): the function image.resize is not supported; supported are sums, differences, products and quotients with constants, relu, relu6, sigmoid, softmax, tanh, swish, elu, selu, gelu, cast, reduce_mean",
  ],
])('%s is refused', (_, config, inbound, message) => {
  const model = chain([2, 2, 1], ['TFOpLambda', config, inbound]);
  expect(() => networkFromKerasConfig(model)).toThrow(new NetworkError(message));
});

test('constants for each channel', () => {
  const network = networkFromKerasConfig(chain([1, 1, 3], ['Rescaling', { scale: [1, 2, 3], offset: [[4, 5, 6]] }]));
  expect(results(network, [1, 1, 1])).toEqual([5, 7, 9]);
});

test.each([
  [false, [1, 2]],
  [true, [1, 1, 1, 2]],
])('GlobalMaxPooling2D, keepdims %s: the greatest of each channel', (keepdims, shape) => {
  const network = networkFromKerasConfig(chain([2, 2, 2], ['GlobalMaxPooling2D', { keepdims }]));
  const output = run(network, tensor([1, 2, 2, 2], [1, -4, 7, -3, 2, -2, 0, -9])).get('x0')!;
  expect([output.shape, ...output.data]).toEqual([shape, 7, -2]);
  expect(network.conventions.output).toBe('features');
});

describe('weights of the file', () => {
  const read = async (config: object, weights: LayerWeights) => readKerasH5(await kerasModelFile(config, weights));

  test('PReLU has a slope for each channel', async () => {
    const network = await read(chain([1, 1, 2], ['PReLU', { shared_axes: [1, 2] }]), {
      x0: {
        'x0/alpha:0': [
          [1, 1, 2],
          [0.5, 0.25],
        ],
      },
    });
    expect(results(network, [-4, -4])).toEqual([-2, -1]);
    expect(results(network, [4, 3])).toEqual([4, 3]);
  });

  test('PReLU with a slope for each number is refused', async () => {
    const weights: LayerWeights = { x0: { 'x0/alpha:0': [[2, 1, 2]] } };
    await expect(read(chain([2, 1, 2], ['PReLU', { shared_axes: null }]), weights)).rejects.toThrow(
      new FormatError(
        "Keras file: layer 'x0' (PReLU): its slopes are [2,1,2]; wanted one for each of 2 channels (shared_axes [1, 2])",
      ),
    );
  });

  test('two weights that are one of ours are refused', async () => {
    const weights: LayerWeights = { x0: { 'x0/kernel:0': [[2, 2]], 'x0/pointwise_kernel:0': [[2, 2]] } };
    await expect(read(chain([2], ['Dense', { units: 2, use_bias: false }]), weights)).rejects.toThrow(
      new FormatError('Keras file: two weights of the file belong to x0/kernel'),
    );
  });

  test('Normalization as it was adapted, whose counter is no weight', async () => {
    const network = await read(chain([1, 1, 2], ['Normalization', { axis: [-1], mean: null, variance: null }]), {
      x0: { 'x0/mean:0': [[2], [1, 2]], 'x0/variance:0': [[2], [4, 16]], 'x0/count:0': [[], [9]] },
    });
    for (const y of results(network, [5, 10])) expect(y).toBeCloseTo(2, 12);
    expect(network.conventions.scalesInput).toBeUndefined();
  });
});

describe('a model that scales its pictures', () => {
  const flip: [string, Config] = ['RandomFlip', { mode: 'horizontal' }];
  test.each<[string, [string, Config, unknown?][], number, number | undefined]>([
    ['of bytes to [-1, 1]', [['Rescaling', { scale: 1 / 127.5, offset: -1 }]], 3, 1],
    ['of bytes to [0, 1]', [['Rescaling', { scale: 1 / 255 }]], 1, 1],
    ['after augmenting', [flip, ['Rescaling', { scale: 1 / 255 }]], 3, 1],
    [
      'in two steps',
      [
        ['Rescaling', { scale: 1 / 255 }],
        ['Normalization', { mean: [0.5], variance: [0.05] }],
      ],
      3,
      1,
    ],
    ['of [0, 1] to [-1, 1]', [['Rescaling', { scale: 2, offset: -1 }]], 3, 1 / 255],
    ['by a function', [['TFOpLambda', { function: 'math.truediv' }, [['in', 0, 0, { y: 255 }]]]], 3, 1],
    ['not at all', [['ReLU', {}]], 3, undefined],
    [
      'later',
      [
        ['ReLU', {}],
        ['Rescaling', { scale: 1 / 255 }],
      ],
      3,
      undefined,
    ],
    ['by a batch norm, which is a layer like others', [['BatchNormalization', {}]], 3, undefined],
    ['of a range that nobody knows', [['Rescaling', { scale: 1 / 65535 }]], 3, undefined],
    ['of what is no picture', [['Rescaling', { scale: 1 / 255 }]], 7, undefined],
  ])('%s', async (_, layers, channels, scale) => {
    const vectors = [1, 2, 3, 4].map((n) => [[channels], Array(channels).fill(n)] as const);
    const norm = { 'x0/gamma:0': vectors[0], 'x0/beta:0': vectors[1], 'x0/moving_mean:0': vectors[2] };
    const weights: LayerWeights =
      layers[0][0] === 'BatchNormalization' ? { x0: { ...norm, 'x0/moving_variance:0': vectors[3] } } : { x0: {} };
    const { conventions } = await readKerasH5(await kerasModelFile(chain([4, 5, channels], ...layers), weights));
    expect([conventions.scalesInput, conventions.preprocessing?.scale]).toEqual([scale && true, scale]);
    if (scale) expect(conventions.preprocessing).toMatchObject({ crop: { kind: 'stretch' }, size: [4, 5] });
  });

  test("a preset brings its crop, not its range; the network's own JSON keeps both", async () => {
    const config = chain([16, 16, 3], ['Rescaling', { scale: 1 / 127.5, offset: -1 }]);
    const network = await readKerasH5(await kerasModelFile(config, { x0: {} }));
    expect(presetFor(network, 'slim')).toEqual({
      crop: { kind: 'central', fraction: 0.875 },
      resize: 'tf1-legacy',
      size: [16, 16],
      channels: 'rgb',
      scale: 1,
      mean: [0, 0, 0],
      deviation: [1, 1, 1],
    });
    expect(fromJson(JSON.parse(JSON.stringify(toJson(network)))).conventions).toEqual(network.conventions);
  });
});

describe('what is refused', () => {
  test.each<[string, [string, Config, unknown?], string]>([
    [
      'a constant that the file has not',
      ['TFOpLambda', { function: 'math.truediv' }],
      "layer 'x0' (TFOpLambda): math.truediv wants two operands, found 1; a constant must stand in inbound_nodes",
    ],
    [
      'another function',
      ['TFOpLambda', { function: 'image.resize' }],
      "layer 'x0' (TFOpLambda): the function image.resize is not supported",
    ],
    [
      'a difference of tensors',
      ['TFOpLambda', { function: 'math.subtract' }, [['in', 0, 0, { y: ['in', 0, 0] }]]],
      "layer 'x0' (TFOpLambda): math.subtract of 2 tensors is not supported; wanted one and a constant",
    ],
    [
      'a quotient of a constant',
      ['TFOpLambda', { function: 'math.truediv' }, [['_CONSTANT_VALUE', -1, 1, { y: ['in', 0, 0] }]]],
      "layer 'x0' (TFOpLambda): math.truediv of a constant by a tensor is not supported",
    ],
    ['0', ['TFOpLambda', { function: 'truediv' }, [['in', 0, 0, { y: 0 }]]], "layer 'x0' (TFOpLambda): truediv by 0"],
    [
      'constants for other channels',
      ['Rescaling', { scale: [1, 2] }],
      "layer 'x0' (Rescaling): found 2 constants; wanted one, or one for each of 3 channels",
    ],
    [
      'a centre larger than the picture',
      ['CenterCrop', { height: 2, width: 5 }],
      "layer 'x0' (CenterCrop): pictures of 4 x 4 have no centre of 2 x 5, and Keras then enlarges them; wanted larger ones",
    ],
    [
      'hard_sigmoid of nobody knows which Keras',
      ['Activation', { activation: 'hard_sigmoid' }],
      "layer 'x0' (Activation): hard_sigmoid is another function in Keras 2 than in Keras 3; wanted a file with its keras_version",
    ],
    [
      'another interpolation',
      ['Resizing', { height: 2, width: 2, interpolation: 'lanczos3' }],
      "layer 'x0' (Resizing).interpolation: wanted one of 'bilinear', found 'lanczos3'",
    ],
    [
      'an inverted normalisation',
      ['Normalization', { mean: 1, variance: 1, invert: true }],
      ': invert true is not supported',
    ],
    ['another axis', ['Normalization', { axis: 1 }], ': axis 1 is not supported; wanted the last of 4 axes, 3'],
  ])('%s', (_, layer, message) => {
    expect(() => networkFromKerasConfig(chain([4, 4, 3], layer))).toThrow(NetworkError);
    expect(() => networkFromKerasConfig(chain([4, 4, 3], layer))).toThrow(message);
  });
});
