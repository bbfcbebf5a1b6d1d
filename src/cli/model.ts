/** Models: files, with the flags that complete what a file does not say, and published weights by their names. */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { DepthwiseError, FormatError, ShapeError, UsageError } from '../errors.js';
import { readNetworkFile } from '../formats/files.js';
import { type ReadOptions, readNetwork } from '../formats/index.js';
import { parseModelName } from '../models/names.js';
import { assumptionsOf } from '../network/conventions.js';
import {
  atResolution,
  type CropRule,
  inferShapes,
  type Network,
  type Preprocessing,
  type PresetName,
} from '../network/index.js';
import { integersOf, sameIntegers } from '../network/integers-of.js';
import { presetFor, presetNames } from '../network/presets.js';
import { endingAt } from '../network/rewriting/subnetwork.js';
import type { Pair } from '../padding.js';
import { loadPretrained } from '../pretrained/index.node.js';
import { findRelease, similarReleases } from '../pretrained/releases.js';
import { sizeOf } from '../tensor.js';
import {
  type ArchitectureFlags,
  addArchitectureOptions,
  givenFlags,
  namedNetwork,
  networkNames,
} from './architecture.js';
import type { IntegerFlags } from './integers.js';
import { lookalikeOf } from './lookalike-weights.js';
import { didYouMean } from './nearest.js';
import { formatBytes, Interruption, note, onEndingSignal } from './output.js';
import { expectNoAddress, isAddress } from './pictures.js';
import { startProgress } from './progress.js';
import { readFileOrInput } from './standard-input.js';

export interface ModelFlags extends ArchitectureFlags, IntegerFlags {
  readonly network?: string;
  readonly outputs?: readonly string[];
  readonly preset?: PresetName;
  readonly crop?: CropRule;
  /** A file in place of the published labels, which are not fetched then. */
  readonly labels?: string;
  /** Of commands about numbers alone: published labels are not fetched. */
  readonly unlabelled?: true;
}

/** The help of `--model` and of an argument that is one. */
export const MODEL = "a model file, '-' for standard input, or published weights by name (depthwise models)";

/** `network`: what `--network` is for. */
export function addModelOptions(command: Command, network = 'for a file of weights alone'): Command {
  return addNetworkOptions(command, network).addOption(presetOption()).addOption(cropOption());
}

/** The help of an argument whose name stands for a network without its weights. */
export const NETWORK = `mobilenet_v1, mobilenet_v2 or a full name such as mobilenet_v1_0.75_192, for which nothing is fetched; a model file, or '-' for standard input`;

/** `--network` and the options that describe it: a group of their own in `--help`. */
export function addNetworkOptions(command: Command, network = 'for a file of weights alone'): Command {
  command
    .optionsGroup('Which network, where a name or a file does not say it:')
    .option('--network <name>', `${network}: mobilenet_v1, mobilenet_v2_1.4_224, …`);
  return addArchitectureOptions(command)
    .optionsGroup('Options:')
    .option('--outputs <names...>', 'where the network ends: layers, or tensors of the file');
}

export const presetOption = (): Option =>
  new Option('--preset <name>', 'how pictures are prepared, where the file does not say').choices(presetNames);

export const cropOption = (): Option =>
  new Option(
    '--crop <rule>',
    "the part of a picture that is used, in place of the model's rule: none for all of it, a fraction of each side such as 0.875, side:256 to resize the shorter side and cut out the centre, or pad:128 for all of it with bytes of 128 below or beside it (pad-as-is:128: not enlarged where it fits)",
  ).argParser(cropRule);

function cropRule(text: string): CropRule {
  if (text === 'none') return { kind: 'stretch' };
  const side = /^side:([1-9]\d{0,4})$/.exec(text)?.[1];
  if (side !== undefined) return { kind: 'shorter-side', side: Number(side) };
  const [, asIs, value] = /^pad(-as-is)?:(\d{1,3}(?:\.\d+)?)$/.exec(text) ?? [];
  if (Number(value) <= 255) return { kind: 'pad', value: Number(value), ...(asIs && { enlarge: false }) };
  const fraction = Number(text);
  if (text.trim() !== '' && fraction > 0 && fraction <= 1) return { kind: 'central', fraction };
  throw new InvalidArgumentError(
    'Wanted none, a fraction above 0 and at most 1, side: and a number of pixels, or pad: or pad-as-is: and a number from 0 to 255.',
  );
}

/** The model of a command that takes it as its first argument or as `--model`. */
export function theModel(argument: string | undefined, option: string | undefined): string {
  if (argument !== undefined && option !== undefined) {
    throw new UsageError(`wanted one model, found '${argument}' and --model '${option}'`);
  }
  const model = argument ?? option;
  if (model === undefined) throw new UsageError('wanted a model: a file, or a name such as mobilenet_v1_0.25_224');
  return model;
}

/**
 * The network in a model file or, where there is no such file, of published weights. `--network` and the flags that go with it describe
 * the network of a file that holds weights alone; without `--network` the file, or its name, says all but the resolution.
 */
export async function readModel(source: string, flags: ModelFlags): Promise<Network> {
  const read = await networkIn(source, flags);
  return sameIntegers(read, prepared(ending(read, flags), flags));
}

/** Throws a UsageError for a detector where a network that does something else is wanted, such as 'classifies pictures'. */
export function expectNoDetector({ name, conventions }: Network, wanted: string): void {
  if (conventions.detection === undefined) return;
  throw new UsageError(`${name}: wanted a network that ${wanted}; this one finds objects, see depthwise detect --help`);
}

/** Throws a UsageError for a network that answers with a map of scores, where one that classifies pictures is wanted. */
export function expectNoSegmenter(network: Network): void {
  const [, ...sizes] = inferShapes(network).get(network.outputs[0])!;
  if (sizeOf(sizes.slice(0, -1)) <= 1) return;
  throw new UsageError(
    `${network.name}: wanted a network that classifies pictures; this one answers for each part of a picture, see depthwise segment --help`,
  );
}

/** The same as `readModel`, to be fed with pictures: it must be known how they are prepared. */
export async function readPictureModel(source: string, flags: ModelFlags): Promise<Network> {
  const network = await readModel(source, flags);
  expectPreprocessing(network, source);
  const assumed = assumptionsOf(network.conventions);
  const flagsThat = network.conventions.preprocessing?.assumed ? ': --preset, --crop' : '';
  if (assumed.length > 0) note(`assumed: ${assumed.join('; ')} (${network.name} does not state it${flagsThat})`);
  return network;
}

/** Throws a UsageError, which begins with the model's file, where it is not known how pictures are prepared. */
export function expectPreprocessing({ conventions }: Network, path: string): void {
  if (conventions.preprocessing !== undefined) return;
  throw new UsageError(
    `${path} does not say how its pictures are prepared (crop, resize, range, channel order); wanted --preset, one of ${presetNames.join(', ')}`,
  );
}

/** A file where there is one; otherwise the architecture of that name, without weights, so that nothing is fetched. */
export async function networkNamedOrIn(source: string, flags: ModelFlags): Promise<Network> {
  if (source === '-' || existsSync(source) || looksLikeFile(source)) return readModel(source, flags);
  if (parseModelName(source) === undefined) {
    throw new UsageError(
      `there is no network '${source}', and no such file; wanted a file's path, mobilenet_v1, mobilenet_v2, or a name such as mobilenet_v1_0.75_192${didYouMean(source, networkNames)}`,
    );
  }
  if (flags.network !== undefined)
    throw new UsageError(`--network is for files of weights; '${source}' is a name itself`);
  return prepared(ending(namedNetwork(source, flags), flags), flags);
}

/** The network up to the layers that `--outputs` names. */
const ending = (network: Network, { outputs }: ModelFlags): Network =>
  outputs === undefined ? network : endingAt(network, outputs);

/** An address, a path with folders, or a file's ending, which the numbers in networks' names have not. */
const looksLikeFile = (source: string): boolean =>
  isAddress(source) || /[\\/]/.test(source) || /\.\w+$/.test(source.replace(/\d\.\d+/g, ''));

async function networkIn(
  source: string,
  { network: name, outputs, labels, unlabelled, rounding, asRealNumbers, ...flags }: ModelFlags,
): Promise<Network> {
  const path = modelFile(source);
  if (name !== undefined) {
    if (path === undefined) {
      throw new UsageError(
        `--network is for files of weights; there is no file '${source}', and the published weights of that name have their network`,
      );
    }
    return readFrom(path, '--network, --conventions', { architecture: namedNetwork(name, flags) });
  }
  const { resolution, ...others } = flags;
  const [surplus] = givenFlags(others);
  if (surplus !== undefined) throw new UsageError(`${surplus} goes with --network, which was not given`);
  if (path !== undefined) {
    const network = await readResized(path, resolution, outputs);
    const withIntegers = rounding !== undefined && !asRealNumbers;
    if (withIntegers && resolution !== undefined)
      expectNoIntegers(network, await readResized(path, undefined, outputs).catch(() => undefined));
    return network;
  }
  const network = await pretrained(source, labels === undefined && !unlabelled);
  return resolution === undefined ? network : resized(network, resolution);
}

/** A quantised network is computed at the size that its file says; `own` is that network, undefined where the file leaves the size open. */
function expectNoIntegers(network: Network, own: Network | undefined): void {
  if (own === undefined || integersOf(own) === undefined || integersOf(network) !== undefined) return;
  const [[, height, width]] = own.inputs.map(({ shape }) => shape);
  throw new UsageError(
    `--resolution: ${network.name} computes with integers at ${height}x${width}; --as-real-numbers allows other sizes`,
  );
}

/** The network of a file, at a resolution that the file may leave open. */
async function readResized(
  path: string,
  resolution: Pair | undefined,
  outputs: readonly string[] | undefined,
): Promise<Network> {
  const read = (options: ReadOptions) =>
    readFrom(path, '--network, --alpha, --resolution', { ...options, ...(outputs && { outputs }) });
  if (resolution === undefined) return read({});
  try {
    return await read({ resolution });
  } catch (error) {
    if (!(error instanceof ShapeError) || path === '-') throw error;
    return resized(await read({}), resolution); // whose error says the smallest size
  }
}

/** The file that is meant, or undefined for published weights: a file of that name, whatever it holds, goes before the name. */
function modelFile(source: string): string | undefined {
  if (source === '-') return source;
  expectNoAddress(source);
  const found = statSync(source, { throwIfNoEntry: false });
  if (found?.isDirectory()) return modelInFolder(source);
  if (found !== undefined) return source;
  if (findRelease(source) !== undefined) return undefined;
  const release = findRelease(source.replace(/^.*[\\/]/, '').replace(/\.\w+$/, ''));
  if (release !== undefined) {
    throw new FormatError(
      `${source}: there is no such file or folder; --model ${release.name} fetches published weights`,
    );
  }
  if (looksLikeFile(source)) return source; // whose reader says that it is not there
  throw new UsageError(
    `there are no published weights called '${source}', and no such file; similar names: ${similarReleases(source).join(', ')}; depthwise models lists all`,
  );
}

/** What a training run or TensorFlow.js leaves in a folder. */
function modelInFolder(folder: string): string {
  const file = ['model.safetensors', 'model.json'].map((name) => join(folder, name)).find((path) => existsSync(path));
  if (file !== undefined) return file;
  throw new FormatError(`${folder}: is a folder, not a file, and holds neither model.safetensors nor model.json`);
}

/** `flags`: those that complete a file of weights alone. */
async function readFrom(path: string, flags: string, options: ReadOptions = {}): Promise<Network> {
  try {
    if (path !== '-') return await readNetworkFile(path, options);
    const { name, bytes } = await readFileOrInput(path, 'the model');
    return await readNetwork(bytes, { ...options, fileName: name });
  } catch (error) {
    if (error instanceof UsageError) throw new UsageError(`${error.message}: ${flags}${await guess(path)}`);
    if (error instanceof FormatError && options.architecture) {
      throw new FormatError(`${error.message}${await guess(path)}`, { cause: error });
    }
    throw error;
  }
}

/** What the weights of a file look like, for the end of an error. */
async function guess(path: string): Promise<string> {
  const found = await lookalikeOf(path);
  return found === undefined
    ? ''
    : `\nThese look like the weights of ${found.title}: --network ${found.architecture} --alpha ${found.alpha}`;
}

/** The network for pictures of another size. Throws a UsageError with the smallest that it takes. */
function resized(network: Network, size: Pair): Network {
  const at = (size: Pair): Network | DepthwiseError => {
    try {
      return atResolution(network, size);
    } catch (error) {
      if (error instanceof DepthwiseError) return error;
      throw error;
    }
  };
  const found = at(size);
  if (!(found instanceof DepthwiseError)) return found;
  const [, height, width] = network.inputs[0].shape;
  const least = Array.from({ length: Math.min(height, width) }, (_, i) => i + 1).find(
    (side) => !(at([side, side]) instanceof DepthwiseError),
  );
  if (!(found instanceof ShapeError) || least === undefined || Math.min(...size) >= least) {
    throw new UsageError(`--resolution ${size.join('x')}: ${found.message}`);
  }
  throw new UsageError(
    `--resolution: ${network.name} wants pictures of ${least} x ${least} or more, found ${size.join(' x ')}`,
  );
}

/** The published network, from the cache or the net. Ctrl-C leaves what has arrived to the next call. */
async function pretrained(name: string, labelled: boolean): Promise<Network> {
  const progress = await startProgress('download');
  const stop = new AbortController();
  const forget = onEndingSignal((signal) =>
    stop.abort(new Interruption('interrupted; the next call continues the download', signal)),
  );
  try {
    return await loadPretrained(name, {
      signal: stop.signal,
      ...(!labelled && { labels: false }),
      onProgress: (done, total) => progress.at(total ? done / total : 0, `${name}, ${formatBytes(done)}`),
    });
  } finally {
    forget();
    progress.stop();
  }
}

/**
 * The network with the preprocessing of `--preset` and the part of pictures that `--crop` says, if they are given. That a preset takes the
 * place of the file's own rules is said on stderr.
 */
export function prepared(network: Network, { preset, crop }: Pick<ModelFlags, 'preset' | 'crop'>): Network {
  const own = network.conventions.preprocessing;
  const stated = preset === undefined ? own : presetFor(network, preset);
  if (preset !== undefined && own !== undefined && !isDeepStrictEqual(withoutAssumed(own), stated)) {
    note(`--preset ${preset}: other rules than those that ${network.name} states, and in their place`);
  }
  if (crop !== undefined && stated === undefined) {
    throw new UsageError(
      `--crop: ${network.name} does not say how its pictures are prepared otherwise; wanted --preset too`,
    );
  }
  const preprocessing = crop && stated ? cropped(stated, crop) : stated;
  return preprocessing === undefined ? network : { ...network, conventions: { ...network.conventions, preprocessing } };
}

function withoutAssumed({ assumed: _, ...rules }: Preprocessing): Preprocessing {
  return rules;
}

/** What the caller says is no longer assumed. */
function cropped(preprocessing: Preprocessing, crop: CropRule): Preprocessing {
  const assumed = preprocessing.assumed?.filter((rule) => rule !== 'crop');
  return { ...withoutAssumed(preprocessing), crop, ...(assumed?.length && { assumed }) };
}
