/**
 * The architecture in a Keras model file: the JSON of `model.to_json()`, as Keras 2 and 3 write it for Sequential and Functional
 * models, and for models inside models. Layers keep their names; a layer's own activation becomes a node of its own.
 */
import { NetworkError } from '../errors.js';
import { parseModelName } from '../models/index.js';
import { listOf, positive } from '../network/checks.js';
import { type Conventions, inferShapes, type Network, NetworkBuilder, preprocessingPreset } from '../network/index.js';
import type { Pair } from '../padding.js';
import type { Shape } from '../tensor.js';
import { KerasLayer, type Step, stepsOf } from './keras-layers.js';
import { type FlatLayer, flatModel, tensorsOf, titleOf } from './keras-nested.js';
import type { LayerPaths } from './keras-weights.js';

/** The network that the configuration describes, without weights; `resolution` stands for a height and width that it leaves open. */
export function networkFromKerasConfig(config: unknown, resolution?: Pair): Network {
  return importKerasConfig(config, resolution).network;
}

/** A network, and what its file calls the parts. */
export interface KerasImport {
  readonly network: Network;
  /** By the names of the model's layers, the nodes that hold their results. */
  readonly results: ReadonlyMap<string, string>;
  /** By the same names, the models that the layer is in, and its own name there. */
  readonly paths: LayerPaths;
}

export function importKerasConfig(config: unknown, resolution?: Pair): KerasImport {
  const { name, layers, outputs } = flatModel(config);
  const graph = new KerasGraph(resolution);
  for (const layer of layers) graph.add(layer);
  return {
    network: graph.build(name, outputs),
    results: graph.results,
    paths: new Map(layers.map(({ name, path }) => [name, path])),
  };
}

class KerasGraph {
  readonly #net = new NetworkBuilder();
  readonly #resolution: Pair | undefined;
  readonly #axes: { readonly node: string; readonly title: string; readonly axis: number }[] = [];
  /** Node that holds the result of each layer. */
  readonly results = new Map<string, string>();

  constructor(resolution: Pair | undefined) {
    this.#resolution = resolution;
  }

  add({ className, name, path, config, call }: FlatLayer): void {
    const title = titleOf({ path, className });
    if (className === 'InputLayer') {
      this.results.set(name, this.#net.input(name, inputShape(config, title, this.#resolution)));
      return;
    }
    const inputs = tensorsOf(call, title).map((layer) => this.results.get(layer.name)!);
    this.results.set(name, this.#addSteps(name, title, stepsOf(className, new KerasLayer(title, config)), inputs));
  }

  build(name: string, outputs: readonly FlatLayer[]): Network {
    const names = outputs.map((layer) => this.results.get(layer.name)!);
    const network = this.#net.build(name, names, { source: 'keras', output: 'features' });
    const shapes = inferShapes(network);
    for (const { node, title, axis } of this.#axes) {
      const rank = shapes.get(node)!.length;
      if (axis !== -1 && axis !== rank - 1) {
        throw new NetworkError(`${title}: axis ${axis} is not supported; wanted the last of ${rank} axes, ${rank - 1}`);
      }
    }
    return { ...network, conventions: conventionsOf(network, shapes) };
  }

  #addSteps(name: string, title: string, steps: readonly Step[], inputs: readonly string[]): string {
    let result = inputs;
    for (const { suffix, kind, attributes, lastAxis } of steps) {
      result = [this.#net.add(name + suffix, kind, result, attributes as never)];
      if (lastAxis !== undefined) this.#axes.push({ node: result[0], title, axis: lastAxis });
    }
    return result[0];
  }
}

/** [1, height, width, channels] of an input; the resolution stands for an open height and width. */
function inputShape(config: object, title: string, resolution: Pair | undefined): Shape {
  const { batch_input_shape: keras2, batch_shape: keras3 } = config as Record<string, unknown>;
  const [, ...sizes] = listOf<unknown>((size) => size, 1, 8)(keras2 ?? keras3, `${title}.batch_input_shape`);
  const filled = sizes.length === 3 ? sizes.map((size, axis) => size ?? resolution?.[axis]) : sizes;
  if (filled.some((size) => size === null || size === undefined)) {
    const found = ['batch', ...sizes.map((size) => size ?? 'any')];
    throw new NetworkError(`${title}: its input [${found}] leaves sizes open; say the resolution`);
  }
  return [1, ...filled.map((size) => positive(size, `${title}.batch_input_shape`))];
}

/**
 * What the file implies: a classifier ends with softmax or sigmoid (probabilities) or with a vector (logits). How pictures become
 * inputs no Keras file says; it is known for the models that keep the names which Keras itself gave them, `mobilenet_0.25_224`.
 */
function conventionsOf(network: Network, shapes: ReadonlyMap<string, Shape>): Conventions {
  const [output] = network.outputs;
  const shape = shapes.get(output)!;
  const last = network.nodes.find((node) => node.name === output)?.kind;
  const [, height, width] = network.inputs[0].shape;
  const preprocessing = parseModelName(network.name)?.conventions === 'keras' && {
    preprocessing: preprocessingPreset('keras', [height, width]),
  };
  if (shape.length !== 2 || last === 'globalAveragePool' || last === 'flatten') {
    return { source: 'keras', output: 'features', ...preprocessing };
  }
  const probabilities = last === 'softmax' || last === 'sigmoid';
  const labelOffset = shape[1] === 1001 ? 1 : 0;
  return { source: 'keras', output: probabilities ? 'probabilities' : 'logits', labelOffset, ...preprocessing };
}
