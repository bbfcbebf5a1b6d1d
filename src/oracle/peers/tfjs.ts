/**
 * TensorFlow.js beside this library, on its plain JavaScript backend or the one of WebAssembly: the nodes of a graph model by their names, the layers of a layers
 * model, those of models inside it too.
 */
import type { TfjsFiles } from '../../formats/index.js';
import { joined } from '../../formats/tfjs/weights.js';
import { importTfjs } from '../../formats/tfjs.js';
import type { Tensor } from '../../tensor.js';
import { Packages } from './packages.js';
import type { PeerAnswer, PeerModel, PeerOptions } from './peer.js';

/** The parts of the packages that are used here. */
export interface Tfjs {
  readonly title: string;
  readonly core: {
    tensor(data: Float32Array, shape: readonly number[]): TfTensor;
    ready(): Promise<void>;
    setBackend(name: string): Promise<boolean>;
    env(): { set(flag: string, value: boolean): void };
  };
  readonly layers: {
    loadLayersModel(handler: object): Promise<Container>;
    model(parts: { inputs: readonly Symbolic[]; outputs: readonly Symbolic[] }): Container;
  };
  readonly converter: {
    loadGraphModel(handler: object): Promise<{ execute(x: object, outputs: readonly string[]): TfTensor | TfTensor[] }>;
  };
}

interface TfTensor {
  readonly shape: readonly number[];
  data(): Promise<Float32Array>;
}

/** A tensor of a layers model before it is fed. */
interface Symbolic {
  readonly name: string;
}

interface Layer {
  readonly name: string;
  /** Where it is called; a model inside another has a call of its own before that. */
  readonly inboundNodes: readonly {
    readonly inputTensors: readonly Symbolic[];
    readonly outputTensors: readonly Symbolic[];
  }[];
  /** Of models, which are layers too. */
  readonly layers?: readonly Layer[];
}

interface Container extends Layer {
  readonly inputs: readonly Symbolic[];
  readonly layers: readonly Layer[];
  predict(x: readonly TfTensor[]): TfTensor | TfTensor[];
}

/** Plain JavaScript, or WebAssembly. */
export type TfjsBackend = 'cpu' | 'wasm';

export async function loadTfjs(packages = new Packages(), backend: TfjsBackend = 'cpu'): Promise<Tfjs> {
  const { module: core, title } = await packages.load<Tfjs['core']>('@tensorflow/tfjs-core');
  await packages.load(`@tensorflow/tfjs-backend-${backend}`);
  const { module: layers } = await packages.load<Tfjs['layers']>('@tensorflow/tfjs-layers');
  const { module: converter } = await packages.load<Tfjs['converter']>('@tensorflow/tfjs-converter');
  core.env().set('PROD', true); // it advertises its faster backends otherwise
  await core.setBackend(backend);
  await core.ready();
  return { title, core, layers, converter };
}

export async function openTfjs(
  read: () => Promise<TfjsFiles>,
  path: string,
  options: PeerOptions = {},
  backend: TfjsBackend = 'cpu',
): Promise<PeerModel> {
  const tfjs = await loadTfjs(options.packages, backend);
  const files = await read();
  const { network, tensors } = await importTfjs(files, { ...options, fileName: path });
  const isInput = new Set(network.inputs.map(({ name }) => name));
  /** The first node or layer that holds each of our tensors: those after it pass it on. */
  const theirNames = new Map(
    [...tensors].reverse().flatMap(([their, ours]) => (isInput.has(ours) ? [] : [[ours, their]])),
  );
  const compute = isGraph(files) ? runGraphModel : runLayersModel;
  return {
    network,
    runtime: tfjs.title,
    async run(inputs): Promise<PeerAnswer> {
      // A model whose outputs are its inputs has no node to be asked for.
      if (theirNames.size === 0) return { tensors: new Map(), theirNames };
      const found = await compute(tfjs, files, inputs, [...theirNames.values()]);
      const shown = [...theirNames].flatMap(([ours, their]) =>
        found.has(their) ? [[ours, found.get(their)!] as const] : [],
      );
      return { tensors: new Map(shown), theirNames };
    },
  };
}

const descriptionOf = (files: TfjsFiles) => {
  const [, json] = [...files].find(([name]) => name.endsWith('.json'))!;
  return JSON.parse(new TextDecoder().decode(json));
};

const isGraph = (files: TfjsFiles): boolean => Array.isArray(descriptionOf(files).modelTopology.node);

/** What the runtime loads in place of files. */
function handlerOf(files: TfjsFiles): object {
  const model = descriptionOf(files);
  const groups = model.weightsManifest as { paths: string[]; weights: object[] }[];
  const shards = groups.flatMap(({ paths }) => paths.map((path) => files.get(path)!));
  return {
    load: async () => ({
      ...model,
      weightSpecs: groups.flatMap(({ weights }) => weights),
      weightData: joined(shards).buffer,
    }),
  };
}

const fed = ({ core }: Tfjs, { shape, data }: Tensor): TfTensor => core.tensor(Float32Array.from(data), shape);

const numbersOf = async (result: TfTensor): Promise<Tensor> => ({ shape: result.shape, data: await result.data() });

/** The results of these nodes, by their names. */
export async function runGraphModel(
  tfjs: Tfjs,
  files: TfjsFiles,
  inputs: ReadonlyMap<string, Tensor>,
  nodes: readonly string[],
): Promise<Map<string, Tensor>> {
  const model = await tfjs.converter.loadGraphModel(handlerOf(files));
  const feeds = [...inputs].map(([name, x]) => [name, fed(tfjs, x)]);
  const results = [model.execute(Object.fromEntries(feeds), nodes)].flat();
  return new Map(await Promise.all(results.map(async (result, at) => [nodes[at], await numbersOf(result)] as const)));
}

/** The results of every layer, by its name. */
async function runLayersModel(
  tfjs: Tfjs,
  files: TfjsFiles,
  inputs: ReadonlyMap<string, Tensor>,
): Promise<Map<string, Tensor>> {
  const model = await tfjs.layers.loadLayersModel(handlerOf(files));
  const results = layerResults(
    tfjs,
    model,
    [...inputs.values()].map((x) => fed(tfjs, x)),
  );
  return new Map(
    await Promise.all([...results].map(async ([name, result]) => [name, await numbersOf(result)] as const)),
  );
}

/** One model with every layer's result as an output; then the same for each model inside, fed with what it reads there. */
function layerResults(tfjs: Tfjs, model: Container, x: readonly TfTensor[]): Map<string, TfTensor> {
  const calls = model.layers
    .map((layer) => ({ layer, ...layer.inboundNodes.at(-1)! }))
    .filter(({ outputTensors: [output] }) => !model.inputs.includes(output));
  const outputs = calls.map(({ outputTensors: [output] }) => output);
  const values = [tfjs.layers.model({ inputs: model.inputs, outputs }).predict(x)].flat();
  const known = new Map([...model.inputs, ...outputs].map((symbol, at) => [symbol, [...x, ...values][at]]));
  return new Map(
    calls.flatMap(({ layer, inputTensors, outputTensors: [output] }) =>
      layer.layers === undefined
        ? [[layer.name, known.get(output)!] as const]
        : [
            ...layerResults(
              tfjs,
              layer as Container,
              inputTensors.map((symbol) => known.get(symbol)!),
            ),
          ],
    ),
  );
}
