/**
 * Weights under the names and in the layouts of the libraries that trained them, for a network of ours by the same conventions:
 *
 *   PyTorch   features.0.0.weight            conv [O, I, H, W], depthwise [C·M, 1, H, W], linear [O, I]; torchvision and timm
 *   slim      MobilenetV1/Conv2d_0/weights   as ours, 1 × 1 kernels [1, 1, I, O]; their moving averages before themselves
 *   Keras     block_1_expand/kernel:0        the same
 */
import { NetworkError, UsageError } from '../errors.js';
import { timmByTorchvision } from '../models/timm-names.js';
import {
  inferShapes,
  type LayerKind,
  type Network,
  type Weights,
  weightName,
  weightShapesOf,
  withWeights,
} from '../network/index.js';
import { type Shape, sameShape, type Tensor, tensor } from '../tensor.js';
import { byLayer, nameWeights } from './keras-weights.js';
import { transposedTensor } from './transposed.js';

type Library = 'torchvision' | 'timm' | 'slim' | 'keras';

/** Where a weight's axes are, theirs to ours and ours to theirs. */
interface Layout {
  readonly theirs: (ours: Shape) => Shape;
  readonly toOurs: (theirs: Tensor, ours: Shape) => Tensor;
}

interface Names {
  /** Their name of a layer's weight. */
  readonly nameOf: (layer: string, kind: LayerKind, weight: string) => string;
  readonly layoutOf: (kind: LayerKind, weight: string) => Layout;
  /** What a training leaves beside the weights. */
  readonly trainingState: RegExp;
}

/**
 * The network with these weights. Throws a UsageError where their names are those of a library by whose conventions the network is not,
 * and a NetworkError that lists every missing, surplus or wrongly shaped weight, by the library's names where they are known.
 *
 * timm's networks are torchvision's, but each is fed in a way of its own: how pictures are prepared is then not known any more.
 */
export function withStateDict(network: Network, tensors: Weights, file: string): Network {
  const library = libraryOf([...tensors.keys()]);
  if (library === undefined) return withWeights(network, tensors);
  expectConventions(network, library, file);
  const { preprocessing: _, ...conventions } = network.conventions;
  const fed = library === 'timm' ? { ...network, conventions } : network;
  return withWeights(fed, underOurNames(network, library, tensors, file));
}

function underOurNames(network: Network, library: Library, tensors: Weights, file: string): Weights {
  if (library === 'keras') return nameWeights(network, byLayer(tensors, file), file);
  const names = library === 'slim' ? slim : torch(library);
  const wanted = wantedBy(names, network);
  const bare = withoutPrefix(wanted, preferAverages(tensors));
  return translated(network, library, wanted, bare, names.trainingState);
}

function libraryOf(names: readonly string[]): Library | undefined {
  const some = (pattern: RegExp) => names.some((name) => pattern.test(name));
  if (some(/\/movingMean$/)) return undefined; // ours
  if (some(/\.conv_(dw|pw)\.weight$/)) return 'timm';
  if (some(/\.running_mean$/)) return 'torchvision';
  if (some(/\/(depthwise_)?weights$/)) return 'slim';
  return some(/\/(depthwise_)?kernel(:0)?$/) ? 'keras' : undefined;
}

/** Padding, epsilon and head go with the weights, and would be wrong without a word. */
function expectConventions({ name, conventions: { source } }: Network, library: Library, file: string): void {
  const wanted = library === 'timm' ? 'torchvision' : library;
  if (source === wanted) return;
  throw new UsageError(
    `${file}: its weights have the names of ${library}; wanted a network by the conventions of ${wanted}, found ${name} by those of ${source}`,
  );
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
      layout: layoutOf(node.kind, weight),
    })),
  );
}

/** Without what stands before the names alike: 'MobilenetV1/', or the 'module.' of a model that was trained on several devices. */
function withoutPrefix(wanted: readonly Wanted[], tensors: Weights): Map<string, Tensor> {
  const known = new Set(wanted.map(({ theirs }) => theirs));
  const longest = wanted.reduce((most, { theirs }) => Math.max(most, theirs.length), 0);
  const counts = new Map<string, number>();
  for (const name of tensors.keys()) {
    for (const { index } of name.matchAll(/^|(?<=[/.])/g)) {
      if (name.length - index <= longest && known.has(name.slice(index)))
        counts.set(name.slice(0, index), (counts.get(name.slice(0, index)) ?? 0) + 1);
    }
  }
  const [prefix] = [...counts].reduce((most, each) => (each[1] > most[1] ? each : most), ['', 0]);
  const cut = (name: string) => (name.startsWith(prefix) ? name.slice(prefix.length) : name);
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
    toOurs: (theirs) => transposedTensor(theirs, [2, 3, 1, 0]),
  },
  depthwiseConv2d: {
    theirs: ([H, W, C, M]) => [C * M, 1, H, W],
    toOurs: ({ data }, [H, W, C, M]) => transposedTensor(tensor([C, M, H, W], data), [2, 3, 0, 1]),
  },
  pointwiseConv2d: {
    theirs: ([I, O]) => [O, I, 1, 1],
    toOurs: ({ data }, [I, O]) => transposedTensor(tensor([O, I], data), [1, 0]),
  },
  dense: {
    theirs: ([I, O]) => [O, I],
    toOurs: (theirs) => transposedTensor(theirs, [1, 0]),
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

/** Our names of layers by torchvision's conventions are its modules. */
function torch(library: 'torchvision' | 'timm'): Names {
  const timm = library === 'timm' ? timmByTorchvision() : undefined;
  return {
    nameOf: (layer, _, weight) => `${timm?.get(layer) ?? layer}.${torchWeights[weight]}`,
    layoutOf: (kind, weight) => (weight === 'kernel' && torchLayouts[kind]) || unchanged,
    trainingState: /\.num_batches_tracked$/,
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
    const isDepthwise = kind === 'depthwiseConv2d' && weight === 'kernel';
    return `${layer}/${isDepthwise ? 'depthwise_weights' : (slimWeights[weight] ?? weight)}`;
  },
  layoutOf: (kind, weight) =>
    kind === 'pointwiseConv2d' && weight === 'kernel' ? reshaped((ours) => [1, 1, ...ours]) : unchanged,
  trainingState: /(^|\/)(global_step|RMSProp(_1)?|Momentum|Adam(_1)?)$/,
};
