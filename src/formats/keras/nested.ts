/**
 * A Keras model as a list of layers, each with the layers that it reads, whether the model is Sequential or Functional, and whatever models
 * it has inside: ordinary transfer learning, `x = base(inputs)`, and Teachable Machine, whose models are Sequentials in a Sequential. An
 * inner model's layers take its place, and read what it read.
 */

import { listOf, oneOf, show, text } from '../../checks.js';
import { NetworkError } from '../../errors.js';
import { History, histories, type KerasCall, MOST_LAYERS, object, onlyCall } from './calls.js';

/** Models inside models inside models: deeper than this is no file. */
const DEEPEST = 8;

const SEQUENTIAL = 'Sequential';
const MODELS = ['Functional', 'Model', SEQUENTIAL];

export interface FlatLayer {
  /** Its own name or, where other models have layers of this name, the path joined by '/'. */
  readonly name: string;
  /** The names of the models that it is in, and its own. */
  readonly path: readonly string[];
  /** The same, as the weights of a .keras file have them: layers/functional/layers/conv2d_1. */
  readonly group: string;
  readonly className: string;
  readonly config: object;
  /** What it is called with; a tensor is a FlatLayer. Empty for an input. */
  readonly call: KerasCall;
}

export interface FlatModel {
  readonly name: string;
  readonly layers: readonly FlatLayer[];
  readonly outputs: readonly FlatLayer[];
}

/** A layer before it is known whether its own name will do. */
type Layer = { -readonly [Field in keyof FlatLayer]: FlatLayer[Field] };

interface Entry {
  readonly className: string;
  readonly name: string;
  /** A Sequential of Keras 2.2 and older has the list of its layers here. */
  readonly config: unknown;
  readonly inbound: unknown;
  /** Its group in the weights of a .keras file, below its model's: by its class, numbered in the model. */
  group?: string;
}

/** `layer 'base > conv1' (Conv2D)`. */
export const titleOf = ({ path, className }: Pick<FlatLayer, 'path' | 'className'>): string =>
  `layer '${path.join(' > ')}' (${className})`;

export function flatModel(config: unknown): FlatModel {
  const { class_name: className, config: model } = object(config, 'model_config');
  const kind = oneOf(...MODELS)(className as string, 'model_config.class_name');
  const layers: Layer[] = [];
  const fields = modelFields(model, 'model_config.config');
  const name = Array.isArray(model) ? 'sequential' : text(fields.name, 'model_config.config.name');
  const outputs = new Flattening(layers).model(kind, fields, undefined, [], 'model_config.config');
  nameUniquely(layers);
  return { name, layers, outputs };
}

const modelFields = (model: unknown, at: string) => (Array.isArray(model) ? { layers: model } : object(model, at));

/** A layer whose name others have too is called by its path: the weights of both are to be told apart. */
function nameUniquely(layers: readonly Layer[]): void {
  const uses = new Map<string, number>();
  for (const { name } of layers) uses.set(name, (uses.get(name) ?? 0) + 1);
  for (const layer of layers) if (uses.get(layer.name)! > 1) layer.name = layer.path.join('/');
}

class Flattening {
  readonly #layers: Layer[];
  /** Groups of the inner models, by their paths. */
  readonly #groups = new Map<string, string>();

  constructor(layers: Layer[]) {
    this.#layers = layers;
  }

  /** Adds the model's layers; returns its outputs. `inputs` are what an inner model reads, undefined for the outermost one. */
  model(
    className: string,
    fields: Readonly<Record<string, unknown>>,
    inputs: readonly FlatLayer[] | undefined,
    path: readonly string[],
    at: string,
  ): readonly FlatLayer[] {
    if (path.length > DEEPEST) throw new NetworkError(`${at}: models nested deeper than ${DEEPEST}`);
    const entries = listOf(entryOf, 1, MOST_LAYERS)(fields.layers, `${at}.layers`);
    const names = new Set<string>();
    for (const { name, className } of entries) {
      if (names.has(name)) fail(`${titleOf({ path: [...path, name], className })}: there are two layers of this name`);
      names.add(name);
    }
    numberGroups(entries, groupOf(path, this.#groups));
    return className === SEQUENTIAL
      ? this.#sequential(entries, inputs, path)
      : this.#functional(fields, entries, inputs, path, at);
  }

  #sequential(entries: readonly Entry[], inputs: readonly FlatLayer[] | undefined, path: readonly string[]) {
    let last = inputs;
    for (const entry of entries) {
      if (entry.className === 'InputLayer') last ??= [this.#add(entry, path)];
      else if (MODELS.includes(entry.className)) last = this.#inner(entry, last, path);
      else {
        last ??= [this.#statedInput(entry, path)];
        last = [this.#add(entry, path, { args: last, kwargs: {} })];
      }
    }
    return last!;
  }

  #functional(
    fields: Readonly<Record<string, unknown>>,
    entries: readonly Entry[],
    inputs: readonly FlatLayer[] | undefined,
    path: readonly string[],
    at: string,
  ) {
    const results = new Map<string, { readonly layers: readonly FlatLayer[]; readonly calls: number }>();
    const find = ({ layer, call, result, at: where }: History, reader: string): FlatLayer => {
      const found = results.get(layer);
      if (found === undefined) return fail(`${reader}: it reads '${layer}', which is not a layer before it`);
      oneOf(...Array.from({ length: found.calls }, (_, index) => index))(call, where);
      return found.layers[oneOf(...found.layers.keys())(result, where)];
    };
    const inputNames = inputs && histories(fields.input_layers, `${at}.input_layers`).map(({ layer }) => layer);
    for (const entry of entries) {
      const { className, name } = entry;
      const title = titleOf({ path: [...path, name], className });
      if (className === 'InputLayer') {
        const given = inputs?.[inputNames!.indexOf(name)];
        if (inputs && !given) fail(`${title}: its model is called with ${inputs.length} tensors, none for this input`);
        results.set(name, { layers: [given ?? this.#add(entry, path)], calls: 1 });
        continue;
      }
      const isModel = MODELS.includes(className);
      const call = onlyCall(entry.inbound, `${title}.inbound_nodes`, isModel ? 'model' : 'layer');
      const resolved = resolve(call, (history) => find(history, title));
      if (isModel) {
        // a Functional model counts the call that it was made by: its first use in another model is call 1
        results.set(name, { layers: this.#inner(entry, tensorsOf(resolved, title), path), calls: 2 });
      } else results.set(name, { layers: [this.#add(entry, path, resolved)], calls: 1 });
    }
    const outputs = `${at === 'model_config.config' ? 'model_config' : at}.output_layers`;
    return histories(fields.output_layers, outputs).map((history) => find(history, outputs));
  }

  #inner({ className, name, config, group }: Entry, inputs: readonly FlatLayer[] | undefined, path: readonly string[]) {
    const inside = [...path, name];
    this.#groups.set(inside.join('\n'), group!);
    const at = `${titleOf({ path: inside, className })}.config`;
    return this.model(className, modelFields(config, at), inputs, inside, at);
  }

  #add({ className, name, config, group = '' }: Entry, path: readonly string[], call: KerasCall = NO_CALL): FlatLayer {
    const inside = [...path, name];
    const fields = object(config, `${titleOf({ path: inside, className })}.config`);
    const layer = { name, path: inside, group, className, config: fields, call };
    this.#layers.push(layer);
    return layer;
  }

  /** A Sequential model's first layer may state the input that no InputLayer has. */
  #statedInput({ className, name, config }: Entry, path: readonly string[]): FlatLayer {
    const stated = statedShape(object(config, `layer '${name}' (${className}).config`));
    if (stated === undefined) {
      fail(
        `${titleOf({ path: [...path, name], className })}.batch_input_shape: wanted a list of 1 to 8, found undefined`,
      );
    }
    const shape = { batch_input_shape: stated };
    return this.#add({ className: 'InputLayer', name: `${name}_input`, config: shape, inbound: [] }, path);
  }
}

/** The input's shape as Keras 2, Keras 3 and people who mended a model.json for TensorFlow.js write it. */
export function statedShape(config: object): unknown {
  const { batch_input_shape, batch_shape, batchInputShape } = config as Readonly<Record<string, unknown>>;
  return batch_input_shape ?? batch_shape ?? batchInputShape;
}

const groupOf = (path: readonly string[], groups: ReadonlyMap<string, string>): string =>
  groups.get(path.join('\n')) ?? '';

/** keras/src/saving/saving_lib.py: layers are addressed by their classes in snake case, conv2d, conv2d_1, …, since names may be anything. */
export function numberGroups(entries: readonly { readonly className: string; group?: string }[], model: string): void {
  const uses = new Map<string, number>();
  for (const entry of entries) {
    const name = entry.className
      .replace(/(.)([A-Z][a-z]+)/g, '$1_$2')
      .replace(/([a-z])([A-Z])/g, '$1_$2')
      .toLowerCase();
    const before = uses.get(name) ?? 0;
    uses.set(name, before + 1);
    entry.group = `${model === '' ? '' : `${model}/`}layers/${name}${before === 0 ? '' : `_${before}`}`;
  }
}

const NO_CALL: KerasCall = { args: [], kwargs: {} };

function resolve({ args, kwargs }: KerasCall, find: (history: History) => FlatLayer): KerasCall {
  const found = (value: unknown) => (value instanceof History ? find(value) : value);
  return {
    args: args.map(found),
    kwargs: Object.fromEntries(Object.entries(kwargs).map(([name, value]) => [name, found(value)])),
  };
}

export const isTensor = (value: unknown): value is FlatLayer =>
  typeof value === 'object' && value !== null && 'path' in value && 'call' in value;

/** What a layer or model that takes tensors alone is called with. Switches such as training=False change nothing here. */
export function tensorsOf({ args, kwargs: { inputs, ...others } }: KerasCall, title: string): readonly FlatLayer[] {
  const given = args.length === 0 && isTensor(inputs) ? [inputs] : args;
  for (const [name, value] of Object.entries(others)) {
    if (isTensor(value)) fail(`${title}: the tensor '${value.name}' as its argument '${name}' is not supported`);
  }
  return given.map((value) =>
    isTensor(value) ? value : fail(`${title}: it is called with ${show(value)}, wanted results of layers`),
  );
}

function entryOf(value: unknown, at: string): Entry {
  const { class_name: className, name, config, inbound_nodes: inbound } = object(value, at);
  const inner = Array.isArray(config) ? {} : object(config, `${at}.config`);
  return {
    className: text(className, `${at}.class_name`),
    name: text(name ?? inner.name, `${at}.name`),
    config,
    inbound,
  };
}

function fail(message: string): never {
  throw new NetworkError(message);
}
