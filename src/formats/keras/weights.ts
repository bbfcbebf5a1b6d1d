/**
 * Weights in a Keras HDF5 file. The attribute `layer_names` lists the groups, each group's `weight_names` its datasets, e.g. group
 * conv1 with conv1/kernel:0. Kernels have the project's own layouts, HWIO and HWC(M), but for the 1 × 1 convolutions.
 */
import { FormatError } from '../../errors.js';
import { ownerOf } from '../../network/graph.js';
import type { Network } from '../../network/index.js';
import { wantedWeights } from '../../network/shapes.js';
import { type Shape, sameShape, type Tensor, tensor } from '../../tensor.js';
import type { Hdf5Group } from '../hdf5/hdf5.js';

export interface KerasLayerWeights {
  readonly layer: string;
  /** By Keras' name without layer and number: kernel, depthwise_kernel, moving_mean. */
  readonly weights: ReadonlyMap<string, Tensor>;
}

/** Keras' names of weights where they are not ours. */
const ours: Readonly<Record<string, string>> = {
  depthwise_kernel: 'kernel',
  pointwise_kernel: 'kernel',
  moving_mean: 'movingMean',
  moving_variance: 'movingVariance',
  // of Normalization
  mean: 'movingMean',
  variance: 'movingVariance',
};

/** How often Normalization was adapted, and the seeds of random layers: no part of a network. */
const COUNTERS = /^(count|seed_generator_state)(:\d+)?$/;

/** By the name that a layer has in the network: the models that it is in, and its own name there. */
export type LayerPaths = ReadonlyMap<string, readonly string[]>;

/**
 * The layers of the file that have weights, in the file's order. A group is a layer or, where it is none of `paths`, an inner model: its
 * weights then are named after the layers inside.
 */
export function readKerasWeights(group: Hdf5Group, file: string, paths: LayerPaths): KerasLayerWeights[] {
  const layers = new Map<string, Map<string, Tensor>>();
  const finder = new LayerFinder(paths, file);
  for (const outer of textsInParts(group, 'layer_names', file)) {
    const found = group.group(outer);
    for (const path of textsInParts(found, 'weight_names', file)) {
      const scopes = path.split('/');
      const name = scopes.pop()!;
      if (COUNTERS.test(name)) continue;
      const layer = paths.has(outer) ? outer : (finder.find([outer, ...scopes]) ?? outer);
      addWeight(layers, layer, name, found.tensor(path), file);
    }
  }
  return [...layers].map(([layer, weights]) => ({ layer, weights }));
}

/** 'conv1/kernel' is the kernel of conv1, whatever scopes stand before, but where several models have a conv1. */
export function byLayer(
  weights: ReadonlyMap<string, Tensor>,
  file: string,
  paths: LayerPaths = new Map(),
): KerasLayerWeights[] {
  const layers = new Map<string, Map<string, Tensor>>();
  const finder = new LayerFinder(paths, file);
  for (const [path, weight] of weights) {
    const scopes = path.split('/');
    const name = scopes.pop()!;
    if (scopes.length === 0)
      throw new FormatError(`${file}: weight '${path}' belongs to no layer; wanted a name such as conv1/kernel`);
    if (COUNTERS.test(name)) continue;
    addWeight(layers, finder.find(scopes) ?? scopes.at(-1)!, name, weight, file);
  }
  return [...layers].map(([layer, own]) => ({ layer, weights: own }));
}

function addWeight(
  layers: Map<string, Map<string, Tensor>>,
  layer: string,
  name: string,
  weight: Tensor,
  file: string,
): void {
  const own = layers.get(layer) ?? new Map<string, Tensor>();
  const bare = name.replace(/:\d+$/, '');
  if (own.has(bare)) throw new FormatError(`${file}: layer '${layer}' has two weights '${bare}'`);
  layers.set(layer, own.set(bare, weight));
}

/** Finds layers by the scopes of their weights: 'base', 'conv1'. */
class LayerFinder {
  /** By their own names, which layers of several models may share. */
  readonly #named = new Map<string, [layer: string, path: readonly string[]][]>();
  readonly #file: string;

  constructor(paths: LayerPaths, file: string) {
    this.#file = file;
    for (const [layer, path] of paths) {
      const name = path.at(-1)!;
      this.#named.set(name, [...(this.#named.get(name) ?? []), [layer, path]]);
    }
  }

  /** The layer that has the name of the last scope; of several, the one that is in the models which the scopes name. */
  find(scopes: readonly string[]): string | undefined {
    const named = this.#named.get(scopes.at(-1)!) ?? [];
    if (named.length < 2) return named[0]?.[0];
    const fits = named.map(([, path]) => path.reduce((sum, model) => sum + (scopes.includes(model) ? 1 : -1), 0));
    const best = named.filter((_, index) => fits[index] === Math.max(...fits));
    if (best.length === 1) return best[0][0];
    const choices = best.map(([layer]) => `'${layer}'`).join(' or ');
    throw new FormatError(`${this.#file}: the weights of '${scopes.join('/')}' may be those of ${choices}`);
  }
}

/** A list of texts, which Keras cuts into name0, name1, … where it is longer than the 64 kB that an attribute may have. */
function textsInParts(group: Hdf5Group, name: string, file: string): string[] {
  const whole = group.texts(name);
  if (whole !== undefined) return whole;
  const parts: string[] = [];
  for (let part = 0; ; part++) {
    const texts = group.texts(`${name}${part}`);
    if (texts === undefined) break;
    parts.push(...texts);
  }
  if (parts.length > 0) return parts;
  throw new FormatError(`${file}: not a Keras file: '${group.path || '/'}' has no attribute '${name}'`);
}

/**
 * The file's weights under the network's names. Layers of other names (`Logits` for `predictions`) are taken in the file's order for
 * the nodes that are left, as Keras' own load_weights takes all of them, if there are as many.
 */
export function nameWeights(network: Network, layers: readonly KerasLayerWeights[], file: string): Map<string, Tensor> {
  const wanted = wantedWeights(network);
  for (const constant of network.weights.keys()) wanted.delete(constant);
  const rename = renamed(new Set([...wanted.keys()].map(ownerOf)), layers);
  const named = new Map(network.weights);
  for (const { layer, weights } of layers) {
    for (const [weight, x] of weights) {
      const slopes = `${layer}_slope/gamma`;
      if (weight === 'alpha' && wanted.has(slopes)) {
        named.set(slopes, negatedSlopes(weights.get(weight)!, layer, wanted.get(slopes)!, file));
        continue;
      }
      const name = `${nodeFor(rename.get(layer) ?? layer, weight, wanted)}/${ours[weight] ?? weight}`;
      if (named.has(name)) throw new FormatError(`${file}: two weights of the file belong to ${name}`);
      named.set(name, withoutUnitAxes(x, wanted.get(name)));
    }
  }
  return named;
}

/** PReLU's slopes, [C] or [1, 1, C], as the factors of what lies below 0. */
function negatedSlopes({ shape, data }: Tensor, layer: string, wanted: Shape, file: string): Tensor {
  if (data.length !== wanted[0]) {
    throw new FormatError(
      `${file}: layer '${layer}' (PReLU): its slopes are [${shape}]; wanted one for each of ${wanted[0]} channels (shared_axes [1, 2])`,
    );
  }
  return tensor(
    wanted,
    data.map((slope) => -slope),
  );
}

/** A separable convolution is two nodes, of which the first has the depthwise kernel. */
function nodeFor(layer: string, weight: string, wanted: ReadonlyMap<string, Shape>): string {
  const first = `${layer}_depthwise`;
  return weight === 'depthwise_kernel' && wanted.has(`${first}/kernel`) ? first : layer;
}

function renamed(nodes: ReadonlySet<string>, layers: readonly KerasLayerWeights[]): Map<string, string> {
  const names = new Set(layers.map(({ layer }) => layer));
  const strangers = [...names].filter((layer) => !nodes.has(layer));
  const left = [...nodes].filter((node) => !names.has(node));
  return strangers.length === left.length ? new Map(strangers.map((layer, index) => [layer, left[index]])) : new Map();
}

/** The [1, 1, C, O] of a 1 × 1 convolution as the [C, O] of a pointwise or dense layer; other shapes are left as they are. */
function withoutUnitAxes(x: Tensor, wanted: Shape | undefined): Tensor {
  const [height, width, ...rest] = x.shape;
  const fits = wanted !== undefined && height === 1 && width === 1 && sameShape(rest, wanted);
  return fits ? tensor(rest, x.data) : x;
}
