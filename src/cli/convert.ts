/** `depthwise convert`: model files and tensor files, from one format to another. */
import { mkdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Command } from 'commander';
import { UsageError } from '../errors.js';
import { readTensorFile } from '../formats/files.js';
import { type WriteOptions, writeNetwork, writeNpy, writeNpz, writeSafetensors, writeTfjs } from '../formats/index.js';
import { foldBatchNormFloat32, type Network } from '../network/index.js';
import type { Tensor } from '../tensor.js';
import { addModelOptions, type ModelFlags, readModel } from './model.js';
import { expectEnding, expectWritable, formatBytes, note, plural, printJson, writeWhole } from './output.js';

interface Flags extends ModelFlags {
  readonly tensors?: true;
  readonly float16?: true;
  readonly int8?: true;
  readonly fold?: true;
  readonly json?: true;
}

const TFJS_MODEL = 'model.json';

/** Of files that hold a network, by what they hold it in. */
const networkEndings = {
  '.safetensors': 'safetensors',
  '.npz': 'npz',
  '.tflite': 'tflite',
  '.onnx': 'onnx',
  [TFJS_MODEL]: 'tfjs',
} as const;

export function configure(command: Command): void {
  command
    .argument(
      '<in>',
      'Keras .h5, .tflite, .onnx, TF.js model.json, .safetensors, .npz or .npy; or published weights by name',
    )
    .argument(
      '<out>',
      'a .safetensors, .npz, .tflite or .onnx file, FOLDER/model.json for TF.js or, for a single tensor, a .npy file; old files are replaced',
    )
    .description(
      'Turn a model file into one of another format, with its labels and preprocessing inside; or, with --tensors, copy tensors as they are.',
    )
    .option('--tensors', 'the tensors alone, whatever they belong to')
    .option('--float16', 'kernels in float16: half the size; biases and batch norm stay as they are')
    .option('--int8', 'kernels in 8 bits with a scale for each channel: a quarter of the size; .safetensors and .npz')
    .option('--fold', 'batch norms folded into the layers before them: fewer layers, the same answers');
  addModelOptions(command)
    .option('--json', '{"in", "out", "network", "tensors", "bytes"}')
    .addHelpText(
      'after',
      `
Examples:
  depthwise convert mobilenet_v1_0.25_224.h5 mobilenet.safetensors
  depthwise convert mobilenet_v1_0.25_224.h5 mobilenet.onnx
  depthwise convert run/model.safetensors small.safetensors --fold --float16
  depthwise convert run/model.safetensors smaller.safetensors --fold --int8
  depthwise convert ultraface_slim_320.onnx faces/model.json
  depthwise convert mobilenet_v2_1.0_224_quant.tflite small.tflite --float16
  depthwise convert weights.h5 mobilenet.npz --network mobilenet_v1 --alpha 0.25
  depthwise convert torchvision_v2.safetensors v2.tflite --network mobilenet_v2 --conventions torchvision
  depthwise convert features.npz features.safetensors --tensors`,
    )
    .action(async (from: string, to: string, flags: Flags) => {
      const { files, network, count } = flags.tensors
        ? await convertedTensors(from, to, flags)
        : await convertedModel(from, to, flags);
      for (const [path, content] of files) await writeWhole(path, content);
      const bytes = files.reduce((sum, [, content]) => sum + content.length, 0);
      if (flags.json) printJson({ in: from, out: to, ...(network && { network }), tensors: count, bytes });
      else note(`wrote ${to}: ${network ? `${network}, ` : ''}${plural(count, 'tensor')}, ${formatBytes(bytes)}`);
    });
}

interface Converted {
  /** What is to be written, in this order. */
  readonly files: readonly (readonly [path: string, bytes: Uint8Array])[];
  readonly network?: string;
  readonly count: number;
}

async function convertedModel(from: string, to: string, flags: Flags): Promise<Converted> {
  if (flags.float16 && flags.int8) throw new UsageError('--float16 and --int8: kernels are one or the other');
  if (to.endsWith('.npy')) throw new UsageError('<out>: a .npy file holds a single tensor, not a model');
  const endings = Object.keys(networkEndings) as (keyof typeof networkEndings)[];
  const format = networkEndings[expectEnding('<out>', to, endings)];
  if (format === 'tfjs') await makeModelFolder(to);
  const target = await expectWritable('<out>', to);
  const read = await readModel(from, flags);
  const network = flags.fold ? foldBatchNormFloat32(read) : read;
  const options: WriteOptions = flags.float16 ? { kernels: 'float16' } : flags.int8 ? { kernels: 'int8' } : {};
  const files: Converted['files'] =
    format === 'tfjs'
      ? await tfjsFiles(network, options, dirname(target))
      : [[target, await writeNetwork(network, format, options)]];
  return { files, network: network.name, count: network.weights.size };
}

/** A TF.js model is a folder of files, among which only model.json is named by the user. */
async function makeModelFolder(path: string): Promise<void> {
  if (basename(path) !== TFJS_MODEL) {
    throw new UsageError(
      `<out>: a TF.js model is a folder with a model.json; wanted FOLDER/model.json, found '${path}'`,
    );
  }
  await mkdir(dirname(path), { recursive: true }).catch((cause) => {
    throw new UsageError(`<out>: '${dirname(path)}' cannot be made a folder: ${cause.code ?? cause.message}`, {
      cause,
    });
  });
}

/** The weights first: a model.json is there once everything is. */
async function tfjsFiles(network: Network, options: WriteOptions, folder: string): Promise<Converted['files']> {
  const { [TFJS_MODEL]: model, ...shards } = Object.fromEntries(await writeTfjs(network, options));
  return [...Object.entries(shards), [TFJS_MODEL, model] as const].map(([name, bytes]) => [join(folder, name), bytes]);
}

async function convertedTensors(from: string, to: string, flags: Flags): Promise<Converted> {
  for (const flag of ['float16', 'int8', 'fold'] as const) {
    if (flags[flag]) throw new UsageError(`--${flag} is for models; --tensors copies tensors as they are`);
  }
  const ending = expectEnding('<out>', to, ['.safetensors', '.npz', '.npy']);
  const target = await expectWritable('<out>', to);
  const tensors = await readTensorFile(from);
  return { files: [[target, await tensorBytes(tensors, ending, from)]], count: tensors.size };
}

async function tensorBytes(tensors: ReadonlyMap<string, Tensor>, ending: string, path: string): Promise<Uint8Array> {
  if (ending === '.npz') return writeNpz(tensors);
  if (ending === '.safetensors') return writeSafetensors(tensors);
  const [only, ...others] = tensors.values();
  if (only === undefined || others.length > 0) {
    throw new UsageError(`<out>: a .npy file holds a single tensor, and ${path} has ${tensors.size}`);
  }
  return writeNpy(only);
}
