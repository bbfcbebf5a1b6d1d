/** Models inside models, in every form that Keras writes: all of these compute the same as the flat model. */
import { describe, expect, test } from 'vitest';
import { FormatError, NetworkError } from '../../src/errors.js';
import { readKerasH5 } from '../../src/formats/keras/file.js';
import { readTfjs } from '../../src/formats/tfjs.js';
import { type Network, run } from '../../src/network/index.js';
import { tensor } from '../../src/tensor.js';
import { kerasModelFile, type LayerWeights } from './h5.js';
import { networkFromKerasConfig } from './keras-network.js';
import { model as tfjsModel } from './tfjs/models.js';

type Entry = Record<string, unknown>;

const entry = (className: string, name: string, config: object = {}): Entry => ({
  class_name: className,
  name,
  config: { name, ...config },
});

const input = (name: string, ...shape: number[]) => entry('InputLayer', name, { batch_input_shape: [null, ...shape] });
const double = entry('Conv2D', 'double', { filters: 1, kernel_size: [1, 1], padding: 'same', use_bias: false });
const clip = entry('ReLU', 'clip', { max_value: 6 });
const mean = entry('GlobalAveragePooling2D', 'mean');
const two = entry('Dense', 'two', { units: 2, activation: 'softmax' });

const sequential = (name: string, ...layers: Entry[]) => entry('Sequential', name, { layers });

/** How a layer's entry says that it reads a call's first result. */
type Reference = (layer: string, call: number) => unknown[];
const keras2: Reference = (layer, call) => [[[layer, call, 0, {}]]];
const tensorOf = (layer: string, call = 0) => ({
  class_name: '__keras_tensor__',
  config: { shape: [null, 2, 2, 1], dtype: 'float32', keras_history: [layer, call, 0] },
});
const keras3: Reference = (layer, call) => [{ args: [tensorOf(layer, call)], kwargs: { training: false, mask: null } }];

/** A chain as a Functional model; a model inside it is read as `innerCall` says. */
function functional(name: string, layers: Entry[], reference: Reference = keras2, innerCall = 1): Entry {
  const isModel = (layer: Entry) => /Functional|Model|Sequential/.test(`${layer.class_name}`);
  const linked = layers.map((layer, at) => ({
    ...layer,
    inbound_nodes: at === 0 ? [] : reference(`${layers[at - 1].name}`, isModel(layers[at - 1]) ? innerCall : 0),
  }));
  const last = layers[layers.length - 1];
  const end = [last.name, isModel(last) ? innerCall : 0, 0];
  return entry('Functional', name, { layers: linked, input_layers: [[layers[0].name, 0, 0]], output_layers: [end] });
}

const base = functional('base', [input('base_in', 2, 2, 1), double, clip]);
const base3 = functional('base', [input('base_in', 2, 2, 1), double, clip], keras3);
const forms: Readonly<Record<string, Entry>> = {
  'Sequential of a Functional': sequential('m', input('base_input', 2, 2, 1), base, mean, two),
  'Sequential of a Functional, which states the input': sequential('m', base, mean, two),
  'Sequential of Sequentials, as of Teachable Machine': sequential(
    'm',
    sequential('body', base, mean),
    sequential('head', { ...two, config: { ...(two.config as object), batch_input_shape: [null, 1] } }),
  ),
  'Sequential of the list of its layers': {
    class_name: 'Sequential',
    config: [{ class_name: 'Sequential', name: 'body', config: [input('in', 2, 2, 1), double, clip, mean] }, two],
  },
  'Functional, x = base(inputs)': functional('m', [input('in', 2, 2, 1), base, mean, two]),
  'Functional of a Sequential': functional('m', [
    input('in', 2, 2, 1),
    sequential('base', input('base_in', 2, 2, 1), double, clip),
    mean,
    two,
  ]),
  'Functional of Model': functional('m', [input('in', 2, 2, 1), { ...base, class_name: 'Model' }, mean, two]),
  'Functional of Keras 3': functional('m', [input('in', 2, 2, 1), base3, mean, two], keras3),
  'Functional whose inner calls count from 0': functional('m', [input('in', 2, 2, 1), base3, mean, two], keras3, 0),
  'three levels': functional('m', [
    input('in', 2, 2, 1),
    functional('outer', [input('outer_in', 2, 2, 1), sequential('middle', base, mean)]),
    two,
  ]),
};

/** 1 2 / 3 4 doubled and clipped is 2 4 / 6 6, whose mean is 4.5; 4.5 · 1 + 0 and 4.5 · −1 + 9 are equal, so are their probabilities. */
function expectHalves(network: Network): void {
  const [output] = run(network, tensor([1, 2, 2, 1], [1, 2, 3, 4])).values();
  expect(output).toEqual(tensor([1, 2], [0.5, 0.5]));
}

const kernel = [[1, 1, 1, 1], [2]] as const;
const twoWeights = {
  'two/kernel:0': [
    [1, 2],
    [1, -1],
  ],
  'two/bias:0': [[2], [0, 9]],
} as const;

/** Weights by the outermost model's layers, as Keras stores them. */
function weightsOf(form: Entry): LayerWeights {
  const { layers = form.config } = form.config as { layers?: Entry[] };
  const holds = (layer: Entry, name: string) => JSON.stringify(layer).includes(`"${name}"`);
  return Object.fromEntries(
    (layers as Entry[]).map((layer) => [
      `${layer.name}`,
      { ...(holds(layer, 'double') && { 'double/kernel:0': kernel }), ...(holds(layer, 'two') && twoWeights) },
    ]),
  );
}

describe.each(Object.entries(forms))('%s', (_, form) => {
  test('as HDF5', async () => {
    const network = await readKerasH5(await kerasModelFile(form, weightsOf(form)));
    expect(network.nodes.map(({ name }) => name)).toEqual(['double', 'clip', 'mean', 'two', 'two_softmax']);
    expect(network.inputs[0].shape).toEqual([1, 2, 2, 1]);
    expectHalves(network);
  });

  test('as a TensorFlow.js layers model', async () => {
    const specs = [
      { name: 'double/kernel', shape: [1, 1, 1, 1], dtype: 'float32' },
      { name: 'two/kernel', shape: [1, 2], dtype: 'float32' },
      { name: 'two/bias', shape: [2], dtype: 'float32' },
    ];
    const data = new Uint8Array(Float32Array.of(2, 1, -1, 0, 9).buffer);
    expectHalves(await readTfjs(tfjsModel({ model_config: form }, specs, data)));
  });
});

describe('layers of one name in several models', () => {
  const dense = (name: string) => entry('Dense', name, { units: 1, use_bias: false });
  const siblings = sequential(
    'm',
    sequential('a', entry('Flatten', 'f', { batch_input_shape: [null, 1, 1, 1] }), dense('d')),
    sequential('b', dense('d')),
    dense('d'),
  );
  const times = (factor: number) => ({ 'd/kernel:0': [[1, 1], [factor]] }) as const;

  test('are called by their path, and have the weights of their model', async () => {
    const network = await readKerasH5(await kerasModelFile(siblings, { a: times(2), b: times(3), d: times(5) }));
    expect([...network.weights].map(([name, { data }]) => [name, ...data])).toEqual([
      ['a/d/kernel', 2],
      ['b/d/kernel', 3],
      ['d/kernel', 5],
    ]);
    expect([...run(network, tensor([1, 1, 1, 1], [1])).values()][0].data[0]).toBe(30);
  });

  test('weights that say no model where two have the layer are refused', async () => {
    const hidden = sequential('m', sequential('outer', ...(siblings.config as { layers: Entry[] }).layers.slice(0, 2)));
    await expect(kerasModelFile(hidden, { outer: times(2) }).then((bytes) => readKerasH5(bytes))).rejects.toThrow(
      new FormatError("Keras file: the weights of 'outer/d' may be those of 'outer/a/d' or 'outer/b/d'"),
    );
  });
});

describe('what is refused by name', () => {
  const used = (calls: unknown[]) => ({
    ...functional('m', [input('in', 2, 2, 1), base]),
    config: {
      name: 'm',
      layers: [
        { ...input('in', 2, 2, 1), inbound_nodes: [] },
        { ...base, inbound_nodes: calls },
      ],
      input_layers: [['in', 0, 0]],
      output_layers: [['base', 1, 0]],
    },
  });

  test.each<[string, Entry, string | RegExp]>([
    [
      'a shared model',
      used([[['in', 0, 0, {}]], [['in', 0, 0, {}]]]),
      "layer 'base' (Functional).inbound_nodes: a model must be used exactly once; this one is used 2 times",
    ],
    [
      'a shared model of Keras 3',
      used([...keras3('in', 0), ...keras3('in', 0)]),
      "layer 'base' (Functional).inbound_nodes: a model must be used exactly once; this one is used 2 times",
    ],
    [
      'a later call',
      used([[['in', 3, 0, {}]]]),
      "layer 'base' (Functional).inbound_nodes[0][0]: wanted one of 0, found 3",
    ],
    [
      'a model called with a constant',
      used([{ args: [7], kwargs: {} }]),
      "layer 'base' (Functional): it is called with 7, wanted results of layers",
    ],
    [
      'a model called with a second tensor by its name',
      used([{ args: [tensorOf('in')], kwargs: { mask: tensorOf('in') } }]),
      "layer 'base' (Functional): the tensor 'in' as its argument 'mask' is not supported",
    ],
    [
      'a model called with lists in lists in lists',
      used([{ args: [[[[[[[7]]]]]]], kwargs: {} }]),
      "layer 'base' (Functional).inbound_nodes[0].args[0][0][0][0][0][0]: lists nested deeper than 4",
    ],
    [
      'a model without its second input',
      functional('m', [
        input('in', 2, 2, 1),
        {
          ...base,
          config: {
            ...(base.config as object),
            layers: [...(base.config as { layers: Entry[] }).layers, { ...input('more', 1), inbound_nodes: [] }],
          },
        },
      ]),
      "layer 'base > more' (InputLayer): its model is called with 1 tensors, none for this input",
    ],
    [
      'an unknown layer inside',
      sequential('m', sequential('body', input('in', 2, 2, 1), entry('Lambda', 'l'))),
      /^layer 'body > l' \(Lambda\): this layer class is not supported; supported are Conv2D, (\w+, )+Concatenate$/,
    ],
    [
      'one name twice inside',
      sequential('m', sequential('body', input('in', 2, 2, 1), clip, clip)),
      "layer 'body > clip' (ReLU): there are two layers of this name",
    ],
  ])('%s', (_, config, message) => {
    expect(() => networkFromKerasConfig(config)).toThrow(
      typeof message === 'string' ? new NetworkError(message) : message,
    );
  });
});
