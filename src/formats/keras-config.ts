/**
 * The architecture in a Keras model file: the JSON of `model.to_json()`, as Keras 2 and 3 write it for Sequential and Functional
 * models. Layers keep their names; a layer's own activation becomes a node of its own.
 */
import { NetworkError } from '../errors.js';
import { parseModelName } from '../models/index.js';
import { type Check, listOf, oneOf, positive, show, text } from '../network/checks.js';
import { type Conventions, inferShapes, type Network, NetworkBuilder, preprocessingPreset } from '../network/index.js';
import type { Pair } from '../padding.js';
import type { Shape } from '../tensor.js';
import { KerasLayer, type Step, stepsOf } from './keras-layers.js';

/** Most layers of a model that is read. */
const MOST_LAYERS = 10_000;

interface LayerEntry {
  readonly className: string;
  readonly name: string;
  readonly config: object;
  readonly inbound: unknown;
}

/** The network that the configuration describes, without weights; `resolution` stands for a height and width that it leaves open. */
export function networkFromKerasConfig(config: unknown, resolution?: Pair): Network {
  return importKerasConfig(config, resolution).network;
}

/** A network, and by the names of the model's layers the nodes that hold their results. */
export interface KerasImport {
  readonly network: Network;
  readonly results: ReadonlyMap<string, string>;
}

export function importKerasConfig(config: unknown, resolution?: Pair): KerasImport {
  const { class_name: className, config: model } = object(config, 'model_config');
  const kind = oneOf('Functional', 'Model', 'Sequential')(className as string, 'model_config.class_name');
  const sequential = kind === 'Sequential';
  // Keras 2.2 and older wrote a Sequential model as the list of its layers
  const bare = sequential && Array.isArray(model) ? { name: 'sequential', layers: model } : model;
  const { name, layers, output_layers: outputs } = object(bare, 'model_config.config');
  const graph = new KerasGraph(sequential, resolution);
  for (const entry of listOf(layerEntry, 1, MOST_LAYERS)(layers, 'model_config.config.layers')) graph.add(entry);
  return { network: graph.build(text(name, 'model_config.config.name'), outputs), results: graph.results };
}

class KerasGraph {
  readonly #net = new NetworkBuilder();
  readonly #sequential: boolean;
  readonly #resolution: Pair | undefined;
  readonly #axes: { readonly node: string; readonly title: string; readonly axis: number }[] = [];
  /** Node that holds the result of each layer. */
  readonly results = new Map<string, string>();
  /** The last layer's result; '' before the first. */
  #last = '';

  constructor(sequential: boolean, resolution: Pair | undefined) {
    this.#sequential = sequential;
    this.#resolution = resolution;
  }

  add(entry: LayerEntry): void {
    const { className, name, config } = entry;
    const layer = new KerasLayer(className, name, config);
    if (this.results.has(name)) throw new NetworkError(`${layer.title}: there are two layers of this name`);
    if (className === 'InputLayer') {
      this.#finish(name, this.#net.input(name, inputShape(config, layer.title, this.#resolution)));
      return;
    }
    const inputs = this.#inputs(entry, layer.title);
    this.#finish(name, this.#addSteps(name, layer.title, stepsOf(className, layer), inputs));
  }

  build(name: string, outputs: unknown): Network {
    const at = 'model_config.output_layers';
    const names = this.#sequential ? [this.#last] : outputNames(outputs, at).map((layer) => this.#result(layer, at));
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

  #finish(layer: string, result: string): void {
    this.results.set(layer, result);
    this.#last = result;
  }

  /** Nodes that the layer reads. A Sequential model's first layer may state the input that no InputLayer has. */
  #inputs({ name, config, inbound }: LayerEntry, title: string): string[] {
    if (!this.#sequential)
      return inboundLayers(inbound, `${title}.inbound_nodes`).map((layer) => this.#result(layer, title));
    if (this.#last !== '') return [this.#last];
    return [this.#net.input(`${name}_input`, inputShape(config, title, this.#resolution))];
  }

  #result(layer: string, at: string): string {
    const result = this.results.get(layer);
    if (result === undefined) throw new NetworkError(`${at}: it reads '${layer}', which is not a layer before it`);
    return result;
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

/** The JSON object's fields. */
function object(value: unknown, at: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new NetworkError(`${at}: wanted an object, found ${show(value)}`);
  }
  return value as Record<string, unknown>;
}

const layerEntry: Check<LayerEntry> = (value, at) => {
  const { class_name: className, name, config, inbound_nodes: inbound } = object(value, at);
  const fields = object(config, `${at}.config`);
  return {
    className: text(className, `${at}.class_name`),
    name: text(name ?? fields.name, `${at}.name`),
    config: fields,
    inbound,
  };
};

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

/** Names of the layers whose results a layer reads: [[[name, 0, 0, {}], …]] in Keras 2, [{args: [tensor or tensors]}] in Keras 3. */
function inboundLayers(inbound: unknown, at: string): string[] {
  const calls = listOf<unknown>((call) => call, 0, MOST_LAYERS)(inbound, at);
  if (calls.length !== 1) {
    throw new NetworkError(`${at}: a layer must be used exactly once; this one is used ${calls.length} times`);
  }
  if (Array.isArray(calls[0])) return calls[0].map((history, index) => layerOf(history, `${at}[0][${index}]`));
  const { args } = object(calls[0], `${at}[0]`);
  return listOf<unknown>(
    (arg) => arg,
    1,
    MOST_LAYERS,
  )(args, `${at}[0].args`)
    .flat()
    .map((tensor, index) => {
      const where = `${at}[0].args[${index}]`;
      return layerOf(
        object(object(tensor, where).config, `${where}.config`).keras_history,
        `${where}.config.keras_history`,
      );
    });
}

/** The layer of [name, 0, 0, …]: its only call, its only result. */
function layerOf(history: unknown, at: string): string {
  const [name, call, result] = listOf<unknown>((item) => item, 3, 4)(history, at);
  oneOf(0)(call, at);
  oneOf(0)(result, at);
  return text(name, at);
}

/** [[name, 0, 0], …], or [name, 0, 0] where there is one. */
function outputNames(outputs: unknown, at: string): string[] {
  const list = listOf<unknown>((output) => output, 1, MOST_LAYERS)(outputs, at);
  return typeof list[0] === 'string' ? [layerOf(list, at)] : list.map((history) => layerOf(history, at));
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
