/** Small TensorFlow.js models: a layers model with models inside, and a graph of fused operators. */
import type { TfjsFiles } from '../../../src/formats/index.js';

export interface Weight {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: string;
  readonly quantization?: object;
}

export const bytesOf = (numbers: ArrayBufferView): Uint8Array =>
  new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);

export function model(
  modelTopology: object,
  weights: readonly Weight[],
  data: Uint8Array,
  shards = 1,
  more: object = {},
): TfjsFiles {
  const paths = Array.from({ length: shards }, (_, index) => `shard${index}.bin`);
  const json = { modelTopology, weightsManifest: [{ paths, weights }], ...more };
  const size = Math.ceil(data.length / shards);
  return new Map([
    ['model.json', new TextEncoder().encode(JSON.stringify(json))],
    ...paths.map((path, index) => [path, data.slice(index * size, (index + 1) * size)] as const),
  ]);
}

export const inputLayer = {
  class_name: 'InputLayer',
  config: { name: 'in', batch_input_shape: [null, 2, 2, 1], dtype: 'float32' },
};

/** A Sequential of a Functional model and of a Sequential classifier, as Teachable Machine exports it. */
export const teachable = {
  class_name: 'Sequential',
  config: {
    name: 'sequential_4',
    layers: [
      {
        class_name: 'Model',
        config: {
          name: 'model_1',
          layers: [
            { ...inputLayer, name: 'in', inbound_nodes: [] },
            {
              class_name: 'Conv2D',
              name: 'c',
              config: { name: 'c', filters: 2, kernel_size: [1, 1], use_bias: false },
              inbound_nodes: [[['in', 0, 0, {}]]],
            },
            {
              class_name: 'GlobalAveragePooling2D',
              name: 'pool',
              config: { name: 'pool' },
              inbound_nodes: [[['c', 0, 0, {}]]],
            },
          ],
          input_layers: [['in', 0, 0]],
          output_layers: [['pool', 0, 0]],
        },
      },
      {
        class_name: 'Sequential',
        config: {
          name: 'sequential_3',
          layers: [
            { class_name: 'Dense', config: { name: 'd', units: 2, use_bias: false, batch_input_shape: [null, 2] } },
            { class_name: 'Activation', config: { name: 'top', activation: 'relu' } },
          ],
        },
      },
    ],
  },
};

export const teachableWeights: Weight[] = [
  { name: 'c/kernel', shape: [1, 1, 1, 2], dtype: 'float32' },
  { name: 'd/kernel', shape: [2, 2], dtype: 'float32' },
];

/** As it lies beside an exported model. */
export const metadata = {
  tfjsVersion: '1.3.1',
  tmVersion: '2.4.5',
  packageVersion: '0.8.4-alpha2',
  packageName: '@teachablemachine/image',
  userMetadata: {},
  modelName: 'tm-my-image-model',
  labels: ['dark', 'bright'],
  imageSize: 2,
};

const jsonBytes = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

/** The mean of a picture's channels times (−1, 1), and a softmax: bright pictures are of class 1. */
export function exported(channels: 1 | 3, beside: object | null = metadata): TfjsFiles {
  const topology = JSON.parse(
    JSON.stringify(teachable).replace('[null,2,2,1]', `[null,2,2,${channels}]`).replace('"relu"', '"softmax"'),
  );
  const weights = teachableWeights.map((weight) =>
    weight.name === 'c/kernel' ? { ...weight, shape: [1, 1, channels, 2] } : weight,
  );
  const kernel = Array.from({ length: channels }, () => [-1 / channels, 1 / channels]).flat();
  const files = model(topology, weights, bytesOf(Float32Array.of(...kernel, 1, 0, 0, 1)));
  return beside ? new Map([...files, ['metadata.json', jsonBytes(beside)]]) : files;
}

export const text = (value: string) => ({ s: btoa(value) });
export const list = (...numbers: number[]) => ({ list: { i: numbers.map(String) } });
export const placeholder = {
  name: 'x',
  op: 'Placeholder',
  attr: { shape: { shape: { dim: [-1, 2, 2, 1].map((size) => ({ size: `${size}` })) } } },
};
export const constant = (name: string) => ({ name, op: 'Const' });
export const sliding = {
  strides: list(1, 1, 1, 1),
  padding: text('SAME'),
  dilations: list(1, 1, 1, 1),
  data_format: text('NHWC'),
};

export const fusedGraph = {
  node: [
    constant('k'),
    constant('b'),
    constant('six'),
    { name: 'y', op: 'AddV2', input: ['conv', 'six'] },
    placeholder,
    {
      name: 'conv',
      op: '_FusedConv2D',
      input: ['x', 'k', 'b', '^x'],
      attr: { ...sliding, fused_ops: { list: { s: ['BiasAdd', 'Relu6'].map(btoa) } }, T: { type: 'DT_FLOAT' } },
    },
  ],
};

export const fusedWeights: Weight[] = [
  { name: 'k', shape: [1, 1, 1, 2], dtype: 'float32' },
  { name: 'b', shape: [2], dtype: 'float32' },
  { name: 'six', shape: [], dtype: 'float32' },
];

export const fusedData = bytesOf(Float32Array.of(1, -1, 1, 4, 10));
