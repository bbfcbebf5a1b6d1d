/** Model files: the flags that complete what a file does not say, and the network that comes of both. */
import { statSync } from 'node:fs';
import { type Command, Option } from 'commander';
import { UsageError } from '../errors.js';
import { readNetworkFile } from '../formats/files.js';
import { parseModelName } from '../models/index.js';
import { atResolution, type Network, type PresetName, preprocessingPreset, presetNames } from '../network/index.js';
import { type ArchitectureFlags, addArchitectureOptions, givenFlags, namedNetwork } from './architecture.js';

export interface ModelFlags extends ArchitectureFlags {
  readonly network?: string;
  readonly preset?: PresetName;
}

export function addModelOptions(command: Command): Command {
  command.option('--network <name>', 'for a file of weights alone: mobilenet_v1, mobilenet_v2_1.4_224, …');
  addArchitectureOptions(command);
  return command.addOption(
    new Option('--preset <name>', 'how pictures are prepared, where the file does not say').choices(presetNames),
  );
}

/**
 * The network in a model file. `--network` and the flags that go with it describe the network of a file that holds weights alone;
 * without `--network` the file, or its name, says all but the resolution.
 */
export async function readModel(path: string, flags: ModelFlags): Promise<Network> {
  return prepared(await networkIn(path, flags), flags);
}

/** The same, to be fed with pictures: it must be known how they are prepared. */
export async function readPictureModel(path: string, flags: ModelFlags): Promise<Network> {
  const network = await readModel(path, flags);
  if (network.conventions.preprocessing === undefined) {
    throw new UsageError(
      `${path} does not say how its pictures are prepared (crop, resize, range, channel order); wanted --preset, one of ${presetNames.join(', ')}`,
    );
  }
  return network;
}

/** A file where there is one; a name otherwise. */
export async function networkNamedOrIn(name: string, flags: ModelFlags): Promise<Network> {
  if (statSync(name, { throwIfNoEntry: false })?.isFile()) return readModel(name, flags);
  if (parseModelName(name) === undefined || /\.\w+$/.test(name.replace(/\d\.\d+/g, ''))) {
    throw new UsageError(
      `'${name}' is neither a model file nor a network's name; wanted a file's path, mobilenet_v1, mobilenet_v2, or a name such as mobilenet_v1_0.75_192`,
    );
  }
  if (flags.network !== undefined)
    throw new UsageError(`--network is for files of weights; '${name}' is a name itself`);
  return namedNetwork(name, flags);
}

async function networkIn(path: string, { network: name, ...flags }: ModelFlags): Promise<Network> {
  if (name !== undefined) {
    const network = await readNetworkFile(path, { architecture: namedNetwork(name, flags) });
    if (network.conventions.source === 'tflite') {
      throw new UsageError(`--network is for files of weights alone, and ${path} describes its own network`);
    }
    return network;
  }
  const { resolution, ...others } = flags;
  const [surplus] = givenFlags(others);
  if (surplus !== undefined) throw new UsageError(`${surplus} goes with --network, which was not given`);
  const network = await readNetworkFile(path).catch((error) => {
    if (!(error instanceof UsageError)) throw error;
    throw new UsageError(`${error.message}: --network, --alpha, --resolution`);
  });
  return resolution === undefined ? network : atResolution(network, resolution);
}

function prepared(network: Network, { preset }: ModelFlags): Network {
  if (preset === undefined) return network;
  const [, height, width] = network.inputs[0].shape;
  const preprocessing = preprocessingPreset(preset, [height, width]);
  return { ...network, conventions: { ...network.conventions, preprocessing } };
}
