/**
 * Weights under the names and in the layouts of the libraries that trained them, for a network of ours by the same conventions:
 *
 *   PyTorch   features.0.0.weight            conv [O, I, H, W], depthwise [C·M, 1, H, W], linear [O, I]; the libraries of `torch-names.ts`
 *   slim      MobilenetV1/Conv2d_0/weights   as ours, 1 × 1 kernels [1, 1, I, O]; their moving averages before themselves
 *   Keras     block_1_expand/kernel:0        the same
 */
import { NetworkError, UsageError } from '../errors.js';
import { layers } from '../layers/index.js';
import { V2_NAMES } from '../models/node-names.js';
import type { ModelConventions } from '../models/options.js';
import {
  type TorchLibrary,
  type TorchModules,
  torchHeads,
  torchLibraries,
  torchModules,
} from '../models/torch-names.js';
import { nodeNamed } from '../network/graph.js';
import { inferShapes, type LayerKind, type Network, type Weights, withWeights } from '../network/index.js';
import { weightName } from '../network/network.js';
import { upTo } from '../network/rewriting/subnetwork.js';
import { weightShapesOf } from '../network/shapes.js';
import { type Shape, sameShape, type Tensor, tensor } from '../tensor.js';
import { byLayer, nameWeights } from './keras/weights.js';
import { transposed } from './strided.js';

type Library = TorchLibrary | 'slim' | 'keras';

/** Where a weight's axes are, theirs to ours and ours to theirs. */
interface Layout {
  readonly theirs: (ours: Shape) => Shape;
  readonly toOurs: (theirs: Tensor, ours: Shape) => Tensor;
}

interface Names {
  /** Their name of a layer's weight. */
  readonly nameOf: (layer: string, kind: LayerKind, weight: string) => string;
  readonly layoutOf: (kind: LayerKind, weight: string, layer: string) => Layout;
  /** What a training leaves beside the weights. */
  readonly trainingState: RegExp;
}

/**
 * The network with these weights. Throws a UsageError where their names are those of a library by whose conventions the network is not,
 * and a NetworkError that lists every missing, surplus or wrongly shaped weight, by the library's names where they are known.
 *
 * PyTorch's libraries build torchvision's networks, but all others feed them in ways of their own: how pictures are prepared is then not known any
 * more. Of a file without a classifier the network ends before it.
 */
export function withStateDict(network: Network, tensors: Weights, file: string): Network {
  const library = libraryOf([...tensors.keys()]);
  if (library === undefined) return withWeights(network, tensors);
  if (library === 'torch') return withTorchWeights(network, tensors, file);
  expectConventions(network, library, [library], file);
  if (library === 'keras') return withWeights(network, nameWeights(network, byLayer(tensors, file), file));
  const wanted = wantedBy(slim, network);
  const bare = withoutPrefix(namesOf(wanted), preferAverages(tensors));
  return withWeights(network, translated(network, library, wanted, bare, slim.trainingState));
}

function libraryOf(names: readonly string[]): 'torch' | 'slim' | 'keras' | undefined {
  const some = (pattern: RegExp) => names.some((name) => pattern.test(name));
  if (some(/\/movingMean$/)) return undefined; // ours
  if (some(/\.running_mean$/)) return 'torch';
  if (some(/\/(depthwise_)?weights$/)) return 'slim';
  return some(/\/(depthwise_)?kernel(:0)?$/) ? 'keras' : undefined;
}

/** Padding, epsilon and head go with the weights, and would be wrong without a word. */
function expectConventions(
  { name, conventions: { source } }: Network,
  library: Library,
  wanted: readonly ModelConventions[],
  file: string,
): void {
  if (wanted.some((one) => one === source)) return;
  throw new UsageError(
    `${file}: its weights have the names of ${library}; wanted a network by the conventions of ${wanted.join(' or ')}, found ${name} by those of ${source}`,
  );
}

/** transformers' networks are torchvision's with `tf_padding: false` and `layer_norm_eps: 1e-5`, slim's with true and 1e-3, as Google's are. */
const conventionsFor = (library: TorchLibrary): readonly ModelConventions[] =>
  library === 'transformers' ? ['torchvision', 'slim'] : ['torchvision'];

function withTorchWeights(network: Network, tensors: Weights, file: string): Network {
  const { library, version, within } = torchLibraryOf([...tensors.keys()]);
  expectConventions(network, library, conventionsFor(library), file);
  const { source, preprocessing, ...others } = network.conventions;
  const conventions = source as ModelConventions;
  const own = network.nodes.some(({ name }) => name === V2_NAMES[conventions].last.layer) ? 'v2' : 'v1';
  const modules = version === own ? torchModules(library, own, conventions) : undefined;
  if (modules === undefined) {
    throw new UsageError(
      `${file}: its weights have the names of ${library}, MobileNet ${version.toUpperCase()}; wanted such a network, found ${network.name}`,
    );
  }
  const fed: Network =
    library === 'torchvision' ? network : { ...network, conventions: { source, ...others } as Network['conventions'] };
  const trunk = new Set(modules.moduleOf.values());
  const isKnown = (name: string) => trunk.has(moduleOf(name)) || torchHeads.includes(moduleOf(name));
  const bare = withoutPrefix(isKnown, tensors, within);
  const head = torchHeads.find((module) => bare.has(`${module}.weight`));
  const names = torch(modules, head ?? '');
  const part = head === undefined ? beforeClassifier(fed, modules.classifier) : fed;
  const weights = translated(part, library, wantedBy(names, part), bare, names.trainingState);
  return withWeights(part, weights);
}

/** The network up to what its classifier reads; the whole where it has none. */
function beforeClassifier(network: Network, classifier: string): Network {
  const node = nodeNamed(network, classifier);
  return node === undefined ? network : { ...upTo(network, node.inputs[0]), name: network.name };
}

/** 'features.0.0' of 'features.0.0.weight'. */
const moduleOf = (name: string): string => name.slice(0, name.lastIndexOf('.'));

/** Modules of which people save the weights alone: `model.features.state_dict()` says '0.0.weight' of 'features.0.0.weight'. */
const PARTS = ['', 'features.', 'model.'];

/** The library, and the version of its network, whose modules most of the names belong to, perhaps within one of its modules. */
function torchLibraryOf(names: readonly string[]) {
  const candidates = torchLibraries.flatMap((library) =>
    (['v2', 'v1'] as const).flatMap((version) => {
      const modules = torchModules(library, version, 'torchvision');
      if (modules === undefined) return [];
      const known = new Set(modules.moduleOf.values());
      return PARTS.map((within) => {
        const [, count] = commonPrefix((name) => known.has(moduleOf(within + name)), names);
        return { library, version, within, count };
      });
    }),
  );
  return candidates.reduce((best, each) => (each.count > best.count ? each : best));
}

const AVERAGE = '/ExponentialMovingAverage';

/** Slim evaluates with the moving averages of the weights that it trained. */
function preferAverages(tensors: Weights): Map<string, Tensor> {
  const averaged = new Map<string, Tensor>();
  for (const [name, x] of tensors) {
    if (name.endsWith(AVERAGE)) averaged.set(name.slice(0, -AVERAGE.length), x);
    else if (!tensors.has(name + AVERAGE)) averaged.set(name, x);
  }
  return averaged;
}

/** A weight of the network, in the library's terms. */
interface Wanted {
  readonly ours: string;
  readonly theirs: string;
  readonly shape: Shape;
  readonly layout: Layout;
}

function wantedBy({ nameOf, layoutOf }: Names, network: Network): Wanted[] {
  const shapes = inferShapes(network);
  return network.nodes.flatMap((node) =>
    Object.entries(weightShapesOf(node, shapes)).map(([weight, shape]) => ({
      ours: weightName(node.name, weight),
      theirs: nameOf(node.name, node.kind, weight),
      shape,
      layout: layoutOf(node.kind, weight, node.name),
    })),
  );
}

const namesOf = (wanted: readonly Wanted[]): ((name: string) => boolean) => {
  const known = new Set(wanted.map(({ theirs }) => theirs));
  return (name) => known.has(name);
};

/** What stands before most of the names that are known, and before how many. */
function commonPrefix(isKnown: (name: string) => boolean, names: Iterable<string>): [prefix: string, count: number] {
  const counts = new Map<string, number>();
  for (const name of names) {
    for (const { index } of name.matchAll(/^|(?<=[/.])/g)) {
      if (isKnown(name.slice(index))) counts.set(name.slice(0, index), (counts.get(name.slice(0, index)) ?? 0) + 1);
    }
  }
  return [...counts].reduce((most, each) => (each[1] > most[1] ? each : most), ['', 0]);
}

/**
 * Without what stands before the names: 'MobilenetV1/', the 'module.' of a model that was trained on several devices, the 'model.' of a trainer. The
 * classifier may stand outside of a part of it, as in 'module.classifier' beside 'module.mobilenet_v2.conv_1x1'. `within` is put in their place.
 */
function withoutPrefix(isKnown: (name: string) => boolean, tensors: Weights, within = ''): Map<string, Tensor> {
  const [prefix] = commonPrefix((name) => isKnown(within + name), tensors.keys());
  const prefixes = [...prefix.matchAll(/[/.]/g)].map(({ index }) => prefix.slice(0, index + 1)).reverse();
  const cut = (name: string) => {
    const before = prefixes.find((each) => name.startsWith(each)) ?? '';
    const bare = name.slice(before.length);
    return within + (tensors.has(bare) ? name : bare);
  };
  return new Map([...tensors].map(([name, x]) => [cut(name), x]));
}

function translated(
  network: Network,
  library: Library,
  wanted: readonly Wanted[],
  tensors: Weights,
  trainingState: RegExp,
): Weights {
  const found = new Map<string, Tensor>();
  const complaints: string[] = [];
  for (const { ours, theirs, shape, layout } of wanted) {
    const x = tensors.get(theirs);
    const wantedShape = layout.theirs(shape);
    if (x === undefined) complaints.push(`missing: ${theirs} [${wantedShape}]`);
    else if (sameShape(x.shape, wantedShape)) found.set(ours, layout.toOurs(x, shape));
    else complaints.push(`wrong shape: ${theirs} is [${x.shape}], wanted [${wantedShape}]`);
  }
  const known = new Set(wanted.map(({ theirs }) => theirs));
  for (const [name, { shape }] of tensors) {
    if (!known.has(name) && !trainingState.test(name)) complaints.push(`surplus: ${name} [${shape}]`);
  }
  if (complaints.length === 0) return found;
  throw new NetworkError(
    `${network.name}: the weights, by the names of ${library}, do not fit the network:\n  ${complaints.join('\n  ')}`,
  );
}

const unchanged: Layout = { theirs: (ours) => ours, toOurs: (theirs) => theirs };

/** Without its axes of size 1, or with them. */
const reshaped = (theirs: Layout['theirs']): Layout => ({ theirs, toOurs: ({ data }, ours) => tensor(ours, data) });

const torchLayouts: { readonly [Kind in LayerKind]?: Layout } = {
  conv2d: {
    theirs: ([H, W, I, O]) => [O, I, H, W],
    toOurs: (theirs) => transposed(theirs, [2, 3, 1, 0]),
  },
  depthwiseConv2d: {
    theirs: ([H, W, C, M]) => [C * M, 1, H, W],
    toOurs: ({ data }, [H, W, C, M]) => transposed(tensor([C, M, H, W], data), [2, 3, 0, 1]),
  },
  pointwiseConv2d: {
    theirs: ([I, O]) => [O, I, 1, 1],
    toOurs: ({ data }, [I, O]) => transposed(tensor([O, I], data), [1, 0]),
  },
  dense: {
    theirs: ([I, O]) => [O, I],
    toOurs: (theirs) => transposed(theirs, [1, 0]),
  },
};

const torchWeights: Readonly<Record<string, string>> = {
  kernel: 'weight',
  bias: 'bias',
  gamma: 'weight',
  beta: 'bias',
  movingMean: 'running_mean',
  movingVariance: 'running_var',
};

/** `head` holds the classifier, which is linear to all of them, and a 1 × 1 convolution to slim. */
function torch({ moduleOf, classifier }: TorchModules, head: string): Names {
  return {
    nameOf: (layer, _, weight) =>
      `${layer === classifier ? head : (moduleOf.get(layer) ?? layer)}.${torchWeights[weight]}`,
    layoutOf: (kind, weight, layer) => {
      if (weight !== 'kernel') return unchanged;
      return torchLayouts[layer === classifier ? 'dense' : kind] ?? unchanged;
    },
    trainingState: /(\.num_batches_tracked|^n_averaged)$/,
  };
}

const slimWeights: Readonly<Record<string, string>> = {
  kernel: 'weights',
  bias: 'biases',
  movingMean: 'moving_mean',
  movingVariance: 'moving_variance',
};

/** Our names of layers by slim's conventions are its scopes. */
const slim: Names = {
  nameOf(layer, kind, weight) {
    const isDepthwise = layers[kind].kernel === 'HWCM' && weight === 'kernel';
    return `${layer}/${isDepthwise ? 'depthwise_weights' : (slimWeights[weight] ?? weight)}`;
  },
  layoutOf: (kind, weight) =>
    kind === 'pointwiseConv2d' && weight === 'kernel' ? reshaped((ours) => [1, 1, ...ours]) : unchanged,
  trainingState: /(^|\/)(global_step|RMSProp(_1)?|Momentum|Adam(_1)?)$/,
};
