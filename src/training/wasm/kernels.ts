/**
 * The trainer's kernels: the functions of assembly/training/index.ts, and two in TypeScript (typescript-kernels.ts). Layouts stand at the head of each file
 * of `assembly/training/`.
 */
import type { Kernels, KernelTable } from '../../wasm/kernel-table.js';

const KERNEL_AND_STRIDES = 'i32 kernelHeight, i32 kernelWidth, i32 strideY, i32 strideX';

const WINDOW = `${KERNEL_AND_STRIDES}, i32 dilationY, i32 dilationX` as const;

const PATCHES =
  `i32 images, i32 rows, i32 columns, i32 channels, ${WINDOW}, i32 top, i32 left, i32 outRows, i32 outColumns` as const;

const NORMALISATION = 'reads gamma, reads beta, f32 epsilon, f32 lo, f32 hi';

export const WASM_KERNELS = {
  product: {
    does: 'Y = X · W, or Y += X · W',
    operands: [
      'reads x, bytes xGroup, i32 pixels, i32 groups, reads weights, i32 panels, updates y, bytes yGroup',
      'i32 accumulate',
    ],
    split: { along: 'panels', advance: { weights: '256 groups', y: 'yGroup' } },
  },
  weightGradient: {
    does: 'dW = Xᵀ · dY',
    operands: ['reads x, bytes xGroup, i32 pixels, i32 groups, reads dy, bytes yGroup, i32 panels, writes dw'],
    split: { along: 'panels', advance: { dy: 'yGroup', dw: '256 groups' } },
  },
  normalise: {
    does: 'batch norm with the batch’s statistics, which it leaves in mean and variance; clamp',
    operands: [
      'reads z, bytes group, i32 groups, i32 images, i32 rows, i32 columns',
      NORMALISATION,
      'writes y, bytes yGroup, bytes yImage, bytes yRow, writes mean, writes variance',
    ],
    split: {
      along: 'groups',
      advance: { z: 'group', gamma: '32', beta: '32', y: 'yGroup', mean: '32', variance: '32' },
    },
  },
  normaliseBackward: {
    does: 'gradients of batch norm and clamp, by the input, gamma and beta',
    operands: [
      'reads dy, reads z, bytes group, i32 groups, i32 images, i32 rows, i32 columns',
      NORMALISATION,
      'reads mean, reads variance, writes dz, bytes dzGroup, bytes dzImage, bytes dzRow, writes dgamma',
      'writes dbeta',
    ],
    split: {
      along: 'groups',
      advance: {
        ...{ dy: 'group', z: 'group', gamma: '32', beta: '32', mean: '32', variance: '32' },
        ...{ dz: 'dzGroup', dgamma: '32', dbeta: '32' },
      },
    },
  },
  depthwiseGroups: {
    does: 'depthwise convolution; with stride 1 also its gradient by the input, on turned filters',
    operands: [
      'reads x, bytes xGroup, bytes xImage, bytes xRow, i32 groups, i32 images, reads weights',
      WINDOW,
      'i32 rows, i32 columns, writes z, bytes zGroup',
    ],
    split: { along: 'groups', advance: { x: 'xGroup', weights: '32 kernelHeight kernelWidth', z: 'zGroup' } },
  },
  depthwiseWeightGradient: {
    does: 'gradient of a depthwise convolution by its weights',
    operands: [
      'reads x, bytes xGroup, bytes xImage, bytes xRow, i32 groups, i32 images, reads dz, bytes dzGroup',
      'bytes dzImage, bytes dzRow',
      WINDOW,
      'i32 rows, i32 columns, writes dw',
    ],
    split: { along: 'groups', advance: { x: 'xGroup', dz: 'dzGroup', dw: '32 kernelHeight kernelWidth' } },
  },
  depthwiseInputGradient: {
    does: 'gradient of a depthwise convolution by its input, for strides above 1',
    operands: [
      'reads dz, bytes dzGroup, i32 groups, i32 images, i32 outRows, i32 outColumns, reads weights',
      KERNEL_AND_STRIDES,
      'i32 top, i32 left, i32 rows, i32 columns, writes dx, bytes dxGroup',
    ],
    split: { along: 'groups', advance: { dz: 'dzGroup', weights: '32 kernelHeight kernelWidth', dx: 'dxGroup' } },
  },
  toPatches: {
    does: 'the windows of a convolution as rows of a matrix',
    operands: ['reads x, bytes xGroup', PATCHES, 'writes patches, bytes patchGroup'],
    split: { along: 'images', advance: { x: '32 rows columns', patches: '32 outRows outColumns' } },
  },
  addPatches: {
    does: 'adds gradients of windows to the pixels that they came from',
    operands: ['reads patches, bytes patchGroup', PATCHES, 'updates dx, bytes dxGroup'],
    split: { along: 'images', advance: { patches: '32 outRows outColumns', dx: '32 rows columns' } },
  },
  clampForward: {
    does: 'y = min(max(x, lo), hi)',
    operands: ['reads x, bytes bytes, f32 lo, f32 hi, writes y'],
    split: { along: 'bytes', by: 16, advance: { x: '16', y: '16' } },
  },
  fakeQuantize: {
    does: 'x = scale · min(max(x / scale, lo), hi), rounded in between',
    operands: ['updates x, bytes bytes, f32 scale, f32 lo, f32 hi'],
    split: { along: 'bytes', by: 16, advance: { x: '16' } },
  },
  clampBackward: {
    does: 'gradient of the clamp',
    operands: ['reads dy, reads x, bytes bytes, f32 lo, f32 hi, writes dx'],
    split: { along: 'bytes', by: 16, advance: { dy: '16', x: '16', dx: '16' } },
  },
  addMaps: {
    does: 'y = a + b',
    operands: ['reads a, reads b, bytes bytes, writes y'],
    split: { along: 'bytes', by: 16, advance: { a: '16', b: '16', y: '16' } },
  },
  zeroBytes: {
    does: 'zeros',
    operands: ['writes y, bytes bytes'],
    split: { along: 'bytes', by: 16, advance: { y: '16' } },
  },
  copyBytes: {
    does: 'a copy',
    operands: ['reads x, bytes bytes, writes y'],
    split: { along: 'bytes', by: 16, advance: { x: '16', y: '16' } },
  },
  copyRows: {
    does: 'a map without margins into one with them',
    operands: [
      'reads x, bytes group, i32 groups, i32 images, i32 rows, i32 columns, writes y, bytes yGroup',
      'bytes yImage, bytes yRow',
    ],
    split: { along: 'groups', advance: { x: 'group', y: 'yGroup' } },
  },
  biasForward: {
    does: 'every pixel becomes the bias',
    operands: ['reads bias, i32 groups, i32 pixels, writes y, bytes group'],
    split: { along: 'groups', advance: { bias: '32', y: 'group' } },
  },
  biasGradient: {
    does: 'sum of the gradients of all pixels',
    operands: ['reads dy, bytes group, i32 groups, i32 pixels, writes db'],
    split: { along: 'groups', advance: { dy: 'group', db: '32' } },
  },
  poolForward: {
    does: 'mean over the pixels of each image',
    operands: ['reads x, bytes xGroup, i32 groups, i32 images, i32 pixels, writes y, bytes yGroup'],
    split: { along: 'groups', advance: { x: 'xGroup', y: 'yGroup' } },
  },
  poolBackward: {
    does: 'gradient of that mean',
    operands: ['reads dy, bytes yGroup, i32 groups, i32 images, i32 pixels, writes dx, bytes xGroup'],
    split: { along: 'groups', advance: { dy: 'yGroup', dx: 'xGroup' } },
  },
  packWeights: {
    does: 'a matrix [K, O] into panels for `product`',
    operands: ['reads matrix, i32 rows, i32 columns, writes panels'],
  },
  packTransposedWeights: {
    does: 'its transpose [O, K] into panels, for the gradient by the input',
    operands: ['reads matrix, i32 rows, i32 columns, writes panels'],
  },
  unpackWeights: {
    does: 'panels into a matrix [K, O]: a weight gradient for the optimiser',
    operands: ['reads panels, i32 rows, i32 columns, writes matrix'],
  },
  turnFilters: {
    does: 'depthwise filters turned by 180°',
    operands: ['reads filters, i32 groups, i32 taps, writes turned'],
    split: { along: 'groups', advance: { filters: '32 taps', turned: '32 taps' } },
  },
  toGroups: {
    does: 'NHWC to groups',
    operands: ['reads picture, i32 pixels, i32 channels, writes groups, bytes group'],
    split: { along: 'pixels', advance: { picture: '4 channels', groups: '32' } },
  },
  fromGroups: {
    does: 'groups to NHWC',
    operands: ['reads groups, bytes group, i32 pixels, i32 channels, writes picture'],
    split: { along: 'pixels', advance: { groups: '32', picture: '4 channels' } },
  },
} as const satisfies KernelTable;

/** In TypeScript: their numbers are few beside a convolution's. */
export const TYPESCRIPT_KERNELS = {
  dropout: {
    does: 'drops numbers by the mask of the step’s seed plus `index`',
    operands: ['reads x, bytes xGroup, i32 pixels, i32 channels, f64 rate, i32 index, writes y, bytes yGroup'],
  },
  crossEntropy: {
    does: 'loss of the step’s targets, and its gradient by the logits',
    operands: ['reads logits, bytes logitsGroup, i32 images, i32 channels, writes gradient, bytes gradientGroup'],
  },
} as const satisfies KernelTable;

export type WasmKernels = Kernels<typeof WASM_KERNELS>;
export type TypescriptKernels = Kernels<typeof TYPESCRIPT_KERNELS>;
export type TrainingKernelTable = typeof WASM_KERNELS & typeof TYPESCRIPT_KERNELS;
