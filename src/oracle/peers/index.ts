/** Other runtimes on the same model file. For Node alone: they are packages that the user has installed. */
import { DepthwiseError, FormatError, UsageError } from '../../errors.js';
import { readFile, readTfjsFiles } from '../../formats/files.js';
import { type TfjsFiles, writeTfjs } from '../../formats/index.js';
import { writeOnnx } from '../../formats/onnx.js';
import { writeTflite } from '../../formats/tflite.js';
import type { Network } from '../../network/index.js';
import { inOurLayout } from '../layouts.js';
import { matchNames } from '../names.js';
import type { OnnxFiles, OnnxruntimePackage } from './onnxruntime.js';
import type { IntegerPeer, PeerModel, PeerOptions } from './peer.js';
import type { TfjsBackend } from './tfjs.js';

export { Packages } from './packages.js';
export type { PeerAnswer, PeerModel, PeerOptions } from './peer.js';

/** A runtime, by the format of its files. What is read or written is asked for only once the runtime is known to be installed. */
interface Peer<Files> {
  readonly ending: string;
  readonly open: (read: () => Promise<Files>, path: string, options?: PeerOptions) => Promise<PeerModel>;
  /** Undefined for a file of real numbers. */
  readonly openIntegers?: (
    read: () => Promise<Files>,
    path: string,
    options?: PeerOptions,
  ) => Promise<IntegerPeer | undefined>;
  readonly read: (path: string) => Promise<Files>;
  readonly write: (network: Network) => Promise<Files>;
}

/** What becomes of `Files` concerns nobody but the runtime itself. */
const asPeer = <Files>(peer: Peer<Files>): Peer<unknown> => peer as Peer<unknown>;

const tfjs = (backend: TfjsBackend): Peer<TfjsFiles> => ({
  ending: '.json',
  open: async (read, path, options) => (await import('./tfjs.js')).openTfjs(read, path, options, backend),
  read: readTfjsFiles,
  write: writeTfjs,
});

const onnxruntime = (only?: OnnxruntimePackage): Peer<OnnxFiles> => ({
  ending: '.onnx',
  open: async (read, path, options) => (await import('./onnxruntime.js')).openOnnxruntime(read, path, options, only),
  openIntegers: async (read, path, options) =>
    (await import('./onnxruntime.js')).openOnnxruntimeIntegers(read, path, options, only),
  read: async (path) => (await import('./onnxruntime.js')).readOnnxFiles(path),
  write: async (network) => ({ bytes: await writeOnnx(network), external: new Map() }),
});

const peers = {
  litert: asPeer({
    ending: '.tflite',
    open: async (...given) => (await import('./litert.js')).openLitert(...given),
    openIntegers: async (...given) => (await import('./litert.js')).openLitertIntegers(...given),
    read: readFile,
    write: writeTflite,
  }),
  tfjs: asPeer(tfjs('cpu')),
  'tfjs-wasm': asPeer(tfjs('wasm')),
  onnxruntime: asPeer(onnxruntime()),
  'onnxruntime-web': asPeer(onnxruntime('onnxruntime-web')),
};

export type PeerName = keyof typeof peers;

export const peerNames = Object.keys(peers) as readonly PeerName[];

/**
 * Opens a model file with this library and with another runtime. Throws a UsageError where the runtime is not installed or runs no such
 * files, a FormatError for a file that this library does not read; `run` throws one for a file that the runtime refuses.
 */
export async function openPeer(name: PeerName, path: string, options?: PeerOptions): Promise<PeerModel> {
  const { ending, open, read } = peers[name];
  if (!path.toLowerCase().endsWith(ending)) {
    throw new UsageError(
      `${name} runs ${ending} files, and '${path}' is none: convert it first, or ask another runtime`,
    );
  }
  return withItsErrors(await open(() => read(path), path, options), path);
}

/** A quantised file, opened by this library and by another runtime; undefined for others, and for what the runtime does not read. */
export async function openIntegerPeer(
  name: PeerName,
  path: string,
  options?: PeerOptions,
): Promise<IntegerPeer | undefined> {
  const { ending, openIntegers, read } = peers[name];
  const peer = path.toLowerCase().endsWith(ending) ? await openIntegers?.(() => read(path), path, options) : undefined;
  return peer && { ...peer, run: (inputs) => peer.run(inputs).catch((error) => refused(error, peer.runtime, path)) };
}

/**
 * Opens a network with another runtime, as a file of its format that this library writes. The answers are by the names of `network`. Throws a
 * NetworkError for layers that the format does not have.
 */
export async function openInPeer(name: PeerName, network: Network, options?: PeerOptions): Promise<PeerModel> {
  const { ending, open, write } = peers[name];
  const path = `${network.name}${ending}`;
  const peer = withItsErrors(await open(() => write(network), path, options), path);
  return {
    network,
    runtime: peer.runtime,
    async run(inputs) {
      const values = network.inputs.map((input) => inputs.get(input.name)!);
      const theirInputs = new Map(peer.network.inputs.map((input, at) => [input.name, values[at]]));
      const { tensors, theirNames } = await peer.run(theirInputs);
      const matched = matchNames(network, tensors);
      return {
        // Files may keep axes of size 1 in other places.
        tensors: inOurLayout(network, inputs, matched.tensors, 'nhwc'),
        theirNames: new Map([...matched.theirNames].map(([ours, file]) => [ours, theirNames.get(file) ?? file])),
      };
    },
  };
}

const withItsErrors = ({ network, runtime, run }: PeerModel, path: string): PeerModel => ({
  network,
  runtime,
  run: (inputs) => run(inputs).catch((error) => refused(error, runtime, path)),
});

/** What the runtime throws is its own business, and neither this library's fault nor the caller's. */
function refused(cause: unknown, runtime: string, path: string): never {
  if (cause instanceof DepthwiseError) throw cause;
  const message = cause instanceof Error ? cause.message : String(cause);
  throw new FormatError(`${path}: ${runtime} does not run it: ${message}`, { cause });
}
