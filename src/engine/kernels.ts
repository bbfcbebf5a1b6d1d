/** The WASM kernels as TypeScript sees them. Their meaning and layouts stand at the head of each file of `assembly/`. */

export const KERNELS = [
  'pointwise',
  'pointwisePixel',
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

/** A memory just large enough for `bytes`, and the kernels bound to it. The memory never grows. */
export function instantiate(
  module: WebAssembly.Module,
  bytes: number,
): { memory: WebAssembly.Memory; kernels: Kernels } {
  const pages = Math.max(Math.ceil(bytes / PAGE), 1);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  const instance = new WebAssembly.Instance(module, { env: { memory } });
  return { memory, kernels: instance.exports as unknown as Kernels };
}
