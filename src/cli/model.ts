/** Models: files, with the flags that complete what a file does not say, and published weights by their names. */
import { statSync } from 'node:fs';
import { type Command, Option } from 'commander';
import { UsageError } from '../errors.js';
import { readNetworkFile } from '../formats/files.js';
import { parseModelName } from '../models/index.js';
import { atResolution, type Network, type PresetName, preprocessingPreset, presetNames } from '../network/index.js';
import { findRelease, loadPretrained } from '../pretrained/index.js';
import { type ArchitectureFlags, addArchitectureOptions, givenFlags, namedNetwork } from './architecture.js';
import { formatBytes, Interruption } from './output.js';
import { startProgress } from './progress.js';

export interface ModelFlags extends ArchitectureFlags {
  readonly network?: string;
  readonly preset?: PresetName;
}

/** `network`: what `--network` is for. */
export function addModelOptions(command: Command, network = 'for a file of weights alone'): Command {
  command.option('--network <name>', `${network}: mobilenet_v1, mobilenet_v2_1.4_224, …`);
  addArchitectureOptions(command);
  return command.addOption(presetOption());
}

export const presetOption = (): Option =>
  new Option('--preset <name>', 'how pictures are prepared, where the file does not say').choices(presetNames);

/**
 * The network in a model file or, where there is no such file, of published weights. `--network` and the flags that go with it describe
 * the network of a file that holds weights alone; without `--network` the file, or its name, says all but the resolution.
 */
export async function readModel(path: string, flags: ModelFlags): Promise<Network> {
  return prepared(await networkIn(path, flags), flags);
}

/** The same, to be fed with pictures: it must be known how they are prepared. */
export async function readPictureModel(path: string, flags: ModelFlags): Promise<Network> {
  const network = await readModel(path, flags);
  expectPreprocessing(network, path);
  return network;
}

/** Throws a UsageError, which begins with the model's file, where it is not known how pictures are prepared. */
export function expectPreprocessing({ conventions }: Network, path: string): void {
  if (conventions.preprocessing !== undefined) return;
  throw new UsageError(
    `${path} does not say how its pictures are prepared (crop, resize, range, channel order); wanted --preset, one of ${presetNames.join(', ')}`,
  );
}

const exists = (path: string): boolean => statSync(path, { throwIfNoEntry: false }) !== undefined;

/** A file where there is one; otherwise the architecture of that name, without weights, so that nothing is fetched. */
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
    if (isNameOfWeights(path)) {
      throw new UsageError(
        `--network is for files of weights; there is no file '${path}', and the published weights of that name have their network`,
      );
    }
    return naming('--network, --conventions', readNetworkFile(path, { architecture: namedNetwork(name, flags) }));
  }
  const { resolution, ...others } = flags;
  const [surplus] = givenFlags(others);
  if (surplus !== undefined) throw new UsageError(`${surplus} goes with --network, which was not given`);
  const network = isNameOfWeights(path) ? await pretrained(path) : await fileAlone(path);
  return resolution === undefined ? network : atResolution(network, resolution);
}

/** A file of that name, whatever it holds, goes before the name. */
const isNameOfWeights = (name: string): boolean => !exists(name) && findRelease(name) !== undefined;

function fileAlone(path: string): Promise<Network> {
  return naming('--network, --alpha, --resolution', readNetworkFile(path));
}

/** Puts the flags that are meant behind what the library complains about. */
function naming(flags: string, network: Promise<Network>): Promise<Network> {
  return network.catch((error) => {
    if (!(error instanceof UsageError)) throw error;
    throw new UsageError(`${error.message}: ${flags}`);
  });
}

/** The published network, from the cache or the net. Ctrl-C leaves what has arrived to the next call. */
async function pretrained(name: string): Promise<Network> {
  const progress = await startProgress('download');
  const stop = new AbortController();
  const interrupt = (): void => stop.abort(new Interruption('interrupted; the next call continues the download'));
  process.once('SIGINT', interrupt);
  try {
    return await loadPretrained(name, {
      signal: stop.signal,
      onProgress: (done, total) => progress.at(total ? done / total : 0, `${name}, ${formatBytes(done)}`),
    });
  } finally {
    process.off('SIGINT', interrupt);
    progress.stop();
  }
}

/** The network with the preset's preprocessing, if there is one. */
export function prepared(network: Network, { preset }: Pick<ModelFlags, 'preset'>): Network {
  if (preset === undefined) return network;
  const [, height, width] = network.inputs[0].shape;
  const preprocessing = preprocessingPreset(preset, [height, width]);
  return { ...network, conventions: { ...network.conventions, preprocessing } };
}
