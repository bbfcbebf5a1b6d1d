/**
 * Keras models inside Keras models, as Teachable Machine exports them (a Sequential of a MobileNet and of a classifier), as one model: the
 * inner model's layers take its place, and read what it read. Their names stay, since the weights are stored under them.
 */
import { NetworkError } from '../../errors.js';
import { listOf, show, text } from '../../network/checks.js';
import { fields } from './weights.js';

const MODELS = /^(Functional|Model|Sequential)$/;

/** Models inside models inside models: deeper than this is no export. */
const DEEPEST = 8;
const MOST_LAYERS = 10_000;

type Fields = Readonly<Record<string, unknown>>;

interface Part {
  readonly layers: Fields[];
  /** Names of the layers whose results the model yields. */
  readonly outputs: string[];
}

/** The configuration without inner models; the same one where there are none. */
export function withoutInnerModels(config: unknown): unknown {
  const { class_name: className, config: model } = fields(config, 'model_config');
  const { layers } = Array.isArray(model) ? { layers: model } : fields(model, 'model_config.config');
  const has = (layer: unknown) => MODELS.test(`${(layer as { class_name?: unknown } | null)?.class_name}`);
  if (!Array.isArray(layers) || !layers.some(has)) return config;
  const { name } = Array.isArray(model) ? { name: 'sequential' } : fields(model, 'model_config.config');
  const flat = flatten(className, model, undefined, 'model_config', 0);
  return {
    class_name: 'Functional',
    config: { name, layers: flat.layers, output_layers: flat.outputs.map((layer) => [layer, 0, 0]) },
  };
}

/** `inputs` are the layers that an inner model reads; undefined for the outermost, which has inputs of its own. */
function flatten(className: unknown, model: unknown, inputs: string[] | undefined, at: string, depth: number): Part {
  if (depth > DEEPEST) throw new NetworkError(`${at}: models nested deeper than ${DEEPEST}`);
  const config = Array.isArray(model) ? { layers: model } : fields(model, `${at}.config`);
  const entries = listOf((entry, where) => fields(entry, where), 1, MOST_LAYERS)(config.layers, `${at}.config.layers`);
  return className === 'Sequential'
    ? flattenSequential(entries, inputs, at, depth)
    : flattenGraph(config, entries, inputs, at, depth);
}

function flattenSequential(entries: readonly Fields[], inputs: string[] | undefined, at: string, depth: number): Part {
  const layers: Fields[] = [];
  let last = inputs;
  for (const entry of entries) {
    const name = nameOf(entry, at);
    if (entry.class_name === 'InputLayer') {
      if (last === undefined) {
        layers.push({ ...entry, name, inbound_nodes: [] });
        last = [name];
      }
    } else if (MODELS.test(`${entry.class_name}`)) {
      const inner = flatten(entry.class_name, entry.config, last, `${at} > '${name}'`, depth + 1);
      layers.push(...inner.layers);
      last = inner.outputs;
    } else {
      if (last === undefined) {
        last = [`${name}_input`];
        layers.push({ class_name: 'InputLayer', name: last[0], config: entry.config, inbound_nodes: [] });
      }
      layers.push({ ...entry, name, inbound_nodes: [references(last)] });
      last = [name];
    }
  }
  return { layers, outputs: last! };
}

function flattenGraph(
  config: Fields,
  entries: readonly Fields[],
  inputs: string[] | undefined,
  at: string,
  depth: number,
): Part {
  const layers: Fields[] = [];
  /** Layers of the flat model that hold each layer's results. */
  const results = new Map<string, string[]>();
  const resolve = (name: string) =>
    results.get(name) ?? fail(`${at}: it reads '${name}', which is not a layer before it`);
  const inputNames = listed(config.input_layers, `${at}.config.input_layers`);
  for (const entry of entries) {
    const name = nameOf(entry, at);
    const given = inputs?.[inputNames.indexOf(name)];
    if (entry.class_name === 'InputLayer') {
      if (inputs !== undefined && given === undefined) fail(`${at}: its input '${name}' is given nothing to read`);
      if (given === undefined) layers.push({ ...entry, name });
      results.set(name, [given ?? name]);
      continue;
    }
    const read = inboundOf(entry, `${at} > '${name}'`).flatMap(resolve);
    if (MODELS.test(`${entry.class_name}`)) {
      const inner = flatten(entry.class_name, entry.config, read, `${at} > '${name}'`, depth + 1);
      layers.push(...inner.layers);
      results.set(name, inner.outputs);
    } else {
      layers.push({ ...entry, name, inbound_nodes: [references(read)] });
      results.set(name, [name]);
    }
  }
  return { layers, outputs: listed(config.output_layers, `${at}.config.output_layers`).flatMap(resolve) };
}

const references = (layers: readonly string[]): unknown[] => layers.map((layer) => [layer, 0, 0, {}]);

function nameOf(entry: Fields, at: string): string {
  const inner = Array.isArray(entry.config) ? {} : fields(entry.config, `${at}.config.layers`);
  return text(entry.name ?? inner.name, `${at}.config.layers: name`);
}

/** Names out of [[name, 0, 0], …], or of [name, 0, 0] where there is one. */
function listed(list: unknown, at: string): string[] {
  const items = listOf<unknown>((item) => item, 1, MOST_LAYERS)(list, at);
  return (typeof items[0] === 'string' ? [items] : items).map((item) => firstOf(item, at));
}

/** The layers that a layer reads. */
function inboundOf({ inbound_nodes: inbound }: Fields, at: string): string[] {
  const calls = listOf<unknown>((call) => call, 1, 1)(inbound, `${at}.inbound_nodes`);
  return listOf<unknown>(
    (item) => item,
    1,
    MOST_LAYERS,
  )(calls[0], `${at}.inbound_nodes[0]`).map((item) => firstOf(item, at));
}

function firstOf(history: unknown, at: string): string {
  const [name, call, result] = listOf<unknown>((item) => item, 3, 4)(history, at);
  if (call !== 0 || result !== 0) fail(`${at}: wanted the only result of a layer, found ${show(history)}`);
  return text(name, at);
}

function fail(message: string): never {
  throw new NetworkError(message);
}
