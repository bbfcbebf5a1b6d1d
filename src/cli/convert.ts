/** `depthwise convert`: model files and tensor files, from one format to another. */
import type { Command } from 'commander';
import { UsageError } from '../errors.js';
import { readTensorFile } from '../formats/files.js';
import { writeNetwork, writeNpy, writeNpz, writeSafetensors } from '../formats/index.js';
import type { Tensor } from '../tensor.js';
import { addModelOptions, type ModelFlags, readModel } from './model.js';
import { expectEnding, expectWritable, formatBytes, note, plural, printJson, writeWhole } from './output.js';

interface Flags extends ModelFlags {
  readonly tensors?: true;
  readonly float16?: true;
  readonly json?: true;
}

type Ending = '.safetensors' | '.npz' | '.npy';

export function configure(command: Command): void {
  command
    .argument('<in>', 'Keras .h5, .tflite, .safetensors, .npz or .npy; or published weights by name')
    .argument('<out>', 'a .safetensors, .npz or, for a single tensor, .npy file; an old one is replaced')
    .description(
      'Turn a model file into one that also holds its network, labels and preprocessing; or, with --tensors, copy tensors as they are.',
    )
    .option('--tensors', 'the tensors alone, whatever they belong to')
    .option('--float16', 'kernels in float16: half the size; biases and batch norm stay as they are');
  addModelOptions(command)
    .option('--json', '{"in", "out", "network", "tensors", "bytes"}')
    .addHelpText(
      'after',
      `
Examples:
  depthwise convert mobilenet_v1_0.25_224.h5 mobilenet.safetensors
  depthwise convert mobilenet_v2_1.0_224_quant.tflite small.safetensors --float16
  depthwise convert weights.h5 mobilenet.npz --network mobilenet_v1 --alpha 0.25
  depthwise convert features.npz features.safetensors --tensors`,
    )
    .action(async (from: string, to: string, flags: Flags) => {
      const ending = expectEnding('<out>', to, ['.safetensors', '.npz', '.npy']);
      const target = await expectWritable('<out>', to);
      const { bytes, network, count } = flags.tensors
        ? await convertedTensors(from, ending, flags)
        : await convertedModel(from, ending, flags);
      await writeWhole(target, bytes);
      if (flags.json)
        printJson({ in: from, out: to, ...(network && { network }), tensors: count, bytes: bytes.length });
      else
        note(`wrote ${to}: ${network ? `${network}, ` : ''}${plural(count, 'tensor')}, ${formatBytes(bytes.length)}`);
    });
}

interface Converted {
  readonly bytes: Uint8Array;
  readonly network?: string;
  readonly count: number;
}

async function convertedModel(path: string, ending: Ending, flags: Flags): Promise<Converted> {
  if (ending === '.npy') throw new UsageError(`<out>: a .npy file holds a single tensor; wanted .safetensors or .npz`);
  const network = await readModel(path, flags);
  const format = ending === '.npz' ? 'npz' : 'safetensors';
  const bytes = await writeNetwork(network, format, flags.float16 ? { kernels: 'float16' } : {});
  return { bytes, network: network.name, count: network.weights.size };
}

async function convertedTensors(path: string, ending: Ending, flags: Flags): Promise<Converted> {
  if (flags.float16) throw new UsageError('--float16 is for models; --tensors copies tensors as they are');
  const tensors = await readTensorFile(path);
  return { bytes: await tensorBytes(tensors, ending, path), count: tensors.size };
}

async function tensorBytes(tensors: ReadonlyMap<string, Tensor>, ending: Ending, path: string): Promise<Uint8Array> {
  if (ending === '.npz') return writeNpz(tensors);
  if (ending === '.safetensors') return writeSafetensors(tensors);
  const [only, ...others] = tensors.values();
  if (only === undefined || others.length > 0) {
    throw new UsageError(`<out>: a .npy file holds a single tensor, and ${path} has ${tensors.size}`);
  }
  return writeNpy(only);
}
