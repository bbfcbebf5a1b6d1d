/** Keras 3's .keras files: a zip archive of config.json, the architecture, and model.weights.h5, whose groups are named after the layers' classes. */
import { FormatError } from '../errors.js';
import { type Network, withWeights } from '../network/index.js';
import type { Tensor } from '../tensor.js';
import { expectNoArchitecture, type ReadOptions } from './architecture.js';
import { type Hdf5Group, openHdf5 } from './hdf5.js';
import { inFile } from './in-file.js';
import { parseJson } from './json.js';
import { importKerasConfig } from './keras-config.js';
import type { FlatLayer } from './keras-nested.js';
import { withOwnScaling } from './keras-scaling.js';
import { type KerasLayerWeights, nameWeights } from './keras-weights.js';

const CONFIG = 'config.json';
const WEIGHTS = 'model.weights.h5';

export async function readKerasZip(
  archive: ReadonlyMap<string, Uint8Array>,
  file: string,
  options: ReadOptions,
): Promise<Network> {
  expectNoArchitecture(options, file);
  return inFile(file, () => {
    const config = parseJson(new TextDecoder().decode(archive.get(CONFIG)), `${file}: ${CONFIG}`);
    const { network, layers, scalings } = importKerasConfig(config, options.resolution);
    const root = openHdf5(archive.get(WEIGHTS)!, `${file}: ${WEIGHTS}`);
    const weights = layers.flatMap((layer) => weightsOf(layer, root, file) ?? []);
    return withOwnScaling(withWeights(network, nameWeights(network, weights, file)), scalings);
  });
}

/** Names of a layer's weights in the order in which Keras numbers them. */
const ORDERS: Readonly<Record<string, readonly string[]>> = {
  Conv2D: ['kernel', 'bias'],
  Dense: ['kernel', 'bias'],
  DepthwiseConv2D: ['depthwise_kernel', 'bias'],
  SeparableConv2D: ['depthwise_kernel', 'pointwise_kernel', 'bias'],
  PReLU: ['alpha'],
  Normalization: ['mean', 'variance'],
};

function orderOf({ className, config }: FlatLayer): readonly string[] {
  if (!className.includes('BatchNormalization')) return ORDERS[className] ?? [];
  const { scale, center } = config as { readonly scale?: unknown; readonly center?: unknown };
  return [
    ...(scale === false ? [] : ['gamma']),
    ...(center === false ? [] : ['beta']),
    'moving_mean',
    'moving_variance',
  ];
}

function weightsOf(layer: FlatLayer, root: Hdf5Group, file: string): KerasLayerWeights | undefined {
  const weights = new Map<string, Tensor>();
  const vars = groupAt(root, [...layer.group.split('/'), 'vars']);
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

const groupAt = (root: Hdf5Group, path: readonly string[]): Hdf5Group | undefined =>
  path.reduce<Hdf5Group | undefined>((group, name) => (group?.has(name) ? group.group(name) : undefined), root);
