/**
 * The architecture in a Keras model file: the JSON of `model.to_json()`, as Keras 2 and 3 write it for Sequential and Functional
 * models, and for models inside models. Layers keep their names; a layer's own activation becomes a node of its own.
 */

import { listOf, positive } from '../../checks.js';
import { NetworkError } from '../../errors.js';
import { parseModelName } from '../../models/names.js';
import { assumedLabelOffset } from '../../network/conventions.js';
import { nodeNamed } from '../../network/graph.js';
import {
  type Conventions,
  inferShapes,
  type Network,
  NetworkBuilder,
  type NetworkNode,
  preprocessingPreset,
} from '../../network/index.js';
import { weightName } from '../../network/network.js';
import { atNode, inputShapesOf, layerOf } from '../../network/shapes.js';
import type { Pair } from '../../padding.js';
import type { Shape, Tensor } from '../../tensor.js';
import { attributesOf, type Charge, weightsOf } from '../steps.js';
import { KerasLayer, type KerasStep, SCALINGS, stepsOf } from './layers.js';
import { type FlatLayer, flatModel, statedShape, tensorsOf, titleOf } from './nested.js';
import { operationOf } from './operations.js';
import type { LayerPaths } from './weights.js';

/** A network, with the weights that the configuration states, and what its file calls the parts. */
export interface KerasImport {
  readonly network: Network;
  /** By the names of the model's layers, the nodes that hold their results. */
  readonly results: ReadonlyMap<string, string>;
  /** By the same names, the models that the layer is in, and its own name there. */
  readonly paths: LayerPaths;
  /** Nodes that multiply by constants and add them, as Rescaling does. */
  readonly scalings: ReadonlySet<string>;
  readonly layers: readonly FlatLayer[];
}

/**
 * The network that the configuration describes. `resolution` stands for a height and width that it leaves open, `keras` is the version of the Keras that
 * wrote it, where the file says it; `charge` counts the weights that the file does not hold.
 */
export function importKerasConfig(
  config: unknown,
  resolution: Pair | undefined,
  keras: string | undefined,
  charge: Charge,
): KerasImport {
  const { name, layers, outputs } = flatModel(config);
  const graph = new KerasGraph(resolution, keras === undefined ? undefined : Number.parseInt(keras, 10), charge);
  for (const layer of layers) graph.add(layer);
  return {
    network: graph.build(name, outputs),
    results: graph.results,
    paths: new Map(layers.map(({ name, path }) => [name, path])),
    scalings: graph.scalings,
    layers,
  };
}

class KerasGraph {
  readonly #net = new NetworkBuilder();
  readonly #resolution: Pair | undefined;
  readonly #keras: number | undefined;
  readonly #charge: Charge;
  readonly #shapes = new Map<string, Shape>();
  readonly #constants = new Map<string, Tensor>();
  /** Node that holds the result of each layer. */
  readonly results = new Map<string, string>();
  /** Nodes that scale pictures, if they read them. */
  readonly scalings = new Set<string>();

  constructor(resolution: Pair | undefined, keras: number | undefined, charge: Charge) {
    this.#resolution = resolution;
    this.#keras = keras;
    this.#charge = charge;
  }

  add({ className, name, path, config, call }: FlatLayer): void {
    const title = titleOf({ path, className });
    if (className === 'InputLayer') {
      const shape = inputShape(config, title, this.#resolution);
      this.results.set(name, this.#net.input(name, shape));
      this.#shapes.set(name, shape);
      return;
    }
    const operation = operationOf(className, title, config, call);
    const steps = operation?.steps ?? stepsOf(className, new KerasLayer(title, config, this.#keras));
    const inputs = operation?.inputs ?? tensorsOf(call, title);
    if (operation?.scales || SCALINGS.includes(className)) this.scalings.add(name);
    const read = inputs.map((layer) => this.results.get(layer.name)!);
    this.results.set(name, this.#addSteps(name, title, steps, read));
  }

  build(name: string, outputs: readonly FlatLayer[]): Network {
    const names = outputs.map((layer) => this.results.get(layer.name)!);
    const network = this.#net.build(name, names, { source: 'keras', output: 'features' });
    return { ...network, weights: this.#constants, conventions: conventionsOf(network, inferShapes(network)) };
  }

  #addSteps(name: string, title: string, steps: readonly KerasStep[], inputs: readonly string[]): string {
    const results: string[] = [];
    for (const [index, step] of steps.entries()) {
      const { suffix = '', kind, reads = [index - 1], lastAxis } = step;
      const read = reads.flatMap((from) => (from === -1 ? inputs : results[from]));
      const input = this.#shapes.get(read[0])!;
      const attributes = attributesOf(step, input);
      const node = { name: name + suffix, kind, inputs: read, attributes } as NetworkNode;
      results.push(this.#net.add(node.name, kind, read, attributes as never));
      const shape = atNode(node, () => layerOf(node).outputShape(inputShapesOf(node, this.#shapes), attributes));
      this.#shapes.set(node.name, shape);
      if (lastAxis !== undefined) expectLastAxis(lastAxis, shape.length, title);
      const weights = atTitle(title, () => weightsOf(step, input, shape[shape.length - 1], this.#charge));
      for (const [weight, value] of Object.entries(weights)) this.#constants.set(weightName(node.name, weight), value);
    }
    return results.at(-1) ?? inputs[0];
  }
}

function expectLastAxis(axis: number, rank: number, title: string): void {
  if (axis === -1 || axis === rank - 1) return;
  throw new NetworkError(`${title}: axis ${axis} is not supported; wanted the last of ${rank} axes, ${rank - 1}`);
}

/** Puts the layer in front of what its constants complain about. */
function atTitle<Result>(title: string, compute: () => Result): Result {
  try {
    return compute();
  } catch (error) {
    throw error instanceof NetworkError ? new NetworkError(`${title}: ${error.message}`) : error;
  }
}

/** [1, height, width, channels] of an input; the resolution stands for an open height and width. */
function inputShape(config: object, title: string, resolution: Pair | undefined): Shape {
  const [, ...sizes] = listOf<unknown>((size) => size, 1, 8)(statedShape(config), `${title}.batch_input_shape`);
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
  const last = nodeNamed(network, output)?.kind;
  const [, height, width, channels] = network.inputs[0].shape;
  const preprocessing = parseModelName(network.name)?.conventions === 'keras' && {
    preprocessing: preprocessingPreset('keras', [height, width], channels),
  };
  if (shape.length !== 2 || last === 'globalAveragePool' || last === 'flatten') {
    return { source: 'keras', output: 'features', ...preprocessing };
  }
  const probabilities = last === 'softmax' || last === 'sigmoid';
  return {
    source: 'keras',
    output: probabilities ? 'probabilities' : 'logits',
    labelOffset: 0,
    ...assumedLabelOffset(shape[1]),
    ...preprocessing,
  };
}
