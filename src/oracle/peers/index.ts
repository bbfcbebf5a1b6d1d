/** Other runtimes on the same model file. For Node alone: they are packages that the user has installed. */
import { DepthwiseError, FormatError, UsageError } from '../../errors.js';
import type { PeerModel, PeerOptions } from './peer.js';

export { Packages } from './packages.js';
export type { PeerAnswer, PeerModel, PeerOptions } from './peer.js';

interface Peer {
  /** Of the files that it runs. */
  readonly ending: string;
  readonly open: (path: string, options?: PeerOptions) => Promise<PeerModel>;
}

const peers = {
  litert: { ending: '.tflite', open: async (path, options) => (await import('./litert.js')).openLitert(path, options) },
  tfjs: { ending: '.json', open: async (path, options) => (await import('./tfjs.js')).openTfjs(path, options) },
  onnxruntime: {
    ending: '.onnx',
    open: async (path, options) => (await import('./onnxruntime.js')).openOnnxruntime(path, options),
  },
} satisfies Record<string, Peer>;

export type PeerName = keyof typeof peers;

export const peerNames = Object.keys(peers) as readonly PeerName[];

/**
 * Opens a model file with this library and with another runtime. Throws a UsageError where the runtime is not installed or runs no such
 * files, a FormatError for a file that this library does not read; `run` throws one for a file that the runtime refuses.
 */
export async function openPeer(name: PeerName, path: string, options?: PeerOptions): Promise<PeerModel> {
  const { ending, open }: Peer = peers[name];
  if (!path.toLowerCase().endsWith(ending)) {
    throw new UsageError(
      `${name} runs ${ending} files, and '${path}' is none: convert it first, or ask another runtime`,
    );
  }
  const { network, runtime, run } = await open(path, options);
  return { network, runtime, run: (inputs) => run(inputs).catch((error) => refused(error, runtime, path)) };
}

/** What the runtime throws is its own business, and neither this library's fault nor the caller's. */
function refused(cause: unknown, runtime: string, path: string): never {
  if (cause instanceof DepthwiseError) throw cause;
  const message = cause instanceof Error ? cause.message : String(cause);
  throw new FormatError(`${path}: ${runtime} does not run it: ${message}`, { cause });
}
