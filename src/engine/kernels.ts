/** The WASM kernels as TypeScript sees them. Their meaning and layouts stand at the head of each file of `assembly/`. */
import { NetworkError } from '../errors.js';

export const KERNELS = [
  'pointwise',
  'convolution',
  'depthwise',
  'dense',
  'clampAll',
  'addAll',
  'affine',
  'sigmoid',
  'softmax',
  'argMax',
  'pool',
  'globalAveragePool',
  'resizeBilinear',
  'packPanels',
  'nhwcToQuads',
  'quadsToNhwc',
  'nhwcToPlanes',
  'copyRuns',
  'repeatChannels',
  'padPicture',
  'zeroMargins',
] as const;

export type KernelName = (typeof KERNELS)[number];

/** All kernels take numbers (addresses, sizes, bounds) and return nothing. */
export type Kernel = (...args: number[]) => void;

export type Kernels = Readonly<Record<KernelName, Kernel>>;

const PAGE = 65536;

/** A memory just large enough for `bytes`. It never grows. Throws a NetworkError, beginning with `where`, if there is no such memory. */
export function allocate(where: string, bytes: number): WebAssembly.Memory {
  const pages = Math.max(Math.ceil(bytes / PAGE), 1);
  try {
    return new WebAssembly.Memory({ initial: pages, maximum: pages });
  } catch (error) {
    const size = `${Math.ceil(bytes / 2 ** 20)} MiB of WASM memory`;
    throw new NetworkError(`${where}: it needs ${size}, which this machine refuses (${(error as Error).message})`);
  }
}

/**
 * The kernels, bound to a memory. Asynchronous, since older browsers refuse to make an instance of more than 4 kB at once on a page's main
 * thread.
 */
export async function instantiate(module: WebAssembly.Module, memory: WebAssembly.Memory): Promise<Kernels> {
  const { exports } = await WebAssembly.instantiate(module, { env: { memory } });
  return exports as unknown as Kernels;
}
