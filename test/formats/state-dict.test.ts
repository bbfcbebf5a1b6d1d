/**
 * Weights by other libraries' names. The names are written here from the libraries' sources, in the order in which their modules compute,
 * and the layouts transposed by the loops below: nothing of what is tested takes part.
 */
import { describe, expect, test } from 'vitest';
import { FormatError, UsageError } from '../../src/errors.js';
import { readNetwork } from '../../src/formats/index.js';
import { writeNpz } from '../../src/formats/tensors/npz.js';
import { writeSafetensors } from '../../src/formats/tensors/safetensors.js';
import { type MobilenetOptions, mobilenetV1, mobilenetV2 } from '../../src/models/index.js';
import { inferShapes, type Network } from '../../src/network/index.js';
import { weightName } from '../../src/network/network.js';
import { weightShapesOf } from '../../src/network/shapes.js';
import { livelyWeights } from '../../src/oracle/suites.js';
import { type Tensor, tensor } from '../../src/tensor.js';
import { stateDictFile } from './pytorch/torch-file.js';
import { expectSameTensors } from './same.js';

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);
const blocks = (stages: readonly number[]) =>
  stages.flatMap((count, stage) => range(0, count - 1).map((block) => `blocks.${stage}.${block}`));
const within = (module: string, parts: readonly string[]) => parts.map((part) => `${module}.${part}`);

/** Modules with weights, in the order of the network. */
const modules = {
  /** torchvision/models/mobilenetv2.py: Conv2dNormActivation is [conv, norm, activation]. */
  torchvisionV2: [
    ...['features.0.0', 'features.0.1'],
    ...within('features.1.conv', ['0.0', '0.1', '1', '2']),
    ...range(2, 17).flatMap((i) => within(`features.${i}.conv`, ['0.0', '0.1', '1.0', '1.1', '2', '3'])),
    ...['features.18.0', 'features.18.1', 'classifier.1'],
  ],
  /** timm/models/efficientnet.py, mobilenetv1_100: dsa_r1, dsa_r2, dsa_r2, dsa_r6, dsa_r2, no conv_head. */
  timmV1: [
    ...['conv_stem', 'bn1'],
    ...blocks([1, 2, 2, 6, 2]).flatMap((module) => within(module, ['conv_dw', 'bn1', 'conv_pw', 'bn2'])),
    'classifier',
  ],
  /** mobilenetv2_100: ds_r1, ir_r2, ir_r3, ir_r4, ir_r3, ir_r3, ir_r1. */
  timmV2: [
    ...['conv_stem', 'bn1'],
    ...within('blocks.0.0', ['conv_dw', 'bn1', 'conv_pw', 'bn2']),
    ...blocks([1, 2, 3, 4, 3, 3, 1])
      .slice(1)
      .flatMap((module) => within(module, ['conv_pw', 'bn1', 'conv_dw', 'bn2', 'conv_pwl', 'bn3'])),
    ...['conv_head', 'bn2', 'classifier'],
  ],
  /** transformers/models/mobilenet_v1/modeling_mobilenet_v1.py: layers by turns depthwise and pointwise. */
  transformersV1: [
    ...within('mobilenet_v1.conv_stem', ['convolution', 'normalization']),
    ...range(0, 25).flatMap((i) => within(`mobilenet_v1.layer.${i}`, ['convolution', 'normalization'])),
    'classifier',
  ],
  /** modeling_mobilenet_v2.py: MobileNetV2Stem holds the first block. */
  transformersV2: [
    ...['first_conv', 'conv_3x3', 'reduce_1x1'].flatMap((part) =>
      within(`mobilenet_v2.conv_stem.${part}`, ['convolution', 'normalization']),
    ),
    ...range(0, 15).flatMap((i) =>
      ['expand_1x1', 'conv_3x3', 'reduce_1x1'].flatMap((part) =>
        within(`mobilenet_v2.layer.${i}.${part}`, ['convolution', 'normalization']),
      ),
    ),
    ...within('mobilenet_v2.conv_1x1', ['convolution', 'normalization']),
    'classifier',
  ],
  /** tonylins/pytorch-mobilenet-v2, MobileNetV2.py: [dw, bn, relu, pw, bn], then [pw, bn, relu, dw, bn, relu, pw, bn]. */
  tonylinsV2: [
    ...['features.0.0', 'features.0.1'],
    ...within('features.1.conv', ['0', '1', '3', '4']),
    ...range(2, 17).flatMap((i) => within(`features.${i}.conv`, ['0', '1', '3', '4', '6', '7'])),
    ...['features.18.0', 'features.18.1', 'classifier'],
  ],
  /** d-li14/mobilenetv2.pytorch: self.conv = conv_1x1_bn(…) beside self.features. */
  dli14V2: [
    ...['features.0.0', 'features.0.1'],
    ...within('features.1.conv', ['0', '1', '3', '4']),
    ...range(2, 17).flatMap((i) => within(`features.${i}.conv`, ['0', '1', '3', '4', '6', '7'])),
    ...['conv.0', 'conv.1', 'classifier'],
  ],
  /** marvis/pytorch-mobilenet, main.py: conv_bn, then conv_dw with [dw, bn, relu, pw, bn, relu]. */
  marvisV1: [
    ...within('model.0', ['0', '1']),
    ...range(1, 13).flatMap((i) => within(`model.${i}`, ['0', '1', '3', '4'])),
    'fc',
  ],
  /** tensorflow/models, research/slim/nets/mobilenet_v1.py. */
  slimV1: [
    ...['Conv2d_0', ...range(1, 13).flatMap((i) => [`Conv2d_${i}_depthwise`, `Conv2d_${i}_pointwise`])].flatMap(
      (scope) => [`MobilenetV1/${scope}`, `MobilenetV1/${scope}/BatchNorm`],
    ),
    'MobilenetV1/Logits/Conv2d_1c_1x1',
  ],
  /** research/slim/nets/mobilenet/mobilenet_v2.py and conv_blocks.py. */
  slimV2: [
    ...[
      'Conv',
      ...['expanded_conv/depthwise', 'expanded_conv/project'],
      ...range(1, 16).flatMap((i) => ['expand', 'depthwise', 'project'].map((part) => `expanded_conv_${i}/${part}`)),
      'Conv_1',
    ].flatMap((scope) => [`MobilenetV2/${scope}`, `MobilenetV2/${scope}/BatchNorm`]),
    'MobilenetV2/Logits/Conv2d_1c_1x1',
  ],
  /** keras/src/applications/mobilenet.py. */
  kerasV1: [
    ...['conv1', 'conv1_bn'],
    ...range(1, 13).flatMap((i) => [`conv_dw_${i}`, `conv_dw_${i}_bn`, `conv_pw_${i}`, `conv_pw_${i}_bn`]),
    'conv_preds',
  ],
  /** keras/src/applications/mobilenet_v2.py. */
  kerasV2: [
    ...['Conv1', 'bn_Conv1'],
    ...['depthwise', 'project'].flatMap((part) => [`expanded_conv_${part}`, `expanded_conv_${part}_BN`]),
    ...range(1, 16).flatMap((i) =>
      ['expand', 'depthwise', 'project'].flatMap((part) => [`block_${i}_${part}`, `block_${i}_${part}_BN`]),
    ),
    ...['Conv_1', 'Conv_1_bn', 'predictions'],
  ],
};

type Part = 'kernel' | 'bias' | 'gamma' | 'beta' | 'movingMean' | 'movingVariance';
type Naming = (module: string, part: Part, kind: string) => string;

const torchParts = {
  kernel: 'weight',
  bias: 'bias',
  gamma: 'weight',
  beta: 'bias',
  movingMean: 'running_mean',
  movingVariance: 'running_var',
};
const torch: Naming = (module, part) => `${module}.${torchParts[part]}`;
const slimParts = {
  kernel: 'weights',
  bias: 'biases',
  gamma: 'gamma',
  beta: 'beta',
  movingMean: 'moving_mean',
  movingVariance: 'moving_variance',
};
const slim: Naming = (module, part, kind) =>
  `${module}/${part === 'kernel' && kind === 'depthwiseConv2d' ? 'depthwise_weights' : slimParts[part]}`;
const kerasParts = {
  kernel: 'kernel',
  bias: 'bias',
  gamma: 'gamma',
  beta: 'beta',
  movingMean: 'moving_mean',
  movingVariance: 'moving_variance',
};
const keras: Naming = (module, part, kind) =>
  `${module}/${part === 'kernel' && kind === 'depthwiseConv2d' ? 'depthwise_kernel' : kerasParts[part]}:0`;

/** PyTorch's layouts: [O, I, H, W], [C·M, 1, H, W], [O, I]. */
function torchLayout({ shape, data }: Tensor, kind: string): Tensor {
  if (shape.length === 1) return { shape, data };
  const [H, W, I, O] = shape.length === 2 ? [1, 1, ...shape] : shape;
  const moved = new Float32Array(data.length);
  const isDepthwise = kind === 'depthwiseConv2d';
  let from = 0;
  for (let h = 0; h < H; h++) {
    for (let w = 0; w < W; w++) {
      for (let i = 0; i < I; i++) {
        for (let o = 0; o < O; o++) {
          const channel = isDepthwise ? i * O + o : o * I + i;
          moved[(channel * H + h) * W + w] = data[from++];
        }
      }
    }
  }
  if (kind === 'dense') return tensor([O, I], moved);
  return tensor(isDepthwise ? [I * O, 1, H, W] : [O, I, H, W], moved);
}

/** TensorFlow's: 1 × 1 kernels have four axes. */
const tensorflowLayout = ({ shape, data }: Tensor, kind: string): Tensor =>
  kind === 'pointwiseConv2d' && shape.length === 2 ? tensor([1, 1, ...shape], data) : { shape, data };

interface Library {
  readonly network: Network;
  readonly modules: readonly string[];
  readonly naming: Naming;
  readonly layout: (x: Tensor, kind: string) => Tensor;
}

const small: MobilenetOptions = { alpha: 0.25, classes: 3, resolution: 32 };
const lively = (model: typeof mobilenetV1 | typeof mobilenetV2, conventions: MobilenetOptions['conventions']) =>
  livelyWeights(model({ ...small, ...(conventions && { conventions }) }), 7);

/** Networks by torchvision's rules under other names. */
const torchvision = (model: typeof mobilenetV1 | typeof mobilenetV2, modules: readonly string[]): Library => ({
  network: lively(model, 'torchvision'),
  modules,
  naming: torch,
  layout: torchLayout,
});

const dicts: Record<keyof typeof modules, Library> = {
  torchvisionV2: {
    network: lively(mobilenetV2, 'torchvision'),
    modules: modules.torchvisionV2,
    naming: torch,
    layout: torchLayout,
  },
  timmV1: { network: lively(mobilenetV1, 'torchvision'), modules: modules.timmV1, naming: torch, layout: torchLayout },
  timmV2: { network: lively(mobilenetV2, 'torchvision'), modules: modules.timmV2, naming: torch, layout: torchLayout },
  tonylinsV2: torchvision(mobilenetV2, modules.tonylinsV2),
  dli14V2: torchvision(mobilenetV2, modules.dli14V2),
  marvisV1: torchvision(mobilenetV1, modules.marvisV1),
  transformersV1: torchvision(mobilenetV1, modules.transformersV1),
  transformersV2: torchvision(mobilenetV2, modules.transformersV2),
  slimV1: { network: lively(mobilenetV1, 'slim'), modules: modules.slimV1, naming: slim, layout: tensorflowLayout },
  slimV2: { network: lively(mobilenetV2, 'slim'), modules: modules.slimV2, naming: slim, layout: tensorflowLayout },
  kerasV1: { network: lively(mobilenetV1, 'keras'), modules: modules.kerasV1, naming: keras, layout: tensorflowLayout },
  kerasV2: { network: lively(mobilenetV2, 'keras'), modules: modules.kerasV2, naming: keras, layout: tensorflowLayout },
};

/** The network's weights as the library would have saved them: its modules stand in the order of our layers with weights. */
function dictOf({ network, modules: names, naming, layout }: Library): Map<string, Tensor> {
  const shapes = inferShapes(network);
  const layers = network.nodes.filter((node) => Object.keys(weightShapesOf(node, shapes)).length > 0);
  expect(layers.length).toBe(names.length);
  return new Map(
    layers.flatMap((node, index) =>
      Object.keys(weightShapesOf(node, shapes)).map((weight): [string, Tensor] => [
        naming(names[index], weight as Part, node.kind),
        layout(network.weights.get(weightName(node.name, weight))!, node.kind),
      ]),
    ),
  );
}

/** The same network without weights, for the reader. */
const bare = ({ network }: Library): Network => ({ ...network, weights: new Map() });

const load = (library: Library, dict: ReadonlyMap<string, Tensor>) =>
  readNetwork(writeSafetensors(dict), { fileName: 'weights.safetensors', architecture: bare(library) });

describe.each(Object.entries(dicts))('%s', (_, library) => {
  test('from .safetensors, .npz and .pth', async () => {
    const dict = dictOf(library);
    expectSameTensors((await load(library, dict)).weights, library.network.weights);
    const npz = await readNetwork(await writeNpz(dict), { architecture: bare(library) });
    expectSameTensors(npz.weights, library.network.weights);
    const pth = await readNetwork(stateDictFile(dict), { architecture: bare(library) });
    expectSameTensors(pth.weights, library.network.weights);
  });

  test('a missing, a surplus and a wrongly shaped weight are errors that name them', async () => {
    const dict = dictOf(library);
    const [kernel, other] = dict.keys();
    const { shape } = dict.get(other)!;
    dict.delete(kernel);
    dict.set(other, tensor([...shape, 1], dict.get(other)!.data));
    dict.set(`${kernel}er`, tensor([1], [0]));
    const error = await load(library, dict).catch((reason) => reason);
    expect(error).toBeInstanceOf(FormatError);
    expect(error.message).toMatch(/^weights\.safetensors: .*the weights.* do not fit the network:\n/);
    for (const complaint of ['missing: ', 'wrong shape: ', 'surplus: ']) expect(error.message).toContain(complaint);
  });
});

test("a PyTorch file's complaints are in PyTorch's names and layouts", async () => {
  const library = dicts.torchvisionV2;
  const dict = dictOf(library);
  dict.delete('features.0.0.weight');
  dict.set('features.1.conv.0.0.weight', tensor([8, 3, 3, 1], new Float32Array(72)));
  dict.set('features.19.0.weight', tensor([1], [0]));
  await expect(load(library, dict)).rejects.toThrow(
    new FormatError(
      `weights.safetensors: mobilenet_v2_0.25_32: the weights, by the names of torchvision, do not fit the network:
  missing: features.0.0.weight [8,3,3,3]
  wrong shape: features.1.conv.0.0.weight is [8,3,3,1], wanted [8,1,3,3]
  surplus: features.19.0.weight [1]`,
    ),
  );
});

test("a weight of no layer among those by Keras' names", async () => {
  const dict = new Map([...dictOf(dicts.kerasV2), ['stray', tensor([1], [0])]]);
  await expect(load(dicts.kerasV2, dict)).rejects.toThrow(
    new FormatError("weights.safetensors: weight 'stray' belongs to no layer; wanted a name such as conv1/kernel"),
  );
});

test('what PyTorch counts beside the weights is left out, and a prefix of all names', async () => {
  const library = dicts.timmV1;
  const dict = dictOf(library);
  dict.set('bn1.num_batches_tracked', tensor([], [12345]));
  const prefixed = new Map([...dict].map(([name, x]) => [`module.${name}`, x]));
  expectSameTensors((await load(library, prefixed)).weights, library.network.weights);
});

test("timm's networks are not fed as torchvision's: the caller has to say how", async () => {
  const conventions = async (library: Library) => (await load(library, dictOf(library))).conventions;
  expect(await conventions(dicts.timmV1)).toEqual({ source: 'torchvision', output: 'logits', labelOffset: 0 });
  expect(await conventions(dicts.torchvisionV2)).toEqual(dicts.torchvisionV2.network.conventions);
});

describe("transformers' networks of Google's weights, with tf_padding: slim's", () => {
  test.each([
    ['transformersV1', mobilenetV1],
    ['transformersV2', mobilenetV2],
  ] as const)('%s', async (name, model) => {
    const library: Library = { ...dicts[name], network: lively(model, 'slim') };
    const dict = new Map(
      [...dictOf(library)].map(([key, x]) => [
        key,
        key === 'classifier.weight' ? tensor(x.shape.slice(0, 2), x.data) : x,
      ]),
    );
    const network = await load(library, dict);
    expectSameTensors(network.weights, library.network.weights);
    expect(network.conventions.preprocessing).toBeUndefined();
  });

  test('but not by those of Keras', async () => {
    await expect(load(dicts.kerasV2, dictOf(dicts.transformersV2))).rejects.toThrow(
      'weights.safetensors: its weights have the names of transformers; wanted a network by the conventions of torchvision or slim, found mobilenet_v2_0.25_32 by those of keras',
    );
  });
});

const torchNames = [
  'torchvisionV2',
  'timmV1',
  'timmV2',
  'transformersV1',
  'transformersV2',
  'tonylinsV2',
  'dli14V2',
  'marvisV1',
] as const;

describe.each(torchNames)('%s', (name) => {
  const library = dicts[name];
  const rename = (change: (key: string) => string | undefined) =>
    new Map(
      [...dictOf(library)].flatMap(([key, x]) => {
        const changed = change(key);
        return changed === undefined ? [] : [[changed, x]];
      }),
    );
  const isHead = (key: string) => /^(classifier|fc)\b/.test(key);

  test.each(['module.', 'model.', 'module.model.', '_orig_mod.', 'net.backbone.'])('behind %s', async (prefix) => {
    const network = await load(
      library,
      rename((key) => prefix + key),
    );
    expectSameTensors(network.weights, library.network.weights);
  });

  test('the trunk behind a prefix, the classifier not', async () => {
    const network = await load(
      library,
      rename((key) => (isHead(key) ? `module.${key}` : `module.trunk.${key}`)),
    );
    expectSameTensors(network.weights, library.network.weights);
  });

  test("a classifier of one's own", async () => {
    for (const head of ['classifier', 'classifier.1', 'fc', 'head']) {
      const network = await load(
        library,
        rename((key) => (isHead(key) ? `${head}.${key.split('.').at(-1)}` : key)),
      );
      expectSameTensors(network.weights, library.network.weights);
    }
  });

  test('without classifier: the network ends with what it reads', async () => {
    const network = await load(
      library,
      rename((key) => (isHead(key) ? undefined : key)),
    );
    expect(network.conventions.output).toBe('features');
    const trunk = [...library.network.weights].filter(([key]) => !key.startsWith('classifier'));
    expectSameTensors(network.weights, new Map(trunk));
    expect([...inferShapes(network).get(network.outputs[0])!].filter((size) => size > 1)).toHaveLength(1);
  });
});

test.each([
  ['torchvisionV2', 'features.'],
  ['tonylinsV2', 'features.'],
  ['marvisV1', 'model.'],
] as const)('%s: the weights of %s alone, as model.features.state_dict() gives them', async (name, part) => {
  const library = dicts[name];
  const inside = [...dictOf(library)].filter(([key]) => key.startsWith(part));
  for (const prefix of ['', 'module.']) {
    const network = await load(library, new Map(inside.map(([key, x]) => [prefix + key.slice(part.length), x])));
    const trunk = [...library.network.weights].filter(([key]) => !key.startsWith('classifier'));
    expectSameTensors(network.weights, new Map(trunk));
  }
});

test('the other version is named, and who has only one', async () => {
  await expect(load(dicts.timmV1, dictOf(dicts.tonylinsV2))).rejects.toThrow(
    new UsageError(
      'weights.safetensors: its weights have the names of tonylins, MobileNet V2; wanted such a network, found mobilenet_v1_0.25_32',
    ),
  );
  await expect(load(dicts.torchvisionV2, dictOf(dicts.transformersV1))).rejects.toThrow(
    new UsageError(
      'weights.safetensors: its weights have the names of transformers, MobileNet V1; wanted such a network, found mobilenet_v2_0.25_32',
    ),
  );
});

test("slim's moving averages go before the weights; what the optimiser keeps is left out", async () => {
  const library = dicts.slimV2;
  const dict = dictOf(library);
  const zeros = ({ shape, data }: Tensor) => tensor(shape, new Float32Array(data.length));
  for (const [name, x] of [...dict]) {
    if (/moving_(mean|variance)$/.test(name)) continue; // has no average of its own
    dict.set(name, zeros(x)).set(`${name}/ExponentialMovingAverage`, x);
    dict.set(`${name}/RMSProp`, zeros(x)).set(`${name}/RMSProp_1`, zeros(x));
  }
  dict.set('global_step', tensor([], [1000]));
  expectSameTensors((await load(library, dict)).weights, library.network.weights);
});

test('Keras names without numbers, and with a scope of the same name', async () => {
  const library = dicts.kerasV1;
  const dict = dictOf(library);
  const bareNames = new Map([...dict].map(([name, x]) => [name.replace(':0', ''), x]));
  expectSameTensors((await load(library, bareNames)).weights, library.network.weights);
  const scoped = new Map([...dict].map(([name, x]) => [`${name.split('/')[0]}/${name}`, x]));
  expectSameTensors((await load(library, scoped)).weights, library.network.weights);
});

test.each([
  ['torchvisionV2', 'kerasV2', 'torchvision', 'torchvision', 'keras'],
  ['timmV1', 'slimV1', 'timm', 'torchvision', 'slim'],
  ['slimV2', 'kerasV2', 'slim', 'slim', 'keras'],
  ['kerasV1', 'slimV1', 'keras', 'keras', 'slim'],
] as const)('%s does not go into %s', async (from, into, names, wanted, found) => {
  const { name } = dicts[into].network;
  await expect(load(dicts[into], dictOf(dicts[from]))).rejects.toThrow(
    new UsageError(
      `weights.safetensors: its weights have the names of ${names}; wanted a network by the conventions of ${wanted}, found ${name} by those of ${found}`,
    ),
  );
});
