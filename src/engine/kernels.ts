/** The WASM kernels as TypeScript sees them. Their meaning and layouts stand at the head of each file of `assembly/`. */
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
