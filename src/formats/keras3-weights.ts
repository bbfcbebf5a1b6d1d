/**
 * Weights as Keras 3 saves them, model.save_weights('x.weights.h5') and the model.weights.h5 within a .keras file: no names, but a group
 * for each layer after its class, layers/conv2d, layers/conv2d_1, …, in which the variables are numbered (keras/src/saving/saving_lib.py).
 */
import { FormatError } from '../errors.js';
import type { LayerKind, Network } from '../network/index.js';
import type { Tensor } from '../tensor.js';
import type { Hdf5Group } from './hdf5/hdf5.js';
import { type FlatLayer, numberGroups } from './keras/nested.js';
import type { KerasLayerWeights } from './keras/weights.js';

export type NumberedLayer = Pick<FlatLayer, 'name' | 'className' | 'group' | 'config'>;

/** Keras on Windows joins the names of its groups so: the one group 'layers\\conv2d' is there in place of 'conv2d' in 'layers'. */
const WINDOWS = '\\';

/** Whether a file of weights is Keras 3's. */
export const isKeras3 = (root: Hdf5Group): boolean =>
  root.texts('layer_names') === undefined &&
  ((root.has('layers') && root.isGroup('layers')) || root.names.some((name) => name.startsWith(`layers${WINDOWS}`)));

/** Paths of the groups of layers, by '/', those in models inside the model too where the names are Windows'. */
function layerPaths(root: Hdf5Group): string[] {
  if (!root.has('layers')) {
    return root.names
      .filter((name) => name.startsWith(`layers${WINDOWS}`))
      .map((name) => name.replaceAll(WINDOWS, '/'));
  }
  const groups = root.group('layers');
  return groups.names.filter((name) => groups.isGroup(name)).map((name) => `layers/${name}`);
}

/** The weights of these layers, as far as the file has them. */
export const keras3Weights = (layers: readonly NumberedLayer[], root: Hdf5Group, file: string): KerasLayerWeights[] =>
  layers.flatMap((layer) => weightsOf(layer, root, file) ?? []);

/** The class of layer that each kind with weights is in Keras. */
const CLASSES: { readonly [Kind in LayerKind]?: string } = {
  conv2d: 'Conv2D',
  pointwiseConv2d: 'Conv2D',
  depthwiseConv2d: 'DepthwiseConv2D',
  dense: 'Dense',
  batchNorm: 'BatchNormalization',
};

/**
 * The layers that a network's nodes are in Keras, numbered in their order: for a file of weights alone. Throws a FormatError for a file that
 * has models inside the model, whose layers' order it does not say.
 */
export function numberedLayers({ nodes }: Network, root: Hdf5Group, file: string): NumberedLayer[] {
  const paths = layerPaths(root);
  const inner = paths.find((path) => /^layers\/.*\/layers\//.test(path) || groupAt(root, path)?.has('layers'));
  if (inner !== undefined) {
    throw new FormatError(
      `${file}: '${inner.split('/', 2).join('/')}' is a model inside the model; save the whole model instead: model.save('x.keras')`,
    );
  }
  const layers = nodes.flatMap(({ name, kind, attributes }) => {
    const className = CLASSES[kind];
    return className === undefined ? [] : [{ name, className, config: attributes ?? {}, group: '' }];
  });
  numberGroups(layers, '');
  const known = new Set(layers.map(({ group }) => group));
  const surplus = paths.find((path) => !known.has(path) && hasVariables(groupAt(root, path)!));
  if (surplus !== undefined) {
    throw new FormatError(`${file}: has weights of '${surplus}', and the network no such layer`);
  }
  return layers;
}

const hasVariables = (group: Hdf5Group): boolean => group.has('vars') && group.group('vars').names.length > 0;

/** Names of a layer's weights in the order in which Keras numbers them. */
const ORDERS: Readonly<Record<string, readonly string[]>> = {
  Conv2D: ['kernel', 'bias'],
  Dense: ['kernel', 'bias'],
  DepthwiseConv2D: ['depthwise_kernel', 'bias'],
  SeparableConv2D: ['depthwise_kernel', 'pointwise_kernel', 'bias'],
  PReLU: ['alpha'],
  Normalization: ['mean', 'variance'],
};

function orderOf({ className, config }: NumberedLayer): readonly string[] {
  if (!className.includes('BatchNormalization')) return ORDERS[className] ?? [];
  const { scale, center } = config as { readonly scale?: unknown; readonly center?: unknown };
  return [
    ...(scale === false ? [] : ['gamma']),
    ...(center === false ? [] : ['beta']),
    'moving_mean',
    'moving_variance',
  ];
}

function weightsOf(layer: NumberedLayer, root: Hdf5Group, file: string): KerasLayerWeights | undefined {
  const weights = new Map<string, Tensor>();
  const vars = groupAt(root, `${layer.group}/vars`);
  if (vars === undefined) return undefined;
  for (const [index, name] of orderOf(layer).entries()) {
    if (vars.has(`${index}`)) weights.set(name, vars.tensor(`${index}`));
  }
  const surplus = vars.names.find((name) => Number(name) >= orderOf(layer).length);
  if (surplus !== undefined && layer.className !== 'Normalization' && weights.size > 0) {
    throw new FormatError(
      `${file}: layer '${layer.name}' (${layer.className}): wanted ${orderOf(layer).length} weights at most, found number ${surplus}`,
    );
  }
  return { layer: layer.name, weights };
}

/** The group at a path by '/', whose last name is a group of its own where the names are Windows'. */
function groupAt(root: Hdf5Group, path: string): Hdf5Group | undefined {
  const [windows, inner = ''] = path.split(/\/(?=vars$)/);
  const name = windows.replaceAll('/', WINDOWS);
  const names = root.has(name) ? [name, ...(inner ? [inner] : [])] : path.split('/');
  return names.reduce<Hdf5Group | undefined>((group, each) => (group?.has(each) ? group.group(each) : undefined), root);
}
