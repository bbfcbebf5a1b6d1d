/** Files to be damaged: a small one of each format, with JSON inside where the format has some, and a few real ones. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  readNetwork,
  readQuantizedNetwork,
  readTensors,
  type TfjsFiles,
  writeNetwork,
  writeTfjs,
} from '../../../src/formats/index.js';
import { writeOnnx } from '../../../src/formats/onnx.js';
import { writeNpy } from '../../../src/formats/tensors/npy.js';
import { writeNpz } from '../../../src/formats/tensors/npz.js';
import { readSafetensors, writeSafetensors } from '../../../src/formats/tensors/safetensors.js';
import { joined } from '../../../src/formats/tfjs/weights.js';
import { readTfjs } from '../../../src/formats/tfjs.js';
import {
  fromJson,
  inferShapes,
  type Network,
  NetworkBuilder,
  randomWeights,
  toJson,
  withWeights,
} from '../../../src/network/index.js';
import { withQuantizedWeights } from '../../../src/network/quantized-types.js';
import { layerSuite, makeGolden, readGolden, writeGolden } from '../../../src/oracle/index.js';
import { quantizedProblems } from '../../../src/oracle/integers/quantized-problems.js';
import { noise } from '../../../src/oracle/noise.js';
import { type Tensor, tensor } from '../../../src/tensor.js';
import {
  h5File,
  kerasArchive,
  kerasModelFile,
  kerasWeightsFile,
  type NumberedWeights,
  numberedWeightsFile,
} from '../h5.js';
import { Graph, likeTensorflow, likeTorchvision } from '../onnx/detectors.js';
import { everyKind } from '../onnx/every-kind.js';
import { dict, int, orderedDict, pickle, tensorOf, torchFile } from '../pytorch/torch-file.js';
import { fusedData, fusedGraph, fusedWeights, model, teachable, teachableWeights } from '../tfjs/models.js';
import { buildTflite } from '../tflite-builder.js';
import { everything } from '../tflite-everything.js';

export interface Specimen {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** The JSON inside, and the file with another text in its place. */
  readonly json?: { readonly text: string; readonly put: (text: string) => Uint8Array | Promise<Uint8Array> };
  /** What anybody might do with such a file. */
  readonly readers: readonly ((bytes: Uint8Array) => unknown)[];
}

/** Reads a network, and holds it to what the type promises: shapes that fit, weights that belong. */
const network =
  (read: (bytes: Uint8Array) => Network | Promise<Network>) =>
  async (bytes: Uint8Array): Promise<void> => {
    const found = await read(bytes);
    inferShapes(found);
    if (found.weights.size > 0) withWeights(found, found.weights);
  };

const net = new NetworkBuilder();
let x = net.add('conv', 'conv2d', net.input('in', [1, 4, 4, 2]), {
  filters: 3,
  kernelSize: [3, 3],
  strides: [2, 2],
  dilation: [1, 1],
  padding: 'same',
  bias: true,
});
x = net.add('norm', 'batchNorm', x, { epsilon: 1e-3, scale: true, center: true });
x = net.add('head', 'dense', net.add('flat', 'flatten', x, {}), { units: 2, bias: true });
const small = randomWeights(net.build('small', [x], { source: 'other', output: 'logits', labelOffset: 0 }), 1);

const kerasConfig = {
  class_name: 'Functional',
  config: {
    name: 'm',
    layers: [
      {
        class_name: 'InputLayer',
        name: 'in',
        config: { name: 'in', batch_input_shape: [null, 2, 2, 1] },
        inbound_nodes: [],
      },
      {
        class_name: 'Conv2D',
        name: 'c',
        config: { name: 'c', filters: 2, kernel_size: [2, 2], strides: [1, 1] },
        inbound_nodes: [[['in', 0, 0, {}]]],
      },
    ],
    output_layers: [['c', 0, 0]],
  },
};
/** As Keras 3 keeps them. */
const numberedWeights = {
  'layers/conv2d': [
    [
      [2, 2, 1, 2],
      [1, 2, 3, 4, 5, 6, 7, 8],
    ],
    [[2], [1, 2]],
  ],
} as const satisfies NumberedWeights;
const kerasLayers = { in: {}, c: { 'c/kernel:0': [[2, 2, 1, 2]], 'c/bias:0': [[2]] } } as const;
const tensors = new Map([
  ['a/kernel', tensor([2, 3], [1, 2, 3, 4, 5, 6])],
  ['b', tensor([2], Float64Array.of(1, 2))],
]);

const anyFile = [
  readTensors,
  network(readNetwork),
  network((bytes: Uint8Array) => readNetwork(bytes, { architecture: small })),
];
const anyIntegers = [
  ...anyFile,
  async (bytes: Uint8Array): Promise<void> => {
    const found = await readQuantizedNetwork(bytes);
    withQuantizedWeights(found, found.weights);
  },
];
const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

const SAFETENSORS_JSON = 8;

/** The header of a .safetensors file with another text, whose length is stated as it is. */
function safetensors(name: string, bytes: Uint8Array, readers: Specimen['readers'] = anyFile): Specimen {
  const end = SAFETENSORS_JSON + Number(new DataView(bytes.buffer).getBigUint64(0, true));
  const text = decode(bytes.subarray(SAFETENSORS_JSON, end));
  const put = (other: string): Uint8Array => {
    const header = encode(other);
    const length = new Uint8Array(BigUint64Array.of(BigInt(header.length)).buffer);
    return joined([length, header, bytes.subarray(end)]);
  };
  return { name, bytes, json: { text, put }, readers };
}

const described = JSON.stringify(toJson(small));

/** A .safetensors file whose metadata has this text. */
function withMetadata(
  name: string,
  key: string,
  tensors: ReadonlyMap<string, Tensor>,
  text: string,
  readers: Specimen['readers'],
): Specimen {
  const put = (other: string): Uint8Array => writeSafetensors(tensors, new Map([[key, other]]));
  return { name, bytes: put(text), json: { text, put }, readers };
}

/** One file of a TensorFlow.js model; the others stay as they are. */
function tfjs(name: string, files: TfjsFiles, damagedFile: string): Specimen {
  const readers = [network((bytes: Uint8Array) => readTfjs(new Map([...files, [damagedFile, bytes]])))];
  const bytes = files.get(damagedFile);
  if (bytes === undefined) throw new Error(`${name}: no ${damagedFile} among ${[...files.keys()]}`);
  return { name, bytes, readers, ...(damagedFile.endsWith('.json') && { json: { text: decode(bytes), put: encode } }) };
}

const checkpoint = dict([
  ['epoch', int(3)],
  [
    'state_dict',
    orderedDict([
      ['conv.weight', tensorOf({ key: '0', shape: [2, 3], strides: [1, 2] })],
      ['conv.bias', tensorOf({ key: '1', shape: [2], strides: [1], offset: 1, type: 'HalfStorage' })],
    ]),
  ],
]);
const pytorch = torchFile(checkpoint, { 0: new Float32Array(6), 1: new Uint16Array(3) });
const storages = { 'a/data/0': new Uint8Array(24), 'a/data/1': new Uint8Array(6) };

/** The smallest specimens of every format that is read, in an order that stays. */
function detector(write: (graph: Graph) => string[]): Uint8Array {
  const graph = new Graph();
  return graph.file(write(graph));
}

export async function specimens(): Promise<Specimen[]> {
  const { zipSync } = await import('fflate');
  const layersModel = model(
    { model_config: teachable },
    teachableWeights.map((weight) => ({ ...weight, quantization: { dtype: 'uint8', scale: 0.5, min: -50 } })),
    Uint8Array.of(200, 0, 150, 100, 255, 2),
  );
  const fused = model(fusedGraph, fusedWeights, fusedData);
  const written = await writeTfjs(everyKind());
  const npy = writeNpy(tensor([2, 3, 2], new Float32Array(12)));
  const golden = makeGolden(small, noise('normal', [1, 4, 4, 2], 1), { source: { kind: 'noise', detail: '' } });
  const goldenBytes = await writeGolden(golden, { format: 'safetensors', weights: true, generator: 'fuzz' });
  const bundle = readSafetensors(goldenBytes);
  const separable = [...layerSuite(1)].filter(({ name }) => name.startsWith('pointwiseConv2d'));
  const [{ network: integers }] = quantizedProblems(separable, 'int8');
  return [
    { name: 'npy', bytes: npy, readers: anyFile },
    { name: 'npz', bytes: await writeNpz(tensors), readers: anyFile },
    { name: 'npz, deflated', bytes: zipSync({ 'a.npy': npy, 'b.npy': npy }), readers: anyFile },
    {
      name: 'npy in an npz',
      bytes: npy,
      readers: anyFile.map((read) => (bytes: Uint8Array) => read(zipSync({ 'conv/kernel.npy': bytes }))),
    },
    {
      name: 'network in an npz',
      bytes: await writeNetwork(small, 'npz'),
      json: {
        text: described,
        put: (text) => writeNpz(small.weights, undefined, new Map([['depthwise.network.json', encode(text)]])),
      },
      readers: anyFile,
    },
    safetensors('safetensors', writeSafetensors(tensors, new Map([['a', 'b']]))),
    safetensors('network in safetensors', await writeNetwork(small, 'safetensors')),
    withMetadata("a network's description", 'depthwise.network', small.weights, described, anyFile),
    safetensors('golden bundle', goldenBytes, [readGolden]),
    withMetadata(
      "a golden bundle's manifest",
      'depthwise.golden',
      bundle.tensors,
      bundle.metadata.get('depthwise.golden')!,
      [readGolden],
    ),
    {
      name: 'network JSON',
      bytes: encode(described),
      json: { text: described, put: encode },
      readers: [(bytes: Uint8Array) => fromJson(parsed(bytes))],
    },
    {
      name: 'Keras model',
      bytes: await kerasModelFile(kerasConfig, kerasLayers),
      json: { text: JSON.stringify(kerasConfig), put: (text: string) => kerasModelFile(text, kerasLayers) },
      readers: anyFile,
    },
    { name: 'PyTorch', bytes: pytorch, readers: anyFile },
    {
      name: "PyTorch's pickle",
      bytes: pickle(checkpoint),
      readers: anyFile.map(
        (read) => (bytes: Uint8Array) => read(zipSync({ ...storages, 'a/data.pkl': bytes }, { level: 0 })),
      ),
    },
    { name: 'Keras weights', bytes: await kerasWeightsFile(kerasLayers), readers: anyFile },
    {
      name: 'Keras archive',
      bytes: await kerasArchive(JSON.stringify(kerasConfig), numberedWeights),
      json: { text: JSON.stringify(kerasConfig), put: (text: string) => kerasArchive(text, numberedWeights) },
      readers: anyFile,
    },
    { name: 'numbered Keras weights', bytes: await numberedWeightsFile(numberedWeights), readers: anyFile },
    {
      name: "Teachable Machine's archive",
      bytes: zipSync({
        'keras_model.h5': await kerasModelFile(kerasConfig, kerasLayers),
        'labels.txt': encode('0 cat\n1 dog'),
      }),
      readers: anyFile,
    },
    { name: 'HDF5 1.8', bytes: await hdf5OfVersion1point8(), readers: anyFile },
    { name: 'tflite', bytes: buildTflite(everything), readers: anyFile },
    { name: 'onnx', bytes: await writeOnnx(everyKind()), readers: anyFile },
    { name: "onnx like TensorFlow's detectors", bytes: detector(likeTensorflow), readers: anyFile },
    { name: "onnx like torchvision's detectors", bytes: detector(likeTorchvision), readers: anyFile },
    { name: 'onnx of [N, C, H, W]', bytes: await writeOnnx(everyKind(), { pictures: 'nchw' }), readers: anyFile },
    { name: 'small onnx', bytes: await writeOnnx(small), readers: anyFile },
    tfjs('TF.js layers model', layersModel, 'model.json'),
    tfjs('TF.js layers model, weights', layersModel, 'shard0.bin'),
    tfjs('TF.js fused graph', fused, 'model.json'),
    tfjs('TF.js graph', written, 'model.json'),
    tfjs('TF.js graph, weights', written, 'group1-shard1of1.bin'),
    { name: 'integers in tflite', bytes: await writeNetwork(integers, 'tflite'), readers: anyIntegers },
    { name: 'integers in onnx', bytes: await writeNetwork(integers, 'onnx'), readers: anyIntegers },
    { name: 'integers in an npz', bytes: await writeNetwork(integers, 'npz'), readers: anyIntegers },
    safetensors('integers in safetensors', await writeNetwork(integers, 'safetensors'), anyIntegers),
  ];
}

const REAL = [
  'vww_96_float.tflite',
  'vww_96_int8.tflite',
  'ultraface_slim_320_simplified.onnx',
  'mobilenet_v1_0.25_224.h5',
];

/** Those of the real files that are there. */
export function realSpecimens(folder = process.env.DEPTHWISE_DATA): Specimen[] {
  return REAL.map((name) => ({ name, path: join(folder ?? '', 'models', name) }))
    .filter(({ path }) => existsSync(path))
    .map(({ name, path }) => ({ name, bytes: new Uint8Array(readFileSync(path)), readers: [network(readNetwork)] }));
}

/** Text that is no JSON never gets as far as the reader. */
function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(decode(bytes));
  } catch {
    return {};
  }
}

const hdf5OfVersion1point8 = (): Promise<Uint8Array> =>
  h5File((file) => {
    file.create_attribute('model_config', JSON.stringify(kerasConfig));
    file.create_attribute('layer_names', ['in', 'c'], [2], 'S');
    for (let index = 0; index < 12; index++) file.create_group(`group${index}`);
    file.create_dataset({ name: 'x', data: new Float32Array(16), shape: [4, 4] });
  }, 'v108');
