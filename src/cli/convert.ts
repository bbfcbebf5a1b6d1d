/** `depthwise convert`: model files and tensor files, from one format to another. */
import { basename, dirname } from 'node:path';
import { type Command, Option } from 'commander';
import { UsageError } from '../errors.js';
import {
  readTensors,
  type TensorFormat,
  type WriteOptions,
  writeNetwork,
  writeTensors,
  writeTfjs,
} from '../formats/index.js';
import type { Network, QuantizedNetwork } from '../network/index.js';
import { integersOf, sameIntegers } from '../network/integers-of.js';
import { foldBatchNormFloat32 } from '../network/rewriting/fold-batch-norm.js';
import { labelsOf } from './classify.js';
import { addModelOptions, MODEL, type ModelFlags, readModel } from './model.js';
import {
  expectEnding,
  expectFolder,
  expectWritable,
  formatBytes,
  note,
  plural,
  printJson,
  writeWhole,
} from './output.js';
import { readFileOrInput } from './standard-input.js';
import { writeTfjsFolder } from './tfjs-folder.js';

interface Flags extends ModelFlags {
  readonly model?: string;
  readonly out?: string;
  readonly labels?: string;
  readonly tensors?: true;
  readonly float16?: true;
  readonly int8?: true;
  readonly integers?: true;
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
    .argument('[model]', `${MODEL}; with --tensors a .npy file too`)
    .argument(
      '[out]',
      'a .safetensors, .npz, .tflite or .onnx file, FOLDER/model.json for TF.js or, for a single tensor, a .npy file; old files are replaced',
    )
    .description(
      'Turn a model file into one of another format, with its labels and preprocessing inside; or, with --tensors, copy tensors as they are.',
    )
    .option('--model <file>', 'the same as the first argument')
    .option('--out <file>', 'the same as the second argument')
    .option('--labels <file>', "the outputs' names: a label a line, or JSON; the model's own unless given")
    .option('--tensors', 'the tensors alone, whatever they belong to')
    .option('--float16', 'kernels in float16: half the size; biases and batch norm stay as they are')
    .option('--int8', 'kernels in 8 bits with a scale for each channel: a quarter of the size; .safetensors and .npz')
    .addOption(
      new Option(
        '--integers',
        'a quantised model keeps its 8-bit integers, which are written as real numbers otherwise; not for TF.js',
      ).conflicts(['float16', 'int8', 'fold', 'tensors']),
    )
    .option('--fold', 'batch norms folded into the layers before them: fewer layers, the same answers');
  addModelOptions(command)
    .option('--json', '{"in", "out", "network", "tensors", "bytes"}')
    .addHelpText(
      'after',
      `
Examples:
  depthwise convert mobilenet_v1_0.25_224.h5 mobilenet.safetensors
  depthwise convert mobilenet_v1_0.25_224.h5 mobilenet.onnx
  depthwise convert mobilenet_v1_0.25_224.h5 named.tflite --labels imagenet_labels_1001.txt
  depthwise convert my_model/model.json mine.safetensors --preset teachable-machine --labels labels.txt
  depthwise convert run/model.safetensors small.safetensors --fold --float16
  depthwise convert run/model.safetensors smaller.safetensors --fold --int8
  depthwise convert ultraface_slim_320.onnx faces/model.json
  depthwise convert mobilenet_v2_1.0_224_quant.tflite small.tflite --float16
  depthwise convert small/model.safetensors small.tflite --integers
  depthwise convert weights.h5 mobilenet.npz --network mobilenet_v1 --alpha 0.25
  depthwise convert torchvision_v2.safetensors v2.tflite --network mobilenet_v2 --conventions torchvision
  depthwise convert features.npz features.safetensors --tensors`,
    )
    .action(async (first: string | undefined, second: string | undefined, flags: Flags) => {
      const [from, to] = fromAndTo([first, second], flags);
      const { write, network, count } = flags.tensors
        ? await convertedTensors(from, to)
        : await convertedModel(from, to, flags);
      const bytes = await write();
      if (flags.json) printJson({ in: from, out: to, ...(network && { network }), tensors: count, bytes });
      else note(`wrote ${to}: ${network ? `${network}, ` : ''}${plural(count, 'tensor')}, ${formatBytes(bytes)}`);
    });
}

/** Two words; what is given by an option is not given as a word. */
function fromAndTo(words: readonly (string | undefined)[], { model, out }: Flags): [from: string, to: string] {
  const left = words.filter((word) => word !== undefined);
  const from = model ?? left.shift();
  const to = out ?? left.shift();
  if (from === undefined || to === undefined) {
    throw new UsageError(`wanted a model and a file to write: convert MODEL OUT, found ${from ?? to ?? 'neither'}`);
  }
  if (left.length > 0) throw new UsageError(`wanted one model and one file to write, found '${left.join("', '")}' too`);
  return [from, to];
}

interface Converted {
  /** Writes it, and returns how many bytes. */
  readonly write: () => Promise<number>;
  readonly network?: string;
  readonly count: number;
}

async function convertedModel(from: string, to: string, flags: Flags): Promise<Converted> {
  if (to.endsWith('.npy')) throw new UsageError('<out>: a .npy file holds a single tensor, not a model');
  const endings = Object.keys(networkEndings) as (keyof typeof networkEndings)[];
  const format = networkEndings[expectEnding('<out>', to, endings)];
  if (format === 'tfjs') await makeModelFolder(to);
  const target = await expectWritable('<out>', to, [from, flags.labels]);
  const read = await labelled(await readModel(from, flags), flags);
  const network = flags.integers ? keptIntegers(read, to) : flags.fold ? foldBatchNormFloat32(read) : read;
  if (network === read && integersOf(read)) {
    note(`${read.name}: its 8-bit integers are written as the real numbers that they stand for; --integers keeps them`);
  }
  const options: WriteOptions = flags.float16 ? { kernels: 'float16' } : flags.int8 ? { kernels: 'int8' } : {};
  const write =
    format === 'tfjs'
      ? await writingFolder(dirname(target), network as Network, options)
      : writing(target, await writeNetwork(network, format, options));
  return { write, network: network.name, count: network.weights.size };
}

/** With what is known of the network, such as labels. */
function keptIntegers(network: Network, to: string): QuantizedNetwork {
  const integers = integersOf(network);
  if (integers === undefined)
    throw new UsageError(`--integers: ${network.name} has none; depthwise quantize makes them`);
  if (to.endsWith(TFJS_MODEL)) throw new UsageError('--integers: TF.js models hold real numbers alone');
  const { detection } = integers.conventions;
  return { ...integers, conventions: { ...network.conventions, ...(detection && { detection }) } };
}

/** A TF.js model is a folder of files, among which only model.json is named by the user. */
async function makeModelFolder(path: string): Promise<void> {
  if (basename(path) !== TFJS_MODEL) {
    throw new UsageError(
      `<out>: a TF.js model is a folder with a model.json; wanted FOLDER/model.json, found '${path}'`,
    );
  }
  await expectFolder('<out>', dirname(path));
}

async function labelled(network: Network, { labels }: Flags): Promise<Network> {
  if (labels === undefined) return network;
  const named = { ...network, conventions: { ...network.conventions, labels: await labelsOf(network, labels) } };
  return sameIntegers(network, named);
}

async function writingFolder(folder: string, network: Network, options: WriteOptions): Promise<() => Promise<number>> {
  const files = await writeTfjs(network, options);
  return () => writeTfjsFolder(folder, files);
}

const writing = (path: string, bytes: Uint8Array) => async (): Promise<number> => {
  await writeWhole(path, bytes);
  return bytes.length;
};

async function convertedTensors(from: string, to: string): Promise<Converted> {
  const format = expectEnding('<out>', to, ['.safetensors', '.npz', '.npy']).slice(1) as TensorFormat;
  const target = await expectWritable('<out>', to, [from]);
  const { name, bytes } = await readFileOrInput(from, 'the tensors');
  const tensors = await readTensors(bytes, name);
  if (format === 'npy' && tensors.size !== 1) {
    throw new UsageError(`<out>: a .npy file holds a single tensor, and ${from} has ${tensors.size}`);
  }
  return { write: writing(target, await writeTensors(tensors, format)), count: tensors.size };
}
